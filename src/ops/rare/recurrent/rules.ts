import type { Constant } from "../../../base/tensor.ts";
import type { Emitter } from "../../../program/emitter.ts";
import type { Ref, Value } from "../../../program/step.ts";
import { zip } from "../../arithmetic.ts";
import { spreadScratch } from "../../multiply.ts";
import { type BiasMap, type Linear, mapOf, PLAIN, type Site, type Slopes } from "../../op.ts";
import { B, type Direction, type Recurrent, R, W, X } from "./cell.ts";
import type { Inner, Sharing } from "../../unrolled.ts";

/*
 * Relevance of LSTM, GRU and RNN (assembly/recurrent-rules.ts has the equations): gates get none, functions pass it on,
 * and at every time there is a linear map of the input and the state before, which shares by the node's rule, and a sum
 * of what is kept and what is taken in, which shares by contribution. All that either shares by is known once the cell
 * has run, so that both are ordinary linear layers of all times; only what they hand back goes from one time to another.
 * Source: Arras et al. 2017 and 2019 (signal-take-all).
 */

/** What the state is: what has been kept, and what has been taken in. */
const SUM: Linear = {
  kind: "linear",
  data: [0, 1],
  layout: "first",
  signs: [1, 1],
  z: (e, [a, b]) => zip(e, "addForward", "state", a, b, a.dims),
  vjp: (_, s) => [s, s],
};

/** Of one direction what is added to its map, and to that part of it which a GRU's gate scales. */
export interface Biases {
  readonly bias?: Constant;
  readonly scaled?: Constant;
}

export function biasesOf({ inputs, attributes: { gates, directions, isVariant } }: Site<Recurrent>): Biases[] {
  const hidden = inputs[R]!.dims[2];
  const data = inputs[B]?.constant?.data;
  return directions.map((_, d) => {
    if (!data) return {};
    const from = (2 * d * gates + gates - 1) * hidden;
    const [w, r] = [from, from + gates * hidden].map((at) => data.subarray(at, at + hidden));
    const constant = (numbers: ArrayLike<number>): Constant => ({
      type: "float32",
      dims: [hidden],
      data: Float32Array.from(numbers),
    });
    if (gates === 3 && isVariant) return { bias: constant(w), scaled: constant(r) };
    return { bias: constant(w.map((v, j) => v + r[j])) };
  });
}

/** z = W x + scale ⊙ (R h + p) + b, a row for every time of every sample. */
function mapOfCell(
  { node: { name }, inputs, attributes: { gates } }: Site<Recurrent>,
  d: number,
  { bias, scaled }: Biases,
  scale: Value,
): Linear {
  const { dims } = scale;
  const [rows, m] = dims;
  const block = (e: Emitter, i: number): { w: Ref; k: number } => {
    const { name: of, constant, dims } = inputs[i]!;
    const k = dims[2];
    return { w: { value: e.constant(of, constant!), offset: (d * gates + gates - 1) * m * k }, k };
  };
  const row = (e: Emitter, bias: Constant | undefined, map: BiasMap | undefined): Value => {
    const source = map && bias ? bias : inputs[W]!.constant!;
    const f = map && bias && mapOf(map);
    const variant = f ? `bias ${map}` : `zeros ${m}`;
    return e.weight(`${name}:${variant}`, source, variant, [m], (to) =>
      f ? to.set(Float32Array.from(source.data, f)) : to.fill(0),
    );
  };
  const product = (e: Emitter, i: number, x: Value, b: Value, [p, q]: Slopes) => {
    const y = e.temp(`${name}:z`, dims);
    e.emit("denseForward", { x, ...block(e, i), b, y, n: rows, m, yRow: m, p, q });
    return y;
  };
  const spread = (e: Emitter, i: number, s: Value, [p, q]: Slopes) => {
    const { w, k } = block(e, i);
    const y = e.temp(`${name}:vjp`, [rows, k]);
    const scratch = spreadScratch(e, name, rows, m, k);
    e.emit("denseVjp", { s, w, y, scratch, n: rows, m, k, columns: k, p, q }, rows * m * k);
    return y;
  };
  const times = (e: Emitter, x: Value) => zip(e, "mulForward", `${name}:scaled`, x, scale, dims);
  /** f(b + scale ⊙ p) */
  const mixed = (e: Emitter, [p, q]: Slopes) => {
    const [b, own] = [scaled, bias].map((each) => row(e, each, PLAIN));
    const y = zip(e, "addForward", `${name}:bias`, times(e, b), own, dims);
    const mapped = e.temp(y.name, dims);
    e.emit("slopeForward", { x: y, y: mapped, count: y.count, a: p, b: q });
    return mapped;
  };
  return {
    kind: "linear",
    data: [0, 1],
    layout: "first",
    bias,
    z(e, [x, before], map, biasMap) {
      const slopes = map as Slopes;
      const zeros = row(e, undefined, undefined);
      const fromState = times(e, product(e, R, before, zeros, slopes));
      const fromInput = product(e, W, x, scaled ? zeros : row(e, bias, biasMap), slopes);
      const z = zip(e, "addForward", `${name}:z`, fromInput, fromState, dims);
      return scaled && biasMap ? zip(e, "addForward", `${name}:z`, z, mixed(e, biasMap as Slopes), dims) : z;
    },
    vjp: (e, s, map) => [spread(e, W, s, map as Slopes), spread(e, R, times(e, s), map as Slopes)],
    // One row, since each sample has a bias of its own.
    ...(scaled && {
      absorb: (e, s, map, ledger) =>
        e.emit("absorbBias", { s, b: mixed(e, map as Slopes), rows: 1, m: s.count, ledger }),
    }),
  };
}

/** How far relevance gets through one direction. */
interface Reached {
  readonly ry: Ref;
  readonly rc: Ref;
  readonly rh0: Ref;
  readonly rc0: Ref;
}

/** @returns relevance of the input @param x the input, row-major */
export function directionBack(
  e: Emitter,
  site: Site<Recurrent>,
  d: number,
  bias: Biases,
  given: Direction,
  x: Value,
  reached: Reached,
  maps: Sharing,
  sums: Sharing,
  ledger: Ref,
): Value {
  const { name } = site.node;
  const { steps, n, g, hidden, row, step, times } = given;
  // Each time of each sample is a sample to a rule.
  const dims = [steps * n, hidden];
  const all = steps * n * hidden;
  const temp = (part: string) => e.temp(`${name}:${part}`, dims);
  const [kept, taken, state] = ["kept", "taken", "state"].map((part) => (g === 1 ? e.scratch(part, 1) : temp(part)));
  const [before, scale, z] = ["before", "scale", "z"].map(temp);
  const { gates, h0, c0, cell, y, c } = given;
  const sizes = { steps, n, g, hidden, row, step };
  e.emit(
    "recurrentTerms",
    { gates, h0, c0, times, cell, y, c, kept, taken, state, before, scale, z, ...sizes },
    all * g,
  );

  const ones = temp("ones");
  e.fill(ones, 1);
  const sum: Inner = { linear: SUM, inputs: ["", ""], x: [kept, taken], y: state };
  const [keep, take] = g === 1 ? [ones, ones] : sums.share(sum, ones);
  const map: Inner = {
    linear: mapOfCell(site, d, bias, scale),
    inputs: [site.node.inputs[X], ""],
    x: [e.view(x, [steps * n, x.dims[2]]), before],
    y: z,
  };
  const parts = maps.parts(map, ones).filter(({ inputs: [, state] }) => state);
  const passes = parts.length;
  const [share, states] = ["share", "states"].map((part) => e.temp(`${name}:${part}`, [passes, ...dims]));
  parts.forEach(({ s, inputs }, i) => {
    const offset = i * all;
    e.emit("multiply", { x: scale, c: s, y: { value: share, offset }, count: all });
    e.emit("multiply", { x: ones, c: inputs[1]!, y: { value: states, offset }, count: all });
  });
  const source = site.inputs[W]!;
  const slopes = parts.flatMap(({ weight }) => weight as Slopes);
  const table = e.weight(`${source.name}:slopes`, source.constant!, `slopes ${slopes}`, [slopes.length], (to) =>
    to.set(slopes),
  );
  const [ofState, rz] = ["R state", "R z"].map(temp);
  const w = {
    value: e.constant(site.inputs[R]!.name, site.inputs[R]!.constant!),
    offset: (d * g + g - 1) * hidden * hidden,
  };
  const scratch = e.scratch(`${name}:sums`, 3 * hidden);
  const written = { state: ofState, rz, scratch, ledger };
  e.emit(
    "recurrentSignal",
    {
      w,
      times,
      keep,
      take,
      share,
      x: states,
      slopes: table,
      ...reached,
      ...written,
      steps,
      n,
      g,
      hidden,
      passes,
      step,
    },
    all * passes * (hidden + 1),
  );
  if (g > 1) sums.share(sum, ofState, ledger);
  return e.view(maps.share(map, rz, ledger)[0], x.dims);
}
