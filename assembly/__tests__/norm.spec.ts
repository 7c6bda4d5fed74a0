import { lengthForward, lengthVjp, standardForward, standardIdentity, standardVjp } from "../norm";
import { Block, begin, close, expected, list, room, spread, tails } from "./support";

/** What keeps a row's divisor from 0. */
class Guard {
  constructor(public epsilon: f64, public floor: f64, public delta: f64) {}
}
const guards: Guard[] = [new Guard(0.125, 0, 0), new Guard(0, 0, 0.25), new Guard(0, 0.5, 0), new Guard(0, 100, 0)];

/** Centre, root and factor of one row. */
function statistics(x: Block, row: i32, n: i32, centred: bool, divisor: f64, g: Guard): f64[] {
  let centre: f64 = 0, sum: f64 = 0;
  for (let i = 0; i < n; i++) centre += x.get(row * n + i) / <f64>n;
  if (!centred) centre = 0;
  for (let i = 0; i < n; i++) sum += (x.get(row * n + i) - centre) ** 2;
  const root = Math.sqrt(sum / divisor + g.epsilon), bound = max(root, g.floor) + g.delta;
  return [centre, root, bound == 0 ? 0 : 1 / bound];
}

function forward(
  x: Block, w: Block, b: Block, rows: i32, n: i32, centred: bool, divisor: f64, g: Guard,
): Float64Array {
  const want = expected(rows * n);
  for (let row = 0; row < rows; row++) {
    const found = statistics(x, row, n, centred, divisor, g);
    for (let i = 0; i < n; i++)
      want[row * n + i] = (x.get(row * n + i) - found[0]) * found[2] * w.get(i) + b.get(i);
  }
  return want;
}

/** Σ_k r_k ∂y_k/∂x_i, term by term. */
function back(
  x: Block, r: Block, w: Block, rows: i32, n: i32, centred: bool, divisor: f64, g: Guard,
): Float64Array {
  const want = expected(rows * n);
  for (let row = 0; row < rows; row++) {
    const found = statistics(x, row, n, centred, divisor, g);
    const centre = found[0], root = found[1], factor = found[2];
    for (let i = 0; i < n; i++) {
      const d = x.get(row * n + i) - centre;
      const moved = root > g.floor && root > 0 ? -factor * factor * d / (divisor * root) : 0;
      for (let k = 0; k < n; k++) {
        const own: f64 = (i == k ? 1 : 0) - (centred ? 1 / <f64>n : 0);
        want[row * n + i] += r.get(row * n + k) * w.get(k) * (own * factor + (x.get(row * n + k) - centre) * moved);
      }
    }
  }
  return want;
}

function identity(x: Block, s: Block, w: Block, rows: i32, n: i32, divisor: f64, g: Guard): Float64Array {
  const want = expected(rows * n);
  for (let row = 0; row < rows; row++) {
    const factor = statistics(x, row, n, true, divisor, g)[2];
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) {
      const slope = w.get(k) * factor * (<f64>(i == k ? 1 : 0) - 1 / <f64>n);
      want[row * n + i] += x.get(row * n + i) * slope * s.get(row * n + k);
    }
  }
  return want;
}

describe("normalization of rows", () => {
  it("runs, and goes back, for rows of every length and whatever keeps the divisor from 0", () => {
    for (let t = 0; t < tails.length; t++) for (let at = 0; at < guards.length; at++)
      for (let rows = 1; rows <= 3; rows += 2) {
      const n = tails[t], g = guards[at], count = rows * n;
      // One number has no spread.
      if (n == 1 && at > 0) continue;
      begin(`rows ${rows}, n ${n}, guard ${at}`);
      const x = spread(count, 3), r = spread(count, 2), w = spread(n, 2), b = spread(n, 1);
      for (let which = 0; which < 2; which++) {
        const divisor: f64 = which == 0 ? n : 1;
        const y = room(count), z = room(count), u = room(count), v = room(count), q = room(count);
        standardForward(x.at, w.at, b.at, y.at, rows, n, divisor, g.epsilon, g.floor, g.delta);
        close(y, forward(x, w, b, rows, n, true, divisor, g), 1e-6);
        lengthForward(x.at, w.at, b.at, z.at, rows, n, divisor, g.epsilon, g.floor, g.delta);
        close(z, forward(x, w, b, rows, n, false, divisor, g), 1e-6);
        standardVjp(x.at, r.at, w.at, u.at, rows, n, divisor, g.epsilon, g.floor, g.delta);
        close(u, back(x, r, w, rows, n, true, divisor, g), 2e-6);
        lengthVjp(x.at, r.at, w.at, v.at, rows, n, divisor, g.epsilon, g.floor, g.delta);
        close(v, back(x, r, w, rows, n, false, divisor, g), 2e-6);
        standardIdentity(x.at, r.at, w.at, q.at, rows, n, divisor, g.epsilon, g.floor, g.delta);
        close(q, identity(x, r, w, rows, n, divisor, g), 2e-6);
      }
    }
  });

  it("keeps the digits of small differences of large numbers", () => {
    begin("1000 and a little");
    const x = list([1000.125, 1000.25, 1000, 1000.5, 1000.0625]), w = list([1, 2, 3, 4, 5]), b = list([0, 1, 0, 1, 0]);
    const y = room(5), g = new Guard(0, 0, 0);
    standardForward(x.at, w.at, b.at, y.at, 1, 5, 5, 0, 0, 0);
    close(y, forward(x, w, b, 1, 5, true, 5, g), 1e-6);
  });

  it("leaves zeros as they are where there is no mean", () => {
    begin("zeros");
    const x = list([0, 0, 0, 3, 0, 4]), w = list([1, 1, 1]), b = list([0, 0, 0]), r = list([1, 2, 3, 1, 2, 3]);
    const y = room(6), v = room(6), g = new Guard(0, 0, 0);
    lengthForward(x.at, w.at, b.at, y.at, 2, 3, 1, 0, 0, 0);
    close(y, forward(x, w, b, 2, 3, false, 1, g), 1e-6);
    lengthVjp(x.at, r.at, w.at, v.at, 2, 3, 1, 0, 0, 0);
    close(v, back(x, r, w, 2, 3, false, 1, g), 1e-6);
  });

  it("gives NaN for the whole row of a NaN, and for no other", () => {
    begin("NaN");
    const x = list([1, 2, NaN, 3, 4, 5.5]), w = list([1, 2, 3]), b = list([0, 1, 2]), y = room(6);
    standardForward(x.at, w.at, b.at, y.at, 2, 3, 3, 0.5, 0, 0);
    for (let i = 0; i < 3; i++) assert(isNaN(y.get(i)), "a number of the row");
    close(y, forward(x, w, b, 2, 3, true, 3, new Guard(0.5, 0, 0)), 1e-6);
  });
});
