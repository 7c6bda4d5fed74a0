import { describe, expect, it } from "vitest";
import { random } from "../../src/evaluate/index.ts";
import { xoshiro } from "../../src/evaluate/random.ts";

describe("random", () => {
  it("is xoshiro128**: its definition in integers of any length, word by word", () => {
    const mask = (1n << 32n) - 1n;
    const rotated = (v: bigint, by: bigint) => ((v << by) | (v >> (32n - by))) & mask;
    let s = [1n, 2n, 3n, 4n];
    const next = xoshiro([1, 2, 3, 4]);
    for (let i = 0; i < 1000; i++) {
      expect(BigInt(next())).toBe((rotated((s[1] * 5n) & mask, 7n) * 9n) & mask);
      const t = (s[1] << 9n) & mask;
      const [a, b, c, d] = s;
      s = [a ^ d ^ b, b ^ c ^ a, c ^ a ^ t, rotated(d ^ b, 11n)];
    }
  });

  it("depends on the seed alone", () => {
    const draw = (seed: number) => Array.from({ length: 5 }, random(seed).uniform);
    expect(draw(7)).toEqual(draw(7));
    expect(new Set([0, 1, 2, 2 ** 32 - 1].flatMap(draw)).size).toBe(20);
  });

  it("has the moments of its distributions", () => {
    const { uniform, normal } = random(3);
    const moments = (draw: () => number) => {
      const values = Array.from({ length: 40_000 }, draw);
      const mean = values.reduce((a, b) => a + b) / values.length;
      return [mean, values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length];
    };
    const [u, n] = [moments(uniform), moments(normal)];
    expect(Math.abs(u[0] - 0.5)).toBeLessThan(0.01);
    expect(Math.abs(u[1] - 1 / 12)).toBeLessThan(0.005);
    expect(Math.abs(n[0])).toBeLessThan(0.02);
    expect(Math.abs(n[1] - 1)).toBeLessThan(0.03);
  });

  it.each([-1, 1.5, 2 ** 32, Number.NaN])("refuses the seed %s", (seed) => {
    expect(() => random(seed)).toThrowError(/a seed: expected a whole number from 0 to 2\^32 − 1/);
  });
});
