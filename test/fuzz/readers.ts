/*
 * npm run fuzz:readers [-- --files N --seed S --reader png|jpeg|webp|npy|npz|sidecar --keep FOLDER]
 *
 * Damages small pictures, arrays and sidecars, most of them so that checksums and structure still fit, and gives them
 * to their readers. Each must end in a result of the stated size or in an LrpError that names the file, at once and
 * within little memory. What does not is kept (build/fuzz unless given); then it ends with 1.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LrpError } from "../../src/base/error.ts";
import { readArray } from "../../src/read/npz.ts";
import { sidecarOf } from "../../src/cli/sidecar.ts";
import { decodeImage } from "../../src/entries/image.ts";
import { imageSize } from "../../src/picture/image/parts.ts";
import { type Draw, drawing } from "./mutate.ts";
import { changedJpeg, changedJson, changedNpy, changedNpz, changedPng, changedWebp, seeds } from "./readers-files.ts";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    reader: { type: "string" },
    keep: { type: "string", default: "build/fuzz" },
  },
});
const [files, first] = [values.files, values.seed].map(Number);
for (const [name, value] of Object.entries({ files, seed: first }))
  if (!(Number.isInteger(value) && value > 0)) throw new Error(`--${name}: a whole number above 0`);

/** Of one file, and what the process may hold while it reads them. */
const [MOST_PIXELS, MOST_MS, MOST_BYTES] = [2 ** 16, 1000, 600e6];
const NAME = "the file's name";

interface Reader {
  readonly ending: string;
  readonly seeds: readonly Uint8Array[];
  readonly change: (file: Uint8Array, draw: Draw) => Uint8Array;
  /** The bytes of what was read, to be compared; a fault where it is not as it must be. */
  readonly read: (file: Uint8Array) => Uint8Array;
}

const fault = (text: string) => {
  throw new Error(text);
};

function picture(file: Uint8Array): Uint8Array {
  const { data, width, height } = decodeImage(file, { name: NAME, maxPixels: MOST_PIXELS });
  const stated = imageSize(file) ?? fault("decoded without a size");
  if (data.length !== 4 * width * height) fault(`${data.length} values for ${width} x ${height}`);
  const upright = width === stated.width && height === stated.height;
  const turned = width === stated.height && height === stated.width;
  if (!(upright || turned) || width * height > MOST_PIXELS) fault(`${width} x ${height}, stated otherwise`);
  return Buffer.from(data.buffer, data.byteOffset, data.length);
}

function array(file: Uint8Array): Uint8Array {
  const { data, dims } = readArray(file, NAME, "input");
  if (data.length !== dims.reduce((a, b) => a * b, 1)) fault(`${data.length} values for [${dims}]`);
  return new Uint8Array(data.buffer);
}

const readers: Readonly<Record<string, Reader>> = {
  png: { ending: "png", seeds: seeds.png, change: changedPng, read: picture },
  jpeg: { ending: "jpg", seeds: seeds.jpeg, change: changedJpeg, read: picture },
  webp: { ending: "webp", seeds: seeds.webp, change: changedWebp, read: picture },
  npy: { ending: "npy", seeds: seeds.npy, change: changedNpy, read: array },
  npz: { ending: "npz", seeds: seeds.npz, change: changedNpz, read: array },
  sidecar: {
    ending: "json",
    seeds: seeds.sidecar,
    change: changedJson,
    read(file) {
      const { preprocess, classes } = sidecarOf(new TextDecoder().decode(file), NAME);
      if (classes?.some((name) => typeof name !== "string")) fault("classes that are no names");
      return Buffer.from(JSON.stringify({ preprocess, classes }));
    },
  },
};

/** "read", or how it was refused; another error is a finding. */
function outcomeOf({ read }: Reader, file: Uint8Array): "read" | "refused" {
  const start = performance.now();
  const once = attempt(read, file);
  const ms = performance.now() - start;
  if (ms > MOST_MS) fault(`${ms.toFixed(0)} ms`);
  if (once === undefined) return "refused";
  const again = attempt(read, file);
  if (!again || Buffer.compare(once, again) !== 0) fault("another result, read again");
  return "read";
}

function attempt(read: Reader["read"], file: Uint8Array): Uint8Array | undefined {
  try {
    return read(file);
  } catch (error) {
    if (!(error instanceof LrpError)) throw error;
    if (!["usage", "memory"].includes(error.code)) fault(`code ${error.code}: ${error.message}`);
    if (!error.message.includes(NAME)) fault(`an error that does not name the file: ${error.message}`);
    return undefined;
  }
}

let findings = 0;
for (const [name, reader] of Object.entries(readers)) {
  if (values.reader !== undefined && values.reader !== name) continue;
  const began = performance.now();
  const counts = { read: 0, refused: 0 };
  const before = process.memoryUsage.rss();
  for (let i = 0; i < files; i++) {
    const draw = drawing(first + i);
    const file = reader.change(draw.of(reader.seeds), draw);
    try {
      counts[outcomeOf(reader, file)]++;
      if (i % 64 === 0 && process.memoryUsage.rss() - before > MOST_BYTES) fault("memory that grows");
    } catch (error) {
      findings++;
      mkdirSync(values.keep, { recursive: true });
      const path = join(values.keep, `${name}-${first + i}.${reader.ending}`);
      writeFileSync(path, file);
      console.log(`${name}, seed ${first + i}, kept as ${path}: ${error instanceof Error ? error.stack : error}`);
      if (findings > 20) process.exit(1);
    }
  }
  const seconds = (performance.now() - began) / 1000;
  const speed = `${seconds.toFixed(1)} s, ${(files / seconds).toFixed(0)} a second`;
  console.log(`${name}: ${files} files in ${speed}; ${counts.read} read, ${counts.refused} refused`);
}
if (findings > 0) process.exitCode = 1;
