import { describe, expect, test } from "vitest";
import { loadInMode } from "../modes.ts";
import { ruleOf } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainLayer } from "../explain.ts";
import { chain, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { broadcastAt, type Dims, place, positions } from "../reference/linear.ts";
import { expectLayer } from "./check.ts";

const functions = {
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Div: (a: number, b: number) => a / b,
} as const;
type Operator = keyof typeof functions;

const shapes: readonly (readonly [Dims, Dims, Dims])[] = [
  [
    [2, 3, 5, 7],
    [2, 3, 5, 7],
    [2, 3, 5, 7],
  ],
  [[2, 3, 5, 7], [], [2, 3, 5, 7]],
  [
    [2, 3, 5, 7],
    [3, 1, 1],
    [2, 3, 5, 7],
  ],
  [
    [2, 3, 5, 7],
    [1, 3, 5, 1],
    [2, 3, 5, 7],
  ],
  [[2, 3, 5, 7], [7], [2, 3, 5, 7]],
  [
    [2, 3, 5, 7],
    [5, 1],
    [2, 3, 5, 7],
  ],
  [
    [2, 1, 5, 1],
    [3, 1, 7],
    [2, 3, 5, 7],
  ],
  [[3, 5], [5], [3, 5]],
  [
    [3, 5],
    [2, 1, 5],
    [2, 3, 5],
  ],
];

describe("arithmetic", () => {
  describe.each(Object.keys(functions) as Operator[])("%s with a constant", (type) => {
    test.each(shapes)("[%s] and [%s]", async (dims, constant, out) => {
      const [x, c] = [tensor(dims, 11), tensor(constant, 3, 0.5, 2)];
      const f = functions[type];
      for (const second of [true, false]) {
        // A quotient's slope at the divisor is no rule of relprop; a divisor may not be 0.
        const positive = type === "Div" && !second;
        const input = positive ? tensor(dims, 11, 0.5, 2) : x;
        const forward = (v: ArrayLike<number>) =>
          positions(out).map((p) => {
            const [a, b] = [v[broadcastAt(dims, out, p)], c.data[broadcastAt(constant, out, p)]];
            return second ? f(a, b) : f(b, a);
          });
        const source = onnx({
          nodes: [{ type, inputs: second ? ["x", "c"] : ["c", "x"], outputs: ["y"] }],
          initializers: { c },
          inputs: { x: dims },
          outputs: { y: [] },
        });
        await expectLayer(source, input, { dims: out, forward });
      }
    });
  });

  /** Two values computed from the input: its halves along axis 1, each reduced to a shape of its own. */
  const halves = (type: string): { nodes: FileNode[]; dims: number[] }[] => [
    { dims: [2, 6, 5, 7], nodes: [{ type, inputs: ["a", "b"], outputs: ["y"] }] },
    // Channels last beside a value that every position shares.
    {
      dims: [2, 6, 5, 7],
      nodes: [
        { type: "GlobalAveragePool", inputs: ["b"], outputs: ["g"] },
        { type, inputs: ["a", "g"], outputs: ["y"] },
      ],
    },
    {
      dims: [2, 6, 5, 7],
      nodes: [
        { type: "GlobalAveragePool", inputs: ["b"], outputs: ["g"] },
        { type, inputs: ["g", "a"], outputs: ["y"] },
      ],
    },
  ];

  test.each([["Add"], ["Sub"], ["Mul"], ["Div"], ["Sum"]])("%s of two computed values", async (type) => {
    const f = functions[(type === "Sum" ? "Add" : type) as Operator];
    for (const [i, { nodes, dims }] of halves(type).entries()) {
      const out = [2, 3, 5, 7];
      const forward = (v: ArrayLike<number>) =>
        positions(out).map((p) => {
          const a = v[place(dims, p)];
          const spatial = positions([5, 7]).map(([h, w]) => v[place(dims, [p[0], p[1] + 3, h, w])]);
          const b = i === 0 ? v[place(dims, [p[0], p[1] + 3, p[2], p[3]])] : spatial.reduce((s, q) => s + q, 0) / 35;
          return i === 2 ? f(b, a) : f(a, b);
        });
      const int = (v: number) => ({ dims: [1], data: [v] });
      const source = onnx({
        nodes: [
          { type: "Slice", inputs: ["x", "i0", "i3", "i1"], outputs: ["a"] },
          { type: "Slice", inputs: ["x", "i3", "i6", "i1"], outputs: ["b"] },
          ...nodes,
        ],
        initializers: { i0: int(0), i1: int(1), i3: int(3), i6: int(6) },
        inputs: { x: ["n", 6, 5, 7] },
        outputs: { y: [] },
      });
      await expectLayer(source, tensor(dims, 11, 0.5, 2), { dims: out, forward });
    }
  });

  test.each(["Sum", "Mean"])("%s of one, and of four", async (type) => {
    for (const terms of [1, 4]) {
      const factor = type === "Sum" ? terms : 1;
      const source = onnx({
        nodes: [{ type, inputs: new Array<string>(terms).fill("x"), outputs: ["y"] }],
        inputs: { x: ["n", 3, 5] },
        outputs: { y: [] },
      });
      await expectLayer(source, tensor([2, 3, 5], 11), {
        dims: [2, 3, 5],
        forward: (x) => Array.from(x, (v) => factor * v),
      });
    }
  });

  test("Mean of values and constants of different shapes", async () => {
    const [dims, c, d] = [[2, 3, 5, 7], tensor([3, 1, 1], 3), tensor([7], 4)];
    const source = onnx({
      nodes: [
        { type: "GlobalAveragePool", inputs: ["x"], outputs: ["g"] },
        { type: "Mean", inputs: ["c", "d"], outputs: ["m"] },
        { type: "Mean", inputs: ["m", "g", "x"], outputs: ["y"] },
      ],
      initializers: { c, d },
      inputs: { x: dims },
      outputs: { y: [] },
    });
    const terms = (x: ArrayLike<number>) =>
      positions(dims).map(([n, ch, h, w]) => {
        const plane = positions([5, 7]).map(([i, j]) => x[place(dims, [n, ch, i, j])]);
        return [(c.data[ch] + d.data[w]) / 2, plane.reduce((a, b) => a + b) / 35, x[place(dims, [n, ch, h, w])]];
      });
    const forward = (x: ArrayLike<number>) => terms(x).map(([m, g, v]) => (m + g + v) / 3);
    const x = tensor(dims, 11, 0.5, 2);
    await expectLayer(source, x, { dims, forward });
    // A constant term keeps its share: c / (c + g + x).
    const r = numbers(210, 5);
    const { ledger } = await explainLayer(source, x, r, ruleOf.lrp0());
    const row = ledger.find(({ type }) => type === "Mean")!;
    const kept = terms(x.data).reduce((sum, [m, g, v], i) => sum + (m / (m + g + v)) * r[i], 0);
    expectClose([row.other, row.gap], [kept, 0], 1e-5, row.magnitude);
  });

  test("a value added to itself, and taken from itself", async () => {
    for (const [type, factor] of [
      ["Add", 2],
      ["Sub", 0],
    ] as const) {
      const source = onnx({
        nodes: [{ type, inputs: ["x", "x"], outputs: ["y"] }],
        inputs: { x: ["n", 13] },
        outputs: { y: [] },
      });
      await expectLayer(source, tensor([1, 13], 11), {
        dims: [1, 13],
        forward: (x) => Array.from(x, (v) => factor * v),
        scale: 1,
      });
    }
  });

  test("shapes that do not fit are an error that shows them", async () => {
    const source = chain(["n", 3, 5], [{ type: "Add", parameters: [tensor([4], 3)] }]);
    await expect(loadInMode(source)).rejects.toThrow("node 'y0' (Add): expected shapes that can be broadcast");
  });
});
