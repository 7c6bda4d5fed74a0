/**
 * The networks of the study: where they are, how an image becomes their input, and where their LRN layers are. Data
 * only.
 */

import { alexnetValue } from "../data.mjs";

const rounded = (values) => values.map((v) => Number(v.toPrecision(6)));

/** Where a node LRN has its alpha and bias in an ONNX file. */
const LRN = { alpha: /LRN\*\x0f\n\x05alpha\x15/g, bias: /\n\x04bias\x15/g };

/**
 * `value` takes Caffe's mean image, and says what the network takes for byte v of channel c at place p; `range` what 0
 * and 255 become in each channel; `alpha` and `bias` find LRN's numbers in the file, four bytes after each match;
 * a = alpha / `over`.
 */
export const CIFAR = {
  cifar10_full: {
    title: "cifar10_full",
    file: "cifar10_full_caffe/cifar10_full.v1.onnx",
    region: "spatial",
    reach: 1,
    beta: 0.75,
    over: 9,
    layers: [
      { name: "norm1", input: "pool1#1", output: "norm1" },
      { name: "norm2", input: "pool2", output: "norm2" },
    ],
    alpha: /norm\d_alphaJ\x04/g,
    bias: /norm\d_oneJ\x04/g,
    value: (mean) => (v, c, p) => v - mean[c * 1024 + p],
    range: (mean) => {
      const means = [0, 1, 2].map((c) => mean.subarray(c * 1024, (c + 1) * 1024).reduce((a, b) => a + b) / 1024);
      return { low: rounded(means.map((m) => -m)), high: rounded(means.map((m) => 255 - m)) };
    },
  },
  alexnet_lrn: {
    title: "alexnet_lrn_cifar10",
    file: "alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx",
    region: "channels",
    reach: 2,
    beta: 0.75,
    over: 5,
    layers: [
      { name: "norm1", input: "/MaxPool_output_0", output: "/norm1/LRN_output_0" },
      { name: "norm2", input: "/Relu_1_output_0", output: "/norm2/LRN_output_0" },
    ],
    ...LRN,
    value: () => alexnetValue,
    range: () => ({
      low: rounded([0, 1, 2].map((c) => alexnetValue(0, c))),
      high: rounded([0, 1, 2].map((c) => alexnetValue(255, c))),
    }),
  },
};

export const GOOGLENET = {
  title: "bvlc_googlenet",
  file: "bvlc_googlenet/bvlc_googlenet.onnx",
  region: "channels",
  reach: 2,
  beta: 0.75,
  over: 5,
  ...LRN,
  layers: [
    { name: "pool1/norm1", input: "pool1/3x3_s2", output: "pool1/norm1" },
    { name: "conv2/norm2", input: "conv2/3x3#1", output: "conv2/norm2" },
  ],
};

export const MODES = ["identity", "taylor", "taylor-uniform", "unnormalised", "gradient"];

/** The paper's settings for all other layers, and its Table 1: AUC under identity and under Taylor. */
export const COMPOSITES = [
  { name: "paperEpsilon", symbol: "ε = 0.01", paper: { identity: 37.1, taylor: 35.47 } },
  { name: "paperBeta", symbol: "β = 1", paper: { identity: 56.13, taylor: 53.82 } },
];

/** What LRN's a / bias is multiplied by. */
export const FACTORS = [0.1, 1, 3, 10, 30, 100];
