import { describe, expect, test } from "vitest";
import {
  baseEntries,
  dense,
  type LinearRule,
  NOTED_AMPLIFICATION,
  ruleOf,
  type SumRule,
  sumRules,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, magnitude, total } from "../close.ts";
import { explainFrom, explainLayer, network } from "../explain.ts";
import { type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { count, type Dims, place, positions } from "../reference/linear.ts";
import { node } from "./cases.ts";

/*
 * Rules for Add, Sub and Sum, from their definitions: above all where the terms nearly cancel.
 */

/** How much of R each term gets, and which part of R the denominator keeps (the rest is what nothing could share). */
type Definition = (terms: readonly number[]) => { readonly shares: readonly number[]; readonly kept: number };
const sumOf = (v: readonly number[]) => v.reduce((a, b) => a + b, 0);
const over = (terms: readonly number[], d: number) => ({
  shares: terms.map((v) => (d === 0 ? 0 : v / d)),
  kept: sumOf(terms) === 0 ? 0 : 1 - sumOf(terms) / d,
});
const sign = (z: number) => (z >= 0 ? 1 : -1);
const EPSILON = 1e-6;
const definitions: Readonly<Record<SumRule, Definition>> = {
  norm: (v) => over(v, sumOf(v) + sign(sumOf(v)) * EPSILON),
  zPlus: (v) => {
    const up = v.map((t) => Math.max(t, 0));
    return over(up, sumOf(up) + EPSILON);
  },
  ratio: (v) => {
    const sizes = v.map(Math.abs);
    return over(sizes, sumOf(sizes) + EPSILON);
  },
  clip: (v) => over(v, sign(sumOf(v)) * Math.max(Math.abs(sumOf(v)), 0.1 * sumOf(v.map(Math.abs)))),
};

interface Case {
  readonly type: "Add" | "Sub" | "Sum";
  /** Shapes of the terms; `at` is what they are broadcast to. */
  readonly terms: readonly Dims[];
  readonly at: Dims;
  /** Terms that the file holds. */
  readonly constant?: readonly number[];
}

const cases: readonly Case[] = [
  { type: "Add", terms: [[7], [7]], at: [7] },
  {
    type: "Add",
    terms: [
      [2, 3, 5, 7],
      [2, 3, 5, 7],
    ],
    at: [2, 3, 5, 7],
  },
  {
    type: "Add",
    terms: [
      [3, 1, 5],
      [7, 1],
    ],
    at: [3, 7, 5],
  },
  {
    type: "Add",
    terms: [
      [7, 1],
      [3, 1, 5],
    ],
    at: [3, 7, 5],
  },
  {
    type: "Add",
    terms: [
      [2, 3, 5, 7, 2],
      [5, 1, 1],
    ],
    at: [2, 3, 5, 7, 2],
  },
  { type: "Add", terms: [[], [3, 2]], at: [3, 2] },
  {
    type: "Add",
    terms: [
      [2, 3, 5, 7],
      [3, 1, 7],
    ],
    at: [2, 3, 5, 7],
    constant: [1],
  },
  {
    type: "Add",
    terms: [
      [2, 3, 5],
      [2, 3, 5],
    ],
    at: [2, 3, 5],
    constant: [0],
  },
  {
    type: "Sub",
    terms: [
      [2, 3, 5, 7],
      [3, 5, 7],
    ],
    at: [2, 3, 5, 7],
  },
  {
    type: "Sub",
    terms: [
      [5, 1],
      [2, 3, 1, 7],
    ],
    at: [2, 3, 5, 7],
    constant: [0],
  },
  { type: "Sum", terms: [[2, 3, 5]], at: [2, 3, 5] },
  {
    type: "Sum",
    terms: [
      [2, 3, 5],
      [2, 3, 5],
      [2, 3, 5],
    ],
    at: [2, 3, 5],
  },
  { type: "Sum", terms: [[5], [3, 1], [2, 1, 1], [2, 3, 5]], at: [2, 3, 5] },
  {
    type: "Sum",
    terms: [
      [2, 3, 5, 7],
      [2, 1, 5, 1],
      [3, 1, 7],
    ],
    at: [2, 3, 5, 7],
    constant: [1],
  },
];

/**
 * Multiples of 2⁻²⁰ up to 1: float32 adds several of them exactly, so that what is left of a cancelled sum is right to
 * the last digit.
 */
const UNIT = 2 ** -20;
const grid = (n: number, seed: number) => numbers(n, seed).map((v) => Math.round(v / UNIT) * UNIT);

/**
 * The terms, one after another: of any size, or such that the second undoes the first but for a unit, for nothing, or
 * 0 + 0.
 */
function termsOf({ type, terms }: Case, cancelling: boolean): Float32Array[] {
  const values = terms.map((dims, t) => grid(count(dims), 3 + t));
  const [first, second] = values;
  if (!cancelling || !second) return values;
  const undo = type === "Sub" ? 1 : -1;
  first.fill(0.75, 0, Math.ceil(first.length / 2));
  const alike = first.length === second.length;
  for (let i = 0; i < second.length; i++)
    second[i] = undo * (alike ? first[i] : 0.75) + [UNIT, 0, -UNIT, 3 * UNIT][i % 4];
  if (alike && first.length > 6) [first[5], second[5]] = [0, 0];
  for (const more of values.slice(2))
    for (let i = 0; i < more.length; i++) more[i] = i % 2 === 0 ? 0 : Math.round(more[i] * 3) * UNIT;
  return values;
}

function expected({ type, terms, at }: Case, values: readonly Float32Array[], r: Float32Array, definition: Definition) {
  const out = values.map((v) => new Float64Array(v.length));
  let [kept, dead] = [0, 0];
  positions(at).forEach((position, j) => {
    const places = terms.map((dims) =>
      place(
        dims,
        dims.map((d, axis) => (d === 1 ? 0 : position[axis + at.length - dims.length])),
      ),
    );
    const v = places.map((i, t) => (type === "Sub" && t > 0 ? -values[t][i] : values[t][i]));
    const { shares, kept: part } = definition(v);
    for (const [t, i] of places.entries()) out[t][i] += shares[t] * r[j];
    kept += part * r[j];
    dead += (1 - sumOf(shares) - part) * r[j];
  });
  return { relevance: out, kept, dead };
}

function fileOf({ type, terms, at, constant = [] }: Case, values: readonly Float32Array[]) {
  const names = terms.map((_, t) => `t${t}`);
  const computed = names.filter((_, t) => !constant.includes(t));
  let from = 0;
  const bounds = computed.map((name) => {
    const start = from;
    from += values[names.indexOf(name)].length;
    return [start, from];
  });
  const initializers: Record<string, FileTensor> = { axis: { dims: [1], data: [1] } };
  for (const t of constant) initializers[names[t]] = { dims: [...terms[t]], data: values[t] };
  computed.forEach((name, k) => {
    const dims = terms[names.indexOf(name)];
    initializers[`from${k}`] = { dims: [1], data: [bounds[k][0]] };
    initializers[`to${k}`] = { dims: [1], data: [bounds[k][1]] };
    initializers[`shape${k}`] = { dims: [dims.length], data: [...dims] };
  });
  return onnx({
    nodes: [
      ...computed.flatMap((name, k) => [
        node("Slice", ["x", `from${k}`, `to${k}`, "axis"], `part${k}`),
        node("Reshape", [`part${k}`, `shape${k}`], name),
      ]),
      node(type, names, "y"),
    ],
    initializers,
    inputs: { x: [1, from] },
    outputs: { y: [...at] },
  });
}

const title = ({ type, terms, constant }: Case) =>
  `${type} of ${terms.map((d, t) => `${constant?.includes(t) ? "constant " : ""}[${d}]`).join(" and ")}`;

async function check(one: Case, name: SumRule, cancelling: boolean): Promise<void> {
  const values = termsOf(one, cancelling);
  const r = numbers(count(one.at), 7);
  const { relevance: parts, kept, dead } = expected(one, values, r, definitions[name]);
  const computed = parts.filter((_, t) => !one.constant?.includes(t)).map((p) => [...p]);
  const x = values.filter((_, t) => !one.constant?.includes(t)).flatMap((v) => [...v]);
  using model = await loadInMode(fileOf(one, values));
  const input = { dims: [1, x.length], data: Float32Array.from(x) };
  const { relevance, ledger } = explainFrom(model, input, r, { composite: baseEntries("taylor", name) });
  const scale = Math.max(...parts.map((p) => Math.max(...p.map(Math.abs))));
  expectClose(relevance.data, computed.flat(), 1e-5, scale);
  const row = ledger.find((l) => l.node === "y")!;
  const most = Math.max(magnitude(r), ...parts.map(magnitude));
  const constants = parts.filter((_, t) => one.constant?.includes(t)).reduce((sum, p) => sum + total(p), 0);
  expectClose([row.stabilizer, row.dead, row.other, row.gap], [kept, dead, constants, 0], 1e-5, most);
  expectClose([row.received, row.passed], [total(r), total(computed.flat())], 1e-5, most);
  expectClose([row.amplification], [magnitude(computed.flat()) / magnitude(r)], 1e-4);
}

describe("rules for sums", () => {
  for (const one of cases) {
    describe(title(one), () => {
      for (const name of Object.keys(sumRules) as SumRule[]) {
        test(`${name}`, () => check(one, name, false));
        test(`${name}, terms that nearly cancel`, () => check(one, name, true));
      }
    });
  }

  // What is known of one term, that it is not negative, says nothing of the others.
  test.each(["Add", "Sub", "Sum"])("%s of terms of which some are never negative", async (type) => {
    const sign = type === "Sub" ? -1 : 1;
    const x = { dims: [2, 5], data: Float32Array.of(3, -1, 2, 0.5, 1, -2, 1, 1, -3, 0.25) };
    const r = [1, 2, 4, 8, 16];
    for (const rectified of [0, 1]) {
      const terms = [0, 1].map((t) =>
        x.data.slice(5 * t, 5 * t + 5).map((v) => (t === rectified ? Math.max(v, 0) : v)),
      );
      const ends = { i0: { dims: [1], data: [0] }, i1: { dims: [1], data: [1] }, i2: { dims: [1], data: [2] } };
      const bytes = onnx({
        nodes: [
          node("Slice", ["x", "i0", "i1", "i0"], "a0"),
          node("Slice", ["x", "i1", "i2", "i0"], "a1"),
          node("Relu", [`a${rectified}`], `b${rectified}`),
          node(type, rectified === 0 ? ["b0", "a1"] : ["a0", "b1"], "y"),
        ],
        initializers: ends,
        inputs: { x: [2, 5] },
        outputs: { y: [1, 5] },
      });
      for (const name of Object.keys(sumRules) as SumRule[]) {
        const shares = r.map((_, i) => definitions[name]([terms[0][i], sign * terms[1][i]]).shares);
        const wanted = [0, 1].flatMap((t) => r.map((v, i) => v * shares[i][t]));
        const { relevance } = await explainLayer(bytes, x, r, baseEntries("taylor", name));
        expectClose(relevance.data, wanted, 1e-5);
      }
    }
  });

  // a = −b(1 + 2⁻²⁰): norm's shares are half a million, ratio's a half each, clip's 5; z⁺ gives the positive term all.
  const cancelled = (rule: LinearRule) =>
    explainLayer(
      onnx({
        nodes: [
          node("Slice", ["x", "i0", "i1", "i1"], "a"),
          node("Slice", ["x", "i1", "i2", "i1"], "b"),
          node("Add", ["a", "b"], "y"),
        ],
        initializers: { i0: { dims: [1], data: [0] }, i1: { dims: [1], data: [1] }, i2: { dims: [1], data: [2] } },
        inputs: { x: [1, 2] },
        outputs: { y: [1, 1] },
      }),
      { dims: [1, 2], data: Float32Array.of(1 + UNIT, -1) },
      [3],
      [{ type: "sum", rule }, ...baseEntries()],
    );
  test.each<[string, LinearRule, readonly number[], number]>([
    ["norm without ε", ruleOf.norm({ epsilon: 0 }), [3 * (2 ** 20 + 1), -3 * 2 ** 20], 2 ** 21 + 1],
    ["zPlus", ruleOf.zPlus(), [3, 0], 1],
    ["ratio", ruleOf.ratio(), [1.5, 1.5], 1],
    ["clip", ruleOf.clip(), [15, -15], 10],
    ["clip with δ = 0.5", ruleOf.clip({ delta: 0.5 }), [3, -3], 2],
  ])("a = −b(1 + 2⁻²⁰) by hand: %s", async (_name, rule, shares, amplification) => {
    const { relevance, ledger, notes } = await cancelled(rule);
    expectClose(relevance.data, shares, 2e-6);
    const row = ledger.find((l) => l.node === "y")!;
    expectClose([row.amplification], [amplification], 3e-6);
    expect(notes.filter((n) => n.includes("amplifies"))).toHaveLength(amplification > NOTED_AMPLIFICATION ? 1 : 0);
  });

  test("the note names the node, the factor and what to do, and says it once", async () => {
    expect((await cancelled(ruleOf.norm({ epsilon: 0 }))).notes).toEqual([
      expect.stringMatching(/^Warning: this explanation has exploded/),
      "node 'y' (Add, norm) amplifies relevance 2.10e+6-fold, since its terms nearly cancel and their shares " +
        "are large. Option 'sum' offers rules with bounded shares: ratio, clip, zPlus.",
    ]);
    const layer = dense({ name: "fc", weight: { dims: [1, 2], data: Float32Array.of(1, -1) } });
    const x = { dims: [1, 2], data: Float32Array.of(1.0625, 1) };
    const explained = (rule: LinearRule | ReturnType<typeof ruleOf.gradient>) =>
      explainLayer(network([1, 2], layer), x, [1], rule);
    expect((await explained(ruleOf.lrp0())).notes.join()).toMatch(
      /^node 'fc' \(Gemm, lrp0\) amplifies relevance 33\.0-fold, .* A larger epsilon or the rule zPlus/,
    );
    expect((await explained(ruleOf.zPlus())).notes).toEqual([]);
    const steep = dense({ weight: { dims: [1, 2], data: Float32Array.of(100, -100) } });
    expect((await explainLayer(network([1, 2], steep), x, [1], ruleOf.gradient())).notes).toEqual([]);
  });

  test("no share of ratio leaves 0 … 1, none of clip leaves ±1/δ, whatever the terms", async () => {
    const one: Case = { type: "Sum", terms: [[211], [211], [211]], at: [211] };
    const values = [0, 1, 2].map((t) => numbers(211, 20 + t).map((v, i) => v * 10 ** ((i % 13) - 6)));
    using model = await loadInMode(fileOf(one, values));
    const x = { dims: [1, 633], data: Float32Array.from(values.flatMap((v) => [...v])) };
    const given = (sum: SumRule) => explainFrom(model, x, new Float32Array(211).fill(1), { composite: "epsilon", sum });
    expect(Math.min(...given("ratio").relevance.data)).toBeGreaterThanOrEqual(0);
    expect(given("ratio").ledger[0].amplification).toBeLessThanOrEqual(1 + 1e-6);
    expect(Math.max(...given("clip").relevance.data.map(Math.abs))).toBeLessThanOrEqual(10 * (1 + 1e-6));
    expect(given("clip").ledger[0].amplification).toBeLessThanOrEqual(10 * (1 + 1e-6));
    expect(given("norm").rules.find((r) => r.node === "y")!.rule).toBe("norm");
    expect(() => given("mean" as SumRule)).toThrow("option 'sum': expected norm, zPlus, ratio, clip, got 'mean'.");
  });

  test("parameters that mean nothing", () => {
    expect(() => ruleOf.clip({ delta: -1 })).toThrow("parameter 'delta': expected a number ≥ 0, got -1.");
    expect(() => ruleOf.clip({ delta: NaN })).toThrow("parameter 'delta'");
  });
});
