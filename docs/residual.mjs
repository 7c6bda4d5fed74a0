/*
 * Measures the rules for sums, and how much nodes amplify relevance, and writes the tables of docs/residual.md.
 * After `npm run build`:
 *   node docs/residual.mjs [FOLDER]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the models, data sets and photos that are named below.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { decode } from "fast-png";
import { load, preprocess, sumRules } from "../dist/index.js";
import { decodeImage } from "../dist/image.js";
import { table } from "../bench/table.mjs";

const IMAGES = 500;
const COMPOSITES = ["epsilonPlus", "epsilonAlpha2Beta1", "epsilon"];
const here = (path) => new URL(path, import.meta.url);
const folder = process.argv[2] ?? process.env.RELPROP_DATA ?? here("../../shared/data").pathname;
const file = (path) => readFile(`${folder}/${path}`);
const network = async (path) => load(await file(`models/${path}`));

const cifar = decode(await file("datasets/cifar10/cifar10_train_0-999_lossless.png"));
/** CIFAR-10's image n (row n of the picture), colours apart, 0 to 255. */
function image(n) {
  const data = new Float32Array(3 * 1024);
  for (let p = 0; p < 1024; p++)
    for (let c = 0; c < 3; c++) data[c * 1024 + p] = cifar.data[(n * 1024 + p) * cifar.channels + c];
  return { data, dims: [1, 3, 32, 32] };
}
const images = Array.from({ length: IMAGES }, (_, n) => image(n));

const digitBytes = gunzipSync(await file("datasets/mnist/t10k-images-idx3-ubyte.gz"));
const digit = (n) => ({
  data: Float32Array.from(digitBytes.subarray(16 + 784 * n, 16 + 784 * (n + 1)), (v) => v / 256),
  dims: [1, 1, 28, 28],
});

const names = (await readdir(`${folder}/images`)).filter((name) => /\.(jpg|png)$/.test(name));
const photos = await Promise.all(
  names.map(async (name) => decodeImage(new Uint8Array(await file(`images/${name}`)), { name })),
);
const prepared = (preset, side) => photos.map((photo) => preprocess(photo, preset, [1, 3, side, side]));

const sum = (values) => values.reduce((a, b) => a + b, 0);
const at = (values, share) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))];
const digits = (value) =>
  Math.abs(value) < 1e-3 || Math.abs(value) >= 1000 ? value.toExponential(0) : `${Number(value.toPrecision(2))}`;
/** The median, and the largest. */
const spread = (values) => `${digits(at(values, 0.5))}, ${digits(at(values, 1))}`;
const largest = (rows, column) => Math.max(...rows.map((row) => Math.abs(row[column])));

/** One explanation, in numbers. */
function measure({ ledger, relevance: { data }, targets: [[{ score }]] }) {
  const sums = ledger.filter((row) => row.type === "Add");
  const turnover = sum(data.map(Math.abs));
  const pixels = Array.from({ length: 1024 }, (_, p) => Math.abs(data[p] + data[1024 + p] + data[2048 + p]));
  return {
    sums: largest(sums, "amplification"),
    dense: largest(
      ledger.filter((row) => row.type === "Gemm"),
      "amplification",
    ),
    below: turnover / ledger.find((row) => row.type === "Flatten").magnitude,
    brightest: Math.max(...pixels) / sum(pixels),
    arrived: sum(data) / score,
    absorbed: Math.abs(sum(sums.map((row) => row.stabilizer)) / score),
    gap: largest(ledger, "gap") / largest(ledger, "magnitude"),
  };
}

const resnet = await network("resnet8_cifar10/resnet8_cifar10.onnx");
function all(options) {
  const each = images.map((x) => measure(resnet.explain(x, options)));
  return Object.fromEntries(Object.keys(each[0]).map((key) => [key, each.map((m) => m[key])]));
}

const rules = COMPOSITES.flatMap((composite) =>
  Object.keys(sumRules).map((rule) => {
    const { sums, below, brightest, arrived, absorbed, gap } = all({ composite, sum: rule });
    const shares = [0.5, 0.1, 0.9].map((share) => digits(at(arrived, share)));
    const row = [
      spread(sums),
      spread(below),
      spread(brightest),
      `${shares[0]} (${shares[1]} to ${shares[2]})`,
      digits(at(absorbed, 0.5)),
      digits(at(gap, 1)),
    ];
    return [composite, `\`${rule}\``, ...row];
  }),
);

const targets = [
  ["the class alone", "argmax"],
  ['against: "others"', { against: "others" }],
  ['against: "softmax"', { against: "softmax" }],
].map(([name, target]) => [name, spread(all({ composite: "epsilonPlus", target }).dense)]);

/** The largest amplification in each explanation of a network. */
async function amplification(name, model, inputs) {
  const cells = COMPOSITES.map((composite) =>
    spread(inputs.map((x) => largest(model.explain(x, { composite }).ledger, "amplification"))),
  );
  model.dispose();
  return [name, `${inputs.length}`, ...cells];
}

const alexnet = new Float32Array((await file("models/alexnet_lrn_cifar10/ref_input_20x3x32x32.f32")).buffer.slice(0));
const normal = [
  await amplification("GoogLeNet", await network("bvlc_googlenet/bvlc_googlenet.onnx"), prepared("caffe", 224)),
  await amplification("SqueezeNet 1.1", await network("squeezenet_v1.1/squeezenet_v1.1.onnx"), prepared("caffe", 227)),
  await amplification(
    "MobileNet 0.25",
    await network("mobilenet_v1_025_224/mobilenet_v1_025_224.onnx"),
    prepared("mobilenet", 224),
  ),
  await amplification(
    "AlexNet with LRN, CIFAR-10",
    await network("alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx"),
    Array.from({ length: 20 }, (_, n) => ({ data: alexnet.slice(3072 * n, 3072 * (n + 1)), dims: [1, 3, 32, 32] })),
  ),
  await amplification(
    "LeNet, MNIST",
    await network("lenet_mnist_caffe/lenet.onnx"),
    Array.from({ length: 200 }, (_, n) => digit(n)),
  ),
  await amplification("ResNet-8, CIFAR-10", resnet, images),
];

const tables = {
  rules: table(
    [
      "composite",
      "sum",
      "largest amplification by a sum",
      "Σ|R| of the input / Σ|R| below the dense layer",
      "brightest pixel / Σ|R|",
      "ΣR of the input / score",
      "absorbed by sums / score",
      "gap",
    ].map((h) => h.replaceAll("|", "\\|")),
    rules,
  ),
  targets: table(["target", "amplification by the dense layer"], targets),
  normal: table(["network", "inputs", ...COMPOSITES], normal),
};
let page = await readFile(here("residual.md"), "utf8");
for (const [name, text] of Object.entries(tables))
  page = page.replace(
    new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`),
    (_, start, end) => `${start}${text}\n${end}`,
  );
await writeFile(here("residual.md"), page);
