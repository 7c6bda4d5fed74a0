import { apart, block, product } from "./check";
import { madd, storeLanes } from "./simd";

/** What `starts` and `list` say: of each output which entries, and of each entry a row of x. */
function check(
  x: usize, starts: usize, list: usize, y: usize, outer: i32, length: i32, rows: i32, inner: i32,
): void {
  block(starts, rows + 1);
  const entries = i32.load(starts + (<usize>rows << 2));
  apart(
    y, product(outer, rows, inner), x, product(outer, length, inner), starts, rows + 1, list, product(2, entries),
  );
  for (let to = 0; to < rows; to++)
    assert(i32.load(starts + (to << 2)) <= i32.load(starts + (to << 2), 4), "an output ends before it starts");
  for (let e = 0; e < entries; e++) {
    const from = i32.load(list + (e << 3));
    assert(from >= 0 && from < length, "an entry is of a row that there is not");
  }
}

/**
 * Weighted sums of rows along one axis, as resizing has them.
 *
 *   y[o, to, i] = Σ_e w[e] · x[o, from[e], i]   over the entries e of output `to`
 *
 * @param x f32[outer, length, inner]
 * @param starts i32[rows + 1], where the entries of each output begin, and where the last end
 * @param list (i32 from, f32 w) for every entry
 * @param y f32[outer, rows, inner], written
 */
export function weightedRows(
  x: usize, starts: usize, list: usize, y: usize, outer: i32, length: i32, rows: i32, inner: i32,
): void {
  if (!ASC_NO_ASSERT) check(x, starts, list, y, outer, length, rows, inner);
  const row: usize = inner << 2;
  for (let o = 0; o < outer; o++, x += <usize>length * row) {
    for (let to: usize = 0; to < <usize>rows; to++, y += row) {
      const first = list + (i32.load(starts + (to << 2)) << 3), end = list + (i32.load(starts + (to << 2), 4) << 3);
      for (let i: usize = 0; i < row; i += 16) {
        let sum = f32x4.splat(0);
        for (let e = first; e < end; e += 8)
          sum = madd(v128.load(x + <usize>i32.load(e) * row + i), v128.load32_splat(e, 4), sum);
        storeLanes(y + i, sum, <i32>(row - i) >> 2);
      }
    }
  }
}
