/*
 * Well-known transformers as ONNX bytes with random weights: their shapes are those of the published networks.
 */
import { writeOnnx } from "./onnx-writer.mjs";
import { normal } from "./random.mjs";

const product = (dims) => dims.reduce((a, b) => a * b, 1);

/** Collects nodes and tensors; whatever adds a node returns the name of its output. */
function builder(seed) {
  const draw = normal(seed);
  const [nodes, tensors] = [[], []];
  const tensor = (dims, value) => {
    const name = `t${tensors.length}`;
    tensors.push({ name, dims, data: new Float32Array(product(dims)).map(value) });
    return name;
  };
  const integers = (...values) => {
    const name = `t${tensors.length}`;
    tensors.push({ name, dims: [values.length], data: BigInt64Array.from(values, BigInt) });
    return name;
  };
  const node = (type, inputs, attributes = {}) => {
    const name = `${type.toLowerCase()}${nodes.length}`;
    nodes.push({ type, name, inputs, attributes });
    return name;
  };
  const random = (dims, deviation) => tensor(dims, () => deviation * draw());
  return {
    ...{ nodes, tensors, tensor, integers, node, random },
    add: (a, b) => node("Add", [a, b]),
    /** x · W + b, with W as f32[k, m]. */
    dense: (x, k, m) => node("Add", [node("MatMul", [x, random([k, m], Math.sqrt(1 / k))]), random([m], 0.02)]),
    layerNorm: (x, d) =>
      node("LayerNormalization", [x, tensor([d], () => 1 + 0.1 * draw()), random([d], 0.02)], { axis: -1 }),
    /** x/2 · (1 + erf(x / √2)). */
    gelu(x) {
      const erf = node("Erf", [node("Div", [x, tensor([], () => Math.SQRT2)])]);
      return node("Mul", [node("Mul", [x, node("Add", [erf, tensor([], () => 1)])]), tensor([], () => 0.5)]);
    },
  };
}

/** Scaled dot products of `heads` heads, and what goes back into the stream. @param mask is added to the scores */
function attention(b, x, { d, heads, tokens }, mask) {
  const split = b.integers(1, tokens, heads, d / heads);
  const part = (perm) => b.node("Transpose", [b.node("Reshape", [b.dense(x, d, d), split])], { perm });
  const [q, k, v] = [part([0, 2, 1, 3]), part([0, 2, 3, 1]), part([0, 2, 1, 3])];
  const scores = b.node("Div", [b.node("MatMul", [q, k]), b.tensor([], () => Math.sqrt(d / heads))]);
  const weights = b.node("Softmax", [mask ? b.add(scores, mask) : scores], { axis: -1 });
  const mixed = b.node("Transpose", [b.node("MatMul", [weights, v])], { perm: [0, 2, 1, 3] });
  return b.dense(b.node("Reshape", [mixed, b.integers(1, tokens, d)]), d, d);
}

const feedForward = (b, x, d) => b.dense(b.gelu(b.dense(x, d, 4 * d)), 4 * d, d);

/** LayerNormalization after each sum, as BERT has it. */
function postNorm(b, x, sizes) {
  const attended = b.layerNorm(b.add(x, attention(b, x, sizes)), sizes.d);
  return b.layerNorm(b.add(attended, feedForward(b, attended, sizes.d)), sizes.d);
}

/** LayerNormalization before each part, as GPT-2 and ViT have it. */
function preNorm(b, x, sizes, mask) {
  const attended = b.add(x, attention(b, b.layerNorm(x, sizes.d), sizes, mask));
  return b.add(attended, feedForward(b, b.layerNorm(attended, sizes.d), sizes.d));
}

const times = (count, x, block) => Array.from({ length: count }).reduce(block, x);
const ids = (tokens) => ({ name: "ids", dims: [1, tokens], type: "int64" });
const embedded = (b, words, { d, tokens }) =>
  b.add(b.node("Gather", [b.random([words, d], 0.5), "ids"]), b.random([1, tokens, d], 0.1));

function written(b, input, last, dims) {
  const { nodes, tensors } = b;
  return writeOnnx({ nodes, tensors, input, output: { name: last, dims }, opset: 17 });
}

function minilm() {
  const sizes = { d: 384, heads: 12, tokens: 128 };
  const b = builder(1);
  const start = b.layerNorm(embedded(b, 30522, sizes), sizes.d);
  const end = times(6, start, (x) => postNorm(b, x, sizes));
  const pooled = b.node("ReduceMean", [end], { axes: [1], keepdims: 0 });
  return written(b, ids(sizes.tokens), b.dense(pooled, sizes.d, 2), [1, 2]);
}

function gpt2() {
  const sizes = { d: 768, heads: 12, tokens: 64 };
  const { d, tokens } = sizes;
  const b = builder(2);
  const mask = b.tensor([1, 1, tokens, tokens], (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0));
  const end = times(12, embedded(b, 50257, sizes), (x) => preNorm(b, x, sizes, mask));
  const head = b.node("MatMul", [b.layerNorm(end, d), b.random([d, 50257], Math.sqrt(1 / d))]);
  return written(b, ids(tokens), head, [1, tokens, 50257]);
}

function vit() {
  const sizes = { d: 768, heads: 12, tokens: 197 };
  const { d } = sizes;
  const b = builder(3);
  const patches = b.node("Conv", ["image", b.random([d, 3, 16, 16], Math.sqrt(1 / 768)), b.random([d], 0.02)], {
    kernel_shape: [16, 16],
    strides: [16, 16],
  });
  const rows = b.node("Transpose", [b.node("Reshape", [patches, b.integers(1, d, 196)])], { perm: [0, 2, 1] });
  const start = b.add(b.node("Concat", [b.random([1, 1, d], 0.1), rows], { axis: 1 }), b.random([1, 197, d], 0.1));
  const end = b.layerNorm(
    times(12, start, (x) => preNorm(b, x, sizes)),
    d,
  );
  const first = b.node("Reshape", [
    b.node("Slice", [end, b.integers(0), b.integers(1), b.integers(1)]),
    b.integers(1, d),
  ]);
  return written(b, { name: "image", dims: [1, 3, 224, 224] }, b.dense(first, d, 1000), [1, 1000]);
}

export const transformers = { minilm, vit, gpt2 };
