import { describe, expect, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { explainFrom } from "../explain.ts";
import { field, type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

const BOOL = 9;
const FLOAT = 1;
const x = tensor([2, 3, 5], 11);
const dropout = (outputs: readonly string[], input = "x"): FileNode => ({ type: "Dropout", inputs: [input], outputs });

/** Its second output, of which nothing can be said but that every number is kept. */
describe("the mask of Dropout", () => {
  test.each([
    [7, FLOAT],
    [9, FLOAT],
    [10, BOOL],
    [22, BOOL],
  ])("opset %i", async (opset, type) => {
    // The first output is read inside the network or not at all.
    for (const last of [[], [{ type: "Relu", inputs: ["kept"], outputs: ["y"] }]]) {
      const graph: FileGraph = {
        nodes: [dropout(["kept", "mask"]), ...last],
        inputs: { x: x.dims },
        outputs: { ...(last.length > 0 && { y: [] }), mask: [] },
        types: { mask: type },
      };
      using model = await loadInMode(onnx(graph, opset));
      const { mask, y } = model.predict(x).outputs;
      expect([mask.dims, mask.type]).toEqual([x.dims, type === BOOL ? "bool" : undefined]);
      expect(mask.data.every((v) => v === 1)).toBe(true);
      if (y) expect(Array.from(y.data)).toEqual(Array.from(x.data, (v) => Math.max(v, 0)));
    }
  });

  test("in training mode it drops nothing only where the ratio is 0", async () => {
    const file = (ratio: number, training: number) =>
      onnx({
        nodes: [{ type: "Dropout", inputs: ["x", "ratio", "training"], outputs: ["y"] }],
        initializers: {
          ratio: { dims: [], data: Float32Array.of(ratio) },
          training: { dims: [], data: { type: BOOL, fields: field(9, [training]) } },
        },
        inputs: { x: x.dims },
        outputs: { y: [] },
      });
    for (const [ratio, training] of [
      [0, 1],
      [0.5, 0],
    ]) {
      using model = await loadInMode(file(ratio, training));
      expect(model.predict(x).output.data).toEqual(x.data);
    }
    await expect(loadInMode(file(0.5, 1))).rejects.toThrow("expected training_mode = false, got true");
  });

  test("a ratio that is computed says nothing, and has no relevance to receive", async () => {
    const file = (data: string) =>
      onnx({
        nodes: [{ type: "Dropout", inputs: [data, "r"], outputs: ["y"] }],
        initializers: { k: tensor([2], 3) },
        inputs: { x: [2], r: [] },
        outputs: { y: [] },
      });
    const given = { x: tensor([2], 1), r: tensor([], 2) };
    using model = await loadInMode(file("x"));
    const { inputs } = model.explain(given, { target: 1, composite: "epsilon" });
    expect([[...inputs.x.data], [...inputs.r.data]]).toEqual([[0, given.x.data[1]], [0]]);
    using constant = await loadInMode(file("k"));
    expect(constant.predict(given).output.data).toEqual(tensor([2], 3).data);
    expect(() => constant.explain(given)).toThrow("it is a constant, which does not depend on the input");
  });

  test("a mask that nobody reads leaves no trace", async () => {
    const nodes: FileNode[] = [
      { type: "Relu", inputs: ["x"], outputs: ["h"] },
      dropout(["kept", "mask"], "h"),
      { type: "Relu", inputs: ["kept"], outputs: ["y"] },
    ];
    using model = await loadInMode(onnx({ nodes, inputs: { x: x.dims }, outputs: { y: [] } }));
    expect(model.inspect().nodes.map((node) => node.type)).toEqual(["Relu", "Relu"]);
  });

  test("relevance passes it, mask or not", async () => {
    using model = await loadInMode(
      onnx({
        nodes: [dropout(["y", "mask"])],
        inputs: { x: x.dims },
        outputs: { y: [], mask: [] },
        types: { mask: BOOL },
      }),
    );
    const r = tensor(x.dims, 7).data;
    expect(Array.from(explainFrom(model, x, r, {}).relevance.data)).toEqual(Array.from(r));
  });
});
