/* Pictures that the studies read: as bytes, and as an array of prepared inputs that `relprop evaluate` takes as they are. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { decode } from "fast-png";
import { writeNpy } from "../../build/js/cli/npy.js";

const SIDE = 32;
const AREA = SIDE * SIDE;

/** CIFAR-10's binary layout: a label, then red, green and blue planes. */
async function cifarTest(folder) {
  const bytes = gunzipSync(await readFile(`${folder}/datasets/cifar10/cifar10_test_jpeg_1000.bin.gz`));
  const record = 1 + 3 * AREA;
  const picture = (n) => bytes.subarray(n * record + 1, (n + 1) * record);
  return { dims: [3, SIDE, SIDE], picture, label: (n) => bytes[n * record] };
}

/** One picture in each row of a PNG. */
async function cifarLossless(folder) {
  const path = `${folder}/datasets/cifar10/cifar10_train_0-999`;
  const { data, channels } = decode(await readFile(`${path}_lossless.png`));
  const labels = JSON.parse(await readFile(`${path}_labels.json`, "utf8"));
  const picture = (n) => Uint8Array.from({ length: 3 * AREA }, (_, i) => data[(n * AREA + (i % AREA)) * channels + Math.floor(i / AREA)]);
  return { dims: [3, SIDE, SIDE], picture, label: (n) => labels[n] };
}

async function mnist(folder) {
  const path = `${folder}/datasets/mnist/t10k`;
  const images = gunzipSync(await readFile(`${path}-images-idx3-ubyte.gz`));
  const labels = gunzipSync(await readFile(`${path}-labels-idx1-ubyte.gz`));
  const picture = (n) => images.subarray(16 + 784 * n, 16 + 784 * (n + 1));
  return { dims: [1, 28, 28], picture, label: (n) => labels[8 + n] };
}

const sources = { cifarTest, cifarLossless, mnist };

/**
 * Writes the first `count` pictures of a source as inputs of a network, and their labels beside them.
 *
 * @param folder where the data sets are
 * @param source one of `sources`
 * @param value what the network takes for byte v of channel c at place p
 * @param path of the .npy
 */
export async function writeInputs({ folder, source, value, count, path }) {
  const { dims, picture, label } = await sources[source](folder);
  const area = dims[1] * dims[2];
  const length = dims[0] * area;
  const data = new Float32Array(count * length);
  for (let n = 0; n < count; n++) picture(n).forEach((v, i) => void (data[n * length + i] = value(v, Math.floor(i / area), i % area)));
  await mkdir(new URL(".", `file://${path}`), { recursive: true });
  await writeFile(path, writeNpy({ data, dims: [count, ...dims] }));
  await writeFile(path.replace(/npy$/, "labels.json"), JSON.stringify(Array.from({ length: count }, (_, n) => Number(label(n)))));
}

/** The smallest and largest value that each channel of an input can have. */
export function boundsOf(value, [channels, height, width]) {
  const places = Array.from({ length: height * width }, (_, p) => p);
  const each = (v, pick) => Array.from({ length: channels }, (_, c) => Number(places.map((p) => value(v, c, p)).reduce(pick).toPrecision(6)));
  return { low: each(0, (a, b) => Math.min(a, b)), high: each(255, (a, b) => Math.max(a, b)) };
}

/** The mean picture of Caffe's CIFAR-10 network: a BlobProto that ends in packed floats. */
export async function caffeMean(folder) {
  const bytes = await readFile(`${folder}/models/cifar10_full_caffe/cifar10_mean.binaryproto`);
  return new Float32Array(Uint8Array.from(bytes.subarray(bytes.length - 3 * AREA * 4)).buffer);
}
