import { zip } from "../ops/arithmetic.ts";
import { type Linear, mapOf, type NumberMap, type Slopes, type WeightMap } from "../ops/op.ts";
import type { Inner } from "../ops/unrolled.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";
import type { Group, LinearRule, Pass } from "../rules/rule.ts";
import type { Bounds } from "./bounds.ts";

/*
 * A linear layer on the way back, and the passes of its rule with their inputs.
 */

/** One linear node on the way back, with all that its rule reads. */
export interface Layer {
  readonly e: Emitter;
  /** Its name. */
  readonly node: string;
  readonly linear: Linear;
  readonly rule: LinearRule;
  readonly x: readonly Value[];
  /** What the layer has computed. */
  readonly y: Value;
  /** Which inputs are known to be ≥ 0: their negative part needs no work. */
  readonly nonnegative: readonly boolean[];
  readonly bounds: Bounds;
  /** The input as [x⁺, x⁻], twice the channels, for an operator that takes both halves at once. */
  readonly halves?: Value;
  /** f64[3]: bias, stabilizer, dead. */
  readonly ledger: Ref;
}

/** The inputs of one pass, each undefined where it is known to be zero. */
function mapInputs(layer: Layer, pass: Pass): (Value | undefined)[] {
  const { e, node, linear, x, nonnegative } = layer;
  const signs = linear.signs;
  return x.map((value, i) => {
    const { input } = pass;
    if (input === "low" || input === "high")
      return zip(e, "subForward", `${node}:x − bound`, value, layer.bounds(input), value.dims);
    if (input === "one") {
      const ones = e.temp(`${node}:ones`, value.dims, value.layout);
      e.fill(ones, 1);
      return ones;
    }
    // An operator without parameters has the constant weight ±1: its map is a factor of the input.
    const factor = signs ? mapOf(pass.weight as NumberMap)(signs[i]) : 1;
    const [p, q] = [input[0] * factor, nonnegative[i] ? input[0] * factor : input[1] * factor];
    if (p === 0 && q === 0) return undefined;
    if (p === 1 && q === 1) return value;
    const mapped = e.temp(`${node}:x(${p}, ${q})`, value.dims, value.layout);
    e.emit("slopeForward", { x: value, y: mapped, count: value.count, a: p, b: q });
    return mapped;
  });
}

/** A pass as it is emitted: two may have become one. */
export type Emitted = Omit<Pass, "weight"> & { readonly weight: WeightMap };

/** One pass over x⁺ and one over x⁻ as one over both halves. */
function joined([first, second, ...more]: readonly Pass[]): Emitted | undefined {
  const isHalf = (pass: Pass | undefined, input: string) =>
    pass && `${pass.input}` === input && Array.isArray(pass.weight);
  if (!isHalf(first, "1,0") || !isHalf(second, "0,1") || second.bias || more.length > 0) return undefined;
  return { ...first, weight: { plus: first.weight as Slopes, minus: second.weight as Slopes } };
}

/** Passes with their inputs, without those that contribute nothing; without bias where the rule leaves it out. */
export function live(layer: Layer, { passes }: Pick<Group, "passes">): { pass: Emitted; x: (Value | undefined)[] }[] {
  const hasBias = layer.rule.bias && layer.linear.bias !== undefined;
  const both = layer.halves && joined(passes);
  if (both) return [{ pass: { ...both, bias: hasBias ? both.bias : undefined }, x: [layer.halves] }];
  return passes
    .map((pass) => ({ pass: { ...pass, bias: hasBias ? pass.bias : undefined }, x: mapInputs(layer, pass) }))
    .filter(({ pass, x }) => pass.bias || x.some((v) => v));
}

/** [x⁺, x⁻], where the operator takes it, the rule tells the halves apart, and there are two. */
function halvesOf({
  e,
  node,
  linear,
  rule,
  x: [x],
  nonnegative: [nonnegative],
}: Omit<Layer, "halves">): Value | undefined {
  if (nonnegative || !linear.halves || !rule.groups.some((group) => joined(group.passes))) return undefined;
  const [n, c, ...spatial] = x.dims;
  const halves = e.temp(`${node}:halves`, [n, 2 * c, ...spatial], "last");
  e.emit("halvesForward", { x, y: halves, pixels: x.count / c, c });
  return halves;
}

/** A linear map and its rule, where both stand in one program. */
export interface Ruled {
  readonly e: Emitter;
  readonly node: string;
  readonly rule: LinearRule;
  readonly nonnegative: ReadonlySet<string>;
  readonly bounds: Bounds;
  readonly ledger: Ref;
}

export function layerOf({ nonnegative, ...ruled }: Ruled, { linear, inputs, x, y }: Inner): Layer {
  const values = x.map((value) => ruled.e.as(value, linear.layout));
  const bare = { ...ruled, linear, x: values, y, nonnegative: inputs.map((name) => nonnegative.has(name)) };
  return { ...bare, halves: halvesOf(bare) };
}
