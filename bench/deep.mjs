/*
 * Networks of any number of nodes, all of them small.
 */
import { writeOnnx } from "./onnx-writer.mjs";

const DIMS = [1, 4];
const weight = { name: "weight", dims: [4, 4], data: new Float32Array(16).fill(1e-6) };

/** Nodes one after the other. `layer` says of each its type and what it reads beside the one before. */
function row(nodes, layer) {
  return Array.from({ length: nodes }, (_, i) => {
    const { type, from = i - 1, beside = [] } = layer(i);
    return { type, name: `n${i}`, inputs: [from < 0 ? "x" : `n${from}`, ...beside] };
  });
}

function write(nodes) {
  const { name } = nodes.at(-1);
  return writeOnnx({ nodes, tensors: [weight], input: { name: "x", dims: DIMS }, output: { name, dims: DIMS } });
}

/** x + dense(relu(dense(x))), then relu. */
const block = (i) => {
  const start = i < 5 ? "x" : `n${i - (i % 5) - 1}`;
  return [
    { type: "MatMul", beside: ["weight"] },
    { type: "Relu" },
    { type: "MatMul", beside: ["weight"] },
    { type: "Add", beside: [start] },
    { type: "Relu" },
  ][i % 5];
};

export const deepNetworks = {
  chain: { text: "chain of ReLUs", write: (nodes) => write(row(nodes, () => ({ type: "Relu" }))) },
  residual: { text: "residual blocks", write: (nodes) => write(row(nodes, block)) },
  adds: {
    text: "x added again and again",
    write: (nodes) => write(row(nodes, () => ({ type: "Add", beside: ["x"] }))),
  },
  sum: {
    text: "wide: a sum of ReLUs of x",
    write(nodes) {
      const terms = row(nodes - 1, () => ({ type: "Relu", from: -1 }));
      return write([...terms, { type: "Sum", name: "sum", inputs: terms.map(({ name }) => name) }]);
    },
  },
};
