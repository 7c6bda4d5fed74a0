import { describe, expect, it } from "vitest";
import { differenceTest, limitsOf, MANY, meanInterval, type Moments } from "../../../src/cli/evaluate/many.ts";
import { bootstrap, mean, pairedTest, random } from "../../../src/evaluate/index.ts";

/** Skewed values: exponential. */
const skewed = (n: number, seed: number) => {
  const { uniform } = random(seed);
  return Float64Array.from({ length: n }, () => -Math.log(1 - uniform()));
};

const momentsOf = (values: Float64Array): Moments => {
  const [n, of] = [values.length, mean(Array.from(values))];
  const sum = (power: number) => values.reduce((total, v) => total + (v - of) ** power, 0);
  return { n, mean: of, square: sum(2), cube: sum(3) };
};

describe("fewer than many", () => {
  it.each([2, 3, 19, 20, 21, 22, 23, 150])("the interval of %i values is that of bootstrap, to the last bit", (n) => {
    const values = skewed(n, n);
    const { value, low, high } = bootstrap(Array.from(values), mean, { seed: 7 });
    expect(meanInterval(values, 7)).toEqual({ mean: value, low, high });
  });

  it("the test is that of signs", () => {
    const [a, b] = [skewed(40, 1), skewed(40, 2)];
    expect(differenceTest(a, b, 3)).toBe(pairedTest(Array.from(a), Array.from(b), { seed: 3 }).p);
  });
});

describe("many", () => {
  // Both are right to about 1 / n of the standard error, and the shift by skewness is a fifth of it.
  it("bounds are what those of bootstrap tend to", () => {
    const values = skewed(200, 5);
    const moments = momentsOf(values);
    const { low, high } = bootstrap(Array.from(values), mean, { resamples: 60_000 });
    const limits = limitsOf(200, 0.95)(moments);
    const error = Math.sqrt(moments.square / 199 / 200);
    expect(Math.abs(limits.low - low)).toBeLessThan(0.04 * error);
    expect(Math.abs(limits.high - high)).toBeLessThan(0.04 * error);
    expect(low + high - 2 * moments.mean).toBeGreaterThan(0.2 * error);
  });

  it("an interval, as its definition has it", () => {
    const values = skewed(MANY, 1);
    expect(meanInterval(values, 0)).toEqual({ mean: expect.closeTo(1, 1), ...limitsOf(MANY, 0.95)(momentsOf(values)) });
  });

  it("of equal values has no width", () => {
    const { mean, low, high } = meanInterval(new Float64Array(MANY).fill(0.1), 0);
    for (const v of [mean, low, high]) expect(v).toBeCloseTo(0.1, 9);
  });

  it("where one value is most of the spread, it is drawn", () => {
    const values = new Float64Array(MANY);
    values[3] = MANY;
    // In 37 % of samples it is not drawn.
    expect(meanInterval(values, 0).low).toBe(0);
  });

  it.each([0, 0.5, 1, 2, 3])("p of a difference of %f standard errors is that of the normal distribution", (size) => {
    const [a, b] = [skewed(MANY, 1), skewed(MANY, 2)];
    const d = a.map((v, i) => v - b[i]);
    const off = mean(Array.from(d));
    const error = Math.sqrt(d.reduce((t, v) => t + (v - off) ** 2, 0)) / MANY;
    const p = differenceTest(
      a.map((v) => v - off + size * error),
      b,
      0,
    );
    // Abramowitz and Stegun 1964, table 26.1.
    const known = { 0: 1, 0.5: 0.6170751, 1: 0.3173105, 2: 0.0455003, 3: 0.0026998 }[size]!;
    expect(p).toBeCloseTo(known, 4);
  });

  it("p is never below what signs can find, and 1 where there is no difference", () => {
    const a = skewed(MANY, 1);
    expect(
      differenceTest(
        a.map((v) => v + 1),
        a,
        0,
      ),
    ).toBe(1 / 10_001);
    expect(differenceTest(a, a, 0)).toBe(1);
  });
});
