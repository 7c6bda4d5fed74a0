import { pow } from "./math";
import { high, low, madd, narrow } from "./simd";

/*
 * Notation (method: Binder et al. 2016, arXiv 1604.00825, section 3, for any bias and scale):
 *   N(k)  the window of k: in the channels k − before … k + after, or in space the same around row and column
 *   U_k = Σ_{j ∈ N(k), j ≠ k} x_j²      s_k = bias + a · (U_k + x_k²)      t_k = bias + a · x_k²
 * Every rule is  R_j = own_j + x_j^e · Σ_{k: j ∈ N(k), k ≠ j} cross_k  (+ Σ_{k: j ∈ N(k), k ≠ j} own_k where it shares
 * alike), so a rule is a row of small functions and both kinds of window share them. What costs roots and divisions, m
 * and q, is made once.
 */

/**
 * s^beta. A type and not a branch: a call to `pow` in the loop, even if never made, costs the fast one its registers.
 */
// @ts-ignore: decorator
@unmanaged
export abstract class Power {
  abstract of(s: v128, beta: f32): v128;
}

// @ts-ignore: decorator
@final @unmanaged
export class ThreeQuarters extends Power {
  // @ts-ignore: decorator
  @inline of(s: v128, beta: f32): v128 {
    const half = f32x4.sqrt(s);
    return f32x4.mul(half, f32x4.sqrt(half));
  }
}

// @ts-ignore: decorator
@final @unmanaged
export class AnyPower extends Power {
  // @ts-ignore: decorator
  @inline of(s: v128, beta: f32): v128 {
    const exponent = f64x2.splat(<f64>beta);
    return narrow(pow(low(s), exponent), pow(high(s), exponent));
  }
}

/** s of x² = xx and neighbours U, or t with U = 0. */
// @ts-ignore: decorator
@inline
export function base(xx: v128, u: v128, a: v128, bias: v128): v128 {
  return madd(a, f32x4.add(xx, u), bias);
}

/** −2 · a · beta / s: this times y_k is the derivative of y_k across, without the factor x_j. */
// @ts-ignore: decorator
@inline
function slopeAcross(s: v128, a: v128, beta: f32): v128 {
  return f32x4.div(f32x4.mul(f32x4.splat(-2 * beta), a), s);
}

// @ts-ignore: decorator
@unmanaged
export abstract class Rule {
  /** m_k, what the derivatives of k across have in common. */
  abstract across(x: v128, u: v128, a: v128, beta: f32, bias: v128): v128;
  /** q_k, what of the relevance of k is to be shared out. */
  abstract quota(x: v128, u: v128, r: v128, m: v128, a: v128, beta: f32, bias: v128): v128;
  /** What k keeps. */
  abstract own(x: v128, u: v128, r: v128, m: v128, q: v128, count: v128, a: v128, beta: f32, bias: v128): v128;
  /** What k hands its neighbours, to be weighed with their x^e. */
  abstract cross(x: v128, u: v128, r: v128, m: v128, q: v128): v128;
  /** Whether k hands every neighbour as much as it keeps. */
  abstract shares(): bool;
  /** x^e */
  abstract weigh(x: v128): v128;
}

/** m_k and D_k are divided by t_k^−β, so that nothing leaves the range of f32: q_k = R_k / (1 + m_k · U_k). */
// @ts-ignore: decorator
@final @unmanaged
export class Taylor<P extends Power> extends Rule {
  // @ts-ignore: decorator
  @inline across(x: v128, u: v128, a: v128, beta: f32, bias: v128): v128 {
    const xx = f32x4.mul(x, x);
    const inverse = f32x4.div(f32x4.splat(1), base(xx, u, a, bias));
    const ratio = f32x4.mul(base(xx, f32x4.splat(0), a, bias), inverse);
    return f32x4.mul(f32x4.mul(f32x4.mul(f32x4.splat(-2 * beta), a), inverse), changetype<P>(0).of(ratio, beta));
  }
  // @ts-ignore: decorator
  @inline quota(x: v128, u: v128, r: v128, m: v128, a: v128, beta: f32, bias: v128): v128 {
    return f32x4.div(r, madd(m, u, f32x4.splat(1)));
  }
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, m: v128, q: v128, count: v128, a: v128, beta: f32, bias: v128): v128 {
    return q;
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, m: v128, q: v128): v128 { return f32x4.mul(m, q); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** As Taylor, with the zero-order term split evenly over the `count` members of the window. */
// @ts-ignore: decorator
@final @unmanaged
export class TaylorUniform<P extends Power> extends Rule {
  // @ts-ignore: decorator
  @inline across(x: v128, u: v128, a: v128, beta: f32, bias: v128): v128 {
    return changetype<Taylor<P>>(0).across(x, u, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline quota(x: v128, u: v128, r: v128, m: v128, a: v128, beta: f32, bias: v128): v128 {
    return changetype<Taylor<P>>(0).quota(x, u, r, m, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, m: v128, q: v128, count: v128, a: v128, beta: f32, bias: v128): v128 {
    return f32x4.div(q, count);
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, m: v128, q: v128): v128 { return f32x4.mul(m, q); }
  // @ts-ignore: decorator
  @inline shares(): bool { return true; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** Neighbours whose squares sum to less count as not firing: R / U would leave the range of f32. */
const SILENT: f32 = 1e-30;

/** The β rule with β = 1: only the centre counts as positive, its neighbours share −1 by x². */
// @ts-ignore: decorator
@final @unmanaged
export class Beta extends Rule {
  // @ts-ignore: decorator
  @inline across(x: v128, u: v128, a: v128, beta: f32, bias: v128): v128 { return f32x4.gt(u, f32x4.splat(SILENT)); }
  // @ts-ignore: decorator
  @inline quota(x: v128, u: v128, r: v128, m: v128, a: v128, beta: f32, bias: v128): v128 { return v128.and(r, m); }
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, m: v128, q: v128, count: v128, a: v128, beta: f32, bias: v128): v128 {
    // Without a neighbour that fired there is nobody to take the −1: all stays at the centre.
    return f32x4.add(r, q);
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, m: v128, q: v128): v128 { return v128.and(f32x4.div(f32x4.neg(q), u), m); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** Jᵀ R. */
// @ts-ignore: decorator
@final @unmanaged
export class Gradient<P extends Power> extends Rule {
  // @ts-ignore: decorator
  @inline across(x: v128, u: v128, a: v128, beta: f32, bias: v128): v128 {
    return slopeAcross(base(f32x4.mul(x, x), u, a, bias), a, beta);
  }
  // @ts-ignore: decorator
  @inline quota(x: v128, u: v128, r: v128, m: v128, a: v128, beta: f32, bias: v128): v128 {
    return f32x4.div(r, changetype<P>(0).of(base(f32x4.mul(x, x), u, a, bias), beta));
  }
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, m: v128, q: v128, count: v128, a: v128, beta: f32, bias: v128): v128 {
    return f32x4.mul(q, madd(m, f32x4.mul(x, x), f32x4.splat(1)));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, m: v128, q: v128): v128 { return f32x4.mul(f32x4.mul(x, q), m); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return x; }
}

/** The Taylor messages z_jk without the division by their sum, as the paper's authors released them. */
// @ts-ignore: decorator
@final @unmanaged
export class Unnormalised<P extends Power> extends Rule {
  // @ts-ignore: decorator
  @inline across(x: v128, u: v128, a: v128, beta: f32, bias: v128): v128 {
    return changetype<Gradient<P>>(0).across(x, u, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline quota(x: v128, u: v128, r: v128, m: v128, a: v128, beta: f32, bias: v128): v128 {
    return changetype<Gradient<P>>(0).quota(x, u, r, m, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, m: v128, q: v128, count: v128, a: v128, beta: f32, bias: v128): v128 {
    return f32x4.div(f32x4.mul(r, x), changetype<P>(0).of(base(f32x4.mul(x, x), f32x4.splat(0), a, bias), beta));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, m: v128, q: v128): v128 {
    return changetype<Gradient<P>>(0).cross(x, u, r, m, q);
  }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** How many of c places the window of place k holds. */
// @ts-ignore: decorator
@inline
export function members(k: i32, c: i32, before: i32, after: i32): i32 {
  return min(c - 1, k + after) - max(0, k - before) + 1;
}
