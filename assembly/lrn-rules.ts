import { madd } from "./simd";

/*
 * Notation (method: Binder et al. 2016, arXiv 1604.00825, section 3, for any bias and scale):
 *   N(k)  the window of k: in the channels k − before … k + after, or in space the same around row and column
 *   U_k = Σ_{j ∈ N(k), j ≠ k} x_j²      s_k = bias + a · (U_k + x_k²)      t_k = bias + a · x_k²
 * Every rule is  R_j = own_j + x_j^e · Σ_{k: j ∈ N(k), k ≠ j} cross_k + Σ_{k: j ∈ N(k), k ≠ j} share_k,
 * so a rule is a row of four small functions and both kinds of window share them.
 */

// @ts-ignore: decorator
@inline
function powLane(s: f32, beta: f32): f32 {
  return <f32>Math.pow(<f64>s, -<f64>beta);
}

/** s^(−beta); for beta = 0.75 two square roots and one division. */
// @ts-ignore: decorator
@inline
export function power(s: v128, beta: f32): v128 {
  if (beta == 0.75) {
    const root = f32x4.sqrt(s);
    return f32x4.div(f32x4.splat(1), f32x4.mul(root, f32x4.sqrt(root)));
  }
  return f32x4(
    powLane(f32x4.extract_lane(s, 0), beta), powLane(f32x4.extract_lane(s, 1), beta),
    powLane(f32x4.extract_lane(s, 2), beta), powLane(f32x4.extract_lane(s, 3), beta),
  );
}

/** −2 · a · beta · s^(−beta−1), the factor of every derivative across. */
// @ts-ignore: decorator
@inline
function slopeAcross(s: v128, a: f32, beta: f32): v128 {
  return f32x4.mul(f32x4.splat(-2 * a * beta), f32x4.div(power(s, beta), s));
}

/** s of x² = xx and neighbours U, or t with U = 0. */
// @ts-ignore: decorator
@inline
export function base(xx: v128, u: v128, a: f32, bias: f32): v128 {
  return madd(f32x4.splat(a), f32x4.add(xx, u), f32x4.splat(bias));
}

// @ts-ignore: decorator
@unmanaged
export abstract class Rule {
  /** What k keeps. */
  abstract own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128;
  /** What k hands its neighbours, to be weighed with their x^e. */
  abstract cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128;
  /** What k hands every neighbour alike; read only where `shares()`. */
  abstract share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128;
  abstract shares(): bool;
  /** x^e */
  abstract weigh(x: v128): v128;
}

/** m_k / t_k^−β: all of D_k is divided by t_k^−β, so that nothing leaves the range of f32. */
// @ts-ignore: decorator
@inline
function taylorAcross(xx: v128, u: v128, a: f32, beta: f32, bias: f32): v128 {
  const s = base(xx, u, a, bias);
  const ratio = f32x4.div(s, base(xx, f32x4.splat(0), a, bias));
  return f32x4.mul(f32x4.splat(-2 * a * beta), f32x4.div(power(ratio, beta), s));
}

// @ts-ignore: decorator
@final @unmanaged
export class Taylor extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.div(r, madd(taylorAcross(f32x4.mul(x, x), u, a, beta, bias), u, f32x4.splat(1)));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    const across = taylorAcross(f32x4.mul(x, x), u, a, beta, bias);
    return f32x4.mul(across, f32x4.div(r, madd(across, u, f32x4.splat(1))));
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** As Taylor, with the zero-order term split evenly over the `count` members of the window. */
// @ts-ignore: decorator
@final @unmanaged
export class TaylorUniform extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.div(changetype<Taylor>(0).own(x, u, r, count, a, beta, bias), count);
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return changetype<Taylor>(0).cross(x, u, r, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return this.own(x, u, r, count, a, beta, bias);
  }
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
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    // Without a neighbour that fired there is nobody to take the −1: all stays at the centre.
    return f32x4.add(r, v128.and(r, f32x4.gt(u, f32x4.splat(SILENT))));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return v128.and(f32x4.div(f32x4.neg(r), u), f32x4.gt(u, f32x4.splat(SILENT)));
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return f32x4.mul(x, x); }
}

/** Jᵀ R. */
// @ts-ignore: decorator
@final @unmanaged
export class Gradient extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    const xx = f32x4.mul(x, x);
    const s = base(xx, u, a, bias);
    return f32x4.mul(r, madd(slopeAcross(s, a, beta), xx, power(s, beta)));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.mul(f32x4.mul(x, r), slopeAcross(base(f32x4.mul(x, x), u, a, bias), a, beta));
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
  // @ts-ignore: decorator
  @inline shares(): bool { return false; }
  // @ts-ignore: decorator
  @inline weigh(x: v128): v128 { return x; }
}

/** The Taylor messages z_jk without the division by their sum, as the paper's authors released them. */
// @ts-ignore: decorator
@final @unmanaged
export class Unnormalised extends Rule {
  // @ts-ignore: decorator
  @inline own(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 {
    return f32x4.mul(f32x4.mul(r, x), power(base(f32x4.mul(x, x), f32x4.splat(0), a, bias), beta));
  }
  // @ts-ignore: decorator
  @inline cross(x: v128, u: v128, r: v128, a: f32, beta: f32, bias: f32): v128 {
    return changetype<Gradient>(0).cross(x, u, r, a, beta, bias);
  }
  // @ts-ignore: decorator
  @inline share(x: v128, u: v128, r: v128, count: v128, a: f32, beta: f32, bias: f32): v128 { return f32x4.splat(0); }
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
