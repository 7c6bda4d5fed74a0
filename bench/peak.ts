/** What the machine can do at best in WebAssembly: the measure for bench/kernels.mjs, which compiles this file. */
import { horizontal, madd } from "../assembly/simd";

/**
 * Twelve sums, as many as a convolution's tile has, each with a multiply-add that waits for no other: 12 · 4 · 2
 * operations a round.
 */
export function multiplyAdds(rounds: i32, factor: f32, start: f32): f32 {
  // Numbers from outside: compilers make constants anew wherever they are used, and equal sums only once.
  const a = f32x4.splat(factor);
  const b = f32x4.splat(start);
  let c0 = b, c1 = f32x4.add(c0, a), c2 = f32x4.add(c1, a), c3 = f32x4.add(c2, a), c4 = f32x4.add(c3, a),
    c5 = f32x4.add(c4, a);
  let c6 = f32x4.add(c5, a), c7 = f32x4.add(c6, a), c8 = f32x4.add(c7, a), c9 = f32x4.add(c8, a),
    c10 = f32x4.add(c9, a), c11 = f32x4.add(c10, a);
  // Each sum is also a factor: a product that is the same in every round would be taken out of the loop.
  for (let i = 0; i < rounds; i++) {
    c0 = madd(a, c0, b);
    c1 = madd(a, c1, b);
    c2 = madd(a, c2, b);
    c3 = madd(a, c3, b);
    c4 = madd(a, c4, b);
    c5 = madd(a, c5, b);
    c6 = madd(a, c6, b);
    c7 = madd(a, c7, b);
    c8 = madd(a, c8, b);
    c9 = madd(a, c9, b);
    c10 = madd(a, c10, b);
    c11 = madd(a, c11, b);
  }
  const low = f32x4.add(f32x4.add(f32x4.add(c0, c1), f32x4.add(c2, c3)), f32x4.add(c4, c5));
  const high = f32x4.add(f32x4.add(f32x4.add(c6, c7), f32x4.add(c8, c9)), f32x4.add(c10, c11));
  return horizontal(f32x4.add(low, high));
}

/** The sum of `bytes` bytes of f32 at x, a multiple of 64, by four sums. */
export function read(x: usize, bytes: usize): f32 {
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
  for (const end = x + bytes; x < end; x += 64) {
    s0 = f32x4.add(s0, v128.load(x));
    s1 = f32x4.add(s1, v128.load(x, 16));
    s2 = f32x4.add(s2, v128.load(x, 32));
    s3 = f32x4.add(s3, v128.load(x, 48));
  }
  return horizontal(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)));
}

/** y = x, a vector at a time. */
export function copy(x: usize, y: usize, bytes: usize): void {
  for (const end = x + bytes; x < end; x += 64, y += 64) {
    v128.store(y, v128.load(x));
    v128.store(y, v128.load(x, 16), 16);
    v128.store(y, v128.load(x, 32), 32);
    v128.store(y, v128.load(x, 48), 48);
  }
}
