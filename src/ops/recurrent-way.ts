import { HOST } from "../base/budget.ts";
import type { Operands } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";
import { spreadScratch } from "./dense.ts";
import type { Places, Site, Way } from "./op.ts";

export interface Recurrent {
  readonly gates: number;
  /** Whether each goes backwards, and its cell as the kernels read it. */
  readonly directions: readonly { readonly isReverse: boolean; readonly cell: readonly number[] }[];
  /** Whether an LSTM has `input_forget`, or a GRU `linear_before_reset`. */
  readonly isVariant: boolean;
  /** 0: as the weights have it. */
  readonly hidden: number;
  readonly batchFirst: boolean;
  /** Of the node that computes the states: how many steps each sample has. */
  readonly lengths?: readonly number[];
}

/** Which input is which. */
export const [X, W, R, B, LENGTHS, H0, C0, P] = [0, 1, 2, 3, 4, 5, 6, 7];

/** The states and what is kept for the way back. */
type Made = readonly [states: Value, gates: Value, beside: Value];

/** What both kernels are given for a direction. */
function given(
  e: Emitter,
  { node: { name }, inputs, attributes }: Site<Recurrent>,
  at: Places,
  [states, gates, beside]: Made,
) {
  const { gates: g, directions, isVariant, lengths } = attributes;
  const [steps, n] = inputs[X]!.dims;
  const hidden = inputs[R]!.dims[2];
  const [rows, state] = [g * hidden, n * hidden];
  const [row, step] = [directions.length * rows, directions.length * state];
  const constant = (i: number) => e.constant(inputs[i]!.name, inputs[i]!.constant!);
  const start = (i: number) => {
    if (inputs[i]) return e.as(at.x(i), "first");
    const zeros = e.scratch(`${name}:start`, step);
    e.fill(zeros, 0);
    return zeros;
  };
  const h = start(H0);
  const c = g === 4 ? start(C0) : h;
  const times = e.scratch(`${name}:times`, directions.length * steps * n);
  e.host("times", [times], (to) => {
    for (let i = 0; i < to.length; i++) {
      const [own, length] = [Math.floor(i / n) % steps, lengths![i % n]];
      to[i] = own >= length ? -1 : directions[Math.floor(i / (steps * n))].isReverse ? length - 1 - own : own;
    }
  });
  const numbers = directions.flatMap(({ cell }) => cell);
  const cell = made(e, inputs, `cell ${numbers}`, numbers.length, (to) => to.set(numbers));
  const place = (value: Value, offset: number): Ref => ({ value, offset });
  const peepholes = (d: number) => {
    if (g === 4 && inputs[P]) return place(constant(P), d * 3 * hidden);
    // The bias that a GRU adds to a product before the gate meets it.
    if (g === 3 && isVariant && inputs[B]) return place(constant(B), (d + 1) * 2 * rows - hidden);
    return zeros(e, inputs, 3 * hidden);
  };
  return (d: number) => ({
    gates: place(gates, d * rows),
    w: place(constant(R), d * rows * hidden),
    p: peepholes(d),
    h0: place(h, d * state),
    c0: place(c, d * state),
    times: place(times, d * steps * n),
    cell: place(cell, d * 11),
    y: place(states, d * state),
    c: g === 4 ? place(states, steps * step + d * state) : g === 3 ? place(beside, d * state) : beside,
    steps,
    n,
    g,
    hidden,
    row,
    step,
  });
}

/** Numbers that do not change. */
const made = (e: Emitter, inputs: Operands, what: string, count: number, write: (to: Float32Array) => void): Value =>
  e.weight(`${inputs[W]!.name}:${what}`, inputs[W]!.constant!.data as Float32Array, `${what} ${count}`, [count], write);

const zeros = (e: Emitter, inputs: Operands, count: number): Value =>
  made(e, inputs, "zeros", count, (to) => to.fill(0));

/** Both biases of each gate, but for the one that a GRU adds by itself. */
function biases(e: Emitter, { inputs, attributes: { gates, isVariant } }: Site<Recurrent>, m: number): Value {
  const b = inputs[B];
  if (!b) return zeros(e, inputs, m);
  const data = b.constant!.data as Float32Array;
  const [, length] = b.dims;
  const rows = length / 2;
  const own = isVariant && gates === 3 ? (rows * 2) / 3 : rows;
  return e.weight(b.name, data, `sums of ${own}`, [m], (to) => {
    for (let i = 0; i < m; i++) {
      const [from, k] = [Math.floor(i / rows) * length, i % rows];
      to[i] = data[from + k] + (k < own ? data[from + rows + k] : 0);
    }
  });
}

/**
 * The input's part of all gates at all times is a dense layer, and so is its relevance of theirs; the kernels add what
 * each state gives to the gates after it.
 */
export function recurrentWay(site: Site<Recurrent>): Way {
  const { node, inputs, outputs, attributes } = site;
  const { name } = node;
  const { gates: g, directions } = attributes;
  const [steps, n, k] = inputs[X]!.dims;
  const hidden = inputs[R]!.dims[2];
  const m = directions.length * g * hidden;
  const work = steps * n * g * hidden * (hidden + HOST);
  const weight = (e: Emitter) => e.constant(inputs[W]!.name, inputs[W]!.constant!);
  const temps = (e: Emitter) => outputs.map((output) => e.temp(output.name, output.dims)) as unknown as Made;
  return {
    kind: "none",
    why: "it is a recurrent layer",
    run(e, at) {
      const all = temps(e);
      const x = e.as(at.x(X), "first");
      const b = biases(e, site, m);
      e.emit("denseForward", { x, w: weight(e), b, y: all[1], n: steps * n, m, k, yRow: m, p: 1, q: 1 });
      const named = given(e, site, at, all);
      for (const d of directions.keys()) e.emit("recurrentForward", named(d), work);
      // An RNN keeps nothing beside its states; the way back is handed it all the same.
      if (g === 1) e.fill(all[2], 0);
      return all;
    },
    vjp(e, at, received) {
      const named = given(e, site, at, [at.y(0), at.y(1), at.y(2)]);
      const r = e.as(received, "first");
      const state = n * hidden;
      const s = e.temp(`${name}:s`, outputs[1].dims);
      const [rh0, rc0] = ["h0", "c0"].map((part) => e.temp(`${name}:${part}`, [directions.length, n, hidden]));
      const scratch = e.scratch(`${name}:sums`, 3 * hidden);
      for (const d of directions.keys()) {
        const [ry, rc] = [0, g === 4 ? r.count / 2 : 0].map((from) => ({ value: r, offset: from + d * state }));
        const [toH, toC] = [rh0, rc0].map((value) => ({ value, offset: d * state }));
        const out = { s: { value: s, offset: d * g * hidden }, rh0: toH, rc0: toC, scratch };
        e.emit("recurrentVjp", { ...named(d), ry, rc, ...out }, work);
      }
      const y = e.temp(`${name}:vjp`, inputs[X]!.dims);
      const rows = steps * n;
      const sums = spreadScratch(e, name, rows, m, k);
      const dense = { s, w: weight(e), y, scratch: sums, n: rows, m, k, columns: k, p: 1, q: 1 };
      e.emit("denseVjp", dense, rows * m * k);
      return inputs.map((x, i) => x && { [X]: y, [H0]: rh0, [C0]: rc0 }[i]);
    },
  };
}
