import { recurrentForward, recurrentVjp } from "../recurrent";
import { Block, begin, expected, integer, list, near, number, room, spread, tails } from "./support";

/** The functions as ONNX has them, by the number of each. */
function f(which: i32, v: f64, a: f64, b: f64): f64 {
  if (which == 0) return v > a ? v : 0;
  if (which == 1) return a * Math.tanh(b * v);
  if (which == 2) return 1 / (1 + Math.exp(-v));
  if (which == 3) return a * v + b;
  if (which == 4) return v > 0 ? v : a * v;
  if (which == 5) return min<f64>(max<f64>(a * v + b, 0), 1);
  if (which == 6) return v > 0 ? v : a * (Math.exp(v) - 1);
  if (which == 7) return v / (1 + abs(v));
  return Math.log(1 + Math.exp(v));
}

/** What a call is given. The blocks of gates and states have rows that lie apart. */
class Call {
  steps: i32 = 3;
  n: i32 = 2;
  g: i32 = 4;
  hidden: i32 = 3;
  /** Numbers between the rows of the gates, and between the times of the states. */
  gap: i32 = 0;
  cell: f64[] = [2, 0, 0, 1, 1, 1, 1, 1, 1, Infinity, 0];
  times: f64[] = [];
  gates: Float64Array = new Float64Array(0);
  w: Block = room(0);
  p: Block = room(0);
  h0: Float64Array = new Float64Array(0);
  c0: Float64Array = new Float64Array(0);
  y: Float64Array = new Float64Array(0);
  c: Float64Array = new Float64Array(0);
}

function some(count: i32, high: f64): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = <f64><f32>(<f64>integer(-999983, 999983) / 999983 * high);
  return values;
}

/** Times forwards, for as many steps as each sample has. */
function times(steps: i32, lengths: i32[], reverse: bool): f64[] {
  const all: f64[] = [];
  for (let s = 0; s < steps; s++) for (let b = 0; b < lengths.length; b++) {
    all.push(s >= lengths[b] ? -1 : reverse ? lengths[b] - 1 - s : s);
  }
  return all;
}

function prepare(call: Call, high: f64): void {
  const states = call.n * call.hidden;
  call.gates = some(call.steps * call.n * call.g * call.hidden, 1);
  call.w = spread(call.g * call.hidden * call.hidden, high);
  call.p = spread(call.g == 4 ? 3 * call.hidden : call.g == 3 ? call.hidden : 1, 1);
  call.h0 = some(states, 1);
  call.c0 = some(states, 1);
}

/** A function of the cell, of an argument within its bound unless it is the last. */
function applied(call: Call, which: i32, v: f64): f64 {
  const most = which == 2 ? Infinity : call.cell[9], at = 3 * which;
  return f(<i32>call.cell[at], min<f64>(max<f64>(v, -most), most), call.cell[at + 1], call.cell[at + 2]);
}

/** The definition: y and c at all times from gates and first states. */
function define(call: Call, gates: Float64Array, h0: Float64Array, c0: Float64Array): void {
  const n = call.n, g = call.g, hidden = call.hidden, variant = call.cell[10] != 0;
  call.y = new Float64Array(call.steps * n * hidden);
  call.c = new Float64Array(call.steps * n * hidden);
  for (let b = 0; b < n; b++) {
    let h = h0.slice(b * hidden, (b + 1) * hidden), c = c0.slice(b * hidden, (b + 1) * hidden);
    for (let s = 0; s < call.steps; s++) {
      const t = <i32>call.times[s * n + b];
      if (t < 0) continue;
      const v = gates.slice((t * n + b) * g * hidden, (t * n + b + 1) * g * hidden), next = new Float64Array(hidden);
      const beside = new Float64Array(hidden), from = (t * n + b) * hidden;
      for (let j = 0; j < (g == 3 ? 2 : g) * hidden; j++) {
        for (let k = 0; k < hidden; k++) v[j] += call.w.get(j * hidden + k) * h[k];
      }
      for (let j = 0; j < hidden && g == 3; j++) {
        const r = applied(call, 0, v[hidden + j]);
        beside[j] = variant ? call.p.get(j) : r * h[j];
        for (let k = 0; k < hidden; k++) {
          const w = call.w.get((2 * hidden + j) * hidden + k);
          if (variant) beside[j] += w * h[k];
          else v[2 * hidden + j] += w * applied(call, 0, v[hidden + k]) * h[k];
        }
        if (variant) v[2 * hidden + j] += r * beside[j];
      }
      for (let j = 0; j < hidden; j++) {
        if (g == 1) next[j] = applied(call, 0, v[j]);
        else if (g == 3) {
          const z = applied(call, 0, v[j]);
          next[j] = (1 - z) * applied(call, 1, v[2 * hidden + j]) + z * h[j];
        } else {
          const i = applied(call, 0, v[j] + call.p.get(j) * c[j]);
          const k = variant ? 1 - i : applied(call, 0, v[2 * hidden + j] + call.p.get(2 * hidden + j) * c[j]);
          beside[j] = k * c[j] + i * applied(call, 1, v[3 * hidden + j]);
          const o = applied(call, 0, v[hidden + j] + call.p.get(hidden + j) * beside[j]);
          next[j] = o * applied(call, 2, beside[j]);
        }
      }
      h = next;
      c = beside;
      call.y.set(h, from);
      call.c.set(c, from);
    }
  }
}

/** Numbers in rows that lie apart. */
function apart(values: Float64Array, run: i32, gap: i32): Block {
  const block = room(values.length + (values.length / run - 1) * gap);
  for (let i = 0; i < values.length; i++) block.set(i / run * (run + gap) + i % run, values[i]);
  return block;
}

/** Rows that lie apart, as one after another. */
function together(block: Block, count: i32, run: i32, gap: i32): Float64Array {
  const values = new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = block.get(i / run * (run + gap) + i % run);
  return values;
}

function close(got: Float64Array, want: Float64Array, tolerance: f64, what: string): void {
  for (let i = 0; i < want.length; i++) number(got[i], want[i], tolerance * (1 + abs(want[i])), `${what} [${i}]`);
}

/** ⟨u, f(x + step · v)⟩ */
function along(call: Call, step: f64, v: Float64Array, h: Float64Array, c: Float64Array, u: Float64Array, uc: Float64Array): f64 {
  const gates = call.gates.slice(0), h0 = call.h0.slice(0), c0 = call.c0.slice(0);
  for (let i = 0; i < v.length; i++) gates[i] += step * v[i];
  for (let i = 0; i < h.length; i++) {
    h0[i] += step * h[i];
    c0[i] += step * c[i];
  }
  define(call, gates, h0, c0);
  let sum: f64 = 0;
  for (let i = 0; i < u.length; i++) sum += u[i] * call.y[i] + (call.g == 4 ? uc[i] * call.c[i] : 0);
  return sum;
}

/** Both kernels against the definition, and against its differences along one direction. */
function both(call: Call, high: f64 = 0.7, tolerance: f64 = 2e-6): void {
  prepare(call, high);
  const n = call.n, g = call.g, hidden = call.hidden, all = call.steps * n * hidden, gap = call.gap;
  const run = g * hidden, beside = g == 1 ? 1 : all, states = n * hidden;
  const gates = apart(call.gates, run, gap), h0 = apart(call.h0, states, 0), c0 = apart(call.c0, states, 0);
  const table = list(call.times), cell = list(call.cell);
  const y = room(all + (call.steps - 1) * gap), c = room(g == 1 ? 1 : all + (call.steps - 1) * gap);
  recurrentForward(gates.at, call.w.at, call.p.at, h0.at, c0.at, table.at, cell.at, y.at, c.at,
    call.steps, n, g, hidden, run + gap, states + gap);
  define(call, call.gates, call.h0, call.c0);
  close(together(y, all, states, gap), call.y, tolerance, "y");
  if (g > 1) close(together(c, beside, states, gap), call.c, tolerance, "c");

  const u = some(all, 1), uc = some(all, 1);
  const ry = apart(u, states, gap), rc = g == 4 ? apart(uc, states, gap) : room(1);
  const s = room(gates.count), rh = room(states), rcc = room(states), scratch = room(3 * hidden);
  recurrentVjp(gates.at, call.w.at, call.p.at, h0.at, c0.at, table.at, cell.at, y.at, c.at, ry.at, rc.at, s.at, rh.at,
    rcc.at, scratch.at, call.steps, n, g, hidden, run + gap, states + gap);
  const v = some(call.gates.length, 1), h = some(states, 1), cc = some(states, 1);
  const got = together(s, v.length, run, gap);
  let sum: f64 = 0, size: f64 = 1;
  for (let i = 0; i < v.length; i++) {
    sum += got[i] * v[i];
    size += abs(got[i] * v[i]);
  }
  for (let i = 0; i < states; i++) {
    sum += rh.get(i) * h[i] + rcc.get(i) * cc[i];
    size += abs(rh.get(i) * h[i]) + abs(rcc.get(i) * cc[i]);
    if (g != 4) number(rcc.get(i), 0, 0, "relevance of a c that there is not");
  }
  const step: f64 = 1e-6;
  const want = (along(call, step, v, h, cc, u, uc) - along(call, -step, v, h, cc, u, uc)) / (2 * step);
  number(sum, want, 3 * tolerance * (size + abs(want)), "along a direction");
}

const cells: i32[] = [1, 3, 4];

function callOf(g: i32, hidden: i32, steps: i32, n: i32): Call {
  const call = new Call();
  call.g = g;
  call.hidden = hidden;
  call.steps = steps;
  call.n = n;
  const lengths: i32[] = [];
  for (let b = 0; b < n; b++) lengths.push(steps);
  call.times = times(steps, lengths, false);
  return call;
}

describe("recurrentForward and recurrentVjp", () => {
  it("for every tail of the states, with rows apart and together", () => {
    for (let k = 0; k < cells.length; k++) for (let a = 0; a < tails.length; a++) for (let variant = 0; variant < 2; variant++) {
      begin(`g ${cells[k]}, hidden ${tails[a]}, variant ${variant}`);
      const call = callOf(cells[k], tails[a], 3, 2);
      call.gap = 5 * (a % 2);
      call.cell[10] = variant;
      both(call);
    }
  });

  it("for samples that end at different times, forwards and backwards", () => {
    const lengths: i32[][] = [[4, 4, 1], [0, 4, 4], [2, 3, 0], [1, 1, 1], [0, 0, 0]];
    for (let k = 0; k < cells.length; k++) for (let a = 0; a < lengths.length; a++) for (let back = 0; back < 2; back++) {
      begin(`g ${cells[k]}, lengths ${lengths[a].toString()}, backwards ${back}`);
      const call = callOf(cells[k], 3, 4, 3);
      call.times = times(4, lengths[a], back == 1);
      both(call);
    }
  });

  it("for every number of samples at the same time", () => {
    for (let k = 0; k < cells.length; k++) for (let n = 1; n <= 7; n++) {
      begin(`g ${cells[k]}, n ${n}`);
      both(callOf(cells[k], 5, 2, n));
    }
  });

  it("with every function, bounded and not", () => {
    for (let k = 0; k < cells.length; k++) for (let which = 0; which <= 8; which++) for (let bounded = 0; bounded < 2; bounded++) {
      for (let at = 0; at < (cells[k] == 4 ? 3 : cells[k] == 3 ? 2 : 1); at++) {
        begin(`g ${cells[k]}, function ${which} at ${at}, bounded ${bounded}`);
        const call = callOf(cells[k], 4, 3, 2);
        call.cell[3 * at] = which;
        call.cell[3 * at + 1] = 0.375;
        call.cell[3 * at + 2] = 0.75;
        if (bounded == 1) call.cell[9] = 0.5;
        both(call);
      }
    }
  });

  it("with sums that are longer than what is added up in one go", () => {
    begin("hidden 1027");
    both(callOf(1, 1027, 1, 1), 0.03, 5e-6);
  });

  it("is exact where functions saturate", () => {
    begin("an LSTM that keeps what it has");
    const call = callOf(4, 3, 3, 1);
    prepare(call, 0);
    // Forgets nothing, takes nothing in, and shows all.
    for (let i = 0; i < call.gates.length; i++) call.gates[i] = i / 3 % 4 == 0 ? -1000 : 1000;
    call.p = room(9);
    memory.fill(call.p.at, 0, 36);
    const gates = apart(call.gates, 12, 0), h0 = apart(call.h0, 3, 0), c0 = apart(call.c0, 3, 0);
    const y = room(9), c = room(9), w = room(36);
    memory.fill(w.at, 0, 144);
    recurrentForward(gates.at, w.at, call.p.at, h0.at, c0.at, list(call.times).at, list(call.cell).at, y.at, c.at, 3, 1, 4,
      3, 12, 3);
    const kept = expected(9), shown = expected(9);
    for (let i = 0; i < 9; i++) {
      kept[i] = call.c0[i % 3];
      shown[i] = Math.tanh(kept[i]);
    }
    near(c, kept, kept, 0);
    near(y, shown, shown, 2e-7);
  });
});
