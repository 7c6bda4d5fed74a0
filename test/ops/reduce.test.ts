import { describe, expect, test } from "vitest";
import { baseEntries, load, ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainFrom, explainLayer, predict } from "../explain.ts";
import { chain, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, count, type Dims, type LinearMap, place, positions } from "../reference/linear.ts";
import { alphaBeta, epsilon, gamma } from "../reference/rules.ts";
import { checkRule, expectLayer } from "./check.ts";

/*
 * Reductions from their definition: positions of the input are sorted into cells by the coordinates that stay.
 */

type Cell = readonly number[];
const sum = (cell: Cell) => cell.reduce((a, v) => a + v, 0);

const literal = {
  ReduceSum: sum,
  ReduceMean: (cell) => sum(cell) / cell.length,
  ReduceMax: (cell) => Math.max(...cell),
  ReduceMin: (cell) => Math.min(...cell),
  ReduceL1: (cell) => sum(cell.map(Math.abs)),
  ReduceL2: (cell) => Math.sqrt(sum(cell.map((v) => v * v))),
  ReduceProd: (cell) => cell.reduce((a, v) => a * v, 1),
  ReduceSumSquare: (cell) => sum(cell.map((v) => v * v)),
  ReduceLogSum: (cell) => Math.log(sum(cell)),
  ReduceLogSumExp: (cell) => Math.log(sum(cell.map(Math.exp))),
} as const satisfies Record<string, (cell: Cell) => number>;
type Type = keyof typeof literal;
const types = Object.keys(literal) as Type[];

interface Case {
  readonly x: Dims;
  /** As the file has it; undefined: left out. */
  readonly axes?: readonly number[];
  readonly keepdims?: 0 | 1;
  readonly noop?: boolean;
}

const cases: readonly Case[] = [
  { x: [3, 7] },
  { x: [5], axes: [0] },
  { x: [5], axes: [-1], keepdims: 0 },
  { x: [3, 7], axes: [0] },
  { x: [3, 7], axes: [], keepdims: 0 },
  { x: [2, 5, 7], axes: [1], keepdims: 0 },
  { x: [2, 5, 7], axes: [-1, 0], keepdims: 1 },
  { x: [2, 3, 5, 7], axes: [2, 3] },
  { x: [2, 3, 5, 7], axes: [3, -2], keepdims: 0 },
  { x: [2, 3, 5, 7], axes: [1] },
  { x: [2, 3, 5, 7], axes: [-2] },
  { x: [2, 3, 5, 7], axes: [0, 2, 3], keepdims: 0 },
  { x: [2, 3, 5, 2, 7], axes: [1, 3] },
  { x: [2, 3, 5, 2, 7], axes: [4, 2, -4], keepdims: 0 },
  { x: [1, 3, 5, 7], keepdims: 0 },
  { x: [1, 3, 5, 7], axes: [0, 3] },
  { x: [1, 5], axes: [0], keepdims: 0 },
  { x: [2, 3, 5], axes: [], noop: true },
  { x: [2, 3, 5], noop: true, keepdims: 0 },
];

/** The cells, and what is left of the dims. */
function cellsOf({ x, axes = [], keepdims = 1, noop }: Case): { dims: number[]; cells: number[][] } {
  const gone = new Set(axes.length === 0 && !noop ? x.map((_, i) => i) : axes.map((a) => (a + x.length) % x.length));
  const outer = x.map((d, i) => (gone.has(i) ? 1 : d));
  const cells = positions(outer).map(() => [] as number[]);
  positions(x).forEach((p, i) => {
    cells[
      place(
        outer,
        p.map((v, axis) => (gone.has(axis) ? 0 : v)),
      )
    ].push(i);
  });
  return { dims: outer.filter((_, i) => keepdims === 1 || !gone.has(i)), cells };
}

const ints = (data: readonly number[]): FileTensor => ({ dims: [data.length], data });
/** Leaves the numbers as they are, channels last. */
const turn = (x: Dims) =>
  x.length < 3 ? [] : [{ type: "MaxPool", attributes: { kernel_shape: x.slice(2).map(() => 1) } }];

function source(type: Type, { x, axes, keepdims, noop }: Case, opset: number, before = turn(x)): Uint8Array {
  const asInput = opset >= (type === "ReduceSum" ? 13 : 18);
  const attributes = {
    ...(keepdims !== undefined && { keepdims }),
    ...(!asInput && axes && { axes }),
    ...(noop && { noop_with_empty_axes: 1 }),
  };
  return chain(x, [...before, { type, attributes, parameters: asInput && axes ? [ints(axes)] : [] }], opset);
}

/** Only what keeps its samples apart can be explained. */
const keepsSamples = (c: Case) => cellsOf(c).cells.length % c.x[0] === 0;
const named = (list: readonly Case[]) => list.map((c) => [JSON.stringify(c), c] as const);
const explained = named(cases.filter(keepsSamples));

const opsetsOf = (type: Type, c: Case) =>
  [7, 12, 13, 18, 22].filter((opset) => !c.noop || opset >= (type === "ReduceSum" ? 13 : 18));
/** Positive, so that logarithms are numbers; products stay near 1. */
const inputOf = ({ x }: Case, type: Type) =>
  type === "ReduceProd" || type === "ReduceLogSum" ? tensor(x, 11, 0.6, 1.5) : tensor(x, 11, -2, 2);

describe("reductions", () => {
  describe.each(types)("%s", (type) => {
    test.each(named(cases))("%s", async (_name, c) => {
      const { dims, cells } = cellsOf(c);
      const forward = (v: ArrayLike<number>) =>
        Float64Array.from(cells, (cell) => literal[type](cell.map((i) => v[i])));
      const differentiable = keepsSamples(c);
      for (const opset of opsetsOf(type, c)) {
        for (const before of [[], turn(c.x)]) {
          await expectLayer(source(type, c, opset, before), inputOf(c, type), { dims, forward }, { differentiable });
        }
      }
    });
  });

  test.each(explained)("rules at sums and means %s", async (_name, c) => {
    const { dims, cells } = cellsOf(c);
    const x = tensor(c.x, 11);
    for (const type of ["ReduceSum", "ReduceMean"] as const) {
      const connections = cells.map((cell) => cell.map((i) => ({ i, w: type === "ReduceSum" ? 1 : 1 / cell.length })));
      const map: LinearMap = { dims, inputs: count(c.x), connections, bias: connections.map(() => 0) };
      expectClose((await predict(source(type, c, 18), x)).data, apply(map, x.data), 2e-6, 1);
      for (const [rule, by] of [
        [ruleOf.norm(), epsilon],
        [ruleOf.zPlus(), alphaBeta(1, 0)],
        [ruleOf.alphaBeta(), alphaBeta(2, 1)],
        [ruleOf.gamma(), gamma(0.25)],
      ] as const)
        await checkRule(source(type, c, 18), map, x, rule, by);
    }
  });

  test.each(explained)("to the first winner %s", async (_name, c) => {
    const x = { dims: c.x, data: tensor(c.x, 11).data.map((v) => Math.round(2 * v)) };
    const { cells } = cellsOf(c);
    const r = numbers(cells.length, 7);
    for (const type of ["ReduceMax", "ReduceMin"] as const) {
      const expected = new Float64Array(x.data.length);
      cells.forEach((cell, j) => {
        expected[cell.find((i) => x.data[i] === literal[type](cell.map((k) => x.data[k])))!] += r[j];
      });
      const { relevance, ledger } = await explainLayer(source(type, c, 18), x, r, ruleOf.norm());
      expectClose(relevance.data, expected, 1e-6);
      for (const { rule, gap } of ledger) expect([rule, Math.abs(gap) < 1e-5]).toEqual(["route", true]);
    }
  });

  test.each(explained)("norms share by |x|^p %s", async (_name, c) => {
    const { cells } = cellsOf(c);
    // The first cell has nothing to share by.
    const data = tensor(c.x, 11).data.map((v, i) => (cells[0].includes(i) ? 0 : v));
    const r = numbers(cells.length, 7);
    for (const [type, p] of [
      ["ReduceL1", 1],
      ["ReduceL2", 2],
    ] as const) {
      const expected = new Float64Array(data.length);
      cells.forEach((cell, j) => {
        const all = sum(cell.map((i) => Math.abs(data[i]) ** p));
        for (const i of cell) if (all > 0) expected[i] = (Math.abs(data[i]) ** p / all) * r[j];
      });
      for (const composite of [ruleOf.lrn("taylor"), baseEntries()]) {
        const { relevance, ledger } = await explainLayer(source(type, c, 18), { dims: c.x, data }, r, composite);
        expectClose(relevance.data, expected, 2e-6, 1);
        const row = ledger.find((each) => each.rule === "taylor")!;
        expect(row.dead).toBeCloseTo(r[0], 5);
        expect(Math.abs(row.gap)).toBeLessThan(1e-5);
      }
    }
  });

  test.each([
    [
      [2, 0, 3],
      [0, 6, 0],
    ],
    [
      [0, 0, 3],
      [0, 0, 0],
    ],
  ])("the slope of a product with zeros: %s", async (x, slope) => {
    using model = await loadInMode(source("ReduceProd", { x: [1, 3] }, 18));
    const { relevance } = explainFrom(model, { dims: [1, 3], data: Float32Array.from(x) }, [1], {
      unknown: "gradient",
    });
    expect([...relevance.data]).toEqual(slope);
  });

  test("a million equal numbers add up, and large exponents do not overflow", async () => {
    const x = { dims: [1, 2 ** 20], data: new Float32Array(2 ** 20).fill(0.1) };
    const [y] = (await predict(chain(x.dims, [{ type: "ReduceSum", parameters: [ints([1])] }]), x)).data;
    expect(Math.abs(y / (Math.fround(0.1) * 2 ** 20) - 1)).toBeLessThan(1e-7);
    const large = { dims: [1, 2], data: Float32Array.of(1000, 1000) };
    expectClose((await predict(chain([1, 2], [{ type: "ReduceLogSumExp" }]), large)).data, [1000 + Math.log(2)], 1e-7);
    // log(e^−∞ + e^−∞) is −∞ again.
    const nothing = chain([1, 2], [{ type: "Log" }, { type: "ReduceLogSumExp" }, { type: "Exp" }]);
    expect(Array.from((await predict(nothing, { dims: [1, 2], data: new Float32Array(2) })).data)).toEqual([0]);
    expectClose((await predict(nothing, { dims: [1, 2], data: Float32Array.of(0, 3) })).data, [3], 1e-6);
  });

  test("a stabilizer relative to the sample, where a single number is left", async () => {
    const x = { dims: [1, 3], data: Float32Array.of(1, 2, 3) };
    const rule = ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" });
    const { relevance } = await explainLayer(source("ReduceSum", { x: x.dims, keepdims: 0 }, 13), x, [1], rule);
    expectClose(
      relevance.data,
      [1, 2, 3].map((v) => v / 7.5),
      1e-6,
    );
  });

  test.each([
    [0, [1]],
    [1, [2, 3]],
  ])("axes that come with the call, and are none: noop_with_empty_axes %i", async (noop_with_empty_axes, dims) => {
    const sum = {
      type: "ReduceSum",
      inputs: ["x", "axes"],
      outputs: ["y"],
      attributes: { keepdims: noop_with_empty_axes, noop_with_empty_axes },
    };
    const graph = {
      nodes: [sum, { type: "Reshape", inputs: ["y", "shape"], outputs: ["z"] }],
      initializers: { shape: ints(dims) },
    };
    const [inputs, types] = [{ x: [2, 3], axes: ["a"] }, { axes: 7 }];
    using model = await loadInMode(onnx({ ...graph, inputs, outputs: { z: [] }, types }, 13));
    const { output } = model.predict({
      x: { dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      axes: { dims: [0], data: [] },
    });
    expect(Array.from(output.data)).toEqual(noop_with_empty_axes ? [1, 2, 3, 4, 5, 6] : [21]);
  });

  test("constants are reduced while loading, integers to integers", async () => {
    const folded = (type: string, data: FileTensor["data"]) =>
      onnx(
        {
          nodes: [
            { type, inputs: ["c"], outputs: ["n"], attributes: { keepdims: 0 } },
            { type: "Cast", inputs: ["n"], outputs: ["f"], attributes: { to: 1 } },
            { type: "Mul", inputs: ["x", "f"], outputs: ["y"] },
          ],
          initializers: { c: { dims: [3], data } },
          inputs: { x: [1] },
          outputs: { y: [] },
        },
        17,
      );
    const one = { dims: [1], data: Float32Array.of(1) };
    for (const [type, data, expected] of [
      ["ReduceProd", [3, 5, 7], 105],
      ["ReduceMean", [3, -5, 7], 1],
      ["ReduceMean", [-3, 0, -2], -1],
      ["ReduceMean", Float32Array.of(1, 2, 4.5), 2.5],
      ["ArgMax", [3, 5, 5], 1],
    ] as const)
      expect((await predict(folded(type, data), one)).data[0]).toBe(expected);
  });

  test.each([
    { x: [5], opset: 7 },
    { x: [3, 7], axis: 1, opset: 11 },
    { x: [2, 3, 5, 7], axis: -3, keepdims: 0, opset: 13 },
    { x: [2, 3, 5, 7], axis: 3, keepdims: 1, last: 1, opset: 12 },
    { x: [2, 3, 5, 2, 3], axis: -1, keepdims: 0, last: 1, opset: 22 },
  ] as const)("ArgMax and ArgMin %j", async ({ x, opset, ...a }) => {
    const { axis = 0, keepdims = 1, last = 0 } = a as { axis?: number; keepdims?: 0 | 1; last?: number };
    const data = tensor(x, 11).data.map((v) => Math.round(2 * v));
    const { dims, cells } = cellsOf({ x, axes: [axis], keepdims });
    const attributes = {
      ...("axis" in a && { axis }),
      ...("keepdims" in a && { keepdims }),
      ...(last && { select_last_index: last }),
    };
    for (const type of ["ArgMax", "ArgMin"] as const) {
      const best = type === "ArgMax" ? literal.ReduceMax : literal.ReduceMin;
      const expected = cells.map((cell) => {
        const values = cell.map((i) => data[i]);
        return last ? values.lastIndexOf(best(values)) : values.indexOf(best(values));
      });
      for (const before of [[], turn(x)]) {
        const nodes = [
          ...before.map((node) => ({ ...node, inputs: ["x"], outputs: ["turned"] })),
          { type, attributes, inputs: [before.length ? "turned" : "x"], outputs: ["y"] },
        ];
        const output = await predict(onnx({ nodes, inputs: { x }, outputs: { y: [] }, types: { y: 7 } }, opset), {
          dims: x,
          data,
        });
        expect(output.type).toBe("int64");
        expect(output.dims).toEqual(dims);
        expect(Array.from<number | bigint, number>(output.data, Number)).toEqual(expected);
      }
    }
  });

  test.each(["ReduceProd", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp", "ArgMax", "ArgMin"])(
    "relevance is refused at %s",
    async (type) => {
      const nodes = type.startsWith("Arg")
        ? [
            { type, attributes: { axis: 1 } },
            { type: "Cast", attributes: { to: 1 } },
          ]
        : [{ type }];
      using model = await loadInMode(chain([1, 3], nodes, 17));
      const x = tensor([1, 3], 1, 0.5, 1);
      expect(() => explainFrom(model, x, [1], {})).toThrowError(
        /\((Reduce|Arg)\w+\): no rule passes relevance through it/,
      );
    },
  );
});

test.each<[string, Parameters<typeof chain>[1][number], number, RegExp]>([
  [
    "an axis twice",
    { type: "ReduceSum", attributes: { axes: [1, -2] } },
    11,
    /different axes of a tensor of rank 3, got \[1,-2\]/,
  ],
  [
    "an axis beyond",
    { type: "ReduceMax", parameters: [ints([3])] },
    18,
    /different axes of a tensor of rank 3, got \[3\]/,
  ],
  [
    "axes of another opset",
    { type: "ReduceSum", attributes: { axes: [1] } },
    13,
    /relprop does not know the attribute 'axes'/,
  ],
  ["an input of another opset", { type: "ReduceMean", parameters: [ints([1])] }, 17, /at most 1 input \(data\), got 2/],
  ["ArgMax beyond", { type: "ArgMax", attributes: { axis: -4 } }, 17, /an axis of a tensor of rank 3, got -4/],
])("refused: %s", async (_name, node, opset, says) => {
  await expect(load(chain([2, 3, 5], [node], opset))).rejects.toThrowError(says);
});
