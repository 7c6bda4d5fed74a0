import { activate, slopeOf } from "./activation";
import { apart, product, span } from "./check";
import { accumulate, denseForward, denseVjp } from "./dense";
import { storeLanes } from "./simd";

/*
 * LSTM, GRU and RNN, told apart by how many gates they have: 4, 3 and 1. One call goes through all steps of one
 * direction; what the input has to say of all gates at all times is a dense layer before it.
 *
 * A **time table** f32[steps, n] says for every step and sample which time it is, and −1 from the step on at which the
 * sample has ended. Sequences backwards and sequences of several lengths are a matter of this table.
 *
 * A **cell** f32[11]: three functions f, g, h of three numbers each (activation.ts), the most that a function's argument
 * may be, and what is 1 in variants: an LSTM that forgets as much as it does not take in, a GRU whose gate comes behind
 * the product.
 *
 *   RNN    y' = f(v₀)
 *   GRU    z = f(v₀), r = f(v₁):  y' = (1 − z) g(v₂) + z y,   v₂ = … + w₂ (r y),  or v₂ = … + r (w₂ y + p)
 *   LSTM   i = f(v₀ + p₀ c), k = f(v₂ + p₂ c):  c' = k c + i g(v₃),  o = f(v₁ + p₁ c'):  y' = o h(c')
 *
 * Source: ONNX LSTM-14, GRU-14, RNN-14.
 */

/** Where each part of a cell stands, in bytes. */
export const F: usize = 0;
export const G: usize = 12;
const H: usize = 24;
const BOUND: usize = 36;
export const VARIANT: usize = 40;

/** Two numbers in double precision. */
// @ts-ignore: decorator
@inline
function get(x: usize): v128 { return f64x2.promote_low_f32x4(v128.load64_zero(x)); }

/** Both, or the first of them where there are no more. */
// @ts-ignore: decorator
@inline
function put(y: usize, v: v128, left: i32): void { storeLanes(y, f32x4.demote_f64x2_zero(v), min(left, 2)); }

// @ts-ignore: decorator
@inline
function bound(cell: usize): v128 { return f64x2.splat(<f64>f32.load(cell + BOUND)); }

/** f(v) with v within its bound. */
function gate(cell: usize, f: usize, v: v128): v128 {
  const most = bound(cell);
  return activate(cell + f, f64x2.pmin(f64x2.pmax(v, f64x2.neg(most)), most));
}

function gateSlope(cell: usize, f: usize, v: v128): v128 {
  return v128.and(slopeOf(cell + f, v), f64x2.lt(f64x2.abs(v), bound(cell)));
}

// @ts-ignore: decorator
@inline
function mul(a: v128, b: v128): v128 { return f64x2.mul(a, b); }

/** 1 − v */
// @ts-ignore: decorator
@inline
function rest(v: v128): v128 { return f64x2.sub(f64x2.splat(1), v); }

/** One sample at one time, from c to c' and y'. */
function lstm(v: usize, p: usize, from: usize, cell: usize, y: usize, c: usize, hidden: i32): void {
  const next = <usize>hidden << 2, variant = f32.load(cell + VARIANT) != 0;
  for (let j = 0; j < hidden; j += 2, v += 8, p += 8, from += 8, y += 8, c += 8) {
    const left = hidden - j, before = get(from), v0 = v, v1 = v + next, v2 = v1 + next;
    put(v0, f64x2.add(get(v0), mul(get(p), before)), left);
    put(v2, f64x2.add(get(v2), mul(get(p + 2 * next), before)), left);
    const i = gate(cell, F, get(v0)), k = variant ? rest(i) : gate(cell, F, get(v2));
    const now = f64x2.add(mul(k, before), mul(i, gate(cell, G, get(v2 + next))));
    put(v1, f64x2.add(get(v1), mul(get(p + next), now)), left);
    put(c, now, left);
    put(y, mul(gate(cell, F, get(v1)), activate(cell + H, now)), left);
  }
}

/** Its transposed Jacobian: from relevance of c' and y' to that of the gates and of c, which is added up in `sum`. */
function lstmBack(
  v: usize, p: usize, from: usize, cell: usize, c: usize, ry: usize, rc: usize, s: usize, rh: usize, sum: usize,
  hidden: i32,
): void {
  const next = <usize>hidden << 2, variant = f32.load(cell + VARIANT) != 0;
  for (let j = 0; j < hidden; j += 2) {
    const left = hidden - j, at = <usize>j << 2, v0 = v + at, v1 = v0 + next, v2 = v1 + next, v3 = v2 + next;
    const i = gate(cell, F, get(v0)), g = gate(cell, G, get(v3)), o = gate(cell, F, get(v1));
    const before = get(from + at), now = get(c + at), r = f64x2.add(get(ry + at), get(rh + at));
    const so = mul(mul(r, activate(cell + H, now)), gateSlope(cell, F, get(v1)));
    const later = f64x2.add(f64x2.add(get(rc + at), get(sum + at)), mul(get(p + next + at), so));
    const d = f64x2.add(later, mul(mul(r, o), slopeOf(cell + H, now)));
    const si = mul(mul(d, variant ? f64x2.sub(g, before) : g), gateSlope(cell, F, get(v0)));
    const sk = variant ? f64x2.splat(0) : mul(mul(d, before), gateSlope(cell, F, get(v2)));
    const k = variant ? rest(i) : gate(cell, F, get(v2));
    const peeped = f64x2.add(mul(get(p + at), si), mul(get(p + 2 * next + at), sk));
    put(s + at, si, left);
    put(s + next + at, so, left);
    put(s + 2 * next + at, sk, left);
    put(s + 3 * next + at, mul(mul(d, i), gateSlope(cell, G, get(v3))), left);
    put(sum + at, f64x2.add(mul(d, k), peeped), left);
  }
}

/** r y, for a GRU whose gate comes before the product. */
function reset(v: usize, from: usize, cell: usize, c: usize, hidden: i32): void {
  for (let j = 0; j < hidden; j += 2) {
    const at = <usize>j << 2;
    put(c + at, mul(gate(cell, F, get(v + (hidden << 2) + at)), get(from + at)), hidden - j);
  }
}

function gru(v: usize, from: usize, cell: usize, y: usize, c: usize, hidden: i32): void {
  const next = <usize>hidden << 2, variant = f32.load(cell + VARIANT) != 0;
  for (let j = 0; j < hidden; j += 2) {
    const left = hidden - j, at = <usize>j << 2, v0 = v + at, v1 = v0 + next, v2 = v1 + next;
    if (variant) put(v2, f64x2.add(get(v2), mul(gate(cell, F, get(v1)), get(c + at))), left);
    const z = gate(cell, F, get(v0));
    put(y + at, f64x2.add(mul(rest(z), gate(cell, G, get(v2))), mul(z, get(from + at))), left);
  }
}

/** From relevance of y' to that of z and of g's argument, and of y as far as z passes it on. */
function gruBack(v: usize, from: usize, cell: usize, ry: usize, s: usize, rh: usize, hidden: i32): void {
  const next = <usize>hidden << 2;
  for (let j = 0; j < hidden; j += 2) {
    const left = hidden - j, at = <usize>j << 2, v0 = v + at, v2 = v0 + 2 * next;
    const z = gate(cell, F, get(v0)), r = f64x2.add(get(ry + at), get(rh + at));
    const change = f64x2.sub(get(from + at), gate(cell, G, get(v2)));
    put(s + at, mul(mul(r, change), gateSlope(cell, F, get(v0))), left);
    put(s + 2 * next + at, mul(mul(r, rest(z)), gateSlope(cell, G, get(v2))), left);
    put(rh + at, mul(r, z), left);
  }
}

/** x · r, and the relevance of the gate r that is a factor of y: x is that of their product. */
function resetBack(v: usize, x: usize, y: usize, z: usize, cell: usize, s: usize, hidden: i32): void {
  const next = <usize>hidden << 2;
  for (let j = 0; j < hidden; j += 2) {
    const left = hidden - j, at = <usize>j << 2, v1 = v + next + at, r = get(x + at);
    put(s + next + at, mul(mul(r, get(y + at)), gateSlope(cell, F, get(v1))), left);
    put(z + at, mul(r, gate(cell, F, get(v1))), left);
  }
}

function rnn(v: usize, cell: usize, y: usize, hidden: i32): void {
  for (let j = 0; j < hidden; j += 2) put(y + (j << 2), gate(cell, F, get(v + (j << 2))), hidden - j);
}

function rnnBack(v: usize, cell: usize, ry: usize, s: usize, rh: usize, hidden: i32): void {
  for (let j = 0; j < hidden; j += 2) {
    const at = <usize>j << 2;
    put(s + at, mul(f64x2.add(get(ry + at), get(rh + at)), gateSlope(cell, F, get(v + at))), hidden - j);
  }
}

/** x + y, in the place of y. */
function add(x: usize, y: usize, count: i32): void {
  for (let j = 0; j < count; j++) f32.store(y + (j << 2), f32.load(y + (j << 2)) + f32.load(x + (j << 2)));
}

/** y f32[ny], which is written, is apart from what both kernels read. */
function apartFromAll(
  y: usize, ny: i32, w: usize, p: usize, h0: usize, c0: usize, times: usize, cell: usize, steps: i32, n: i32, g: i32,
  hidden: i32,
): void {
  const states = product(n, hidden);
  const beside = g == 4 ? product(3, hidden) : g == 3 ? hidden : 1;
  apart(y, ny, w, product(g, hidden, hidden), p, beside, h0, states, c0, states, times, product(steps, n));
  apart(y, ny, cell, 11);
}

/** How many numbers there are in the gates, and in the states of all times. */
export function gatesSpan(steps: i32, n: i32, g: i32, hidden: i32, row: i32): i32 {
  assert(g == 1 || g == 3 || g == 4, "gates of no cell");
  assert(row >= g * hidden, "rows of the gates overlap");
  return span(product(steps, n), row, product(g, hidden), 1);
}

export function statesSpan(steps: i32, n: i32, hidden: i32, step: i32): i32 {
  assert(step >= product(n, hidden), "times overlap");
  return span(steps, step, product(n, hidden), 1);
}

/** How many samples from b on stand at the same time. */
function alike(times: usize, b: i32, n: i32): i32 {
  let e = b + 1;
  while (e < n && f32.load(times + (e << 2)) == f32.load(times + (b << 2))) e++;
  return e - b;
}

/**
 * All steps of one direction.
 *
 * @param gates f32[time, n, g, hidden], rows `row` apart: what input and biases give to each gate. What else it is
 * given is added, so that in the end it is what its function takes
 * @param w f32[g, hidden, hidden] @param p f32[3, hidden]: an LSTM's peepholes; f32[hidden]: the p of a GRU's variant,
 * and of any other GRU not read; f32[1]: of an RNN not read
 * @param h0 f32[n, hidden], y before the first step @param c0 the same for c, read by an LSTM
 * @param times f32[steps, n] @param cell f32[11]
 * @param y f32[time, n, hidden], as many times as steps, `step` apart; written, zeros where a sample has ended
 * @param c the same for an LSTM's c; of a GRU what meets w₂, of its variant what comes of that; of an RNN f32[1]
 */
export function recurrentForward(
  gates: usize, w: usize, p: usize, h0: usize, c0: usize, times: usize, cell: usize, y: usize, c: usize,
  steps: i32, n: i32, g: i32, hidden: i32, row: i32, step: i32,
): void {
  if (!ASC_NO_ASSERT) {
    const room = statesSpan(steps, n, hidden, step), beside = g == 1 ? 1 : room;
    const all = gatesSpan(steps, n, g, hidden, row);
    apartFromAll(gates, all, w, p, h0, c0, times, cell, steps, n, g, hidden);
    apartFromAll(y, room, w, p, h0, c0, times, cell, steps, n, g, hidden);
    apartFromAll(c, beside, w, p, h0, c0, times, cell, steps, n, g, hidden);
    apart(gates, all, y, room, c, beside);
    apart(y, room, c, beside);
  }
  const variant = f32.load(cell + VARIANT) != 0;
  const bytes: usize = hidden << 2, rowBytes: usize = row << 2, stepBytes: usize = step << 2;
  for (let t = 0; t < steps; t++) {
    memory.fill(y + <usize>t * stepBytes, 0, <usize>n * bytes);
    if (g > 1) memory.fill(c + <usize>t * stepBytes, 0, <usize>n * bytes);
  }
  for (let s = 0; s < steps; s++, times += n << 2) {
    for (let b = 0, count = 0; b < n; b += count) {
      count = alike(times, b, n);
      const at = <usize>b * bytes, t = <i32>f32.load(times + (b << 2));
      if (t < 0) continue;
      const before = s > 0 ? <usize><i32>f32.load(times + ((b - n) << 2)) * stepBytes + at : at;
      let v = gates + <usize>(t * n + b) * rowBytes, to = <usize>t * stepBytes + at;
      let yp = (s > 0 ? y : h0) + before, cp = (s > 0 ? c : c0) + before;
      accumulate(yp, w, v, count, (g == 3 ? 2 : g) * hidden, hidden, row);
      if (g == 3) {
        const last = w + 2 * bytes * <usize>hidden;
        if (variant) denseForward(yp, last, p, c + to, count, hidden, hidden, hidden, 1, 1);
        else {
          for (let i = 0; i < count; i++) {
            const offset = <usize>i * bytes;
            reset(v + <usize>i * rowBytes, yp + offset, cell, c + to + offset, hidden);
          }
          accumulate(c + to, last, v + 2 * bytes, count, hidden, hidden, row);
        }
      }
      for (let i = 0; i < count; i++, v += rowBytes, yp += bytes, cp += bytes, to += bytes) {
        if (g == 4) lstm(v, p, cp, cell, y + to, c + to, hidden);
        else if (g == 3) gru(v, yp, cell, y + to, c + to, hidden);
        else rnn(v, cell, y + to, hidden);
      }
    }
  }
}

/**
 * The vector-Jacobian product of `recurrentForward`: relevance of the gates, from which a dense layer makes that of the
 * input, and of the states before the first step. Arguments as there, after it has run.
 *
 * @param ry f32[time, n, hidden] as y @param rc the same for an LSTM's c, else not read
 * @param s f32[time, n, g, hidden] as gates, written: zeros where a sample has ended
 * @param rh0 f32[n, hidden], written @param rc0 f32[n, hidden], written; zeros unless it is an LSTM
 * @param scratch f32[3, hidden]
 */
export function recurrentVjp(
  gates: usize, w: usize, p: usize, h0: usize, c0: usize, times: usize, cell: usize, y: usize, c: usize,
  ry: usize, rc: usize, s: usize, rh0: usize, rc0: usize, scratch: usize,
  steps: i32, n: i32, g: i32, hidden: i32, row: i32, step: i32,
): void {
  const states = n * hidden;
  if (!ASC_NO_ASSERT) {
    const room = statesSpan(steps, n, hidden, step), beside = g == 1 ? 1 : room, later = g == 4 ? room : 1;
    const all = gatesSpan(steps, n, g, hidden, row), sums = product(3, hidden);
    for (let i = 0; i < 4; i++) {
      const at = i == 0 ? s : i == 1 ? rh0 : i == 2 ? rc0 : scratch;
      const count = i == 0 ? all : i == 3 ? sums : states;
      apartFromAll(at, count, w, p, h0, c0, times, cell, steps, n, g, hidden);
      apart(at, count, gates, all, y, room, c, beside, ry, room, rc, later);
    }
    apart(s, all, rh0, states, rc0, states, scratch, sums);
    apart(scratch, sums, rh0, states, rc0, states);
    apart(rh0, states, rc0, states);
  }
  const variant = f32.load(cell + VARIANT) != 0;
  const bytes: usize = hidden << 2, rowBytes: usize = row << 2, stepBytes: usize = step << 2;
  const more = scratch + bytes, sums = more + bytes, last = w + 2 * bytes * <usize>hidden;
  for (let i = 0; i < steps * n; i++) memory.fill(s + <usize>i * rowBytes, 0, <usize>g * bytes);
  memory.fill(rh0, 0, <usize>n * bytes);
  memory.fill(rc0, 0, <usize>n * bytes);
  times += (steps - 1) * n << 2;
  for (let d = steps - 1; d >= 0; d--, times -= n << 2) {
    for (let b = 0; b < n; b++) {
      const t = <i32>f32.load(times + (b << 2));
      if (t < 0) continue;
      const at = <usize>b * bytes, offset = <usize>(t * n + b) * rowBytes, to = <usize>t * stepBytes + at;
      const before = d > 0 ? <usize><i32>f32.load(times + ((b - n) << 2)) * stepBytes + at : at;
      const v = gates + offset, sv = s + offset, rh = rh0 + at, yp = (d > 0 ? y : h0) + before;
      if (g == 3) {
        gruBack(v, yp, cell, ry + to, sv, rh, hidden);
        const candidate = sv + 2 * bytes;
        if (variant) {
          resetBack(v, candidate, c + to, scratch, cell, sv, hidden);
          denseVjp(scratch, last, more, sums, 1, hidden, hidden, hidden, 1, 1);
        } else {
          denseVjp(candidate, last, scratch, sums, 1, hidden, hidden, hidden, 1, 1);
          resetBack(v, scratch, yp, more, cell, sv, hidden);
        }
        add(more, rh, hidden);
        denseVjp(sv, w, more, sums, 1, 2 * hidden, hidden, hidden, 1, 1);
        add(more, rh, hidden);
        continue;
      }
      if (g == 4) lstmBack(v, p, (d > 0 ? c : c0) + before, cell, c + to, ry + to, rc + to, sv, rh, rc0 + at, hidden);
      else rnnBack(v, cell, ry + to, sv, rh, hidden);
      denseVjp(sv, w, rh, sums, 1, g * hidden, hidden, hidden, 1, 1);
    }
  }
}

export { gate, get, mul, put, rest };
