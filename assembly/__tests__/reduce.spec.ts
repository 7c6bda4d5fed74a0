import {
  logSoftmaxForward, logSoftmaxVjp, softmaxForward, softmaxTaylor, softmaxVjp, sum,
} from "../reduce";
import { BLOCK, CHUNK } from "../simd";
import { Block, begin, close, copyOf, expected, intact, list, number, room, spread, tails } from "./support";

/** Softmax, or its logarithm, straight from exp and log. */
function definition(x: Block, outer: i32, axis: i32, inner: i32, log: bool): Float64Array {
  const want = expected(x.count);
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) {
    const first = o * axis * inner + i;
    let top = -Infinity, total: f64 = 0;
    for (let j = 0; j < axis; j++) top = max(top, x.get(first + j * inner));
    for (let j = 0; j < axis; j++) total += Math.exp(x.get(first + j * inner) - top);
    for (let j = 0; j < axis; j++) {
      const v = x.get(first + j * inner) - top;
      want[first + j * inner] = log ? v - Math.log(total) : Math.exp(v) / total;
    }
  }
  return want;
}

function check(x: Block, outer: i32, axis: i32, inner: i32): void {
  for (let log = 0; log < 2; log++) {
    const y = room(x.count), same = copyOf(x);
    if (log) {
      logSoftmaxForward(x.at, y.at, outer, axis, inner);
      logSoftmaxForward(same.at, same.at, outer, axis, inner);
    } else {
      softmaxForward(x.at, y.at, outer, axis, inner);
      softmaxForward(same.at, same.at, outer, axis, inner);
    }
    close(y, definition(x, outer, axis, inner, log == 1), 1e-7);
    close(same, definition(x, outer, axis, inner, log == 1), 1e-7);
  }
}

describe("softmaxForward and logSoftmaxForward", () => {
  it("run along any axis of every length, in place too", () => {
    for (let t = 0; t < tails.length; t++) for (let outer = 1; outer <= 3; outer++)
      for (let inner = 1; inner <= 5; inner += 2) {
      begin(`outer ${outer}, axis ${tails[t]}, inner ${inner}`);
      check(spread(outer * tails[t] * inner, 5), outer, tails[t], inner);
    }
  });

  it("do not overflow, and take −∞ for impossible", () => {
    const rows: f64[][] = [
      [1000, 999, -1000], [-1000, 0, 1000], [0, 1000, 0], [3e38, -3e38, 3e38], [-1e4, -1e4, -1e4], [0, -Infinity, 1],
      [1e-45, 0, -1e-45],
    ];
    for (let i = 0; i < rows.length; i++) {
      begin(`${rows[i]}`);
      check(list(rows[i]), 1, 3, 1);
    }
  });

  it("give NaN for the whole line of a NaN or of nothing but −∞, and for no other", () => {
    begin("NaN");
    check(list([1, 2, NaN, 3, 4, 5, 6, 7]), 1, 2, 4);
    begin("all −∞");
    check(list([-Infinity, 1, -Infinity, 2, -Infinity, 3]), 1, 3, 2);
  });

  it("add up to 1", () => {
    for (let t = 0; t < tails.length; t++) {
      begin(`axis ${tails[t]}`);
      const x = spread(tails[t], 30), y = room(tails[t]), log = room(tails[t]);
      softmaxForward(x.at, y.at, 1, tails[t], 1);
      logSoftmaxForward(x.at, log.at, 1, tails[t], 1);
      let total: f64 = 0, exps: f64 = 0;
      for (let i = 0; i < y.count; i++) { total += y.get(i); exps += Math.exp(log.get(i)); }
      number(total, 1, 1e-6, "softmax");
      number(exps, 1, 1e-5, "exp of its logarithm");
    }
  });
});

/** What passes back through a softmax p of x: 0 its slope, 1 that of its logarithm, 2 the Taylor terms. */
function passed(which: i32, x: Block, r: Block, outer: i32, axis: i32, inner: i32): Float64Array {
  const p = definition(x, outer, axis, inner, false), want = expected(x.count);
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) {
    const first = o * axis * inner + i;
    let products: f64 = 0, total: f64 = 0;
    for (let j = 0; j < axis; j++) {
      const at = first + j * inner;
      products += p[at] * r.get(at);
      total += r.get(at);
    }
    for (let j = 0; j < axis; j++) {
      const at = first + j * inner, v = r.get(at);
      if (which == 0) want[at] = p[at] * (v - products);
      else if (which == 1) want[at] = v - p[at] * total;
      else want[at] = Math.abs(x.get(at)) == Infinity ? 0 : x.get(at) * (v - p[at] * total);
    }
  }
  return want;
}

function checkBack(x: Block, r: Block, outer: i32, axis: i32, inner: i32): void {
  for (let which = 0; which < 3; which++) {
    const p = room(x.count), y = room(x.count), same = copyOf(r);
    if (which == 1) logSoftmaxForward(x.at, p.at, outer, axis, inner);
    else softmaxForward(x.at, p.at, outer, axis, inner);
    if (which == 0) {
      softmaxVjp(p.at, r.at, y.at, outer, axis, inner);
      softmaxVjp(p.at, same.at, same.at, outer, axis, inner);
    } else if (which == 1) {
      logSoftmaxVjp(p.at, r.at, y.at, outer, axis, inner);
      logSoftmaxVjp(p.at, same.at, same.at, outer, axis, inner);
    } else {
      softmaxTaylor(x.at, p.at, r.at, y.at, outer, axis, inner);
      softmaxTaylor(x.at, p.at, same.at, same.at, outer, axis, inner);
    }
    close(y, passed(which, x, r, outer, axis, inner), 1e-6);
    close(same, passed(which, x, r, outer, axis, inner), 1e-6);
  }
}

describe("softmaxVjp, logSoftmaxVjp and softmaxTaylor", () => {
  it("run along any axis of every length, in place too", () => {
    for (let t = 0; t < tails.length; t++) for (let outer = 1; outer <= 3; outer++)
      for (let inner = 1; inner <= 5; inner += 2) {
      begin(`outer ${outer}, axis ${tails[t]}, inner ${inner}`);
      const count = outer * tails[t] * inner;
      checkBack(spread(count, 5), spread(count, 3), outer, tails[t], inner);
    }
  });

  it("give nothing to what is impossible", () => {
    begin("−∞");
    const x = list([0.5, -Infinity, 2, -1]), r = list([1, 2, 3, -4]), p = room(4), y = room(4);
    softmaxForward(x.at, p.at, 1, 4, 1);
    softmaxTaylor(x.at, p.at, r.at, y.at, 1, 4, 1);
    close(y, passed(2, x, r, 1, 4, 1), 1e-6);
    number(y.get(1), 0, 0, "of −∞");
  });
});

/** f64[2] between margins. */
function sums(): Block { return room(4); }

describe("sum", () => {
  it("adds numbers and magnitudes for every tail", () => {
    const counts: i32[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 127, 128, 129, 143, 144, 145, 1009, CHUNK - 1,
      CHUNK, CHUNK + 1, CHUNK + 17, 2 * CHUNK, 5 * CHUNK + 131];
    for (let t = 0; t < counts.length; t++) {
      begin(`count ${counts[t]}`);
      const x = spread(counts[t], 3), out = sums();
      sum(x.at, out.at, x.count);
      let total: f64 = 0, magnitude: f64 = 0;
      for (let i = 0; i < x.count; i++) { total += x.get(i); magnitude += abs(x.get(i)); }
      number(load<f64>(out.at), total, 1e-7 * magnitude, "sum");
      number(load<f64>(out.at, 8), magnitude, 1e-7 * magnitude, "sum of magnitudes");
      intact(out);
    }
  });

  it("is in double precision from block to block and in the tail", () => {
    for (let more = 0; more < 160; more++) {
      begin(`${more} more`);
      // f32 has no numbers between 2³⁰ and 2³⁰ + 128.
      const x = room(BLOCK + more), out = sums(), first = <f64>(1 << 30);
      for (let i = 0; i < x.count; i++) x.set(i, i == 0 ? -first : i < BLOCK ? 0 : 1);
      sum(x.freeze().at, out.at, x.count);
      number(load<f64>(out.at), more - first, 0, "sum");
      number(load<f64>(out.at, 8), more + first, 0, "sum of magnitudes");
    }
  });

  it("loses no digits in long sums", () => {
    // One after the other, a hundred thousand times a tenth would be off by a hundredth.
    begin("a tenth, again and again");
    const count = 100002, x = room(count), out = sums(), total = <f64>count * <f64><f32>0.1;
    for (let i = 0; i < count; i++) x.set(i, i % 3 == 0 ? -0.1 : 0.1);
    sum(x.freeze().at, out.at, count);
    number(load<f64>(out.at), total / 3, 1e-7 * total, "sum");
    number(load<f64>(out.at, 8), total, 1e-7 * total, "sum of magnitudes");
  });

  it("shows NaN and infinity wherever they stand", () => {
    for (let at = 0; at < 35; at++) {
      begin(`at ${at}`);
      const x = spread(35, 1), y = spread(35, 1), out = sums();
      x.set(at, NaN);
      y.set(at, -Infinity);
      sum(x.freeze().at, out.at, 35);
      number(load<f64>(out.at), NaN, 0, "sum with NaN");
      number(load<f64>(out.at, 8), NaN, 0, "magnitudes with NaN");
      sum(y.freeze().at, out.at, 35);
      number(load<f64>(out.at), -Infinity, 0, "sum with −∞");
      number(load<f64>(out.at, 8), Infinity, 0, "magnitudes with −∞");
    }
  });
});
