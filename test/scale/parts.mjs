/**
 * Makes folders of results as shards of `relprop evaluate` leave them, of images that nobody has measured: to see how
 * `relprop merge` and the report do with very many. The same line makes the same bytes.
 *
 *     node test/scale/parts.mjs FOLDER [--images N] [--shards N] [--methods N] [--points N]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const METRICS = ["morf", "relevanceGain", "gini"];

/** Numbers that look like chance, from 0 to 1. Source: Marsaglia 2003, *Xorshift RNGs*. */
function chance(seed) {
  let word = Math.imul(seed + 1, 0x9e3779b9) | 1;
  return () => {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    return (word >>> 0) / 2 ** 32;
  };
}

const settingsOf = (images, methods) => ({
  relprop: "0.0.0",
  command: "relprop evaluate net.onnx data.npy --out DIR",
  node: process.version,
  model: { file: "net.onnx", sha256: "a".repeat(64) },
  data: { path: "data.npy", kind: "npy", sha256: "b".repeat(64), images },
  target: "argmax",
  methods: Array.from({ length: methods }, (_, i) => `method${i + 1}`),
  metrics: METRICS,
  perturbation: { region: 1 },
  pictures: 8,
  seed: 0,
  options: {},
});

/** Every seventh gini is undefined; the values of methods differ by less than those of images. */
function partOf(image, methods, points) {
  const next = chance(image);
  const height = 4 + 8 * next();
  const curve = (fall) => Array.from({ length: points }, (_, m) => Number((height - fall * m * next()).toPrecision(9)));
  const random = curve(0.3);
  return {
    image,
    name: `#${image}`,
    label: { index: image % 10 },
    predicted: { index: next() < 0.8 ? image % 10 : 0, logit: height },
    replaced: points > 0 ? Array.from({ length: points }, (_, m) => 10 * m) : undefined,
    methods: methods.map((method, i) => {
      const isUndefined = (image + i) % 7 === 0;
      return {
        method,
        values: { morf: height * next(), relevanceGain: i / 50 + next() ** 2, gini: isUndefined ? null : next() },
        missing: isUndefined ? { gini: "all relevance is 0" } : {},
        curves: points > 0 ? { morf: curve(1 + i / 10), lerf: curve(0.1), random } : {},
      };
    }),
  };
}

/** The folders of the shards, by path. */
export function makeParts(folder, { images, shards = 1, methods = 2, points = 0 }) {
  const settings = settingsOf(images, methods);
  return Array.from({ length: shards }, (_, shard) => {
    const dir = join(folder, `shard${shard + 1}`);
    mkdirSync(join(dir, "parts"), { recursive: true });
    writeFileSync(join(dir, "settings.json"), `${JSON.stringify(settings, undefined, 1)}\n`);
    for (let image = shard; image < images; image += shards) {
      const text = `${JSON.stringify(partOf(image, settings.methods, points), undefined, 1)}\n`;
      writeFileSync(join(dir, "parts", `${String(image).padStart(5, "0")}.json`), text);
    }
    return dir;
  });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const number = { type: "string" };
  const options = { images: number, shards: number, methods: number, points: number };
  const { positionals, values } = parseArgs({ allowPositionals: true, options });
  const numbers = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, Number(text)]));
  for (const dir of makeParts(positionals[0], { images: 1_000_000, ...numbers })) console.log(dir);
}
