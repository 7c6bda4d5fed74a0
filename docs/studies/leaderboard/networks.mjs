/* The networks of the leaderboard: which file, which inputs, and what is special about them. */
import { alexnetValue, caffeMean } from "../data.mjs";

const RGB = [3, 32, 32];
const DIGIT = [1, 28, 28];
const CAFFE = { low: [-104, -117, -123], high: [151, 138, 132] };

/**
 * Networks of which there are enough pictures for statistics. `value` is what the network takes for byte v of channel c
 * at place p.
 * @param folder where the models are
 */
export async function smallNetworks(folder) {
  const mean = await caffeMean(folder);
  return [
    {
      name: "cifar10_full",
      title: "Caffe's CIFAR10_full",
      about: "LRN within channels",
      model: "cifar10_full_caffe/cifar10_full.v1.onnx",
      source: "cifarTest",
      dims: RGB,
      value: (v, c, p) => v - mean[c * 1024 + p],
    },
    {
      name: "alexnet",
      title: "AlexNet with LRN, CIFAR-10",
      about: "LRN across channels",
      model: "alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx",
      source: "cifarTest",
      dims: RGB,
      value: alexnetValue,
    },
    {
      name: "resnet8",
      title: "ResNet-8, CIFAR-10",
      about: "residual, sums by `ratio`",
      model: "resnet8_cifar10/resnet8_cifar10.onnx",
      source: "cifarLossless",
      dims: RGB,
      value: (v) => v,
      sum: "ratio",
    },
    {
      name: "lenet",
      title: "Caffe's LeNet, MNIST",
      about: "",
      model: "lenet_mnist_caffe/lenet.onnx",
      source: "mnist",
      dims: DIGIT,
      value: (v) => v / 256,
    },
    {
      name: "mnist8",
      title: "Model Zoo's mnist-8, MNIST",
      about: "one dense layer",
      model: "mnist_onnx/wonnx_opt-mnist.onnx",
      source: "mnist",
      dims: DIGIT,
      value: (v) => v,
    },
    {
      name: "burn",
      title: "burn's network, MNIST",
      about: "no pooling",
      model: "mnist_onnx/burn_mnist.onnx",
      source: "mnist",
      dims: DIGIT,
      value: (v) => (v / 255 - 0.1307) / 0.3081,
    },
  ];
}

/** Networks of which there are nine photos, prepared by a preset. */
export const largeNetworks = [
  {
    name: "googlenet",
    title: "BVLC GoogLeNet",
    model: "bvlc_googlenet/bvlc_googlenet.onnx",
    preset: "caffe",
    ...CAFFE,
  },
  {
    name: "squeezenet",
    title: "SqueezeNet 1.1",
    model: "squeezenet_v1.1/squeezenet_v1.1.onnx",
    preset: "caffe",
    ...CAFFE,
  },
  {
    name: "mobilenet",
    title: "MobileNet 0.25",
    model: "mobilenet_v1_025_224/mobilenet_v1_025_224.onnx",
    preset: "mobilenet",
    low: [-1, -1, -1],
    high: [1, 1, 1],
  },
];
