import { expect, test } from "vitest";
import { load, LrpError } from "../../src/entries/index.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";

const [M, N, D] = [7, 5, 3];
const file = (outputs: readonly string[]) =>
  onnx({
    nodes: [
      { type: "MatMul", inputs: ["q", "k"], outputs: ["s"] },
      { type: "Identity", inputs: ["s"], outputs: ["t"] },
      { type: "Softmax", inputs: ["t"], outputs: ["p"], attributes: { axis: -1 } },
      { type: "MatMul", inputs: ["p", "v"], outputs: ["o"] },
      { type: "Relu", inputs: ["o"], outputs: ["y"] },
    ],
    inputs: { q: [N, D], k: [D, M], v: [M, 2] },
    outputs: Object.fromEntries(outputs.map((name) => [name, []])),
  });
const input = {
  q: { dims: [N, D], data: numbers(N * D, 1) },
  k: { dims: [D, M], data: numbers(D * M, 2) },
  v: { dims: [M, 2], data: numbers(2 * M, 3) },
};

test("activations are what outputs of these names would be", async () => {
  using model = await load(file(["y"]));
  using telling = await load(file(["y", "p", "o"]));
  const { p, o, y } = telling.predict(input).outputs;
  expect(p.dims).toEqual([N, M]);
  const found = model.activations(input, ["y", "o:weights", "o", "q"]);
  expect(found).toEqual({ y, "o:weights": p, o, q: input.q });
  // They stay what they are when the model goes on.
  const before = structuredClone(found);
  model.explain(input, { composite: "attnLrp" });
  expect(found).toEqual(before);
  expect(model.activations(input, ["o"])).toEqual({ o });
});

test("values that are no longer there, and names of none, are refused", async () => {
  using model = await load(file(["y"]));
  for (const name of ["p", "nothing", ""])
    expect(() => model.activations(input, [name])).toThrowError(
      new LrpError("usage", {
        where: "the names of activations",
        expected: "values that the network computes",
        received: `'${name}'`,
        fix: "inspect() lists them all; values inside folded layers no longer exist.",
      }),
    );
  expect(() => model.activations({ ...input, q: input.k }, ["y"])).toThrowError(/input 'q'/);
});
