import { createHash } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { sampleOf } from "../../evaluate/index.ts";
import { misuse, usage } from "../../base/error.ts";
import type { Tensor } from "../../entries/index.ts";
import { type Content, contentOf } from "../content.ts";
import { fileKind } from "../file-kind.ts";
import { foreseen, parseJson, readBytes, readTextIfThere } from "../files.ts";
import { holdsArray, readArray } from "../../read/npz.ts";

/** One image of a data set: a picture, which is prepared for the network, or numbers, which are taken as they are. */
export interface Sample {
  /** The file's name, or "#12". */
  readonly name: string;
  readonly label?: number;
  readonly content: Content;
}

/** Images in an order that stays. */
export interface Dataset {
  readonly kind: string;
  /** Of everything in it. */
  readonly sha256: string;
  readonly count: number;
  read(index: number): Promise<Sample>;
  /** The file that has it, and which of the images in it it is: none where the file is the image. */
  place(index: number): { readonly path: string; readonly index?: number };
}

const WHAT = "a folder of pictures or .npy files, an idx file, a CIFAR-10 binary, or a .npy file of [n, …]";

async function folder(path: string, maxPixels: number | undefined): Promise<Dataset> {
  const where = `folder '${path}'`;
  const names = (await foreseen(where, WHAT, () => readdir(path)))
    .filter((name) => /\.(png|jpe?g|webp|np[yz])$/i.test(name))
    .sort();
  if (names.length === 0) throw misuse(where, "it has no pictures and no .npy or .npz files");
  const hash = createHash("sha256");
  for (const name of names) {
    const bytes = await readBytes(join(path, name), "a picture or a .npy array");
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return {
    kind: "folder",
    sha256: hash.digest("hex"),
    count: names.length,
    async read(index) {
      const name = names[index];
      const file = join(path, name);
      return { name, content: contentOf(await readBytes(file, "a picture or a .npy array"), file, { maxPixels }) };
    },
    place: (index) => ({ path: join(path, names[index]) }),
  };
}

type Labels = ArrayLike<number> | undefined;

interface Images {
  readonly count: number;
  readonly labels?: Labels;
  content(index: number): Content;
}

/** A kind of file with many images. */
interface Format {
  readonly kind: string;
  matches(bytes: Uint8Array, path: string): boolean;
  open(bytes: Uint8Array, path: string): Images;
  /** Labels from a file beside it. */
  beside?(count: number, path: string): Promise<Labels>;
}

const broken = (path: string, expected: string, received: string) => usage(`file '${path}'`, expected, received);

/** Labels from a file beside the images, one for each. */
function checkLabels<T extends ArrayLike<unknown>>(labels: T, count: number, path: string): T {
  if (labels.length === count && Array.from(labels).every((v) => Number.isInteger(v) && (v as number) >= 0))
    return labels;
  throw broken(path, `${count} labels, whole numbers from 0`, `${labels.length} values`);
}

const npy: Format = {
  kind: "npy",
  matches: holdsArray,
  open(bytes, path) {
    const all = readArray(bytes, path);
    if (!(all.dims.length > 1 && all.data.length > 0))
      throw broken(path, "an array [n, …] of n inputs", `shape [${all.dims.join(", ")}]`);
    return { count: all.dims[0], content: (index) => ({ numbers: sampleOf(all, index) as Tensor }) };
  },
  async beside(count, path) {
    const beside = `${path.replace(/\.np[yz]$/i, "")}.labels.json`;
    const text = await readTextIfThere(beside);
    return text === undefined ? undefined : checkLabels(listOf(text, beside), count, beside);
  },
};

function listOf(text: string, path: string): number[] {
  const expected = "a JSON list of labels";
  const list = parseJson(text, path, expected);
  if (Array.isArray(list)) return list;
  throw broken(path, expected, "other JSON");
}

const IMAGES = 0x0803;
const LABELS = 0x0801;

/** The numbers behind an idx header of that magic number; source: LeCun, Cortes and Burges, the MNIST database. */
function idx(bytes: Uint8Array, magic: number, path: string): { sizes: number[]; data: Uint8Array } {
  const [header, axes] = [new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), magic & 0xff];
  if (bytes.length < 4 + 4 * axes || header.getUint32(0) !== magic)
    throw broken(path, "an idx file of bytes", "other content");
  const sizes = Array.from({ length: axes }, (_, i) => header.getUint32(4 + 4 * i));
  const data = bytes.subarray(4 + 4 * axes);
  const count = sizes.reduce((a, b) => a * b);
  if (data.length !== count || count === 0)
    throw broken(path, `${count} bytes of values for ${sizes.join(" x ")}`, `${data.length}`);
  return { sizes, data };
}

const mnist: Format = {
  kind: "idx",
  matches: (bytes) => bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8 && bytes[3] === 3,
  open(bytes, path) {
    const { sizes, data } = idx(bytes, IMAGES, path);
    const [count, height, width] = sizes;
    const area = height * width;
    return {
      count,
      content: (index) => ({ picture: { data: data.subarray(index * area, (index + 1) * area), width, height } }),
    };
  },
  async beside(count, path) {
    const beside = join(dirname(path), basename(path).replace("images-idx3", "labels-idx1"));
    const there = beside !== path && (await stat(beside).catch(() => undefined));
    return there ? checkLabels(idx(await unpacked(beside), LABELS, beside).data, count, beside) : undefined;
  },
};

const SIDE = 32;
const RECORD = 1 + 3 * SIDE * SIDE;

/** A label, then red, green and blue planes; source: Krizhevsky 2009. */
const cifar: Format = {
  kind: "cifar10",
  matches: (bytes, path) => /\.bin(\.gz)?$/i.test(path) && bytes.length > 0 && bytes.length % RECORD === 0,
  open(bytes) {
    const count = bytes.length / RECORD;
    return {
      count,
      labels: Uint8Array.from({ length: count }, (_, i) => bytes[i * RECORD]),
      content(index) {
        const planes = bytes.subarray(index * RECORD + 1, (index + 1) * RECORD);
        const data = planes.map((_, i) => planes[(i % 3) * SIDE * SIDE + Math.floor(i / 3)]);
        return { picture: { data, width: SIDE, height: SIDE } };
      },
    };
  },
};

const formats: readonly Format[] = [npy, mnist, cifar];

/** A file's bytes, out of gzip if they are in it. */
const unpacked = async (path: string): Promise<Uint8Array> => plainBytes(await readBytes(path, WHAT), path);

function plainBytes(bytes: Uint8Array, path: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (error) {
    throw broken(path, "a whole gzip file", (error as Error).message);
  }
}

function formatOf(bytes: Uint8Array, path: string): Format {
  const format = formats.find(({ matches }) => matches(bytes, path));
  if (format) return format;
  throw broken(path, WHAT, fileKind(bytes)?.name ?? "other content");
}

/** The images in a file that holds many; no other file is opened. @throws LrpError code "usage" for what is none */
export function imagesOf(packed: Uint8Array, path: string): Pick<Images, "count" | "content"> {
  const bytes = plainBytes(packed, path);
  return formatOf(bytes, path).open(bytes, path);
}

/**
 * The images of a folder, by name, or of a file that holds many.
 * @throws LrpError code "usage" for what is none, or damaged
 */
export async function openDataset(path: string, maxPixels?: number): Promise<Dataset> {
  const found = await foreseen(`data '${path}'`, WHAT, () => stat(path));
  if (found.isDirectory()) return folder(path, maxPixels);
  const bytes = await unpacked(path);
  const format = formatOf(bytes, path);
  const { count, content, labels: own } = format.open(bytes, path);
  const labels = own ?? (await format.beside?.(count, path));
  return {
    kind: format.kind,
    sha256: createHash("sha256")
      .update(bytes)
      .update(Array.from(labels ?? []).join())
      .digest("hex"),
    count,
    read: async (index) => ({ name: `#${index}`, label: labels?.[index], content: content(index) }),
    place: (index) => ({ path, index }),
  };
}
