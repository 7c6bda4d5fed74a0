import { inPlace } from "./check";
import { bounded, decay, logistic, normal, sigmoid, tanh } from "./math";
import { high, low, narrow, slope, storeLanes } from "./simd";

/**
 * One number to one number. Tails are read past the end (the planner keeps 16 bytes free there) and written exactly.
 */
// @ts-ignore: decorator
@unmanaged
abstract class Unary {
  abstract value(v: v128, a: f32, b: f32): v128;
  /** r · f'(v) */
  abstract vjp(v: v128, r: v128, a: f32, b: f32): v128;
}

// @ts-ignore: decorator
@inline
function map<T extends Unary>(x: usize, y: usize, count: i32, a: f32, b: f32): void {
  if (!ASC_NO_ASSERT) inPlace(y, x, count);
  const f = changetype<T>(0);
  for (let i: usize = 0; count > 0; i += 16, count -= 4) storeLanes(y + i, f.value(v128.load(x + i), a, b), count);
}

// @ts-ignore: decorator
@inline
function mapVjp<T extends Unary>(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  if (!ASC_NO_ASSERT) {
    inPlace(y, x, count);
    inPlace(y, r, count);
  }
  const f = changetype<T>(0);
  for (let i: usize = 0; count > 0; i += 16, count -= 4) {
    storeLanes(y + i, f.vjp(v128.load(x + i), v128.load(r + i), a, b), count);
  }
}

// @ts-ignore: decorator
@final @unmanaged
class Relu extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return f32x4.pmax(v, f32x4.splat(0)); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 { return v128.and(r, f32x4.gt(v, f32x4.splat(0))); }
}

/** a · max(v, 0) + b · min(v, 0): LeakyRelu with a = 1, and the parts x⁺ (1, 0) and x⁻ (0, 1). */
// @ts-ignore: decorator
@final @unmanaged
class Slope extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return slope(v, f32x4.splat(a), f32x4.splat(b)); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, v128.bitselect(f32x4.splat(a), f32x4.splat(b), f32x4.gt(v, f32x4.splat(0))));
  }
}

/** min(max(v, a), b) */
// @ts-ignore: decorator
@final @unmanaged
class Clip extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return f32x4.pmin(f32x4.pmax(v, f32x4.splat(a)), f32x4.splat(b)); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return v128.and(r, v128.and(f32x4.gt(v, f32x4.splat(a)), f32x4.lt(v, f32x4.splat(b))));
  }
}

function sigmoidSlope(v: v128): v128 {
  const y = sigmoid(v);
  return f64x2.mul(y, f64x2.sub(f64x2.splat(1), y));
}

// @ts-ignore: decorator
@final @unmanaged
class Sigmoid extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return narrow(sigmoid(low(v)), sigmoid(high(v))); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, narrow(sigmoidSlope(low(v)), sigmoidSlope(high(v))));
  }
}

function tanhSlope(v: v128): v128 {
  const y = tanh(v);
  return f64x2.sub(f64x2.splat(1), f64x2.mul(y, y));
}

// @ts-ignore: decorator
@final @unmanaged
class Tanh extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return narrow(tanh(low(v)), tanh(high(v))); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, narrow(tanhSlope(low(v)), tanhSlope(high(v))));
  }
}

/** min(max(v + 3, 0), 6) / 6 */
// @ts-ignore: decorator
@inline
function hardSigmoid(v: v128): v128 {
  const t = f64x2.pmax(f64x2.add(v, f64x2.splat(3)), f64x2.splat(0));
  return f64x2.div(f64x2.pmin(t, f64x2.splat(6)), f64x2.splat(6));
}

function hardSwish(v: v128): v128 { return f64x2.mul(v, hardSigmoid(v)); }

function hardSwishSlope(v: v128): v128 {
  const inside = f64x2.lt(f64x2.abs(v), f64x2.splat(3));
  return f64x2.add(hardSigmoid(v), v128.and(inside, f64x2.div(v, f64x2.splat(6))));
}

// @ts-ignore: decorator
@final @unmanaged
class HardSwish extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return narrow(hardSwish(low(v)), hardSwish(high(v))); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, narrow(hardSwishSlope(low(v)), hardSwishSlope(high(v))));
  }
}

/** In the place of an infinite number, one that f32 cannot tell from it, and whose product with 0 is 0. */
// @ts-ignore: decorator
@inline
function finite(v: v128): v128 { return f64x2.pmin(f64x2.pmax(v, f64x2.splat(-1e39)), f64x2.splat(1e39)); }

/** v / (1 + exp(−α v)) */
// @ts-ignore: decorator
@inline
function swish(v: v128, alpha: f64): v128 {
  const u = finite(v);
  return f64x2.mul(u, logistic(bounded(f64x2.mul(u, f64x2.splat(-alpha)))));
}

function swishSlope(v: v128, alpha: f64): v128 {
  const w = f64x2.mul(finite(v), f64x2.splat(alpha));
  return gatedSlope(w, sigmoid(w));
}

/** g + w · g · (1 − g): the slope of v · σ(u) where g = σ(u) and w = v · du/dv. */
// @ts-ignore: decorator
@inline
function gatedSlope(w: v128, g: v128): v128 {
  return f64x2.add(g, f64x2.mul(w, f64x2.mul(g, f64x2.sub(f64x2.splat(1), g))));
}

// @ts-ignore: decorator
@final @unmanaged
class Swish extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return narrow(swish(low(v), a), swish(high(v), a)); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, narrow(swishSlope(low(v), a), swishSlope(high(v), a)));
  }
}

/** exp(−v²/2) */
// @ts-ignore: decorator
@inline
function bell(v: v128): v128 { return decay(f64x2.mul(f64x2.mul(v, v), f64x2.splat(-0.5))); }

/** v Φ(v) */
// @ts-ignore: decorator
@inline
function gelu(v: v128): v128 {
  const u = finite(v);
  return f64x2.mul(u, normal(u, bell(u)));
}

/** Φ(v) + v exp(−v²/2) / √(2π) */
function geluSlope(v: v128): v128 {
  const u = finite(v), e = bell(u);
  return f64x2.add(normal(u, e), f64x2.mul(u, f64x2.mul(e, f64x2.splat(0.3989422804014327))));
}

// @ts-ignore: decorator
@final @unmanaged
class Gelu extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return narrow(gelu(low(v)), gelu(high(v))); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, narrow(geluSlope(low(v)), geluSlope(high(v))));
  }
}

/** √(8/π) and 0.044715: GELU's approximation ½ v (1 + tanh(u / 2)) = v σ(u) has u = √(8/π) (v + 0.044715 v³). */
const ROOT: f64 = 1.5957691216057308;
const CUBIC: f64 = 0.044715;

/** √(8/π) (v + c v³) */
// @ts-ignore: decorator
@inline
function cubic(v: v128, c: f64): v128 {
  const factor = f64x2.add(f64x2.splat(ROOT), f64x2.mul(f64x2.splat(ROOT * c), f64x2.mul(v, v)));
  return f64x2.mul(v, factor);
}

// @ts-ignore: decorator
@inline
function geluTanh(v: v128): v128 {
  const u = finite(v);
  return f64x2.mul(u, sigmoid(cubic(u, CUBIC)));
}

function geluTanhSlope(v: v128): v128 {
  const u = finite(v);
  return gatedSlope(cubic(u, 3 * CUBIC), sigmoid(cubic(u, CUBIC)));
}

// @ts-ignore: decorator
@final @unmanaged
class GeluTanh extends Unary {
  // @ts-ignore: decorator
  @inline value(v: v128, a: f32, b: f32): v128 { return narrow(geluTanh(low(v)), geluTanh(high(v))); }
  // @ts-ignore: decorator
  @inline vjp(v: v128, r: v128, a: f32, b: f32): v128 {
    return f32x4.mul(r, narrow(geluTanhSlope(low(v)), geluTanhSlope(high(v))));
  }
}

/*
 * Element-wise functions and their vector-Jacobian products.
 *
 *   y[i] = f(x[i]; a, b)          y[i] = r[i] · f'(x[i]; a, b)
 *
 * @param x f32[count] @param r f32[count] @param y f32[count], written; may be x or r itself
 */
export function reluForward(x: usize, y: usize, count: i32, a: f32, b: f32): void { map<Relu>(x, y, count, a, b); }
export function reluVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Relu>(x, r, y, count, a, b);
}
export function slopeForward(x: usize, y: usize, count: i32, a: f32, b: f32): void { map<Slope>(x, y, count, a, b); }
export function slopeVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Slope>(x, r, y, count, a, b);
}
export function clipForward(x: usize, y: usize, count: i32, a: f32, b: f32): void { map<Clip>(x, y, count, a, b); }
export function clipVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Clip>(x, r, y, count, a, b);
}
export function sigmoidForward(x: usize, y: usize, count: i32, a: f32, b: f32): void {
  map<Sigmoid>(x, y, count, a, b);
}
export function sigmoidVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Sigmoid>(x, r, y, count, a, b);
}
export function tanhForward(x: usize, y: usize, count: i32, a: f32, b: f32): void { map<Tanh>(x, y, count, a, b); }
export function tanhVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Tanh>(x, r, y, count, a, b);
}
export function hardSwishForward(x: usize, y: usize, count: i32, a: f32, b: f32): void {
  map<HardSwish>(x, y, count, a, b);
}
export function hardSwishVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<HardSwish>(x, r, y, count, a, b);
}
export function swishForward(x: usize, y: usize, count: i32, a: f32, b: f32): void { map<Swish>(x, y, count, a, b); }
export function swishVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Swish>(x, r, y, count, a, b);
}
export function geluForward(x: usize, y: usize, count: i32, a: f32, b: f32): void { map<Gelu>(x, y, count, a, b); }
export function geluVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<Gelu>(x, r, y, count, a, b);
}
export function geluTanhForward(x: usize, y: usize, count: i32, a: f32, b: f32): void {
  map<GeluTanh>(x, y, count, a, b);
}
export function geluTanhVjp(x: usize, r: usize, y: usize, count: i32, a: f32, b: f32): void {
  mapVjp<GeluTanh>(x, r, y, count, a, b);
}
