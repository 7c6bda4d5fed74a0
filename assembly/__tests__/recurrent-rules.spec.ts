import { recurrentForward, recurrentSignal, recurrentTerms } from "../index";
import { Block, begin, integer, list, near, number, room, spread, tails } from "./support";

/** Sizes of a call, and for each step and sample which time it is. */
class Call {
  steps: i32 = 3;
  n: i32 = 2;
  g: i32 = 4;
  hidden: i32 = 3;
  variant: i32 = 0;
  /** Numbers between the times of the states. */
  gap: i32 = 0;
  times: f64[] = [];
}

function callOf(g: i32, hidden: i32, lengths: i32[], steps: i32, reverse: bool): Call {
  const call = new Call();
  call.g = g;
  call.hidden = hidden;
  call.steps = steps;
  call.n = lengths.length;
  for (let s = 0; s < steps; s++) for (let b = 0; b < lengths.length; b++) {
    call.times.push(s >= lengths[b] ? -1 : reverse ? lengths[b] - 1 - s : s);
  }
  return call;
}

function sigmoid(v: f64): f64 { return 1 / (1 + Math.exp(-v)); }

function zeros(block: Block): Block {
  for (let i = 0; i < block.count; i++) block.set(i, 0);
  return block;
}

/** The time before, or −1 where there is none. */
function before(call: Call, s: i32, b: i32): i32 {
  return s > 0 ? <i32>call.times[(s - 1) * call.n + b] : -1;
}

/** What the sums and maps are made of, from what the cell has computed. */
function terms(call: Call): void {
  const n = call.n, g = call.g, hidden = call.hidden, all = call.steps * n * hidden, states = n * hidden;
  const run = g * hidden, step = states + call.gap, row = run + call.gap;
  const gates = spread(call.steps * n * row, 1), w = spread(g * hidden * hidden, 0.5);
  const p = spread(g == 4 ? 3 * hidden : g == 3 ? hidden : 1, 1), h0 = spread(states, 1), c0 = spread(states, 1);
  const cell = list([2, 0, 0, 1, 1, 1, 1, 1, 1, Infinity, call.variant]), times = list(call.times);
  const y = zeros(room(call.steps * step)), c = zeros(room(g == 1 ? 1 : call.steps * step));
  recurrentForward(gates.at, w.at, p.at, h0.at, c0.at, times.at, cell.at, y.at, c.at, call.steps, n, g, hidden, row, step);
  const sums = g == 1 ? 1 : all;
  const kept = room(sums), taken = room(sums), state = room(sums), from = room(all), scale = room(all), z = room(all);
  recurrentTerms(gates.at, h0.at, c0.at, times.at, cell.at, y.at, c.at, kept.at, taken.at, state.at, from.at, scale.at,
    z.at, call.steps, n, g, hidden, row, step);
  const wants: Float64Array[] = [];
  for (let i = 0; i < 6; i++) wants.push(new Float64Array(all));
  for (let s = 0; s < call.steps; s++) for (let b = 0; b < n; b++) {
    const t = <i32>call.times[s * n + b], last = before(call, s, b);
    if (t < 0) continue;
    for (let j = 0; j < hidden; j++) {
      const to = (t * n + b) * hidden + j, v = (t * n + b) * row + j, at = last * step + b * hidden + j;
      const yp = last < 0 ? h0.get(b * hidden + j) : y.get(at);
      const first = sigmoid(gates.get(v)), signal = gates.get(v + (g == 4 ? 3 : g - 1) * hidden);
      wants[3][to] = yp;
      wants[4][to] = 1;
      wants[5][to] = signal;
      if (g == 4) {
        const k = call.variant == 1 ? 1 - first : sigmoid(gates.get(v + 2 * hidden));
        wants[0][to] = k * (last < 0 ? c0.get(b * hidden + j) : c.get(at));
        wants[1][to] = first * Math.tanh(signal);
      } else if (g == 3) {
        const r = sigmoid(gates.get(v + hidden));
        wants[0][to] = first * yp;
        wants[1][to] = (1 - first) * Math.tanh(signal);
        if (call.variant == 1) wants[4][to] = r;
        else wants[3][to] = r * yp;
      }
      wants[2][to] = wants[0][to] + wants[1][to];
    }
  }
  const got = [kept, taken, state, from, scale, z];
  for (let i = g == 1 ? 3 : 0; i < 6; i++) for (let j = 0; j < all; j++) {
    number(got[i].get(j), wants[i][j], 2e-6 * (1 + abs(wants[i][j])), `${i}: [${j}]`);
  }
  for (let i = 0; g > 1 && i < call.steps; i++) for (let j = 0; j < states; j++) {
    number(state.get(i * states + j), (g == 4 ? c : y).get(i * step + j), 2e-6, `the state at ${i}, [${j}]`);
  }
}

/** Relevance by factors that are any numbers. */
function signal(call: Call, passes: i32): void {
  const n = call.n, g = call.g, hidden = call.hidden, all = call.steps * n * hidden, states = n * hidden;
  const step = states + call.gap;
  const w = spread(hidden * hidden, 0.5), keep = spread(g == 1 ? 1 : all, 1), take = spread(all, 1);
  const share = spread(passes * all, 1), x = spread(passes * all, 1), slopes = spread(2 * passes, 1);
  const ry = spread(call.steps * step, 1), rc = spread(g == 4 ? call.steps * step : 1, 1), times = list(call.times);
  const state = room(all), rz = room(all), rh = room(states), rcc = room(states), scratch = room(3 * hidden);
  const ledger = room(6);
  for (let i = 0; i < 3; i++) f64.store(ledger.at + (i << 3), 0.5);
  recurrentSignal(w.at, times.at, keep.at, take.at, share.at, x.at, slopes.at, ry.at, rc.at, state.at, rz.at, rh.at,
    rcc.at, scratch.at, call.steps, n, g, hidden, passes, step, ledger.at);
  let dead: f64 = 0;
  for (let b = 0; b < n; b++) {
    let h = new Float64Array(hidden), c = new Float64Array(hidden);
    for (let s = call.steps - 1; s >= 0; s--) {
      const t = <i32>call.times[s * n + b];
      if (t < 0) {
        for (let j = 0; j < hidden; j++) {
          const from = s * step + b * hidden + j, to = (s * n + b) * hidden + j;
          dead += ry.get(from) + (g == 4 ? rc.get(from) : 0);
          number(state.get(to), 0, 0, "relevance of a state that has ended");
          number(rz.get(to), 0, 0, "relevance of a map that has ended");
        }
        continue;
      }
      const next = new Float64Array(hidden), z = new Float64Array(hidden);
      for (let j = 0; j < hidden; j++) {
        const from = t * step + b * hidden + j, to = (t * n + b) * hidden + j;
        const r = ry.get(from) + h[j] + (g == 4 ? rc.get(from) + c[j] : 0);
        z[j] = take.get(to) * r;
        if (g == 4) c[j] = keep.get(to) * r;
        if (g == 3) next[j] = keep.get(to) * r;
        number(state.get(to), r, 1e-5 * (1 + abs(r)), "relevance of the state");
        number(rz.get(to), z[j], 1e-5 * (1 + abs(z[j])), "relevance of the map");
      }
      for (let pass = 0; pass < passes; pass++) for (let k = 0; k < hidden; k++) {
        let sum: f64 = 0;
        for (let j = 0; j < hidden; j++) {
          const v = w.get(j * hidden + k);
          sum += share.get(pass * all + (t * n + b) * hidden + j) * z[j] * v * slopes.get(2 * pass + (v > 0 ? 0 : 1));
        }
        next[k] += x.get(pass * all + (t * n + b) * hidden + k) * sum;
      }
      h = next;
    }
    for (let j = 0; j < hidden; j++) {
      number(rh.get(b * hidden + j), h[j], 1e-5 * (1 + abs(h[j])), "relevance of the first y");
      number(rcc.get(b * hidden + j), c[j], 1e-5 * (1 + abs(c[j])), "relevance of the first c");
    }
  }
  number(f64.load(ledger.at), 0.5, 0, "bias");
  number(f64.load(ledger.at, 8), 0.5, 0, "stabilizer");
  number(f64.load(ledger.at, 16), 0.5 + dead, 1e-5 * (1 + abs(dead)), "dead");
}

const cells: i32[] = [1, 3, 4];
const ends: i32[][] = [[4, 4, 1], [0, 4, 4], [2, 3, 0], [1, 1, 1], [0, 0, 0]];

describe("recurrentTerms", () => {
  it("for every tail of the states, with rows apart and together", () => {
    for (let k = 0; k < cells.length; k++) for (let a = 0; a < tails.length; a++) for (let variant = 0; variant < 2; variant++) {
      begin(`g ${cells[k]}, hidden ${tails[a]}, variant ${variant}`);
      const call = callOf(cells[k], tails[a], [3, 3], 3, false);
      call.gap = 5 * (a % 2);
      call.variant = variant;
      terms(call);
    }
  });

  it("for samples that end at different times, forwards and backwards", () => {
    for (let k = 0; k < cells.length; k++) for (let a = 0; a < ends.length; a++) for (let back = 0; back < 2; back++) {
      begin(`g ${cells[k]}, lengths ${ends[a].toString()}, backwards ${back}`);
      terms(callOf(cells[k], 3, ends[a], 4, back == 1));
    }
  });
});

describe("recurrentSignal", () => {
  it("for every tail of the states, and any number of passes", () => {
    for (let k = 0; k < cells.length; k++) for (let a = 0; a < tails.length; a++) for (let passes = 0; passes < 4; passes++) {
      begin(`g ${cells[k]}, hidden ${tails[a]}, passes ${passes}`);
      const call = callOf(cells[k], tails[a], [3, 3], 3, false);
      call.gap = 5 * (a % 2);
      signal(call, passes);
    }
  });

  it("for samples that end at different times, forwards and backwards", () => {
    for (let k = 0; k < cells.length; k++) for (let a = 0; a < ends.length; a++) for (let back = 0; back < 2; back++) {
      begin(`g ${cells[k]}, lengths ${ends[a].toString()}, backwards ${back}`);
      signal(callOf(cells[k], 3, ends[a], 4, back == 1), 2);
    }
  });
});
