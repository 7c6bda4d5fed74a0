import { apart, block, lowest, product, span } from "./check";
import { pow } from "./math";
import { high, low, narrow } from "./simd";

/** Two numbers to one. */
// @ts-ignore: decorator
@unmanaged
abstract class Binary {
  abstract value(a: v128, b: v128): v128;
}

// @ts-ignore: decorator
@final @unmanaged
class Add extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 { return f32x4.add(a, b); }
}

// @ts-ignore: decorator
@final @unmanaged
class Sub extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 { return f32x4.sub(a, b); }
}

// @ts-ignore: decorator
@final @unmanaged
class Mul extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 { return f32x4.mul(a, b); }
}

// @ts-ignore: decorator
@final @unmanaged
class Div extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 { return f32x4.div(a, b); }
}

// @ts-ignore: decorator
@final @unmanaged
class Max extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 { return f32x4.pmax(a, b); }
}

/** a, or b · a below 0 */
// @ts-ignore: decorator
@final @unmanaged
class PRelu extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 {
    return v128.bitselect(f32x4.mul(a, b), a, f32x4.lt(a, f32x4.splat(0)));
  }
}

// @ts-ignore: decorator
@final @unmanaged
class Pow extends Binary {
  // @ts-ignore: decorator
  @inline value(a: v128, b: v128): v128 { return narrow(pow(low(a), low(b)), pow(high(a), high(b))); }
}

// @ts-ignore: decorator
@inline
function line<T extends Binary>(a: usize, b: usize, y: usize, count: i32, stepA: i32, stepB: i32): void {
  const f = changetype<T>(0);
  const end: usize = (count & ~3) << 2;
  let i: usize = 0;
  if (stepA == 1 && stepB == 1) {
    for (; i < end; i += 16) v128.store(y + i, f.value(v128.load(a + i), v128.load(b + i)));
  } else if (stepA == 1 && stepB == 0) {
    const v = v128.load32_splat(b);
    for (; i < end; i += 16) v128.store(y + i, f.value(v128.load(a + i), v));
  } else if (stepA == 0 && stepB == 1) {
    const v = v128.load32_splat(a);
    for (; i < end; i += 16) v128.store(y + i, f.value(v, v128.load(b + i)));
  }
  for (let j = <i32>(i >> 2); j < count; j++) {
    const v = f.value(v128.load32_splat(a + ((j * stepA) << 2)), v128.load32_splat(b + ((j * stepB) << 2)));
    f32.store(y + (j << 2), f32x4.extract_lane(v, 0));
  }
}

/** y f32[d0, d1, d2, d3], which is written, is apart from a, or is a, not broadcast. */
function check(y: usize, a: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32): void {
  const count = product(d0, d1, d2, d3);
  if (count == 0) return;
  if (y != a) return apart(y, count, lowest(a, d0, a0, d1, a1, d2, a2, d3, a3), span(d0, a0, d1, a1, d2, a2, d3, a3));
  block(y, count);
  const planes = (d3 == 1 || a3 == 1) && (d2 == 1 || a2 == d3) && (d1 == 1 || a1 == d2 * d3);
  assert(planes && (d0 == 1 || a0 == d1 * d2 * d3), "what is worked on in place is broadcast");
}

// @ts-ignore: decorator
@inline
function zip<T extends Binary>(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32,
  a0: i32, a1: i32, a2: i32, a3: i32, b0: i32, b1: i32, b2: i32, b3: i32,
): void {
  if (!ASC_NO_ASSERT) {
    check(y, a, d0, d1, d2, d3, a0, a1, a2, a3);
    check(y, b, d0, d1, d2, d3, b0, b1, b2, b3);
  }
  for (let i = 0; i < d0; i++) {
    for (let j = 0; j < d1; j++) {
      for (let k = 0; k < d2; k++) {
        line<T>(a + ((i * a0 + j * a1 + k * a2) << 2), b + ((i * b0 + j * b1 + k * b2) << 2), y, d3, a3, b3);
        y += d3 << 2;
      }
    }
  }
}

/*
 * Element-wise functions of two arguments with broadcasting.
 *
 *   y[i, j, k, l] = f(a[i·a0 + j·a1 + k·a2 + l·a3], b[i·b0 + j·b1 + k·b2 + l·b3])
 *
 * @param a f32 @param b f32, strides in elements, 0 where broadcast
 * @param y f32[d0, d1, d2, d3], written; may be a or b where they are not broadcast
 */
export function addForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<Add>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
export function subForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<Sub>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
export function mulForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<Mul>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
export function divForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<Div>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
export function powForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<Pow>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
export function maxForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<Max>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
export function pReluForward(
  a: usize, b: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32, a0: i32, a1: i32, a2: i32, a3: i32, b0: i32,
  b1: i32, b2: i32, b3: i32,
): void {
  zip<PRelu>(a, b, y, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3);
}
