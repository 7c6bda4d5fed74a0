/** Writes what the runs read, once: prepared images, networks whose LRN is changed, and photos. */
import { copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { writeNpy } from "../../../build/js/read/npy.js";
import { caffeMean, inputsOf, sources } from "../data.mjs";
import { withStrength } from "./lrn-file.mjs";
import { CIFAR, FACTORS, GOOGLENET } from "./networks.mjs";

const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

const there = (path) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Written under another name first: a file that is there is whole. */
export async function once(path, make) {
  if (await there(path)) return;
  await writeFile(`${path}.part`, await make());
  await rename(`${path}.part`, path);
}

export const networkFile = (key, factor) => (factor === 1 ? `${key}.onnx` : `${key}-x${factor}.onnx`);

/** Which images the changed networks are scaled on: the last ones, which no run reads. */
const SCALED_ON = [900, 950];

/** @returns by network, what 0 and 255 become in each channel */
export async function prepareData(source, to) {
  await mkdir(`${to}/photos`, { recursive: true });
  const file = (path) => readFile(`${source}/${path}`);
  const mean = await caffeMean(source);
  const sets = { unseen: await sources.cifarTest(source), lossless: await sources.cifarLossless(source) };
  for (const [key, network] of Object.entries(CIFAR)) {
    const bytes = await file(`models/${network.file}`);
    const inputs = ({ dims, picture }, first, end) =>
      inputsOf(numbers(first, end).map(picture), dims, network.value(mean));
    await once(`${to}/${networkFile(key, 1)}`, () => bytes);
    const scaledOn = numbers(...SCALED_ON).map((n) => inputs(sets.unseen, n, n + 1));
    for (const factor of FACTORS.filter((f) => f !== 1))
      await once(`${to}/${networkFile(key, factor)}`, () => withStrength(bytes, network, factor, scaledOn));
    for (const [name, set] of Object.entries(sets)) {
      await once(`${to}/${key}-${name}.labels.json`, () => JSON.stringify(numbers(0, set.count).map(set.label)));
      await once(`${to}/${key}-${name}.npy`, () => writeNpy(inputs(set, 0, set.count)));
    }
  }
  await once(`${to}/googlenet.onnx`, () => file(`models/${GOOGLENET.file}`));
  for (const name of (await readdir(`${source}/images`)).filter((n) => /\.(jpg|png)$/.test(n)))
    await copyFile(`${source}/images/${name}`, `${to}/photos/${name}`);
  return Object.fromEntries(Object.entries(CIFAR).map(([key, { range }]) => [key, range(mean)]));
}
