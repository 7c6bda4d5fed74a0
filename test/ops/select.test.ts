import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, total } from "../close.ts";
import { explainFrom, explainLayer } from "../explain.ts";
import { chain, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { broadcastAt, type Dims, place, positions } from "../reference/linear.ts";
import { expectLayer } from "./check.ts";

/*
 * Operators that give one of their operands' numbers at each position.
 */

type Numbers = ArrayLike<number>;

interface Operand {
  readonly dims: Dims;
  /** Its numbers, from the input's. */
  of(x: Numbers): Numbers;
}

const dims = [2, 3, 5, 7];
const constants = { channel: tensor([3, 1, 1], 5), row: tensor([7], 6), one: tensor([], 7) };
const mean = (x: Numbers) =>
  positions([2, 3]).map(([n, c]) => positions([5, 7]).reduce((s, p) => s + x[place(dims, [n, c, ...p])], 0) / 35);

/** By name; what is computed is computed by these nodes. */
const operands: Readonly<Record<string, Operand>> = {
  x: { dims, of: (x) => x },
  // The same, channels last.
  turned: { dims, of: (x) => x },
  opposite: { dims, of: (x) => Float64Array.from(x, (v) => -v) },
  mean: { dims: [2, 3, 1, 1], of: mean },
  ...Object.fromEntries(Object.entries(constants).map(([name, c]) => [name, { dims: c.dims, of: () => c.data }])),
};
const before: readonly FileNode[] = [
  { type: "Neg", inputs: ["x"], outputs: ["opposite"] },
  { type: "AveragePool", attributes: { kernel_shape: [1, 1] }, inputs: ["x"], outputs: ["turned"] },
  { type: "GlobalAveragePool", inputs: ["x"], outputs: ["mean"] },
];

const first = (better: (a: number, b: number) => boolean) => (values: readonly number[]) =>
  values.reduce((best, v, i) => (better(v, values[best]) ? i : best), 0);
const winners = { Min: first((a, b) => a < b), Max: first((a, b) => a > b) } as const;

const lists = [
  ["x"],
  ["x", "opposite"],
  ["mean", "x"],
  ["row", "x"],
  ["opposite", "turned"],
  ["row", "turned", "mean"],
  ["channel", "mean", "x"],
  ["one", "opposite", "row", "x", "channel"],
];

describe("selection", () => {
  describe.each(["Min", "Max"] as const)("%s", (type) => {
    test.each(lists.map((names) => [names]))("of %s", async (names) => {
      const source = onnx({
        nodes: [...before, { type, inputs: names, outputs: ["y"] }],
        initializers: constants,
        inputs: { x: dims },
        outputs: { y: [] },
      });
      const valuesAt = (x: Numbers) => {
        const all = names.map((name) => operands[name].of(x));
        return positions(dims).map((p) => names.map((name, k) => all[k][broadcastAt(operands[name].dims, dims, p)]));
      };
      const won = (x: Numbers) => valuesAt(x).map((values) => winners[type](values));
      const x = tensor(dims, 11);
      await expectLayer(source, x, {
        dims,
        forward: (v) => valuesAt(v).map((values) => values[winners[type](values)]),
      });
      const r = numbers(x.data.length, 7);
      const { ledger } = await explainLayer(source, x, r, [
        { type: "activation", rule: ruleOf.pass() },
        { rule: ruleOf.lrp0() },
      ]);
      const row = ledger.find((l) => l.type === type)!;
      const kept = won(x.data).reduce((sum, k, i) => (names[k] in constants ? sum + r[i] : sum), 0);
      expectClose([row.other, row.received, row.gap], [kept, total(r), 0], 1e-5, row.magnitude);
    });

    test("the first of equals", async () => {
      const data = Float32Array.of(1, 2, 3, 2, 2, -1);
      const c = { dims: [3], data: Float32Array.of(2, 2, 2) };
      const r = Float32Array.of(1, 2, 4, 8, 16, 32);
      const sign = type === "Max" ? 1 : -1;
      for (const inputs of [
        ["x", "c"],
        ["c", "x"],
      ]) {
        const source = onnx({
          nodes: [{ type, inputs, outputs: ["y"] }],
          initializers: { c },
          inputs: { x: [2, 3] },
          outputs: { y: [] },
        });
        const { relevance } = await explainLayer(source, { dims: [2, 3], data }, r, ruleOf.pass());
        const wins = (v: number) => (inputs[0] === "x" ? sign * v >= sign * 2 : sign * v > sign * 2);
        expect(Array.from(relevance.data)).toEqual(Array.from(data, (v, i) => (wins(v) ? r[i] : 0)));
      }
    });

    test("beside numbers is a bound: Clip, or Relu at 0, through which relevance passes", async () => {
      const f = type === "Min" ? Math.min : Math.max;
      for (const [inputs, bound] of [
        [["x", "half"], 0.5],
        [["zero", "x"], 0],
        [["half", "x", "zero"], f(0.5, 0)],
      ] as const) {
        const source = onnx({
          nodes: [{ type, inputs, outputs: ["y"] }],
          initializers: {
            half: { dims: [1, 1], data: Float32Array.of(0.5) },
            zero: { dims: [], data: Float32Array.of(0) },
          },
          inputs: { x: dims },
          outputs: { y: [] },
        });
        const x = tensor(dims, 11);
        await expectLayer(source, x, { dims, forward: (v) => Array.from(v, (a) => f(a, bound)) });
        const r = numbers(x.data.length, 7);
        const { relevance, rules } = await explainLayer(source, x, r, ruleOf.pass());
        expect(relevance.data).toEqual(Float32Array.from(r));
        expect(rules).toMatchObject([
          { node: "y", type: type === "Max" && bound === 0 ? "Relu" : "Clip", rule: "pass" },
        ]);
      }
    });

    test("of constants, and of shapes that do not fit", async () => {
      const f = type === "Min" ? Math.min : Math.max;
      const source = onnx({
        nodes: [
          { type, inputs: ["a", "b", "a"], outputs: ["m"] },
          { type: "Add", inputs: ["x", "m"], outputs: ["y"] },
        ],
        initializers: { a: tensor([3, 1], 1), b: tensor([5], 2) },
        inputs: { x: [3, 5] },
        outputs: { y: [] },
      });
      const [a, b] = [tensor([3, 1], 1).data, tensor([5], 2).data];
      const forward = (x: Numbers) => Array.from(x, (v, i) => v + f(a[Math.floor(i / 5)], b[i % 5]));
      await expectLayer(source, tensor([3, 5], 3), { dims: [3, 5], forward });
      await expect(loadInMode(chain(["n", 3, 5], [{ type, parameters: [tensor([4], 3)] }]))).rejects.toThrow(
        `node 'y0' (${type}): expected shapes that can be broadcast`,
      );
    });
  });

  describe("Where", () => {
    const shapes: readonly (readonly [Dims, Dims, Dims])[] = [
      [dims, dims, dims],
      [[5, 1], dims, [7]],
      [[2, 1, 1, 1], [3, 1, 1], dims],
      [[], dims, [3, 5, 7]],
    ];

    test.each(shapes)("[%s] chooses from [%s] and [%s]", async (c, a, b) => {
      for (const opset of [9, 16]) {
        // Whatever is of the input's shape is computed from it, channels last on one side, and is compared as well.
        const values = { a: tensor(a, 5), b: tensor(b, 6), c: tensor(c, 7) };
        const full = (d: Dims) => d.length === dims.length && d.every((v, i) => v === dims[i]);
        const source = onnx(
          {
            nodes: [
              ...before,
              { type: "Greater", inputs: [full(c) ? "x" : "c", "zero"], outputs: ["condition"] },
              {
                type: "Where",
                inputs: ["condition", full(a) ? "turned" : "a", full(b) ? "opposite" : "b"],
                outputs: ["y"],
              },
            ],
            initializers: { ...values, zero: { dims: [], data: Float32Array.of(0) } },
            inputs: { x: dims },
            outputs: { y: [] },
          },
          opset,
        );
        const at = (name: "a" | "b" | "c", d: Dims, p: readonly number[]) => values[name].data[broadcastAt(d, dims, p)];
        const chosen = (v: Numbers) => positions(dims).map((p, i) => (full(c) ? v[i] : at("c", c, p)) > 0);
        const forward = (v: Numbers) =>
          chosen(v).map((is, i) => {
            const p = positions(dims)[i];
            return is ? (full(a) ? v[i] : at("a", a, p)) : full(b) ? -v[i] : at("b", b, p);
          });
        const x = tensor(dims, 11);
        await expectLayer(source, x, { dims, forward });
        const r = numbers(x.data.length, 7);
        const composite = [{ type: "Neg", rule: ruleOf.pass() }, { rule: ruleOf.lrp0() }];
        const { ledger, relevance } = await explainLayer(source, x, r, composite);
        const kept = chosen(x.data).map((is) => !full(is ? a : b));
        expectClose(
          relevance.data,
          Array.from(r, (v, i) => (kept[i] ? 0 : v)),
          1e-6,
        );
        const row = ledger.find(({ type }) => type === "Where")!;
        expectClose([row.other, row.gap], [total(r.filter((_, i) => kept[i])), 0], 1e-5, row.magnitude);
      }
    });

    test("of integers, of constants, and of a condition from the caller", async () => {
      const choose = (inputs: string[], output: string) => ({ type: "Where", inputs, outputs: [output] });
      const source = onnx({
        nodes: [
          choose(["c", "i", "one"], "y"),
          choose(["never", "f", "g"], "h"),
          { type: "Add", inputs: ["f", "h"], outputs: ["z"] },
        ],
        initializers: {
          one: { dims: [], data: [1] },
          never: { dims: [3], data: [false, true, false] },
          g: { dims: [1], data: Float32Array.of(0.5) },
        },
        inputs: { c: [3], i: [3], f: [3] },
        outputs: { y: [3], z: [3] },
        types: { c: 9, i: 7, y: 7 },
      });
      using model = await loadInMode(source);
      const { y, z } = model.predict({
        c: { dims: [3], data: [1, 0, 1] },
        i: { dims: [3], data: [7, 8, 9] },
        f: { dims: [3], data: Float32Array.of(1, 2, 4) },
      }).outputs;
      expect(y).toEqual({ type: "int64", dims: [3], data: BigInt64Array.of(7n, 1n, 9n) });
      expect(z).toEqual({ dims: [3], data: Float32Array.of(1.5, 4, 4.5) });
    });

    test.each([
      [{ c: 1 }, "condition of type bool, got float32"],
      [{ c: 9, a: 7 }, "Y of type int64, as the input before it, got float32"],
    ])("of types %j is refused", async (types, says) => {
      const source = onnx({
        nodes: [{ type: "Where", inputs: ["c", "a", "b"], outputs: ["y"] }],
        inputs: { c: [3], a: [3], b: [3] },
        outputs: { y: [] },
        types,
      });
      await expect(loadInMode(source)).rejects.toThrow(`node 'y' (Where): expected ${says}`);
    });
  });

  describe("a mask of infinities, before a softmax", () => {
    const [lines, length] = [2, 4];
    const mask = [0, -Infinity, -Infinity, 0.5, -Infinity, 0, 0, -1];
    const file = (given: FileNode[], initializers: Parameters<typeof onnx>[0]["initializers"]) =>
      onnx(
        {
          nodes: [
            ...given,
            { type: "Softmax", inputs: ["m"], outputs: ["p"] },
            { type: "MatMul", inputs: ["p", "w"], outputs: ["y"] },
          ],
          initializers: { ...initializers, w: tensor([length, 3], 2) },
          inputs: { x: ["n", lines, length] },
          outputs: { y: [] },
        },
        14,
      );
    const given = { dims: [lines, length], data: Float32Array.from(mask) };
    const finite = { dims: [lines, length], data: Float32Array.from(mask, (v) => Math.max(v, -1e30)) };
    const x = tensor([2, lines, length], 11);
    const r = numbers(2 * lines * 3, 7);
    const explained = async (source: Uint8Array) => {
      using model = await loadInMode(source);
      return explainFrom(model, x, r, { unknown: "gradient" });
    };

    test.each<[string, FileNode[], Parameters<typeof onnx>[0]["initializers"]]>([
      ["that is added", [{ type: "Add", inputs: ["x", "mask"], outputs: ["m"] }], { mask: given }],
      [
        "that is moved, and added on the left",
        [
          { type: "Reshape", inputs: ["mask", "shape"], outputs: ["r"] },
          { type: "Add", inputs: ["r", "x"], outputs: ["m"] },
        ],
        { mask: { ...given, dims: [lines * length] }, shape: { dims: [2], data: [lines, length] } },
      ],
    ])("%s", async (_how, nodes, initializers) => {
      const e = await explained(file(nodes, initializers));
      const wanted = await explained(file([{ type: "Add", inputs: ["x", "mask"], outputs: ["m"] }], { mask: finite }));
      expect(e.output).toEqual(wanted.output);
      expectClose(e.relevance.data, wanted.relevance.data, 1e-6);
      for (const row of e.ledger) expect(Math.abs(row.gap)).toBeLessThan(1e-6);
    });

    test("of nothing but zeros and infinities chooses: what stays, stays as it is", async () => {
      const triangle = { dims: [3, 3], data: Float32Array.of(0, -Infinity, -Infinity, 0, 0, -Infinity, 0, 0, 0) };
      const source = onnx({
        nodes: [
          { type: "Add", inputs: ["mask", "x"], outputs: ["m"] },
          { type: "Max", inputs: ["m", "low"], outputs: ["y"] },
        ],
        initializers: { mask: triangle, low: { dims: [1], data: Float32Array.of(-9) } },
        inputs: { x: [1, 3] },
        outputs: { y: [] },
      });
      const { output, relevance } = await explainLayer(
        source,
        { dims: [1, 3], data: Float32Array.of(1, 2, 3) },
        new Array(9).fill(1),
        ruleOf.pass(),
      );
      expect([...output.data]).toEqual([1, -9, -9, 1, 2, -9, 1, 2, 3]);
      expect([...relevance.data]).toEqual([3, 2, 1]);
    });
  });

  test("Min and Max of integers", async () => {
    const source = onnx({
      nodes: [
        { type: "Max", inputs: ["a", "b"], outputs: ["m"] },
        { type: "Min", inputs: ["m", "three"], outputs: ["y"] },
      ],
      initializers: { three: { dims: [1], data: [3] } },
      inputs: { a: [4], b: [1] },
      outputs: { y: [4] },
      types: { a: 7, b: 7, y: 7 },
    });
    using model = await loadInMode(source);
    const { output } = model.predict({ a: { dims: [4], data: [-5, 0, 2, 9] }, b: { dims: [1], data: [0] } });
    expect(output).toMatchObject({ type: "int64", dims: [4], data: BigInt64Array.of(0n, 0n, 2n, 3n) });
  });
});
