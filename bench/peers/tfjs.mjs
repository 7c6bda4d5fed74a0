import { createRequire } from "node:module";
import { dirname } from "node:path";
import { CannotRun, layersOf } from "../layers.mjs";

const require = createRequire(import.meta.url);

/** What follows a convolution is fused with it, as TensorFlow.js' own converter does. */
const activations = { Relu: () => "relu", Clip: ({ low, high }) => (low === 0 && high === 6 ? "relu6" : undefined) };

/**
 * TensorFlow.js on WebAssembly (SIMD, one thread): an interpreter of ONNX operators with images channels-last.
 *
 * @throws CannotRun for a network with an operator that is not in the table
 */
export async function tfjs(bytes, given) {
  const tf = require("@tensorflow/tfjs-core");
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  tf.env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  await tf.setBackend("wasm");

  const vector = (parameter) => parameter && tf.tensor1d(parameter.data);
  const explicit = ([top, left, bottom, right]) => [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ];
  const isImage = (x) => x.rank === 4;
  /** A weight with its axes in another order; the original is let go. */
  const turned = (weight, axes) => {
    const out = tf.transpose(weight, axes);
    weight.dispose();
    return out;
  };

  function convolution({ attributes: { group, strides, dilations, pads }, parameters: { weight, bias } }, activation) {
    const [m, inputs, kh, kw] = weight.dims;
    const options = { strides, dilations, pad: explicit(pads), bias: vector(bias), activation };
    const filter = turned(tf.tensor4d(weight.data, [m, inputs, kh, kw]), [2, 3, 1, 0]);
    if (group === 1) return ([x]) => tf.fused.conv2d({ x, filter, ...options });
    if (inputs === 1 && m === group) {
      const own = turned(filter, [0, 1, 3, 2]);
      return ([x]) => tf.fused.depthwiseConv2d({ x, filter: own, ...options });
    }
    const filters = tf.split(filter, group, 3);
    const biases = bias ? tf.split(options.bias, group) : [];
    return ([x]) =>
      tf.concat(
        tf
          .split(x, group, 3)
          .map((part, g) => tf.fused.conv2d({ x: part, filter: filters[g], ...options, bias: biases[g] })),
        3,
      );
  }

  function pooled(kind, { attributes: { kernel, strides, dilations, pads, countPads } }) {
    if (dilations.some((d) => d > 1) || (countPads && pads.some((p) => p > 0)))
      throw new CannotRun(`${kind} with these attributes`);
    return ([x]) => tf[kind](x, kernel, strides, explicit(pads));
  }

  /** For each operator the function of its inputs, its weights prepared. */
  const table = {
    Conv: convolution,
    Gemm({ parameters: { weight, bias } }, activation) {
      const b = turned(tf.tensor2d(weight.data, weight.dims));
      const added = vector(bias);
      return ([a]) => tf.fused.matMul({ a, b, bias: added, activation });
    },
    Relu:
      () =>
      ([x]) =>
        tf.relu(x),
    Clip:
      ({ attributes: { low, high } }) =>
      ([x]) =>
        tf.clipByValue(x, low, high),
    MaxPool: (layer) => pooled("maxPool", layer),
    AveragePool: (layer) => pooled("avgPool", layer),
    GlobalAveragePool:
      () =>
      ([x]) =>
        tf.mean(x, [1, 2], true),
    // Its alpha is not divided by the size of the window: a = alpha / size.
    LRN:
      ({ attributes: { radius, a, beta, bias } }) =>
      ([x]) =>
        tf.localResponseNormalization(x, radius, bias, a, beta),
    Add: () => (xs) => xs.reduce((a, b) => tf.add(a, b)),
    Concat({ attributes: { axis } }) {
      if (axis !== 1) throw new CannotRun(`Concat along axis ${axis}`);
      return (xs) => tf.concat(xs, isImage(xs[0]) ? 3 : 1);
    },
    Flatten:
      ({ dims: shape }) =>
      ([x]) =>
        tf.reshape(isImage(x) ? tf.transpose(x, [0, 3, 1, 2]) : x, shape),
    Softmax:
      () =>
      ([x]) =>
        tf.softmax(x),
  };

  const { input, layers } = layersOf(bytes, given);
  const { dims } = given;
  const isPicture = dims.length === 4;
  const missing = layers.find(({ type }) => !table[type]);
  if (missing) throw new CannotRun(missing.type);
  const readers = (name) => layers.filter(({ inputs }) => inputs.includes(name));
  const aliases = new Map();
  const resolved = (name) => aliases.get(name) ?? name;
  const steps = [];
  for (const layer of layers) {
    if (aliases.has(layer.name)) continue;
    const [next, ...others] = readers(layer.name);
    const activation =
      layer.parameters.weight && others.length === 0 && next ? activations[next.type]?.(next.attributes) : undefined;
    steps.push({ ...layer, run: table[layer.type](layer, activation) });
    if (activation) aliases.set(next.name, layer.name);
  }

  return {
    predict({ data }) {
      return tf.tidy(() => {
        const x = tf.tensor(data, dims);
        const values = new Map([[input, isPicture ? tf.transpose(x, [0, 2, 3, 1]) : x]]);
        for (const { name, inputs, run } of steps) values.set(name, run(inputs.map((i) => values.get(resolved(i)))));
        const y = values.get(resolved(layers.at(-1).name));
        return (isImage(y) ? tf.transpose(y, [0, 3, 1, 2]) : y).dataSync();
      });
    },
  };
}
