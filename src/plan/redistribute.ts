import type { Ref, Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { zip } from "../ops/arithmetic.ts";
import {
  type BiasMap,
  type Linear,
  mapOf,
  type NumberMap,
  PLAIN,
  type Precision,
  type Slopes,
  type WeightMap,
} from "../ops/op.ts";
import type { Inner, Sharing } from "../ops/unrolled.ts";
import { type Group, type LinearRule, type Pass, SIZES, type Stabilizer } from "../rules/rule.ts";
import type { Bounds } from "./bounds.ts";

const isPlain = (map: unknown): boolean => Array.isArray(map) && map[0] === 1 && map[1] === 1;

const dividers = {
  add: "divideStabilized",
  relative: "divideRelative",
  clip: "divideClipped",
} as const satisfies Record<Exclude<Stabilizer["mode"], "terms">, string>;

/** One linear node on the way back, with all that its rule reads. */
interface Layer {
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
type Emitted = Omit<Pass, "weight"> & { readonly weight: WeightMap };

/** One pass over x⁺ and one over x⁻ as one over both halves. */
function joined([first, second, ...more]: readonly Pass[]): Emitted | undefined {
  const isHalf = (pass: Pass | undefined, input: string) =>
    pass && `${pass.input}` === input && Array.isArray(pass.weight);
  if (!isHalf(first, "1,0") || !isHalf(second, "0,1") || second.bias || more.length > 0) return undefined;
  return { ...first, weight: { plus: first.weight as Slopes, minus: second.weight as Slopes } };
}

/** Passes with their inputs, without those that contribute nothing; without bias where the rule leaves it out. */
function live(layer: Layer, { passes }: Pick<Group, "passes">): { pass: Emitted; x: (Value | undefined)[] }[] {
  const hasBias = layer.rule.bias && layer.linear.bias !== undefined;
  const both = layer.halves && joined(passes);
  if (both) return [{ pass: { ...both, bias: hasBias ? both.bias : undefined }, x: [layer.halves] }];
  return passes
    .map((pass) => ({ pass: { ...pass, bias: hasBias ? pass.bias : undefined }, x: mapInputs(layer, pass) }))
    .filter(({ pass, x }) => pass.bias || x.some((v) => v));
}

/** z of the layer as the rule sees it: the forward pass's result unless the rule leaves out the bias. */
function ownZ({ e, linear, rule, x, y }: Layer): Value {
  const asRun = rule.bias || linear.bias === undefined;
  return asRun ? e.as(y, linear.layout) : linear.z(e, x, PLAIN, undefined, "exact");
}

function zero(e: Emitter, like: Value): Value {
  const value = e.temp(`${like.name}:zero`, like.dims, like.layout);
  e.fill(value, 0);
  return value;
}

/**
 * Relevance is divided by the denominator, so an error there is not bounded by the largest value nearby, unless the
 * denominator has a floor: where it is never below the layer's own z, R_j / denominator_j is at most R_j / z_j,
 * whatever the rounding.
 */
function precisionOf(group: Pick<Group, "aboveOwn">): Precision {
  return group.aboveOwn ? "fast" : "exact";
}

/** Σ of the passes through the layer; the forward pass's own result where that is the same. */
function denominator(layer: Layer, group: Pick<Group, "aboveOwn">, passes: ReturnType<typeof live>, r: Value): Value {
  const { e, node, linear, y } = layer;
  const [only] = passes;
  const complete = only && (isPlain(only.pass.bias) || linear.bias === undefined);
  if (passes.length === 1 && isPlain(only.pass.input) && isPlain(only.pass.weight) && complete)
    return e.as(y, linear.layout);
  // A root mean square is one of all outputs, also of those without relevance.
  const where = layer.rule.stabilizer.mode === "relative" ? undefined : r;
  const sums = passes.map(({ pass, x }) => {
    const inputs = x.map((v, i) => v ?? zero(e, layer.x[i]));
    return linear.z(e, inputs, pass.weight, pass.bias, precisionOf(group), where);
  });
  if (sums.length === 0) return zero(e, e.as(y, linear.layout));
  const z = sums.reduce((a, b) => zip(e, "addForward", `${node}:z`, a, b, a.dims));
  const rounded = group.aboveOwn && linear.approximates?.(e);
  return rounded ? zip(e, "maxForward", `${node}:floored`, z, ownZ(layer), z.dims) : z;
}

function absorb({ e, node, linear, ledger }: Layer, s: Value, map: BiasMap): void {
  const bias = linear.bias;
  if (!bias) return;
  if (linear.absorb) {
    linear.absorb(e, s, map, ledger);
    return;
  }
  const source = bias.data as Float32Array;
  const f = mapOf(map);
  const m = source.length;
  const value = e.weight(`${node}:bias`, source, `absorbed ${map}`, [m], (to) =>
    to.forEach((_, i) => {
      to[i] = f(source[i]);
    }),
  );
  e.emit("absorbBias", { s, b: value, rows: s.count / m, m, ledger });
}

/** s = coefficient · R / (sign(z) · max(|z|, δ · sizes)), sign(0) = 1, booked as the kernels that divide book it. */
const divideByTerms =
  (coefficient: number, delta: number) =>
  (r: Float32Array, z: Float32Array, sizes: Float32Array, s: Float32Array, ledger: Float32Array): void => {
    let [stabilizer, dead] = [0, 0];
    for (let i = 0; i < r.length; i++) {
      const floor = delta * sizes[i];
      const d = z[i] >= 0 ? Math.max(z[i], floor) : Math.min(z[i], -floor);
      s[i] = d === 0 ? 0 : (coefficient * r[i]) / d;
      if (z[i] === 0) dead += coefficient * r[i];
      else stabilizer += s[i] * (d - z[i]);
    }
    const columns = new Float64Array(ledger.buffer, ledger.byteOffset, 3);
    columns[1] += stabilizer;
    columns[2] += dead;
  };

/** s = coefficient · R / stab(z), of the outputs whose own z has the group's sign. */
function divide(layer: Layer, group: Group, r: Value, z: Value, own: Value | undefined): Value {
  const { e, node, rule, ledger } = layer;
  const { epsilon, mode } = rule.stabilizer;
  let gated = r;
  if (own) {
    gated = e.temp(`${node}:gated`, r.dims, r.layout);
    const gate = { r, z: own, y: gated, count: r.count };
    if (group.where === "positive") e.emit("gatePositive", gate);
    else e.emit("gateNegative", { ...gate, ledger });
  }
  const s = e.temp(`${node}:s`, r.dims, r.layout);
  if (mode === "terms") {
    const sizes = denominator(layer, {}, live(layer, { passes: [SIZES] }), r);
    e.host(`${node}:divide`, [gated, z, sizes, s, ledger], divideByTerms(group.coefficient, epsilon));
    return s;
  }
  // "Relative" means relative to each sample.
  const samples = mode === "relative" ? (r.dims[0] ?? 1) : 1;
  const count = r.count / samples;
  for (let i = 0; i < samples; i++) {
    const at = (value: Value) => ({ value, offset: i * count });
    e.emit(dividers[mode], {
      r: at(gated),
      z: at(z),
      s: at(s),
      count,
      coefficient: group.coefficient,
      epsilon,
      ledger,
    });
  }
  return s;
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

/** R_in += factor ⊙ c. */
function share({ e, halves }: Layer, x: Value, factor: Value, c: Value, out: Value, first: boolean): void {
  const [, channels] = x.dims;
  if (factor === halves)
    e.emit(first ? "halvesMultiply" : "halvesMultiplyAdd", { x, c, y: out, pixels: x.count / channels, channels });
  else e.emit(first ? "multiply" : "multiplyAdd", { x: factor, c, y: out, count: out.count });
}

/** A linear map and its rule, where both stand in one program. */
interface Ruled {
  readonly e: Emitter;
  readonly node: string;
  readonly rule: LinearRule;
  readonly nonnegative: ReadonlySet<string>;
  readonly bounds: Bounds;
  readonly ledger: Ref;
}

function layerOf({ nonnegative, ...ruled }: Ruled, { linear, inputs, x, y }: Inner): Layer {
  const values = x.map((value) => ruled.e.as(value, linear.layout));
  const bare = { ...ruled, linear, x: values, y, nonnegative: inputs.map((name) => nonnegative.has(name)) };
  return { ...bare, halves: halvesOf(bare) };
}

/** Of every group of the rule its passes, and s = coefficient · R / stab(z). */
function divided(layer: Layer, r: Value): { passes: ReturnType<typeof live>; s: Value }[] {
  const { e, linear, rule, y } = layer;
  // The sign is that of the output, bias and all: zennit's gamma chooses by it when the bias has no share as well.
  const own = rule.groups.some((group) => group.where) ? e.as(y, linear.layout) : undefined;
  return rule.groups.map((group) => {
    const passes = live(layer, group);
    return { passes, s: divide(layer, group, r, denominator(layer, group, passes, r), group.where && own) };
  });
}

/**
 * Emits a rule of the table at one linear map: relevance of its data inputs from relevance of its output.
 *
 *   for each group:  z = Σ_passes L(f(x); f(W)) + f(b),   s = coefficient · R / stab(z),
 *                    R_in += Σ_passes f(x) ⊙ Lᵀ(s; f(W))
 *
 * Source: Montavon et al. 2019, section 10.2.2 (the four steps); the rules are rows of `rules/rule.ts`.
 */
export function redistribute(ruled: Ruled, map: Inner, received: Value): readonly Value[] {
  const layer = layerOf(ruled, map);
  const { e, node, linear, rule, x } = layer;
  const r = e.as(received, linear.layout);
  const outs: (Value | undefined)[] = x.map(() => undefined);
  for (const [g, { passes, s }] of divided(layer, r).entries()) {
    for (const { pass } of passes) if (pass.bias) absorb(layer, s, pass.bias);
    for (const { pass, x: mapped } of passes) {
      if (!mapped.some((v) => v)) continue;
      linear.vjp(e, s, pass.weight, precisionOf(rule.groups[g])).forEach((c, i) => {
        const factor = mapped[i];
        if (!factor) return;
        const out = outs[i] ?? e.temp(`R ${node}→${map.inputs[i]}`, x[i].dims, linear.layout);
        share(layer, x[i], factor, c, out, outs[i] === undefined);
        outs[i] = out;
      });
    }
  }
  return outs.map((out, i) => out ?? zero(e, x[i]));
}

/** The same rule for maps inside a node. */
export function sharingBy(ruled: Omit<Ruled, "ledger">): Sharing {
  const { e, node } = ruled;
  const unread = (): Ref => {
    const value = e.scratch(`${node}:unread`, 6);
    e.fill(value, 0);
    return { value, offset: 0 };
  };
  return {
    share: (map, r, ledger = unread()) => redistribute({ ...ruled, ledger }, map, r),
    parts(map, ones) {
      const layer = layerOf({ ...ruled, ledger: unread() }, map);
      return divided(layer, ones).flatMap(({ passes, s }) =>
        passes.map(({ pass: { weight }, x }) => ({ s, weight, inputs: x })),
      );
    },
  };
}
