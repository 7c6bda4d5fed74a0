import { describe, expect, test } from "vitest";
import { baseEntries, type Composite, load, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, largest, total } from "../close.ts";
import { explainFrom, explainLayer } from "../explain.ts";
import { chain, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { type Dims, place, positions } from "../reference/linear.ts";
import { identity } from "../reference/norms.ts";
import { expectLayer } from "./check.ts";

/*
 * Normalizations from their definition: `cell` says with which numbers each is normalized, `parameter` which scale and
 * shift are its.
 */

type Position = readonly number[];

interface Case {
  readonly type: string;
  readonly x: Dims;
  readonly attributes?: FileNode["attributes"];
  readonly parameters?: readonly Tensor[];
  readonly opsets: readonly number[];
  cell(p: Position): unknown;
  parameter?(p: Position): number;
  /** From the numbers of a cell. */
  statistics(cell: readonly number[]): { centre: number; factor: number };
}

const sum = (values: readonly number[]) => values.reduce((a, v) => a + v, 0);

/** Mean, and 1 / (√(variance + ε) + δ). */
const moments =
  (epsilon: number, delta = 0): Case["statistics"] =>
  (cell) => {
    const centre = sum(cell) / cell.length;
    const variance = sum(cell.map((v) => (v - centre) ** 2)) / cell.length;
    return { centre, factor: 1 / (Math.sqrt(variance + epsilon) + delta) };
  };

const scaleAndShift = (...dims: number[]) => [tensor(dims, 21, 0.5, 2), tensor(dims, 22)];

const instance = (x: Dims, epsilon?: number): Case => ({
  type: "InstanceNormalization",
  x,
  attributes: epsilon === undefined ? {} : { epsilon: { float: epsilon } },
  parameters: scaleAndShift(x[1]),
  opsets: [7, 21, 22],
  cell: ([n, c]) => [n, c],
  parameter: ([, c]) => c,
  statistics: moments(epsilon ?? 1e-5),
});

const group = (x: Dims, groups: number, since: 18 | 21): Case => ({
  type: "GroupNormalization",
  x,
  attributes: { num_groups: groups, epsilon: { float: 0.25 } },
  parameters: scaleAndShift(since === 18 ? groups : x[1]),
  opsets: since === 18 ? [18, 20] : [21, 22],
  cell: ([n, c]) => [n, Math.floor(c / (x[1] / groups))],
  parameter: ([, c]) => (since === 18 ? Math.floor(c / (x[1] / groups)) : c),
  statistics: moments(0.25),
});

/** @param parameters dims of scale and bias, which broadcast */
const layer = (x: Dims, axis: number | undefined, parameters: readonly Dims[]): Case => {
  const first = ((axis ?? -1) + x.length) % x.length;
  const [dims] = parameters;
  return {
    type: "LayerNormalization",
    x,
    attributes: axis === undefined ? {} : { axis, epsilon: { float: 0.125 }, stash_type: 1 },
    parameters: parameters.map((d, i) => tensor(d, 21 + i, 0.5, 2)),
    opsets: [17, 22],
    cell: (p) => p.slice(0, first),
    parameter: (p) =>
      place(
        dims,
        p.slice(x.length - dims.length).map((v, i) => (dims[i] === 1 ? 0 : v)),
      ),
    statistics: moments(axis === undefined ? 1e-5 : 0.125),
  };
};

/** @param parameter dims of the scale, which broadcasts */
const rms = (x: Dims, axis: number | undefined, parameter: Dims): Case => ({
  ...layer(x, axis, [parameter]),
  type: "RMSNormalization",
  opsets: [22],
  statistics: (cell) => ({
    centre: 0,
    factor: 1 / Math.sqrt(sum(cell.map((v) => v * v)) / cell.length + (axis === undefined ? 1e-5 : 0.125)),
  }),
});

const meanVariance = (x: Dims, axes?: readonly number[]): Case => {
  const gone = (axes ?? [0, 2, 3]).map((axis) => (axis + x.length) % x.length);
  return {
    type: "MeanVarianceNormalization",
    x,
    attributes: axes ? { axes } : {},
    opsets: [9, 13, 22],
    cell: (p) => p.filter((_, i) => !gone.includes(i)),
    statistics: moments(0, 1e-9),
  };
};

const lp = (x: Dims, axis: number | undefined, p: number | undefined): Case => ({
  type: "LpNormalization",
  x,
  attributes: { ...(axis !== undefined && { axis }), ...(p !== undefined && { p }) },
  opsets: [7, 22],
  cell: (at) => at.filter((_, i) => i !== ((axis ?? -1) + x.length) % x.length),
  statistics: (cell) => ({
    centre: 0,
    factor: 1 / (p === 1 ? sum(cell.map(Math.abs)) : Math.sqrt(sum(cell.map((v) => v * v)))),
  }),
});

const cases: readonly Case[] = [
  instance([2, 3, 5]),
  instance([2, 3, 5, 7], 0.5),
  instance([1, 5, 3, 2, 7], 0.01),
  ...([18, 21] as const).flatMap((since) => [
    group([2, 6, 5], 3, since),
    group([2, 6, 5, 7], 2, since),
    group([3, 5, 2, 3], 5, since),
    group([1, 4, 3, 2, 5], 1, since),
    group([3, 10], 2, since),
  ]),
  layer([7], undefined, [[7], [7]]),
  layer([3, 7], undefined, [[7]]),
  layer([2, 5, 7], -1, [[7], [7]]),
  layer([2, 3, 5, 7], -3, [
    [3, 5, 7],
    [3, 5, 7],
  ]),
  layer([2, 3, 5, 7], 2, [[5, 1]]),
  layer([2, 3, 5, 7], 0, [[1], [1]]),
  layer([2, 3, 5, 2, 3], 3, [
    [2, 3],
    [2, 3],
  ]),
  rms([7], undefined, [7]),
  rms([2, 5, 7], -1, [7]),
  rms([2, 3, 5, 7], -3, [3, 5, 7]),
  rms([2, 3, 5, 7], 2, [5, 1]),
  meanVariance([2, 3, 5, 7]),
  meanVariance([2, 3, 5], [-1]),
  meanVariance([2, 3, 5, 2, 7], [4, 0, 2]),
  meanVariance([5, 3], [0, 1]),
  lp([7], undefined, undefined),
  lp([2, 3, 5], 1, 1),
  lp([2, 3, 5, 7], -3, 2),
  lp([2, 3, 5, 2, 7], -2, 1),
];

function cellsOf({ x, cell }: Case): Map<string, number[]> {
  const cells = new Map<string, number[]>();
  positions(x).forEach((p, i) => {
    const key = JSON.stringify(cell(p));
    cells.set(key, [...(cells.get(key) ?? []), i]);
  });
  return cells;
}

function literal(c: Case): (v: ArrayLike<number>) => Float64Array {
  const at = positions(c.x).map((p) => c.parameter?.(p) ?? 0);
  const [scale, shift] = [0, 1].map((k) => (i: number) => c.parameters?.[k]?.data[at[i]] ?? 1 - k);
  return (v) => {
    const y = new Float64Array(v.length);
    for (const cell of cellsOf(c).values()) {
      const { centre, factor } = c.statistics(cell.map((i) => v[i]));
      for (const i of cell) y[i] = (v[i] - centre) * factor * scale(i) + shift(i);
    }
    return y;
  };
}

/** Relevance of x, and what each bias absorbs. */
function literalRule(c: Case, x: ArrayLike<number>, r: ArrayLike<number>) {
  const at = positions(c.x).map((p) => c.parameter?.(p) ?? 0);
  const [relevance, bias] = [new Float64Array(r.length), new Float64Array(r.length)];
  for (const cell of cellsOf(c).values()) {
    const [w, b] = [0, 1].map((k) => cell.map((i) => c.parameters?.[k]?.data[at[i]] ?? 1 - k));
    const numbersOf = cell.map((i) => x[i]);
    const isCentred = !c.type.startsWith("RMS") && !c.type.startsWith("Lp");
    const found = identity(
      { x: numbersOf, w, b, ...c.statistics(numbersOf), centred: isCentred },
      cell.map((i) => r[i]),
    );
    cell.forEach((i, k) => {
      [relevance[i], bias[i]] = [found.relevance[k], found.bias[k]];
    });
  }
  return { relevance, bias };
}

/** Leaves the numbers as they are, channels last. */
const turn = (x: Dims) =>
  x.length < 3 ? [] : [{ type: "MaxPool", attributes: { kernel_shape: x.slice(2).map(() => 1) } }];
const nameOf = ({ type, x, attributes, opsets }: Case) =>
  `${type} [${x}] ${JSON.stringify(attributes)} since ${opsets[0]}`;

describe("normalizations", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", async (_name, c) => {
    const { type, attributes, parameters } = c;
    for (const opset of c.opsets) {
      for (const before of [[], turn(c.x)]) {
        const file = chain(c.x, [...before, { type, attributes, parameters }], opset);
        await expectLayer(file, tensor(c.x, 11, -2, 3), { dims: c.x, forward: literal(c) });
      }
    }
  });

  test("small differences of large numbers keep their digits", async () => {
    const x = { dims: [1, 2, 9], data: tensor([1, 2, 9], 11).data.map((v) => 1000 + Math.round(8 * v) / 64) };
    const c = instance([1, 2, 9], 1e-9);
    const { type, attributes, parameters } = c;
    await expectLayer(
      chain(c.x, [{ type, attributes, parameters }]),
      x,
      { dims: c.x, forward: literal(c) },
      { differentiable: false },
    );
  });

  test("zeros along an axis stay zeros", async () => {
    using model = await loadInMode(chain([2, 3], [{ type: "LpNormalization" }]));
    expect(Array.from(model.predict({ dims: [2, 3], data: Float32Array.of(0, 0, 0, 3, 0, 4) }).output.data)).toEqual(
      [0, 0, 0, 0.6, 0, 0.8].map(Math.fround),
    );
  });

  test.each([
    // Nothing varies: what is left of the slope is the constant factor, without the mean.
    ["MeanVarianceNormalization", { axes: [1] }, 3, (r: number, mean: number) => 1e9 * (r - mean)],
    ["InstanceNormalization", { epsilon: { float: 0.25 } }, 3, (r: number, mean: number) => 2 * (r - mean)],
    // Where all are 0 there is no norm, and no slope.
    ["LpNormalization", { axis: 1, p: 1 }, 0, () => 0],
    ["LpNormalization", { axis: 1, p: 2 }, 0, () => 0],
  ] as const)("slopes where all numbers are alike: %s %j", async (type, attributes, value, slope) => {
    const dims = type === "InstanceNormalization" ? [1, 1, 4] : [1, 4];
    const parameters = type === "InstanceNormalization" ? [tensor([1], 1, 1, 1), tensor([1], 1, 0, 0)] : [];
    using model = await loadInMode(chain(dims, [{ type, attributes, parameters }, { type: "Relu" }]));
    const r = [1, 2, 4, -5];
    const slopes: Composite = [{ type: "Relu", rule: ruleOf.pass() }, { rule: ruleOf.gradient() }];
    const x = { dims, data: new Float32Array(4).fill(value) };
    const { relevance } = explainFrom(model, x, r, { composite: slopes, unknown: "gradient" });
    const expected = r.map((v) => slope(v, sum(r) / 4));
    expectClose(relevance.data, expected, 1e-6);
  });

  test.each([[["y", "mean", "inverse"]], [["y", "", "inverse"]], [["y", "mean"]]])(
    "further outputs of LayerNormalization: %j",
    async (outputs) => {
      const c = layer([2, 3, 5, 7], 2, [[5, 7]]);
      const file = onnx({
        nodes: [{ type: c.type, inputs: ["x", "scale"], outputs, attributes: c.attributes }],
        initializers: { scale: c.parameters![0] },
        inputs: { x: c.x },
        outputs: Object.fromEntries(outputs.filter(Boolean).map((name) => [name, []])),
      });
      using model = await loadInMode(file);
      const x = tensor(c.x, 11, -2, 3);
      const result = model.predict(x).outputs;
      expectClose(result.y.data, literal(c)(x.data), 2e-6);
      const statistics = [...cellsOf(c).values()].map((cell) => c.statistics(cell.map((i) => x.data[i])));
      for (const [name, key] of [
        ["mean", "centre"],
        ["inverse", "factor"],
      ] as const) {
        if (!outputs.includes(name)) continue;
        expect(result[name].dims).toEqual([2, 3, 1, 1]);
        expectClose(
          result[name].data,
          statistics.map((s) => s[key]),
          2e-6,
        );
      }
    },
  );

  test("of constants, while loading", async () => {
    const c = group([1, 4, 3], 2, 21);
    const constant = tensor(c.x, 11, -2, 3);
    const [scale, bias] = c.parameters!;
    const file = onnx(
      {
        nodes: [
          { type: c.type, inputs: ["c", "scale", "bias"], outputs: ["n"], attributes: c.attributes },
          { type: "Add", inputs: ["x", "n"], outputs: ["y"] },
        ],
        initializers: { c: constant, scale, bias },
        inputs: { x: c.x },
        outputs: { y: [] },
      },
      21,
    );
    using model = await loadInMode(file);
    expectClose(model.predict({ dims: c.x, data: new Float32Array(12) }).output.data, literal(c)(constant.data), 2e-6);
  });

  test("of constants without a bias", async () => {
    const c = layer([2, 5], -1, [[5]]);
    const constant = tensor(c.x, 11, -2, 3);
    const nodes = [
      { type: c.type, inputs: ["c", "scale"], outputs: ["n"], attributes: c.attributes },
      { type: "Add", inputs: ["x", "n"], outputs: ["y"] },
    ];
    const initializers = { c: constant, scale: c.parameters![0] };
    using model = await loadInMode(onnx({ nodes, initializers, inputs: { x: c.x }, outputs: { y: [] } }));
    const zeros = { dims: c.x, data: new Float32Array(10) };
    expectClose(model.predict(zeros).output.data, literal(c)(constant.data), 2e-6);
  });

  test.each(cases.map((c) => [nameOf(c), c] as const))("the rule identity: %s", async (_name, c) => {
    const { type, attributes, parameters, x: dims } = c;
    const x = tensor(dims, 11, -2, 3);
    const y = literal(c)(x.data);
    // What is divided by next to nothing shows rounding alone.
    const r = numbers(y.length, 12).map((v, i) => (Math.abs(y[i]) < 0.1 ? 0 : v));
    const expected = literalRule(c, x.data, r);
    for (const before of [[], turn(dims)]) {
      const file = chain(dims, [...before, { type, attributes, parameters }], c.opsets.at(-1));
      const e = await explainLayer(file, x, r, [{ type: "route", rule: ruleOf.pass() }, ...baseEntries()]);
      expectClose(e.relevance.data, expected.relevance, 1e-5);
      const { rule, bias, stabilizer, dead, other, gap, magnitude } = e.ledger.find((row) => row.type === type)!;
      expect(rule).toBe("identity");
      expectClose([bias], [total(expected.bias)], 1e-6, magnitude);
      expectClose([stabilizer, dead, other, gap], [0, 0, 0, 0], 2e-6, magnitude);
    }
  });

  test.each([
    ["scale", 1],
    ["bias", 2],
  ] as const)("a computed %s", async (_name, which) => {
    const c = layer([3, 2, 5], -1, [[5], [5]]);
    const parameters = c.parameters!;
    const names = ["x", "scale", "bias"];
    const file = onnx({
      nodes: [{ type: c.type, inputs: names, outputs: ["y"], attributes: c.attributes }],
      initializers: { [names[3 - which]]: parameters[2 - which] },
      inputs: { x: c.x, [names[which]]: [5] },
      outputs: { y: [] },
    });
    const x = tensor(c.x, 11, -2, 3);
    const y = literal(c)(x.data);
    const r = numbers(30, 12).map((v, i) => (Math.abs(y[i]) < 0.1 ? 0 : v));
    using model = await loadInMode(file, { batch: false });
    const given = { x, [names[which]]: parameters[which - 1] };
    const explained = (layerNorm: "identity" | "gradient") =>
      model.explain(given, { composite: "epsilon", layerNorm, target: Float32Array.from(r), start: "one" });
    const summed = (of: (i: number) => number) =>
      [0, 1, 2, 3, 4].map((k) => total([0, 1, 2, 3, 4, 5].map((i) => of(5 * i + k))));

    const { relevance, bias } = literalRule(c, x.data, r);
    const e = explained("identity");
    expectClose(e.inputs.x.data, relevance, 1e-5);
    const toBias = summed((i) => bias[i]);
    expectClose(e.inputs[names[which]].data, which === 2 ? toBias : new Float64Array(5), 1e-5, largest(toBias));
    const [{ bias: absorbed, gap, other, magnitude }] = e.ledger;
    expectClose([absorbed], [which === 2 ? 0 : total(bias)], 1e-6, magnitude);
    expectClose([gap, other], [0, 0], 2e-6, magnitude);

    const [w, b] = parameters.map(({ data }) => data);
    const slope = which === 2 ? summed((i) => r[i]) : summed((i) => (r[i] * (y[i] - b[i % 5])) / w[i % 5]);
    expectClose(explained("gradient").inputs[names[which]].data, slope, 2e-6);
  });

  test("without a mean, relevance passes as it is", async () => {
    const c = rms([2, 5, 7], -1, [7]);
    const { type, attributes, parameters } = c;
    const r = numbers(70, 12);
    const e = await explainLayer(chain(c.x, [{ type, attributes, parameters }], 23), tensor(c.x, 11), r, [
      ...baseEntries(),
    ]);
    expect(e.relevance.data).toEqual(r);
  });

  test("what is refused as a rule says what there is", async () => {
    const c = layer([1, 5], -1, [[5]]);
    const { type, attributes, parameters } = c;
    using model = await loadInMode(chain(c.x, [{ type, attributes, parameters }], 21));
    const of = (composite: Composite) => () => explainFrom(model, tensor(c.x, 1), numbers(5, 1), { composite });
    expect(of([{ rule: ruleOf.pass() }])).toThrowError(/one of identity, gradient, got the rule pass/);
    expect(of([{ type: "dense", rule: ruleOf.lrp0() }])).toThrowError(/Add \{ type: "layer-norm", rule: … \}/);
  });
});

const P = tensor([3], 1);
test.each<[string, Parameters<typeof chain>[1][number], RegExp]>([
  [
    "too few scales",
    { type: "InstanceNormalization", parameters: [tensor([2], 1), P] },
    /scale and bias of 3 numbers, got 2 and 3/,
  ],
  ["no bias", { type: "InstanceNormalization", parameters: [P] }, /an input 'B', got none/],
  [
    "groups",
    { type: "GroupNormalization", attributes: { num_groups: 2 }, parameters: [P, P] },
    /a number of groups that divides 3 channels, got 2/,
  ],
  ["no groups", { type: "GroupNormalization", parameters: [P, P] }, /num_groups ≥ 1, got 0/],
  [
    "a scale of another shape",
    { type: "LayerNormalization", parameters: [P] },
    /a scale and bias that broadcast to \[2, 3, 5\], got \[3\]/,
  ],
  ["no scale", { type: "LayerNormalization" }, /an input 'Scale', got none/],
  [
    "half precision",
    { type: "LayerNormalization", attributes: { stash_type: 10 }, parameters: [tensor([5], 1)] },
    /stash_type float or double, got 10/,
  ],
  ["an axis beyond", { type: "MeanVarianceNormalization" }, /different axes of a tensor of rank 3, got \[0,2,3\]/],
  ["another norm", { type: "LpNormalization", attributes: { p: 3 } }, /p = 1 or 2, got 3/],
])("refused: %s", async (_name, node, says) => {
  await expect(load(chain([2, 3, 5], [node], 21))).rejects.toThrowError(says);
});
