import * as math from "../math";

function exp(x: f64): f64 { return f64x2.extract_lane(math.exp(f64x2.splat(x)), 1); }
function log(x: f64): f64 { return f64x2.extract_lane(math.log(f64x2.splat(x)), 1); }
function tanh(x: f64): f64 { return f64x2.extract_lane(math.tanh(f64x2.splat(x)), 1); }
function pow(x: f64, y: f64): f64 { return f64x2.extract_lane(math.pow(f64x2.splat(x), f64x2.splat(y)), 1); }

/** Within 2e-11 of what the standard library says, or the same infinity, zero or NaN once it is rounded to f32. */
function same(got: f64, want: f64, what: string): void {
  const close = abs(got - want) <= 2e-11 * abs(want);
  const alike = <f32>got == <f32>want || (isNaN(got) && isNaN(want));
  expect(close || alike).toBe(true, what + ": " + got.toString() + " instead of " + want.toString());
}

const ends: f64[] = [0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, 1e-38, 3e38, -3e38, 1e-45, Infinity, -Infinity, NaN];

describe("exp, log, pow and tanh", () => {
  test("as the standard library has them, from the smallest to the largest", () => {
    for (let x: f64 = 1e-45; x < 4e38; x *= 1.37) {
      same(log(x), Math.log(x), "log " + x.toString());
      for (let sign = -1; sign <= 1; sign += 2) {
        const v = <f64>sign * x;
        same(exp(v), Math.exp(v), "exp " + v.toString());
        same(tanh(v), Math.tanh(v), "tanh " + v.toString());
        for (let y: f64 = -3; y <= 3; y += 0.25) {
          same(pow(v, y), Math.pow(v, y), v.toString() + " to the power of " + y.toString());
        }
      }
    }
  });

  test("densely where their branches meet", () => {
    for (let v: f64 = -3; v < 3; v += 0.001) {
      same(exp(v), Math.exp(v), "exp " + v.toString());
      same(tanh(v), Math.tanh(v), "tanh " + v.toString());
      same(log(abs(v)), Math.log(abs(v)), "log of the magnitude of " + v.toString());
    }
  });

  test("at the ends", () => {
    for (let i = 0; i < ends.length; i++) {
      same(exp(ends[i]), Math.exp(ends[i]), "exp " + ends[i].toString());
      same(tanh(ends[i]), Math.tanh(ends[i]), "tanh " + ends[i].toString());
      if (!(ends[i] < 0)) same(log(ends[i]), Math.log(ends[i]), "log " + ends[i].toString());
      for (let j = 0; j < ends.length; j++) {
        same(pow(ends[i], ends[j]), Math.pow(ends[i], ends[j]), ends[i].toString() + " to the power of " +
          ends[j].toString());
      }
    }
  });

  test("a small argument loses no digits", () => {
    for (let v: f64 = 1e-30; v < 1; v *= 1.9) {
      expect(abs(tanh(v) / Math.tanh(v) - 1) < 2e-11).toBe(true, "tanh " + v.toString());
    }
  });
});
