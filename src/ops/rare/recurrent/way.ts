import { HOST } from "../../../base/budget.ts";
import type { Operands } from "../../../graph/graph.ts";
import type { Emitter } from "../../../program/emitter.ts";
import type { Ref, Value } from "../../../program/step.ts";
import { total } from "../../arithmetic.ts";
import { spreadScratch } from "../../multiply.ts";
import type { Places, Site, Way } from "../../op.ts";
import { B, C0, H0, P, R, type Recurrent, W, X } from "./cell.ts";
import { biasesOf, directionBack } from "./rules.ts";

/** Whether a function of the kernels has negative values. */
const isSigned = (which: number, alpha: number): boolean => !(which === 0 ? alpha >= 0 : [2, 5, 8].includes(which));

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
  e.weight(`${inputs[W]!.name}:${what}`, inputs[W]!.constant!, `${what} ${count}`, [count], write);

const zeros = (e: Emitter, inputs: Operands, count: number): Value =>
  made(e, inputs, "zeros", count, (to) => to.fill(0));

/** Both biases of each gate, but for the one that a GRU adds by itself. */
function biases(e: Emitter, { inputs, attributes: { gates, isVariant } }: Site<Recurrent>, m: number): Value {
  const b = inputs[B];
  if (!b) return zeros(e, inputs, m);
  const [, length] = b.dims;
  const rows = length / 2;
  const own = isVariant && gates === 3 ? (rows * 2) / 3 : rows;
  return e.weight(b.name, b.constant!, `sums of ${own}`, [m], (to) => {
    const { data } = b.constant!;
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
  /** Relevance of one direction: that of its states, and of those before the first step. */
  const spots = (r: Value, rh0: Value, rc0: Value, d: number) => {
    const at = (value: Value, from = 0): Ref => ({ value, offset: from + d * n * hidden });
    return { ry: at(r), rc: at(r, g === 4 ? r.count / 2 : 0), rh0: at(rh0), rc0: at(rc0) };
  };
  const temps = (e: Emitter) => outputs.map((output) => e.temp(output.name, output.dims)) as unknown as Made;
  const bias = biasesOf(site);
  return {
    kind: "unrolled",
    signed: g === 3 && attributes.isVariant && directions.some(({ cell: [f, alpha] }) => isSigned(f, alpha)),
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
      const s = e.temp(`${name}:s`, outputs[1].dims);
      const [rh0, rc0] = ["h0", "c0"].map((part) => e.temp(`${name}:${part}`, [directions.length, n, hidden]));
      const scratch = e.scratch(`${name}:sums`, 3 * hidden);
      for (const d of directions.keys()) {
        const out = { s: { value: s, offset: d * g * hidden }, ...spots(r, rh0, rc0, d), scratch };
        e.emit("recurrentVjp", { ...named(d), ...out }, work);
      }
      const y = e.temp(`${name}:vjp`, inputs[X]!.dims);
      const rows = steps * n;
      const sums = spreadScratch(e, name, rows, m, k);
      const dense = { s, w: weight(e), y, scratch: sums, n: rows, m, k, columns: k, p: 1, q: 1 };
      e.emit("denseVjp", dense, rows * m * k);
      return inputs.map((x, i) => x && { [X]: y, [H0]: rh0, [C0]: rc0 }[i]);
    },
    back(e, at, received, maps, sums, ledger) {
      const named = given(e, site, at, [at.y(0), at.y(1), at.y(2)]);
      const [r, x] = [received, at.x(X)].map((value) => e.as(value, "first"));
      const [rh0, rc0] = ["h0", "c0"].map((part) => e.temp(`${name}:${part}`, [directions.length, n, hidden]));
      const parts = directions.map((_, d) => {
        const reached = spots(r, rh0, rc0, d);
        return directionBack(e, site, d, bias[d], named(d), x, reached, maps, sums, ledger);
      });
      const all = { [X]: total(e, `R ${name}→${node.inputs[X]}`, parts), [H0]: rh0, [C0]: rc0 };
      return inputs.map((input, i) => input && all[i]);
    },
  };
}
