import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count, type LinearMap, place, positions } from "../reference/linear.ts";
import { alphaBeta, epsilon, gamma } from "../reference/rules.ts";
import { checkRule } from "./check.ts";
import { checkRow, fileOf, floats, int, ints, type OperatorRow } from "./rows.ts";

type Numbers = ArrayLike<number>;
const INT64 = 7;

/** The positions of each column along an axis, in its order. */
function columns(dims: readonly number[], axis: number): number[][] {
  const outer = dims.map((d, i) => (i === axis ? 1 : d));
  return positions(outer).map((p) =>
    Array.from({ length: dims[axis] }, (_, k) =>
      place(
        dims,
        p.map((v, i) => (i === axis ? k : v)),
      ),
    ),
  );
}

describe("TopK", () => {
  const best = (x: Numbers, column: readonly number[], k: number, sign: number) =>
    [...column].sort((a, b) => sign * (x[b] - x[a]) || a - b).slice(0, k);

  function row(x: number[], k: number, axis: number | undefined, largest: 0 | 1, opset: number): OperatorRow {
    const at = ((axis ?? -1) + x.length) % x.length;
    const dims = x.map((d, i) => (i === at ? k : d));
    const forward = (v: Numbers) => {
      const y = new Float64Array(count(dims));
      columns(x, at).forEach((column, c) => {
        best(v, column, k, largest ? 1 : -1).forEach((from, j) => {
          y[columns(dims, at)[c][j]] = v[from];
        });
      });
      return y;
    };
    const attributes = {
      ...(axis !== undefined && { axis }),
      ...(opset >= 11 && { largest, sorted: 1 }),
      ...(opset < 10 && { k }),
    };
    return { type: "TopK", x, dims, attributes, parameters: opset < 10 ? [] : [ints(k)], opset, forward };
  }

  test.each([
    row([7], 3, undefined, 1, 11),
    row([2, 7], 7, -1, 1, 9),
    row([3, 5], 2, 0, 1, 10),
    row([2, 5, 3], 2, 1, 0, 11),
    row([2, 3, 5, 7], 3, 2, 1, 11),
    row([2, 5, 3, 2], 4, -3, 0, 13),
  ])("chooses $dims of $x, opset $opset", checkRow);

  test("says where they stand, the first of equal ones first", async () => {
    using model = await loadInMode(
      onnx({
        nodes: [{ type: "TopK", inputs: ["x", "k"], outputs: ["y", "at"] }],
        initializers: { k: ints(3) },
        inputs: { x: [2, 5] },
        outputs: { y: [], at: [] },
        types: { at: INT64 },
      }),
    );
    const x = { dims: [2, 5], data: Float32Array.of(1, 3, 2, 3, 0, -1, -1, -2, -1, -1) };
    const { y, at } = model.predict(x).outputs;
    expect([...y.data]).toEqual([3, 3, 2, -1, -1, -1]);
    expect([...at.data].map(Number)).toEqual([1, 3, 2, 0, 1, 3]);
    const { relevance, ledger } = explainFrom(model, x, [1, 2, 3, 4, 5, 6], { composite: [{ rule: ruleOf.pass() }] });
    expect([...relevance.data]).toEqual([0, 1, 3, 2, 0, 4, 5, 0, 6, 0]);
    expect(ledger[0]).toMatchObject({ rule: "route", gap: 0 });
  });

  test("tells which are chosen where their values are not asked for", async () => {
    using model = await loadInMode(
      onnx({
        nodes: [{ type: "TopK", inputs: ["x", "k"], outputs: ["", "at"], name: "top" }],
        initializers: { k: ints(2) },
        inputs: { x: [1, 4] },
        outputs: { at: [] },
        types: { at: INT64 },
      }),
    );
    const { data } = model.predict({ dims: [1, 4], data: Float32Array.of(1, 4, 2, 3) }).output;
    expect([...data].map(Number)).toEqual([1, 3]);
  });
});

describe("OneHot", () => {
  async function run(indices: readonly number[], dims: readonly number[], axis: number, depth: number) {
    using model = await loadInMode(
      onnx({
        nodes: [{ type: "OneHot", inputs: ["i", "depth", "values"], outputs: ["y"], attributes: { axis } }],
        initializers: { depth: int(depth), values: floats(-1, 4) },
        inputs: { i: dims },
        outputs: { y: [] },
        types: { i: INT64 },
      }),
      { batch: false },
    );
    const given = { dims, data: indices };
    const { output } = model.predict(given);
    const r = numbers(output.data.length, 3);
    return { output, r, ...explainFrom(model, given as never, r, { composite: [{ rule: ruleOf.pass() }] }) };
  }

  test.each([-1, 0, 1, 2])("along axis %i; relevance of a column is that of its index", async (axis) => {
    const indices = [0, 3, -1, 2, 4, -5];
    const { output, r, relevance } = await run(indices, [2, 3], axis, 4);
    const at = (axis + 3) % 3;
    const dims = [2, 3].toSpliced(at, 0, 4);
    expect(output.dims).toEqual(dims);
    const sums = new Float64Array(6);
    positions(dims).forEach((p, i) => {
      const index = place([2, 3], p.toSpliced(at, 1));
      const on = p[at] === indices[index] || p[at] === indices[index] + 4;
      expect(output.data[i]).toBe(on ? 4 : -1);
      sums[index] += r[i];
    });
    expectClose(relevance.data, sums, 1e-6);
  });

  test("of constants is one", async () => {
    const file = onnx({
      nodes: [
        { type: "OneHot", inputs: ["i", "depth", "values"], outputs: ["o"] },
        { type: "Mul", inputs: ["x", "o"], outputs: ["y"] },
      ],
      initializers: { i: ints(2, 0), depth: int(3), values: floats(0, 1) },
      inputs: { x: [2, 3] },
      outputs: { y: [] },
    });
    using model = await loadInMode(file);
    const { data } = model.predict({ dims: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }).output;
    expect([...data]).toEqual([0, 0, 3, 4, 0, 0]);
  });
});

describe("CumSum", () => {
  const kinds = [0, 1].flatMap((exclusive) => [0, 1].map((reverse) => ({ exclusive, reverse })));
  const cases = kinds.flatMap((kind) => [
    { ...kind, x: [1, 7], axis: 1 },
    { ...kind, x: [2, 3, 5], axis: -2 },
    { ...kind, x: [2, 3, 5, 2], axis: 3 },
    { ...kind, x: [5], axis: 0 },
  ]);

  function mapOf({ x, axis, exclusive, reverse }: (typeof cases)[number]): LinearMap {
    const at = (axis + x.length) % x.length;
    const connections: { i: number; w: number }[][] = positions(x).map(() => []);
    for (const column of columns(x, at))
      column.forEach((to, j) => {
        column.forEach((i, k) => {
          const before = reverse ? k > j : k < j;
          if (before || (k === j && !exclusive)) connections[to].push({ i, w: 1 });
        });
      });
    return { dims: x, inputs: count(x), connections, bias: connections.map(() => 0) };
  }

  const rowOf = (c: (typeof cases)[number]): OperatorRow => ({
    type: "CumSum",
    x: c.x,
    dims: c.x,
    attributes: { exclusive: c.exclusive, reverse: c.reverse },
    parameters: [c.axis === 1 ? ints(c.axis) : int(c.axis)],
    forward: (v) => mapOf(c).connections.map((list) => list.reduce((sum, { i }) => sum + v[i], 0)),
    scale: 5,
  });

  test.each(cases)("$x along $axis, exclusive $exclusive, reverse $reverse", (c) => checkRow(rowOf(c)));

  test.each(cases.filter(({ x }) => x.length > 1))("has the rules of sums: $x, $exclusive, $reverse", async (c) => {
    for (const [rule, by] of [
      [ruleOf.norm(), epsilon],
      [ruleOf.alphaBeta(), alphaBeta(2, 1)],
      [ruleOf.gamma(), gamma(0.25)],
    ] as const)
      await checkRule(fileOf(rowOf(c)), mapOf(c), tensor(c.x, 5), rule, by);
  });
});
