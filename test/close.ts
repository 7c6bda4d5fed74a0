import { expect } from "vitest";

type Numbers = ArrayLike<number>;

/** The largest |v|. */
export function largest(values: Numbers): number {
  return Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
}

export function total(values: Numbers): number {
  return Array.from(values).reduce((sum, v) => sum + v, 0);
}

/** Σ |v| */
export function magnitude(values: Numbers): number {
  return Array.from(values).reduce((sum, v) => sum + Math.abs(v), 0);
}

/**
 * |actual − expected| ≤ tolerance · scale everywhere; scale is the largest |expected| unless given.
 * @returns the largest |actual − expected| / scale
 */
export function expectClose(actual: Numbers, expected: Numbers, tolerance: number, scale = largest(expected)): number {
  expect(actual.length, "how many numbers").toBe(expected.length);
  let [worst, at] = [-1, 0];
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    if (!(d <= worst)) [worst, at] = [d, i];
    if (Number.isNaN(d)) break;
  }
  if (!(worst <= tolerance * scale)) {
    expect.fail(
      `at ${at} of ${expected.length}: expected ${expected[at]}, got ${actual[at]}; off by ` +
        `${(worst / scale).toExponential(2)} of the largest, allowed ${tolerance}`,
    );
  }
  return worst > 0 ? worst / scale : 0;
}
