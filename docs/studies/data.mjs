/*
 * Pictures that the studies read: as bytes, and as an array of prepared inputs that `relprop evaluate` takes as they
 * are.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { gunzipSync } from "node:zlib";
import { decode } from "fast-png";
import { writeNpy } from "../../build/js/read/npy.js";

const SIDE = 32;
const AREA = SIDE * SIDE;

/** CIFAR-10's binary layout: a label, then red, green and blue planes. */
async function cifarTest(folder) {
  const bytes = gunzipSync(await readFile(`${folder}/datasets/cifar10/cifar10_test_jpeg_1000.bin.gz`));
  const record = 1 + 3 * AREA;
  const picture = (n) => bytes.subarray(n * record + 1, (n + 1) * record);
  return { dims: [3, SIDE, SIDE], count: bytes.length / record, picture, label: (n) => bytes[n * record] };
}

/** One picture in each row of a PNG. */
async function cifarLossless(folder) {
  const path = `${folder}/datasets/cifar10/cifar10_train_0-999`;
  const { data, channels } = decode(await readFile(`${path}_lossless.png`));
  const labels = JSON.parse(await readFile(`${path}_labels.json`, "utf8"));
  const picture = (n) =>
    Uint8Array.from({ length: 3 * AREA }, (_, i) => data[(n * AREA + (i % AREA)) * channels + Math.floor(i / AREA)]);
  return { dims: [3, SIDE, SIDE], count: labels.length, picture, label: (n) => labels[n] };
}

async function mnist(folder) {
  const path = `${folder}/datasets/mnist/t10k`;
  const images = gunzipSync(await readFile(`${path}-images-idx3-ubyte.gz`));
  const labels = gunzipSync(await readFile(`${path}-labels-idx1-ubyte.gz`));
  const picture = (n) => images.subarray(16 + 784 * n, 16 + 784 * (n + 1));
  return { dims: [1, 28, 28], count: labels.length - 8, picture, label: (n) => labels[8 + n] };
}

/** Pictures as bytes, colour by colour, and their labels; each takes the folder where the data sets are. */
export const sources = { cifarTest, cifarLossless, mnist };

/** The inputs of alexnet_lrn_cifar10, from its info.json: byte v of channel c. */
const MEAN = [0.4914, 0.4822, 0.4465];
const STD = [0.247, 0.2435, 0.2616];
export const alexnetValue = (v, c) => (v / 255 - MEAN[c]) / STD[c];

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
  const each = Array.from({ length: count }, (_, n) => n);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, writeNpy(inputsOf(each.map(picture), dims, value)));
  await writeFile(path.replace(/npy$/, "labels.json"), JSON.stringify(each.map(label)));
}

/** Pictures as one array of inputs; `value` is what the network takes for byte v of channel c at place p. */
export function inputsOf(pictures, dims, value) {
  const area = dims[1] * dims[2];
  const length = dims[0] * area;
  const data = new Float32Array(pictures.length * length);
  pictures.forEach((picture, n) =>
    picture.forEach((v, i) => void (data[n * length + i] = value(v, Math.floor(i / area), i % area))),
  );
  return { data, dims: [pictures.length, ...dims] };
}

/** The smallest and largest value that each channel of an input can have. */
export function boundsOf(value, [channels, height, width]) {
  const places = Array.from({ length: height * width }, (_, p) => p);
  const each = (v, pick) =>
    Array.from({ length: channels }, (_, c) =>
      Number(
        places
          .map((p) => value(v, c, p))
          .reduce(pick)
          .toPrecision(6),
      ),
    );
  return { low: each(0, (a, b) => Math.min(a, b)), high: each(255, (a, b) => Math.max(a, b)) };
}

/** The mean picture of Caffe's CIFAR-10 network: a BlobProto that ends in packed floats. */
export async function caffeMean(folder) {
  const bytes = await readFile(`${folder}/models/cifar10_full_caffe/cifar10_mean.binaryproto`);
  return new Float32Array(Uint8Array.from(bytes.subarray(bytes.length - 3 * AREA * 4)).buffer);
}
