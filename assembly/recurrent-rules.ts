import { apart, product } from "./check";
import { denseVjp } from "./dense";
import { F, G, gate, gatesSpan, get, mul, put, rest, statesSpan, VARIANT } from "./recurrent";

/*
 * Relevance of recurrent cells where gates get none of it (signal-take-all). What a cell knows of itself is a sum of what
 * it keeps and what it takes in, and what it takes in is a function of a linear map of the input and of the state before:
 *
 *   LSTM   c' = k c + i g(z),         z = W x + R y + b
 *   GRU    y' = u y + (1 − u) g(z),   z = W x + R (r y) + b,  or z = W x + r (R y + p) + b
 *   RNN    y' = f(z),                 z = W x + R y + b
 *
 * Functions pass relevance on; how the sum and the linear map share theirs is a matter of the caller, who hands in
 * factors for all times.
 *
 * Source: Arras et al. 2017 and 2019.
 */

/** f64[3]: bias, stabilizer, dead. */
const LEDGER: i32 = 6;
const DEAD: usize = 16;

/**
 * What these sums and maps are made of, at all times of one direction. Arguments as those of `recurrentForward`, after it
 * has run; what is written is f32[time, n, hidden], with zeros where a sample has ended.
 *
 * @param kept k c or u y @param taken i g(z) or (1 − u) g(z) @param state their sum; of an RNN none of the three is
 * written @param before what R meets @param scale what its product with that is multiplied by: 1, or r @param z z
 */
export function recurrentTerms(
  gates: usize, h0: usize, c0: usize, times: usize, cell: usize, y: usize, c: usize,
  kept: usize, taken: usize, state: usize, before: usize, scale: usize, z: usize,
  steps: i32, n: i32, g: i32, hidden: i32, row: i32, step: i32,
): void {
  const all = product(steps, n, hidden);
  if (!ASC_NO_ASSERT) {
    const room = statesSpan(steps, n, hidden, step), states = product(n, hidden), rows = gatesSpan(steps, n, g, hidden, row);
    const sums = g == 1 ? 1 : all;
    for (let i = 0; i < 6; i++) {
      const at = i == 0 ? kept : i == 1 ? taken : i == 2 ? state : i == 3 ? before : i == 4 ? scale : z;
      const count = i < 3 ? sums : all;
      apart(at, count, gates, rows, h0, states, c0, states, times, product(steps, n), cell, 11);
      apart(at, count, y, room, c, g == 1 ? 1 : room);
    }
    apart(kept, sums, taken, sums, state, sums, before, all, scale, all, z, all);
    apart(taken, sums, state, sums, before, all, scale, all, z, all);
    apart(state, sums, before, all, scale, all, z, all);
    apart(before, all, scale, all, z, all);
    apart(scale, all, z, all);
  }
  const variant = f32.load(cell + VARIANT) != 0;
  const bytes: usize = hidden << 2, rowBytes: usize = row << 2, stepBytes: usize = step << 2, size = <usize>all << 2;
  for (let i = 0; i < 6; i++) {
    const at = i == 0 ? kept : i == 1 ? taken : i == 2 ? state : i == 3 ? before : i == 4 ? scale : z;
    if (i > 2 || g > 1) memory.fill(at, 0, size);
  }
  const signal = g == 4 ? 3 : g - 1, one = f64x2.splat(1);
  for (let s = 0; s < steps; s++) {
    for (let b = 0; b < n; b++, times += 4) {
      const t = <i32>f32.load(times);
      if (t < 0) continue;
      const at = <usize>b * bytes, from = s > 0 ? <usize><i32>f32.load(times - (n << 2)) * stepBytes + at : at;
      const yp = (s > 0 ? y : h0) + from, cp = (s > 0 ? c : c0) + from, beside = c + <usize>t * stepBytes + at;
      const v = gates + <usize>(t * n + b) * rowBytes, to = <usize>(t * n + b) * bytes;
      memory.copy(z + to, v + <usize>signal * bytes, bytes);
      memory.copy(before + to, g == 3 && !variant ? beside : yp, bytes);
      for (let j = 0; j < hidden; j += 2) {
        const left = hidden - j, o = <usize>j << 2, vo = v + o;
        put(scale + to + o, g == 3 && variant ? gate(cell, F, get(vo + bytes)) : one, left);
        if (g == 1) continue;
        const first = gate(cell, F, get(vo)), candidate = gate(cell, G, get(vo + <usize>signal * bytes));
        const keeps = g == 3 ? first : variant ? rest(first) : gate(cell, F, get(vo + 2 * bytes));
        const a = mul(keeps, get((g == 3 ? yp : cp) + o)), i = mul(g == 3 ? rest(first) : first, candidate);
        put(kept + to + o, a, left);
        put(taken + to + o, i, left);
        put(state + to + o, f64x2.add(a, i), left);
      }
    }
  }
}

/**
 * Relevance of the states, from the last step to what is before the first:
 *
 *   R_state = R_y + R_later,   R_z = take ⊙ R_state,   R_before = keep ⊙ R_state,  and to y
 *   Σ_passes x ⊙ wᵀ(share ⊙ R_z),   with the slopes p, q of each pass at w's positive and negative numbers
 *
 * Relevance of a time at which a sample has ended is booked as dead. All f32[time, n, hidden] stand one time after
 * another, but for `ry` and `rc`, whose times are `step` apart.
 *
 * @param w f32[hidden, hidden] @param times f32[steps, n] @param keep, take, f32[time, n, hidden]; an RNN keeps nothing,
 * and of it `keep` is not read @param share f32[passes, time, n, hidden] @param x f32[passes, time, n, hidden]
 * @param slopes f32[passes, 2] @param ry relevance of y @param rc of an LSTM's c, else not read
 * @param state written: R_state @param rz written: R_z
 * @param rh0 f32[n, hidden], written @param rc0 f32[n, hidden], written; zeros unless it is an LSTM
 * @param scratch f32[3, hidden] @param ledger f64[3], added to
 */
export function recurrentSignal(
  w: usize, times: usize, keep: usize, take: usize, share: usize, x: usize, slopes: usize, ry: usize, rc: usize,
  state: usize, rz: usize, rh0: usize, rc0: usize, scratch: usize,
  steps: i32, n: i32, g: i32, hidden: i32, passes: i32, step: i32, ledger: usize,
): void {
  const all = product(steps, n, hidden), states = product(n, hidden);
  if (!ASC_NO_ASSERT) {
    assert(g == 1 || g == 3 || g == 4, "gates of no cell");
    const room = statesSpan(steps, n, hidden, step), each = product(passes, all), kept = g == 1 ? 1 : all;
    for (let i = 0; i < 6; i++) {
      const at = i == 0 ? state : i == 1 ? rz : i == 2 ? rh0 : i == 3 ? rc0 : i == 4 ? scratch : ledger;
      const count = i < 2 ? all : i < 4 ? states : i == 4 ? product(3, hidden) : LEDGER;
      apart(at, count, w, product(hidden, hidden), times, product(steps, n), keep, kept, take, all);
      apart(at, count, share, each, x, each, slopes, product(passes, 2), ry, room, rc, g == 4 ? room : 1);
    }
    apart(state, all, rz, all, rh0, states, rc0, states, scratch, product(3, hidden), ledger, LEDGER);
    apart(rz, all, rh0, states, rc0, states, scratch, product(3, hidden), ledger, LEDGER);
    apart(rh0, states, rc0, states, scratch, product(3, hidden), ledger, LEDGER);
    apart(rc0, states, scratch, product(3, hidden), ledger, LEDGER);
    apart(scratch, product(3, hidden), ledger, LEDGER);
  }
  const bytes: usize = hidden << 2, stepBytes: usize = step << 2, passBytes = <usize>all << 2;
  const spread = scratch + bytes, sums = spread + bytes;
  memory.fill(state, 0, passBytes);
  memory.fill(rz, 0, passBytes);
  memory.fill(rh0, 0, <usize>states << 2);
  memory.fill(rc0, 0, <usize>states << 2);
  times += (steps - 1) * n << 2;
  let dead: f64 = 0;
  for (let d = steps - 1; d >= 0; d--, times -= n << 2) {
    for (let b = 0; b < n; b++) {
      const t = <i32>f32.load(times + (b << 2)), at = <usize>b * bytes;
      // Behind the end of a sample no step has a time, and times are not those of steps.
      const r = <usize>(t < 0 ? d : t) * stepBytes + at;
      if (t < 0) {
        for (let j = 0; j < hidden; j++) {
          dead += <f64>f32.load(ry + r + (j << 2)) + (g == 4 ? <f64>f32.load(rc + r + (j << 2)) : 0);
        }
        continue;
      }
      const to = <usize>(t * n + b) * bytes, rh = rh0 + at, later = rc0 + at;
      for (let j = 0; j < hidden; j += 2) {
        const o = <usize>j << 2, left = hidden - j;
        let now = f64x2.add(get(ry + r + o), get(rh + o));
        if (g == 4) now = f64x2.add(now, f64x2.add(get(rc + r + o), get(later + o)));
        put(state + to + o, now, left);
        put(rz + to + o, mul(get(take + to + o), now), left);
        if (g == 4) put(later + o, mul(get(keep + to + o), now), left);
        put(rh + o, g == 3 ? mul(get(keep + to + o), now) : f64x2.splat(0), left);
      }
      for (let pass = 0; pass < passes; pass++) {
        const from = to + <usize>pass * passBytes;
        for (let j = 0; j < hidden; j += 2) {
          const o = <usize>j << 2;
          put(scratch + o, mul(get(share + from + o), get(rz + to + o)), hidden - j);
        }
        const p = f32.load(slopes + (pass << 3)), q = f32.load(slopes + (pass << 3), 4);
        denseVjp(scratch, w, spread, sums, 1, hidden, hidden, hidden, p, q);
        for (let j = 0; j < hidden; j += 2) {
          const o = <usize>j << 2;
          put(rh + o, f64x2.add(get(rh + o), mul(get(x + from + o), get(spread + o))), hidden - j);
        }
      }
    }
  }
  f64.store(ledger + DEAD, f64.load(ledger + DEAD) + dead);
}
