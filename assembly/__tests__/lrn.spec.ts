import { lrnBeta, lrnForward, lrnTaylor, lrnTaylorUniform, lrnUnnormalised, lrnVjp } from "../lrn";
import {
  lrnSpatialBeta, lrnSpatialForward, lrnSpatialTaylor, lrnSpatialTaylorUniform, lrnSpatialUnnormalised, lrnSpatialVjp,
} from "../lrn-spatial";
import { Block, begin, expected, list, near, number, room, spread } from "./support";

/*
 * Binder et al. 2016, section 3, message by message. x holds images of h rows and w columns; across channels
 * a pixel is one row of c columns. N(k) is what lies at most `before` before and `after` after k, on both axes.
 */
class Norm {
  a: f64; beta: f64; bias: f64;

  constructor(public h: i32, public w: i32, public before: i32, public after: i32, parameters: f64[]) {
    // The parameters as the kernels get them.
    this.a = <f64><f32>parameters[0];
    this.beta = <f64><f32>parameters[1];
    this.bias = <f64><f32>parameters[2];
  }

  get size(): i32 { return this.h * this.w; }

  holds(k: i32, j: i32): bool {
    const row = j / this.w - k / this.w, column = j % this.w - k % this.w;
    return row >= -this.before && row <= this.after && column >= -this.before && column <= this.after;
  }

  members(k: i32): f64 {
    let count = 0;
    for (let j = 0; j < this.size; j++) if (this.holds(k, j)) count++;
    return count;
  }

  /** Σ of the squares of the neighbours. */
  u(x: Float64Array, k: i32): f64 {
    let sum: f64 = 0;
    for (let j = 0; j < this.size; j++) if (j != k && this.holds(k, j)) sum += x[j] * x[j];
    return sum;
  }

  s(x: Float64Array, k: i32): f64 { return this.bias + this.a * (this.u(x, k) + x[k] * x[k]); }
  t(x: Float64Array, k: i32): f64 { return this.bias + this.a * x[k] * x[k]; }
  y(x: Float64Array, k: i32): f64 { return x[k] * Math.pow(this.s(x, k), -this.beta); }

  /** ∂y_k / ∂x_j, without the factor x_k · x_j where j ≠ k. */
  across(x: Float64Array, k: i32): f64 { return -2 * this.a * this.beta * Math.pow(this.s(x, k), -this.beta - 1); }

  /** D_k, by which the messages of k are divided so that they add up to R_k. */
  total(x: Float64Array, k: i32): f64 { return Math.pow(this.t(x, k), -this.beta) + this.across(x, k) * this.u(x, k); }

  /** R of the input, added to `out`; `size` collects the magnitudes of what is added up. */
  relevance(rule: Message, x: Float64Array, r: Float64Array, out: Float64Array, size: Float64Array): void {
    for (let k = 0; k < this.size; k++) {
      const u = this.u(x, k), across = this.across(x, k), zero = Math.pow(this.t(x, k), -this.beta),
        total = this.total(x, k);
      const outer = Math.pow(this.s(x, k), -this.beta), members = this.members(k);
      for (let j = 0; j < this.size; j++) {
        if (!this.holds(k, j)) continue;
        const v = rule(j == k, x[j], x[k], u, across, zero, total, outer, members) * r[k];
        out[j] += v;
        size[j] += abs(v) + (j == k ? abs(outer * r[k]) : 0);
      }
    }
  }
}

/** What j gets of every unit of relevance of k. */
type Message = (own: bool, xj: f64, xk: f64, u: f64, across: f64, zero: f64, total: f64, outer: f64,
  members: f64) => f64;

const messages: Message[] = [
  // taylor: the zero-order term to the centre
  (own: bool, xj: f64, xk: f64, u: f64, across: f64, zero: f64, total: f64, outer: f64, members: f64): f64 =>
    (own ? zero : across * xj * xj) / total,
  // taylor-uniform: the zero-order term evenly to the window
  (own: bool, xj: f64, xk: f64, u: f64, across: f64, zero: f64, total: f64, outer: f64, members: f64): f64 =>
    (zero / members + (own ? 0 : across * xj * xj)) / total,
  // beta = 1: 2 to the centre, −1 to the neighbours that fired
  (own: bool, xj: f64, xk: f64, u: f64, across: f64, zero: f64, total: f64, outer: f64, members: f64): f64 =>
    own ? (u > 0 ? 2.0 : 1.0) : u > 0 ? -xj * xj / u : 0.0,
  // gradient: ∂y_k / ∂x_j
  (own: bool, xj: f64, xk: f64, u: f64, across: f64, zero: f64, total: f64, outer: f64, members: f64): f64 =>
    (own ? outer : 0.0) + across * xk * xj,
  // unnormalised: the Taylor terms themselves
  (own: bool, xj: f64, xk: f64, u: f64, across: f64, zero: f64, total: f64, outer: f64, members: f64): f64 =>
    own ? xk * zero : across * xk * xj * xj,
];
const names: string[] = ["taylor", "taylor-uniform", "beta", "gradient", "unnormalised"];

type AcrossChannels = (
  x: usize, r: usize, y: usize, scratch: usize, pixels: i32, c: i32, before: i32, after: i32, a: f32, beta: f32,
  bias: f32,
) => void;
type WithinChannel = (
  x: usize, r: usize, y: usize, scratch: usize, n: i32, h: i32, w: i32, c: i32, before: i32, after: i32, a: f32,
  beta: f32, bias: f32,
) => void;
const acrossChannels: AcrossChannels[] = [lrnTaylor, lrnTaylorUniform, lrnBeta, lrnVjp, lrnUnnormalised];
const withinChannel: WithinChannel[] = [lrnSpatialTaylor, lrnSpatialTaylorUniform, lrnSpatialBeta, lrnSpatialVjp,
  lrnSpatialUnnormalised];

/** a, beta, bias: AlexNet's, strong ones with the fast power, and general powers. */
const parameters: f64[][] = [
  [2e-5, 0.75, 1], [0.7, 0.75, 1], [3, 0.75, 0.5], [0.3, 0.5, 1], [0.7, 0.6, 1], [0.7, 1, 2], [1.5, 2, 1], [1, 0, 1],
  [0, 0.75, 2],
];
/** before, after: odd, even in both directions, and wider than what there is. */
const windows: i32[][] = [[0, 0], [0, 1], [1, 0], [1, 1], [1, 2], [2, 1], [2, 2], [3, 0], [4, 5], [40, 35]];
const channelCounts: i32[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 31];

const TOLERANCE: f64 = 5e-6;

/** Numbers of one line of x: `first`, `first + step`, … */
function line(x: Block, first: i32, step: i32, count: i32): Float64Array {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) out[i] = x.get(first + i * step);
  return out;
}

/** Activations after a ReLU and before one: some zeros, both signs. */
function activations(count: i32): Block {
  const x = spread(count, 2);
  for (let i = 0; i < count; i += 5) x.set(i, 0);
  return x.freeze();
}

/**
 * Checks one kernel against the messages; rule −1 is the forward pass. Lines of x are `lines` pixels, or channels of
 * images.
 */
function check(norm: Norm, rule: i32, spatial: bool, outer: i32, inner: i32): void {
  const size = norm.size;
  const x = activations(outer * size * inner), r = spread(x.count, 1), y = room(x.count);
  const b = norm.before, e = norm.after, a = <f32>norm.a, beta = <f32>norm.beta, bias = <f32>norm.bias;
  if (spatial) {
    if (rule < 0) lrnSpatialForward(x.at, y.at, outer, norm.h, norm.w, inner, b, e, a, beta, bias);
    else withinChannel[rule](x.at, r.at, y.at, room(2 * (size * inner + 4)).at, outer, norm.h, norm.w, inner, b, e, a,
      beta, bias);
  } else {
    if (rule < 0) lrnForward(x.at, y.at, room(size + b + e + 4).at, outer, size, b, e, a, beta, bias);
    else acrossChannels[rule](x.at, r.at, y.at, room(3 * (size + b + e + 4)).at, outer, size, b, e, a, beta, bias);
  }
  const want = expected(x.count), scale = expected(x.count);
  for (let i = 0; i < outer; i++) for (let j = 0; j < inner; j++) {
    const first = i * size * inner + j;
    const xs = line(x, first, inner, size), rs = line(r, first, inner, size), out = new Float64Array(size),
      sizes = new Float64Array(size);
    if (rule < 0) for (let k = 0; k < size; k++) { out[k] = norm.y(xs, k); sizes[k] = abs(out[k]); }
    else norm.relevance(messages[rule], xs, rs, out, sizes);
    for (let k = 0; k < size; k++) { want[first + k * inner] = out[k]; scale[first + k * inner] = sizes[k]; }
  }
  near(y, want, scale, TOLERANCE);
}

function everyChannelCase(rule: i32): void {
  for (let i = 0; i < channelCounts.length; i++) for (let j = 0; j < windows.length; j++)
    for (let p = 0; p < parameters.length; p++) {
    const c = channelCounts[i];
    begin(`c ${c}, window ${windows[j]}, parameters ${parameters[p]}`);
    check(new Norm(1, c, windows[j][0], windows[j][1], parameters[p]), rule, false, 3, 1);
  }
}

function everySpatialCase(rule: i32): void {
  const images: i32[][] = [[1, 1, 5], [1, 7, 3], [5, 1, 2], [2, 3, 9], [3, 5, 7], [5, 3, 4], [4, 3, 1], [2, 2, 8],
    [3, 2, 6]];
  for (let i = 0; i < images.length; i++) for (let j = 0; j < windows.length; j++) {
    const h = images[i][0], w = images[i][1], c = images[i][2], p = parameters[(i + j) % parameters.length];
    begin(`${h} x ${w}, c ${c}, window ${windows[j]}, parameters ${p}`);
    check(new Norm(h, w, windows[j][0], windows[j][1], p), rule, true, 2, c);
  }
  for (let c = 1; c <= 9; c++) {
    begin(`c ${c}`);
    check(new Norm(2, 3, 1, 2, parameters[1]), rule, true, 2, c);
  }
}

describe("normalization forward", () => {
  it("is the definition across channels", () => { everyChannelCase(-1); });
  it("is the definition within a channel", () => { everySpatialCase(-1); });
});

describe("relevance across channels", () => {
  it("by taylor is its messages", () => { everyChannelCase(0); });
  it("by taylor-uniform is its messages", () => { everyChannelCase(1); });
  it("by beta is its messages", () => { everyChannelCase(2); });
  it("by gradient is the Jacobian, transposed", () => { everyChannelCase(3); });
  it("unnormalised is its terms", () => { everyChannelCase(4); });
});

describe("relevance within a channel", () => {
  it("by taylor is its messages", () => { everySpatialCase(0); });
  it("by taylor-uniform is its messages", () => { everySpatialCase(1); });
  it("by beta is its messages", () => { everySpatialCase(2); });
  it("by gradient is the Jacobian, transposed", () => { everySpatialCase(3); });
  it("unnormalised is its terms", () => { everySpatialCase(4); });
});

/** Relevance of x (one pixel of channels, or one channel of an image) through the kernel. */
function passed(norm: Norm, rule: i32, spatial: bool, x: Block, r: Block): Block {
  const y = room(x.count), b = norm.before, e = norm.after, a = <f32>norm.a, beta = <f32>norm.beta,
    bias = <f32>norm.bias;
  if (spatial) withinChannel[rule](x.at, r.at, y.at, room(2 * (norm.size + 4)).at, 1, norm.h, norm.w, 1, b, e, a, beta,
    bias);
  else acrossChannels[rule](x.at, r.at, y.at, room(3 * (norm.size + b + e + 4)).at, 1, norm.size, b, e, a, beta, bias);
  return y;
}

function total(b: Block): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < b.count; i++) sum += b.get(i);
  return sum;
}

function magnitude(b: Block): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < b.count; i++) sum += abs(b.get(i));
  return sum;
}

function oneHot(count: i32, at: i32): Block {
  const b = room(count);
  for (let i = 0; i < count; i++) b.set(i, i == at ? 1 : 0);
  return b.freeze();
}

describe("taylor, taylor-uniform and beta", () => {
  it("keep the sum of relevance", () => {
    for (let rule = 0; rule < 3; rule++) for (let spatial = 0; spatial < 2; spatial++)
    for (let j = 0; j < windows.length; j++) for (let p = 0; p < parameters.length; p++) {
      begin(`${names[rule]}, spatial ${spatial}, window ${windows[j]}, parameters ${parameters[p]}`);
      const norm = new Norm(spatial ? 5 : 1, spatial ? 7 : 35, windows[j][0], windows[j][1], parameters[p]);
      const r = spread(35, 1), y = passed(norm, rule, spatial == 1, activations(35), r);
      number(total(y), total(r), 1e-6 * magnitude(r), "sum");
    }
  });

  it("leave all at a centre whose neighbours did not fire, except that taylor-uniform splits it", () => {
    for (let rule = 0; rule < 3; rule += 2) for (let spatial = 0; spatial < 2; spatial++)
    for (let c = 1; c <= 9; c++) for (let k = 0; k < c; k++) for (let fired = 0; fired < 2; fired++) {
      begin(`${names[rule]}, spatial ${spatial}, c ${c}, centre ${k}, fired ${fired}`);
      const norm = new Norm(1, c, 2, 3, parameters[1]);
      const y = passed(norm, rule, spatial == 1, oneHot(c, fired ? k : -1), oneHot(c, k));
      for (let i = 0; i < c; i++) number(y.get(i), i == k ? 1 : 0, 1e-6, `[${i}]`);
    }
  });

  it("do not depend on the signs of x", () => {
    for (let rule = 0; rule < 3; rule++) for (let spatial = 0; spatial < 2; spatial++) {
      begin(`${names[rule]}, spatial ${spatial}`);
      const norm = new Norm(spatial ? 3 : 1, spatial ? 5 : 15, 1, 2, parameters[1]);
      const x = activations(15), r = spread(15, 1), mirrored = room(15);
      for (let i = 0; i < 15; i++) mirrored.set(i, i % 3 == 0 ? x.get(i) : -x.get(i));
      const y = passed(norm, rule, spatial == 1, x, r), z = passed(norm, rule, spatial == 1, mirrored.freeze(), r);
      for (let i = 0; i < 15; i++) number(z.get(i), y.get(i), 0, `[${i}]`);
    }
  });
});

describe("windows", () => {
  it("reach exactly from k − before to k + after", () => {
    for (let spatial = 0; spatial < 2; spatial++) for (let j = 0; j < windows.length; j++)
      for (let k = 0; k < 35; k++) {
      begin(`spatial ${spatial}, window ${windows[j]}, from ${k}`);
      const norm = new Norm(spatial ? 5 : 1, spatial ? 7 : 35, windows[j][0], windows[j][1], parameters[1]);
      const x = room(35);
      for (let i = 0; i < 35; i++) x.set(i, 1);
      const y = passed(norm, 1, spatial == 1, x.freeze(), oneHot(35, k));
      for (let i = 0; i < 35; i++) expect<bool>(y.get(i) != 0).toBe(norm.holds(k, i), `${k} to ${i}`);
    }
  });
});

describe("taylor", () => {
  it("amplifies by at most 2 / (1 − 2 (β/(β+1))^(β+1)) − 1, without a stabilizer", () => {
    const betas: f64[] = [0.25, 0.5, 0.75, 1, 2];
    for (let b = 0; b < betas.length; b++) for (let scale: f64 = 1e-6; scale < 2e6; scale *= 10)
      for (let trial = 0; trial < 20; trial++) {
      const beta = betas[b], bound = 2 / (1 - 2 * Math.pow(beta / (beta + 1), beta + 1)) - 1;
      begin(`beta ${beta}, scale ${scale}, trial ${trial}`);
      const norm = new Norm(trial % 2 ? 3 : 1, trial % 2 ? 7 : 21, 2, 2, [0.5, beta, 1]);
      const r = spread(21, 1), y = passed(norm, 0, trial % 2 == 1, spread(21, scale), r);
      const factor = magnitude(y) / magnitude(r);
      expect<bool>(factor <= bound * (1 + 1e-5)).toBe(true,
        `beta ${beta}, scale ${scale}: amplified by ${factor}, bound ${bound}`);
    }
  });

  it("reaches 1.83155 at the centre for β = 0.75, and no more", () => {
    begin("worst window");
    // One neighbour with a · x² = 1 / β beside a centre that is 0; bias 1.
    const norm = new Norm(1, 2, 1, 1, [1, 0.75, 1]);
    const y = passed(norm, 0, false, list([0, Math.sqrt(4.0 / 3)]), list([1, 0]));
    number(y.get(0), 1.83155, 1e-5, "centre");
    number(y.get(1), -0.83155, 1e-5, "neighbour");
  });

  it("gives the example of the method: Σ z = 0.49341909719", () => {
    begin("x = .8 −.5 1.2 .3, third channel");
    const x = list([0.8, -0.5, 1.2, 0.3]), r = list([0, 0, 1, 0]);
    const norm = new Norm(1, 4, 3, 3, [0.7, 0.75, 1]);
    number(total(passed(norm, 4, false, x, r)), 0.49341909719, 1e-7, "across channels");
    const square = new Norm(2, 2, 1, 1, [0.7, 0.75, 1]);
    number(total(passed(square, 4, true, x, r)), 0.49341909719, 1e-7, "within a channel");
  });
});

/** Messages against the kernel for activations of 10^low … 10^high. */
function everyScale(rule: i32, beta: f64, low: i32, high: i32): void {
  const as: f64[] = [2e-5, 0.7];
  for (let i = 0; i < as.length; i++) for (let e = low; e <= high; e++) for (let spatial = 0; spatial < 2; spatial++) {
    begin(`${names[rule]}, beta ${beta}, a ${as[i]}, activations 1e${e}, spatial ${spatial}`);
    const norm = new Norm(spatial ? 3 : 1, spatial ? 5 : 15, 2, 2, [as[i], beta, 1]);
    const x = spread(15, Math.pow(10, e)), r = spread(15, 5), want = expected(15), size = expected(15);
    norm.relevance(messages[rule], line(x, 0, 1, 15), line(r, 0, 1, 15), want, size);
    near(passed(norm, rule, spatial == 1, x, r), want, size, 2 * TOLERANCE);
  }
}

describe("activations of every size", () => {
  it("taylor, β = 0.75, up to 1e9", () => { everyScale(0, 0.75, -9, 9); });
  it("taylor-uniform, β = 0.75, up to 1e9", () => { everyScale(1, 0.75, -9, 9); });
  it("taylor, β = 0.75, up to 1e15", () => { everyScale(0, 0.75, 10, 15); });
  it("taylor, β = 2, up to 1e9", () => { everyScale(0, 2, -9, 9); });
  it("taylor, β = 5, up to 1e6", () => { everyScale(0, 5, -9, 6); });

  it("beta, finite and its sum kept", () => {
    for (let e = -30; e <= 15; e++) for (let spatial = 0; spatial < 2; spatial++) {
      begin(`activations 1e${e}, spatial ${spatial}`);
      const norm = new Norm(spatial ? 3 : 1, spatial ? 5 : 15, 2, 2, parameters[1]);
      const r = spread(15, 5), y = passed(norm, 2, spatial == 1, spread(15, Math.pow(10, e)), r);
      number(total(y), total(r), 1e-5 * magnitude(r), "sum");
    }
  });
});

describe("gradient", () => {
  it("is what small steps of the forward pass show", () => {
    for (let spatial = 0; spatial < 2; spatial++) for (let p = 0; p < parameters.length; p++) {
      begin(`spatial ${spatial}, parameters ${parameters[p]}`);
      const norm = new Norm(spatial ? 3 : 1, spatial ? 5 : 15, 1, 2, parameters[p]);
      const x = activations(15), r = spread(15, 1), y = passed(norm, 3, spatial == 1, x, r);
      const step = 1e-5, xs = line(x, 0, 1, 15);
      for (let j = 0; j < 15; j++) {
        const middle = xs[j];
        let slope: f64 = 0;
        for (let k = 0; k < 15; k++) {
          xs[j] = middle + step;
          const up = norm.y(xs, k);
          xs[j] = middle - step;
          slope += (up - norm.y(xs, k)) / (2 * step) * r.get(k);
          xs[j] = middle;
        }
        number(y.get(j), slope, 2e-6, `[${j}]`);
      }
    }
  });
});

describe("the power −0.75", () => {
  it("agrees with the general power of the next larger exponent", () => {
    const next = <f64>reinterpret<f32>(reinterpret<u32>(<f32>0.75) + 1);
    for (let rule = 0; rule < 5; rule++) for (let spatial = 0; spatial < 2; spatial++) for (let p = 0; p < 3; p++) {
      begin(`${names[rule]}, spatial ${spatial}, parameters ${parameters[p]}`);
      const h = spatial ? 5 : 1, w = spatial ? 7 : 35, x = activations(35), r = spread(35, 1);
      const fast = passed(new Norm(h, w, 2, 2, parameters[p]), rule, spatial == 1, x, r);
      const general = passed(new Norm(h, w, 2, 2, [parameters[p][0], next, parameters[p][2]]), rule, spatial == 1, x,
        r);
      for (let i = 0; i < 35; i++) number(fast.get(i), general.get(i), 4e-6 * (1 + abs(general.get(i))), `[${i}]`);
    }
  });
});
