import { describe, expect, test } from "vitest";
import { normal, normalQuantile, probabilityInterval, student } from "../../src/evaluate/distributions.ts";

/** Numbers of scipy 1.x: stats.t.ppf, stats.norm.cdf and ppf, stats.beta.ppf. */
describe("distributions", () => {
  test.each([
    [1, 12.706204736174694],
    [2, 4.302652729749462],
    [3, 3.1824463052837078],
    [9, 2.262157162798205],
    [19, 2.0930240544083087],
    [30, 2.0422724563012378],
    [299, 1.9679296690656698],
  ])("t of %i degrees of freedom", (freedom, t) => expect(student(0.95, freedom) / t).toBeCloseTo(1, 12));

  test("the share within t is the integral of the density", () => {
    for (const freedom of [1, 2, 5, 8]) {
      const density = (t: number) => (1 + (t * t) / freedom) ** (-(freedom + 1) / 2);
      // In t = tan a, whose bounds are finite: Simpson's rule.
      const integral = (to: number, n = 2000) => {
        const f = (a: number) => density(Math.tan(a)) / Math.cos(a) ** 2;
        const h = Math.atan(to) / n;
        let total = 0;
        for (let i = 0; i <= n; i++) total += (i === 0 || i === n ? 1 : i % 2 ? 4 : 2) * f(i * h);
        return (total * h) / 3;
      };
      for (const level of [0.5, 0.95]) expect(integral(student(level, freedom)) / integral(1e6)).toBeCloseTo(level, 5);
    }
  });

  test("the normal distribution", () => {
    expect(normal(0)).toBe(0.5);
    expect(normal(1.96)).toBeCloseTo(0.9750021048517795, 14);
    expect(normal(-3) / 0.0013498980316300933).toBeCloseTo(1, 10);
    expect([normal(-40), normal(40)]).toEqual([0, 1]);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
    for (const p of [1e-4, 0.2, 0.5, 0.9, 0.9999]) expect(normal(normalQuantile(p))).toBeCloseTo(p, 12);
  });

  test.each([
    [1, 2, 0.01257911709342505, 0.9874208829065749],
    [4, 4, 0.3976353643835253, 1],
    [0, 10, 0, 0.3084971078187607],
    [7, 10, 0.3475471499400027, 0.9332604888222655],
  ])("%i of %i", (hits, n, low, high) => {
    const found = probabilityInterval(hits, n, 0.95);
    expect(found.low).toBeCloseTo(low, 12);
    expect(found.high).toBeCloseTo(high, 12);
  });

  test.each([
    [4, 0.9],
    [10, 0.7],
    [30, 0.05],
  ])("the interval of a probability from %i trials holds it in 95 % of cases or more: %f", (n, p) => {
    let [held, chance] = [0, (1 - p) ** n];
    for (let hits = 0; hits <= n; hits++) {
      const { low, high } = probabilityInterval(hits, n, 0.95);
      if (low <= p && p <= high) held += chance;
      chance *= ((n - hits) / (hits + 1)) * (p / (1 - p));
    }
    expect(held).toBeGreaterThan(0.95);
  });
});
