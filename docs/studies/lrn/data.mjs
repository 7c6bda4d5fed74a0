/** Writes what the runs read, once: prepared images, networks whose LRN is changed, and photos. */
import { copyFile, mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { decode } from "fast-png";
import { writeNpy } from "../../../build/js/cli/npy.js";
import { withStrength } from "./lrn-file.mjs";
import { CIFAR, FACTORS, GOOGLENET } from "./networks.mjs";

const IMAGES = 1000;
const PIXELS = 3072;

const there = (path) => stat(path).then(() => true, () => false);

/** Written under another name first: a file that is there is whole. */
export async function once(path, make) {
  if (await there(path)) return;
  await writeFile(`${path}.part`, await make());
  await rename(`${path}.part`, path);
}

/** Caffe's BlobProto: field 5 of 12 288 bytes holds the mean image, f32[3, 32, 32], red first as CIFAR-10's own files are. */
function meanImage(bytes) {
  const at = bytes.indexOf(Buffer.from([0x2a, 0x80, 0x60])) + 3;
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + at, bytes.byteOffset + at + 4 * PIXELS));
}

function unseen(bytes) {
  const record = 1 + PIXELS;
  return Array.from({ length: IMAGES }, (_, n) => ({ label: bytes[n * record], pixels: bytes.subarray(n * record + 1, (n + 1) * record) }));
}

function lossless({ data, channels }, labels) {
  const pixelsOf = (n) => Uint8Array.from({ length: PIXELS }, (_, i) => data[(n * 1024 + (i % 1024)) * channels + Math.floor(i / 1024)]);
  return labels.map((label, n) => ({ label, pixels: pixelsOf(n) }));
}

export const networkFile = (key, factor) => (factor === 1 ? `${key}.onnx` : `${key}-x${factor}.onnx`);

/** Which images the changed networks are scaled on: the last ones, which no run reads. */
const SCALED_ON = [900, 950];

/** @returns by network, what 0 and 255 become in each channel */
export async function prepareData(source, to) {
  await mkdir(`${to}/photos`, { recursive: true });
  const file = (path) => readFile(`${source}/${path}`);
  const mean = meanImage(await file("models/cifar10_full_caffe/cifar10_mean.binaryproto"));
  const sets = {
    unseen: unseen(gunzipSync(await file("datasets/cifar10/cifar10_test_jpeg_1000.bin.gz"))),
    lossless: lossless(
      decode(await file("datasets/cifar10/cifar10_train_0-999_lossless.png")),
      JSON.parse(await file("datasets/cifar10/cifar10_train_0-999_labels.json")),
    ),
  };
  for (const [key, network] of Object.entries(CIFAR)) {
    const bytes = await file(`models/${network.file}`);
    const scaledOn = sets.unseen.slice(...SCALED_ON).map(({ pixels }) => ({ data: network.prepare(pixels, mean), dims: [1, 3, 32, 32] }));
    await once(`${to}/${networkFile(key, 1)}`, () => bytes);
    for (const factor of FACTORS.filter((f) => f !== 1))
      await once(`${to}/${networkFile(key, factor)}`, () => withStrength(bytes, network, factor, scaledOn));
    for (const [name, images] of Object.entries(sets)) {
      await once(`${to}/${key}-${name}.labels.json`, () => JSON.stringify(images.map(({ label }) => label)));
      await once(`${to}/${key}-${name}.npy`, () => {
        const data = new Float32Array(images.length * PIXELS);
        images.forEach(({ pixels }, n) => data.set(network.prepare(pixels, mean), n * PIXELS));
        return writeNpy({ data, dims: [images.length, 3, 32, 32] });
      });
    }
  }
  await once(`${to}/googlenet.onnx`, () => file(`models/${GOOGLENET.file}`));
  for (const name of (await readdir(`${source}/images`)).filter((n) => /\.(jpg|png)$/.test(n)))
    await copyFile(`${source}/images/${name}`, `${to}/photos/${name}`);
  return Object.fromEntries(Object.entries(CIFAR).map(([key, { range }]) => [key, range(mean)]));
}
