import { expect, test } from "vitest";
import { conjugateGradients } from "../../src/evaluate/conjugate-gradients.ts";
import { imputeLinear } from "../../src/evaluate/impute.ts";
import { levelsOf, multiply, offsetsOf, vCycle } from "../../src/evaluate/multigrid.ts";
import { expectClose } from "../close.ts";
import { numbers } from "../random.ts";

/** The equations of the removed pixels, written out, and solved by elimination. */
function literal(data: Float32Array, removed: readonly boolean[], width: number): number[] {
  const height = data.length / width;
  const rows = Array.from(data, (v, i) => {
    const row = new Array<number>(data.length + 1).fill(0);
    row[i] = 1;
    if (!removed[i]) row[data.length] = v;
    const [y, x] = [Math.floor(i / width), i % width];
    const around = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => ({ dy, dx }))).filter(({ dy, dx }) => dy !== 0 || dx !== 0);
    const inside = around.filter(({ dy, dx }) => y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width);
    const weightOf = ({ dy, dx }: { dy: number; dx: number }) => (dy === 0 || dx === 0 ? 1 / 6 : 1 / 12);
    const total = inside.reduce((s, d) => s + weightOf(d), 0);
    if (removed[i]) for (const d of inside) row[(y + d.dy) * width + x + d.dx] -= weightOf(d) / total;
    return row;
  });
  for (const [k, pivot] of rows.entries())
    for (const [i, row] of rows.entries()) {
      const factor = row[k] / pivot[k];
      if (i !== k && factor !== 0) for (let j = k; j < row.length; j++) row[j] -= factor * pivot[j];
    }
  return rows.map((row, i) => row[data.length] / row[i]);
}

test.each<[string, number, number, (y: number, x: number, i: number) => boolean]>([
  ["a block", 13, 11, (y, x) => y > 1 && y < 12 && x > 2 && x < 9],
  ["all but a corner", 7, 10, (_y, _x, i) => i > 0],
  ["all but one", 8, 8, (_y, _x, i) => i !== 27],
  ["one of three", 9, 12, (_y, _x, i) => i % 3 === 0],
  ["two of three by chance", 12, 9, (_y, _x, i) => numbers(108, 8)[i] > -1 / 3],
  ["two halves apart", 5, 14, (_y, x) => x !== 6],
  ["a single row", 1, 23, (_y, x) => x % 7 > 1],
  ["a single column", 17, 1, (y) => y > 2 && y !== 9],
  ["none", 3, 2, () => false],
])("imputation solves the equations: %s", (_name, height, width, isRemoved) => {
  const count = height * width;
  const removed = Array.from({ length: count }, (_, i) => isRemoved(Math.floor(i / width), i % width, i));
  const data = numbers(2 * count, 6);
  const found = imputeLinear({ data, channels: 2, height, width }, Uint8Array.from(removed, Number));
  for (const c of [0, 1]) {
    const own = data.slice(c * count, (c + 1) * count);
    expectClose(found.subarray(c * count, (c + 1) * count), literal(own, removed, width), 1e-6);
  }
});

test("a cycle is symmetric, and a hole of any size takes few of them", () => {
  for (const side of [31, 100]) {
    const width = side + 2;
    const inside = new Float64Array(width * width).map((_, i) =>
      Number(i % width > 0 && i % width <= side && i >= width && i < width * (side + 1)),
    );
    const links = offsetsOf(width).map((offset) => inside.map((v, i) => v && inside[i + offset] && 1));
    const grid = { width, diagonal: inside.map((v) => 8 * v), links };
    const levels = levelsOf(grid);
    const cycle = (b: Float64Array) => {
      const x = new Float64Array(b.length);
      vCycle(levels, b, x);
      return x;
    };
    const [a, b] = [1, 2].map((seed) => Float64Array.from(numbers(inside.length, seed), (v, i) => v * inside[i]));
    const dot = (u: Float64Array, v: Float64Array) => u.reduce((s, e, i) => s + e * v[i], 0);
    expectClose([dot(a, cycle(b))], [dot(cycle(a), b)], 1e-10);
    let cycles = 0;
    const x = conjugateGradients(
      (v, y) => multiply(grid, v, y),
      (r, z) => {
        cycles++;
        vCycle(levels, r, z);
      },
      b,
    );
    const product = new Float64Array(b.length);
    multiply(grid, x, product);
    expectClose(product, b, 1e-7);
    expect(cycles).toBeLessThan(25);
  }
});
