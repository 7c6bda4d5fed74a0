import { expect } from "vitest";
import { type LinearRule, type Network, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { expectClose, magnitude } from "../close.ts";
import { explainFrom, explainLayer } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { numbers } from "../random.ts";
import { directional } from "../reference/layers.ts";
import type { LinearMap } from "../reference/linear.ts";
import { explain, type NeuronRule } from "../reference/rules.ts";

type Numbers = ArrayLike<number>;

export interface Expected {
  readonly dims: readonly number[];
  /** The layer in double precision. */
  forward(x: Numbers): Numbers;
  /** Σ of what its sums add up, as far as that is more than the result: what float32's rounding is proportional to. */
  readonly scale?: number;
}

const dot = (a: Numbers, b: Numbers) => Array.from(a).reduce((sum, v, i) => sum + v * b[i], 0);

/**
 * The forward pass against the reference, and ⟨J v, u⟩ = ⟨v, Jᵀ u⟩: J by differences of the reference, Jᵀ u by the
 * gradient rule.
 */
export async function expectLayer(
  source: Uint8Array | Network,
  x: Tensor,
  expected: Expected,
  { differentiable = true, batch }: { differentiable?: boolean; batch?: false } = {},
): Promise<void> {
  using model = await loadInMode(source, { batch });
  const { output } = model.predict(x);
  expect(output.dims).toEqual(expected.dims);
  const y = expected.forward(Float64Array.from(x.data));
  expectClose(output.data, y, 2e-6, expected.scale);
  if (!differentiable) return;
  const u = numbers(y.length, 21);
  const { relevance } = explainFrom(model, x, u, { composite: [{ rule: ruleOf.gradient() }], unknown: "gradient" });
  expect(relevance.dims).toEqual(x.dims);
  for (const seed of [31, 32, 33]) {
    const v = numbers(x.data.length, seed);
    const left = directional(expected.forward, x.data, v, u);
    expectClose(
      [dot(v, relevance.data)],
      [left],
      1e-5,
      magnitude(relevance.data.map((r, i) => r * v[i])) + Math.abs(left),
    );
  }
}

/** A file of one linear node (others only move numbers) against its definition, the ledger's columns included. */
export async function checkRule(file: Uint8Array, map: LinearMap, x: Tensor, rule: LinearRule, by: NeuronRule) {
  const r = numbers(map.connections.length, 7);
  const { relevance, ledger } = await explainLayer(file, x, r, rule);
  const expected = explain(map, x.data, r, by);
  expectClose(relevance.data, expected.relevance, 1e-5);
  const row = ledger.find((each) => each.rule !== "route")!;
  expect(Math.abs(row.stabilizer - expected.stabilizer)).toBeLessThan(1e-4 * row.magnitude);
  expect(Math.abs(row.dead - expected.dead)).toBeLessThan(1e-4 * row.magnitude);
  expect(Math.abs(row.gap)).toBeLessThan(1e-5 * row.magnitude);
}
