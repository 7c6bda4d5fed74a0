import { maddWide } from "./simd";

/*
 * Exponential functions, two at a time, in double precision and right to about 1e-11: what is rounded to f32 cannot
 * tell it from exact. The standard library's are right to the last bit of f64, with tables that are as large,
 * compressed, as all other kernels.
 */

/** Added to an integer below 2⁵¹, it leaves that integer in the lowest bits. */
const ROUND: f64 = 6755399441055744; // 1.5 · 2⁵²
const ROOT_HALF: i64 = 0x3FE6A09E667F3BCD; // the bits of √½

/*
 * Numbers that fill both lanes stand in memory: to read one is one instruction, to spell it out takes four, which would
 * be more of them than all others.
 */

/** Beyond these f32 has long ended. */
const RANGE = memory.data<f64>([-700, 700]);
const REDUCTION = memory.data<f64>([ROUND, 1 / Math.LN2, -Math.LN2]);
/** What f64 adds to an exponent. */
const EXPONENT = memory.data<i64>([1023]);
/** Of the polynomial that is (exp(r) − 1) / r at the eight Chebyshev points of |r| ≤ ln 2 / 2: nearly 1 / (n + 1)!. */
const SERIES = memory.data<f64>([
  0.99999999999550904, 0.49999999999955107, 0.16666666786308658, 0.041666666786265806,
  0.0083332835386885896, 0.0013888839110552081, 0.00019907569324128099, 2.4867870192960894e-5,
]);
/** 1 / (2n + 1) */
const ODD = memory.data<f64>([1, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13]);
/** 1 + x / 5, and the polynomial P of `normal`. */
const FIFTH = memory.data<f64>([1, 0.2]);
const NORMAL = memory.data<f64>([
  7.9787249365123e-2, 7.9825744790279e-2, 7.6093008261271e-2, 7.4175812281275e-2,
  4.0765282935747e-2, 1.2085085237137e-1, -1.3769518567548e-1, 3.3069387330701e-1,
  -3.5283121504082e-1, 2.9918416902353e-1, -1.3350853164096e-1, 2.2658940060003e-2,
]);

/** Number i of a table in both lanes. */
// @ts-ignore: decorator
@inline
function both(table: usize, i: i32): v128 { return v128.load64_splat(table + (i << 3)); }

/** a + b · x, a and b being numbers i and i + 1 of a table. */
// @ts-ignore: decorator
@inline
function line(x: v128, table: usize, i: i32): v128 {
  return maddWide(x, both(table, i + 1), both(table, i));
}

/** x, or ±700 beyond that. */
// @ts-ignore: decorator
@inline
function bounded(x: v128): v128 { return f64x2.pmin(f64x2.pmax(x, both(RANGE, 0)), both(RANGE, 1)); }

/**
 * exp(x), or exp(x) − 1 without cancellation, for |x| ≤ 700.
 *
 *   exp(x) = 2^k · exp(r),   |r| ≤ ln 2 / 2,   exp(r) = 1 + r · P(r), which is right to 3e-12
 */
// @ts-ignore: decorator
@inline
function exponential(x: v128, lessOne: bool = false): v128 {
  const rounded = line(x, REDUCTION, 0), k = f64x2.sub(rounded, both(REDUCTION, 0));
  const r = maddWide(k, both(REDUCTION, 2), x);
  const scale = i64x2.shl(i64x2.add(rounded, both(EXPONENT, 0)), 52);
  // In pairs (Estrin), because each step of Horner's scheme would wait for the one before.
  const r2 = f64x2.mul(r, r), r4 = f64x2.mul(r2, r2);
  const first = maddWide(r2, line(r, SERIES, 2), line(r, SERIES, 0));
  const second = maddWide(r2, line(r, SERIES, 6), line(r, SERIES, 4));
  return maddWide(f64x2.mul(scale, r), maddWide(r4, second, first), lessOne ? f64x2.sub(scale, f64x2.splat(1)) : scale);
}

/** exp(x), which stays at exp(±700) beyond that. */
function exp(x: v128): v128 { return exponential(bounded(x)); }

/** exp(x) for x ≤ 0. */
// @ts-ignore: decorator
@inline
function decay(x: v128): v128 { return exponential(f64x2.pmax(x, both(RANGE, 0))); }

/** exp(x) − 1 */
function expm1(x: v128): v128 { return exponential(bounded(x), true); }

/** 1 / (1 + exp(x)), which is the sigmoid of −x, for |x| ≤ 700. */
// @ts-ignore: decorator
@inline
function logistic(x: v128): v128 { return f64x2.div(f64x2.splat(1), f64x2.add(f64x2.splat(1), exponential(x))); }

/** 1 / (1 + exp(−x)) */
// @ts-ignore: decorator
@inline
function sigmoid(x: v128): v128 { return logistic(bounded(f64x2.neg(x))); }

/**
 * The normal distribution Φ(x) = ½ erfc(−x / √2), given e = exp(−x²/2).
 *
 *   Φ(−|x|) = e · t · P(t),   t = 1 / (1 + |x| / 5),   Φ(|x|) = 1 − Φ(−|x|)
 *
 * The relative error of P is at most 8e-11 up to |x| = 15, where f32 has ended.
 */
// @ts-ignore: decorator
@inline
function normal(x: v128, e: v128): v128 {
  const t = f64x2.div(f64x2.splat(1), line(f64x2.abs(x), FIFTH, 0)), t2 = f64x2.mul(t, t), t4 = f64x2.mul(t2, t2);
  const first = maddWide(t2, line(t, NORMAL, 2), line(t, NORMAL, 0));
  const second = maddWide(t2, line(t, NORMAL, 6), line(t, NORMAL, 4));
  const third = maddWide(t2, line(t, NORMAL, 10), line(t, NORMAL, 8));
  const series = maddWide(t4, maddWide(t4, third, second), first);
  const tail = f64x2.mul(f64x2.mul(e, t), series);
  return v128.bitselect(tail, f64x2.sub(f64x2.splat(1), tail), f64x2.lt(x, f64x2.splat(0)));
}

/** tanh(x) = (exp(2x) − 1) / (exp(2x) + 1) */
// @ts-ignore: decorator
@inline
function tanh(x: v128): v128 {
  const e = expm1(f64x2.add(x, x));
  return f64x2.div(e, f64x2.add(e, f64x2.splat(2)));
}

/**
 * log(x) = k · ln 2 + 2 · artanh((m − 1) / (m + 1)) where x = 2^k · m, √½ ≤ m < √2. For x ≥ 0 that f32 can hold, and
 * sums of them.
 */
function log(x: v128): v128 {
  const k = i64x2.shr_s(i64x2.sub(x, i64x2.splat(ROOT_HALF)), 52), one = f64x2.splat(1);
  const m = i64x2.sub(x, i64x2.shl(k, 52));
  const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one)), z = f64x2.mul(s, s);
  const z2 = f64x2.mul(z, z), z4 = f64x2.mul(z2, z2);
  const first = maddWide(z2, line(z, ODD, 2), line(z, ODD, 0));
  const second = maddWide(z2, both(ODD, 6), line(z, ODD, 4));
  const series = maddWide(z4, second, first);
  const exponent = f64x2.sub(i64x2.add(k, f64x2.splat(ROUND)), f64x2.splat(ROUND));
  const y = maddWide(exponent, f64x2.splat(Math.LN2), f64x2.mul(f64x2.add(s, s), series));
  const regular = v128.bitselect(y, x, f64x2.lt(x, f64x2.splat(Infinity)));
  return v128.bitselect(f64x2.splat(-Infinity), regular, f64x2.eq(x, f64x2.splat(0)));
}

/** x^y as IEEE has it; NaN where a finite x < 0 and y is no integer. */
function pow(x: v128, y: v128): v128 {
  const zero = f64x2.splat(0), half = f64x2.mul(y, f64x2.splat(0.5));
  const whole = f64x2.eq(f64x2.floor(y), y), even = f64x2.eq(f64x2.floor(half), half);
  const power = exp(f64x2.mul(y, log(f64x2.abs(x))));
  const sign = v128.and(v128.and(x, f64x2.splat(-0.0)), v128.andnot(whole, even));
  const undefined = v128.andnot(v128.and(f64x2.lt(x, zero), f64x2.gt(x, f64x2.splat(-Infinity))), whole);
  return v128.bitselect(f64x2.splat(1), v128.or(v128.or(power, sign), v128.and(undefined, f64x2.splat(NaN))),
    f64x2.eq(y, zero));
}

export { bounded, decay, exp, expm1, log, logistic, normal, pow, sigmoid, tanh };
