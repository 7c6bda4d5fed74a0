import type { Ref, Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { size } from "../base/tensor.ts";
import { zerosLike, zip, zipTo } from "../ops/arithmetic.ts";
import { type BiasMap, mapOf, PLAIN, type Precision } from "../ops/op.ts";
import type { Inner, Sharing } from "../ops/unrolled.ts";
import { type Group, isSplit, SIZES, type Stabilizer } from "../rules/rule.ts";
import { type Layer, layerOf, live, type Ruled } from "./layer.ts";

const isPlain = (map: unknown): boolean => Array.isArray(map) && map[0] === 1 && map[1] === 1;

const dividers = {
  add: "divideStabilized",
  relative: "divideRelative",
  clip: "divideClipped",
} as const satisfies Record<Exclude<Stabilizer["mode"], "terms">, string>;

/** z of the layer as the rule sees it: the forward pass's result unless the rule leaves out the bias. */
function ownZ({ e, linear, rule, x, y }: Layer): Value {
  const asRun = rule.bias || linear.bias === undefined;
  return asRun ? e.as(y, linear.layout) : linear.z(e, x, PLAIN, undefined, "exact");
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
    const inputs = x.map((v, i) => v ?? zerosLike(e, layer.x[i]));
    return linear.z(e, inputs, pass.weight, pass.bias, precisionOf(group), where);
  });
  if (sums.length === 0) return zerosLike(e, e.as(y, linear.layout));
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
  const f = mapOf(map);
  const m = size(bias.dims);
  const value = e.weight(`${node}:bias`, bias, `absorbed ${map}`, [m], (to) => to.set(Float32Array.from(bias.data, f)));
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

/** R_in += factor ⊙ c. */
function share({ e, halves }: Layer, x: Value, factor: Value, c: Value, out: Value, first: boolean): void {
  const [, channels] = x.dims;
  if (factor === halves)
    e.emit(first ? "halvesMultiply" : "halvesMultiplyAdd", { x, c, y: out, pixels: x.count / channels, channels });
  else e.emit(first ? "multiply" : "multiplyAdd", { x: factor, c, y: out, count: out.count });
}

/**
 * z⁺ = z − z⁻, which needs no map of its own: where z ≥ 0, both terms have one sign. Where z < 0 the difference would
 * cancel, so if any relevance lies there, as it may behind what is no ReLU, z⁺ is computed as what it is.
 */
function restOf(layer: Layer, r: Value, below: Value, itself: () => Value): Value {
  const { e, node } = layer;
  const z = ownZ(layer);
  const [out, stray] = [`${node}:z+`, `${node}:R below 0`].map((name) => e.temp(name, z.dims, z.layout));
  e.emit("gateNegative", { r, z, y: stray, count: r.count, ledger: unread(e, node) });
  e.unlessAny(
    stray,
    () => zipTo(e, "subForward", out, z, below),
    () => e.copy(itself(), out, [{ dims: [out.count], from: 0, fromStrides: [1], to: 0, toStrides: [1] }]),
  );
  return out;
}

/** What nobody asks for, in the place of a ledger. */
function unread(e: Emitter, node: string): Ref {
  const value = e.scratch(`${node}:unread`, 6);
  e.fill(value, 0);
  return { value, offset: 0 };
}

/** The denominator of every group, and its passes. */
function denominators(layer: Layer, r: Value): { passes: ReturnType<typeof live>; z: Value }[] {
  const { linear, rule } = layer;
  const all = rule.groups.map((group) => ({ group, passes: live(layer, group) }));
  const compute = ({ group, passes }: (typeof all)[number]) => denominator(layer, group, passes, r);
  const [up, down] = all;
  const asRun = rule.bias || linear.bias === undefined;
  const splits = isSplit(rule) && rule.stabilizer.mode === "add" && asRun && !linear.signs;
  if (!splits) return all.map((one) => ({ passes: one.passes, z: compute(one) }));
  const below = compute(down);
  return [
    { passes: up.passes, z: restOf(layer, r, below, () => compute(up)) },
    { passes: down.passes, z: below },
  ];
}

/** Of every group of the rule its passes, and s = coefficient · R / stab(z). */
function divided(layer: Layer, r: Value): { passes: ReturnType<typeof live>; s: Value }[] {
  const { e, linear, rule, y } = layer;
  // The sign is that of the output, bias and all: zennit's gamma chooses by it when the bias has no share as well.
  const own = rule.groups.some((group) => group.where) ? e.as(y, linear.layout) : undefined;
  return denominators(layer, r).map(({ passes, z }, g) => {
    const group = rule.groups[g];
    return { passes, s: divide(layer, group, r, z, group.where && own) };
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
  return outs.map((out, i) => out ?? zerosLike(e, x[i]));
}

/** The same rule for maps inside a node. */
export function sharingBy(ruled: Omit<Ruled, "ledger">): Sharing {
  const nowhere = () => unread(ruled.e, ruled.node);
  return {
    share: (map, r, ledger = nowhere()) => redistribute({ ...ruled, ledger }, map, r),
    parts(map, ones) {
      const layer = layerOf({ ...ruled, ledger: nowhere() }, map);
      return divided(layer, ones).flatMap(({ passes, s }) =>
        passes.map(({ pass: { weight }, x }) => ({ s, weight, inputs: x })),
      );
    },
  };
}
