import { expect, test } from "vitest";
import { bootstrap, mean } from "../../src/evaluate/bootstrap.ts";
import { random } from "../../src/evaluate/random.ts";

/*
 * How often an interval of 95 % holds the true mean, beside the percentiles that few images make too narrow. What the
 * guide says is measured here.
 */

const { uniform, normal } = random(7);
/** Numbers of mean 0: even, bell-shaped, and very skewed. */
const sources = {
  uniform: () => uniform() - 0.5,
  normal,
  exponential: () => -Math.log(1 - uniform()) - 1,
};

/** In per cent, of so many intervals. */
function coverage(n: number, draw: () => number, intervals: number): number {
  let held = 0;
  for (let seed = 0; seed < intervals; seed++) {
    const { low, high } = bootstrap(Array.from({ length: n }, draw), mean, { seed, resamples: 400 });
    if (low <= 0 && 0 <= high) held++;
  }
  return (100 * held) / intervals;
}

// Percentiles hold it in 79, 86, 90 and 92 % for n = 4, 6, 10, 20 (normal), in 75 to 90 % (exponential).
test.each([
  [2, 90, 4000],
  [4, 87, 4000],
  [6, 87, 4000],
  [10, 89, 4000],
  [20, 89, 300],
])("%i samples", (n, ofSkewed, intervals) => {
  const found = Object.fromEntries(
    Object.entries(sources).map(([name, draw]) => [name, coverage(n, draw, intervals)] as const),
  );
  // The share of 4000 has a deviation of 0.35, that of 300 one of 1.3.
  expect(found.normal).toBeGreaterThan(intervals > 1000 ? 93.8 : 90);
  expect(found.normal).toBeLessThan(98);
  expect(found.uniform).toBeGreaterThan(91.7);
  expect(found.exponential).toBeGreaterThan(ofSkewed);
});
