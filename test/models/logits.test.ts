import { expect, test } from "vitest";
import { dense, relu, sigmoid, softmax, type Layer } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { network } from "../explain.ts";

const weight = { dims: [3, 2], data: Float32Array.of(1, 2, -1, 1, 3, 0) };
const x = { dims: [2, 2], data: Float32Array.of(1, 1, -2, 1) };
const logits = [3, 0, 3, 0, 3, -6];

test.each<[string, Layer[], number[]]>([
  ["a softmax", [softmax()], logits],
  ["a sigmoid", [sigmoid()], logits],
  ["nothing", [], logits],
  ["a ReLU", [relu()], logits.map((v) => Math.max(0, v))],
])("predict and explain tell the logits of a network that ends in %s", async (_name, end, expected) => {
  using model = await loadInMode(network(x.dims, dense({ weight }), ...end));
  const [predicted, explained] = [model.predict(x), model.explain(x, { composite: "epsilon" })];
  for (const prediction of [predicted, explained]) {
    expect(Array.from(prediction.logits.data)).toEqual(expected);
    expect(prediction.logits.dims).toEqual([2, 3]);
  }
  expect(predicted.output).toEqual(explained.output);
});
