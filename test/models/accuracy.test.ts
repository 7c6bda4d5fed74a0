import { describe, expect, it } from "vitest";
import { decode } from "fast-png";
import { load, type Model } from "../../src/entries/index.ts";
import { dataFile, dataJson, hasData } from "../data.ts";

/** Pictures of one size, channels first, 0 to 255, with their labels. */
interface Pictures {
  readonly pixels: Uint8Array;
  readonly labels: ArrayLike<number>;
  readonly dims: readonly [number, number, number];
}

function mnist(count: number): Pictures {
  const images = dataFile("datasets/mnist/t10k-images-idx3-ubyte.gz").subarray(16);
  const labels = dataFile("datasets/mnist/t10k-labels-idx1-ubyte.gz").subarray(8);
  return { pixels: images.subarray(0, count * 784), labels: labels.subarray(0, count), dims: [1, 28, 28] };
}

function cifarTest(count: number): Pictures {
  const records = dataFile("datasets/cifar10/cifar10_test_jpeg_1000.bin.gz");
  const pixels = new Uint8Array(count * 3072);
  const labels = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    labels[i] = records[i * 3073];
    pixels.set(records.subarray(i * 3073 + 1, (i + 1) * 3073), i * 3072);
  }
  return { pixels, labels, dims: [3, 32, 32] };
}

/** Row n of the picture is image n, 32 x 32 RGB pixels in a row. */
function cifarLossless(count: number): Pictures {
  const { data } = decode(dataFile("datasets/cifar10/cifar10_train_0-999_lossless.png"));
  const pixels = new Uint8Array(count * 3072);
  for (let i = 0; i < count; i++)
    for (let p = 0; p < 1024; p++)
      for (let c = 0; c < 3; c++) pixels[i * 3072 + c * 1024 + p] = data[(i * 1024 + p) * 3 + c];
  const labels = dataJson<number[] | { labels: number[] }>("datasets/cifar10/cifar10_train_0-999_labels.json");
  return { pixels, labels: Array.isArray(labels) ? labels : labels.labels, dims: [3, 32, 32] };
}

/** Share of pictures whose largest output is their label. `prepare` maps a pixel of channel c at position p. */
function accuracy(
  model: Model,
  { pixels, labels, dims }: Pictures,
  prepare: (v: number, c: number, p: number) => number,
): number {
  const [channels, h, w] = dims;
  const area = h * w;
  const free = typeof model.inputs[0].dims[0] === "string";
  const batch = free ? 50 : 1;
  let right = 0;
  for (let from = 0; from < labels.length; from += batch) {
    const data = new Float32Array(batch * channels * area);
    for (let i = 0; i < batch; i++) {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < area; p++)
          data[(i * channels + c) * area + p] = prepare(pixels[((from + i) * channels + c) * area + p], c, p);
      }
    }
    const { output } = model.predict({ data, dims: [batch, ...dims] });
    const classes = output.data.length / batch;
    for (let i = 0; i < batch; i++) {
      const scores = output.data.subarray(i * classes, (i + 1) * classes);
      if (scores.indexOf(Math.max(...scores)) === labels[from + i]) right++;
    }
  }
  return right / labels.length;
}

const MEAN = [0.4914, 0.4822, 0.4465];
const STD = [0.247, 0.2435, 0.2616];

/** The mean picture of Caffe's CIFAR-10 network, red first as its pictures: a BlobProto that ends in packed floats. */
function caffeMean(): Float32Array {
  const bytes = dataFile("models/cifar10_full_caffe/cifar10_mean.binaryproto");
  return new Float32Array(bytes.slice(bytes.length - 3072 * 4).buffer);
}

/**
 * The published accuracy is of the whole test set (or of lossless pictures); a thousand pictures have a standard error
 * of about one point, and the CIFAR-10 test pictures here went through JPEG: each row says what a thousand must reach
 * at least.
 */
const cases: readonly {
  model: string;
  least: number;
  pictures: () => Pictures;
  prepare: () => (v: number, c: number, p: number) => number;
}[] = [
  { model: "lenet_mnist_caffe/lenet.onnx", least: 0.98, pictures: () => mnist(1000), prepare: () => (v) => v / 256 },
  { model: "mnist_onnx/wonnx_opt-mnist.onnx", least: 0.98, pictures: () => mnist(1000), prepare: () => (v) => v },
  {
    model: "mnist_onnx/burn_mnist.onnx",
    least: 0.98,
    pictures: () => mnist(1000),
    prepare: () => (v) => (v / 255 - 0.1307) / 0.3081,
  },
  {
    model: "resnet8_cifar10/resnet8_cifar10.onnx",
    least: 0.92,
    pictures: () => cifarLossless(1000),
    prepare: () => (v) => v,
  },
  {
    model: "alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx",
    least: 0.74,
    pictures: () => cifarTest(1000),
    prepare: () => (v, c) => (v / 255 - MEAN[c]) / STD[c],
  },
  {
    model: "cifar10_full_caffe/cifar10_full.v1.onnx",
    least: 0.77,
    pictures: () => cifarTest(1000),
    prepare: () => {
      const mean = caffeMean();
      return (v, c, p) => v - mean[c * 1024 + p];
    },
  },
];

describe.runIf(hasData)("accuracy on a thousand pictures", () => {
  it.each(cases)("$model", async ({ model: path, least, pictures, prepare }) => {
    const model = await load(dataFile(`models/${path}`));
    const reached = accuracy(model, pictures(), prepare());
    console.log(`${path}: ${(100 * reached).toFixed(1)} %`);
    expect(reached).toBeGreaterThanOrEqual(least);
    model.dispose();
  });
});
