import type { Tensor } from "../src/entries/index.ts";

/** Numbers in [low, high) that are the same every time; float32, so that both sides of a test start from the same. */
export function numbers(count: number, seed: number, low = -1, high = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return low + (((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * (high - low);
  });
}

export function tensor(dims: readonly number[], seed: number, low = -1, high = 1): Tensor {
  return {
    dims,
    data: numbers(
      dims.reduce((a, b) => a * b, 1),
      seed,
      low,
      high,
    ),
  };
}
