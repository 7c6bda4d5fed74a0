import { apart, block, lowest, span } from "./check";
import { storeLanes } from "./simd";

/** From so many bytes on, memory.copy is sooner done than a loop. */
const LONG: i32 = 512;

/** Two strided blocks of the same sizes, of which y is written. */
function check(
  x: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32,
  x0: i32, x1: i32, x2: i32, x3: i32, y0: i32, y1: i32, y2: i32, y3: i32,
): void {
  const nx = span(d0, x0, d1, x1, d2, x2, d3, x3), ny = span(d0, y0, d1, y1, d2, y2, d3, y3);
  if (ny > 0) apart(lowest(y, d0, y0, d1, y1, d2, y2, d3, y3), ny, lowest(x, d0, x0, d1, x1, d2, x2, d3, x3), nx);
}

/** Neighbours to neighbours. */
// @ts-ignore: decorator
@inline
function copyRow(x: usize, y: usize, count: i32): void {
  if (count << 2 >= LONG) return memory.copy(y, x, count << 2);
  let l = 0;
  for (; l + 4 <= count; l += 4) v128.store(y + (l << 2), v128.load(x + (l << 2)));
  for (; l < count; l++) f32.store(y + (l << 2), f32.load(x + (l << 2)));
}

/** Rows of x become columns of y, four by four: x[k + l · step] to y[k · row + l], of k as many as are whole fours. */
// @ts-ignore: decorator
@inline
function turn(x: usize, y: usize, d2: i32, d3: i32, step: i32, row: i32): i32 {
  let k = 0;
  for (; k + 4 <= d2; k += 4) {
    for (let l = 0; l < d3; l += 4) {
      const from = x + ((k + l * step) << 2), to = y + ((k * row + l) << 2), left = d3 - l;
      const a = v128.load(from), b = left > 1 ? v128.load(from + (step << 2)) : a;
      const c = left > 2 ? v128.load(from + (step << 3)) : a, d = left > 3 ? v128.load(from + 3 * (step << 2)) : a;
      const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5), cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
      const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7), CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
      storeLanes(to, v128.shuffle<i64>(ab, cd, 0, 2), left);
      storeLanes(to + (row << 2), v128.shuffle<i64>(ab, cd, 1, 3), left);
      storeLanes(to + (row << 3), v128.shuffle<i64>(AB, CD, 0, 2), left);
      storeLanes(to + 3 * (row << 2), v128.shuffle<i64>(AB, CD, 1, 3), left);
    }
  }
  return k;
}

/**
 * Copies a strided block: transposition, slice, padding, concatenation and change of layout are all lists of these.
 *
 *   y[i·y0 + j·y1 + k·y2 + l·y3] = x[i·x0 + j·x1 + k·x2 + l·x3]
 *
 * @param x f32 @param y f32, strides in elements, of any sign; overlaps nothing
 */
export function copyBlock(
  x: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32,
  x0: i32, x1: i32, x2: i32, x3: i32, y0: i32, y1: i32, y2: i32, y3: i32,
): void {
  if (!ASC_NO_ASSERT) check(x, y, d0, d1, d2, d3, x0, x1, x2, x3, y0, y1, y2, y3);
  for (let i = 0; i < d0; i++) {
    for (let j = 0; j < d1; j++) {
      const plane = x + ((i * x0 + j * x1) << 2), written = y + ((i * y0 + j * y1) << 2);
      for (let k = x2 == 1 && y3 == 1 && x3 != 1 ? turn(plane, written, d2, d3, x3, y2) : 0; k < d2; k++) {
        const from = plane + ((k * x2) << 2), to = written + ((k * y2) << 2);
        if (x3 == 1 && y3 == 1) copyRow(from, to, d3);
        else for (let l = 0; l < d3; l++) f32.store(to + ((l * y3) << 2), f32.load(from + ((l * x3) << 2)));
      }
    }
  }
}

/**
 * As `copyBlock`, but adds to what y holds; y may be broadcast (stride 0), so this is the adjoint of every copy. What is
 * added to one place of y by inner loops is added up in double precision.
 */
export function addBlock(
  x: usize, y: usize, d0: i32, d1: i32, d2: i32, d3: i32,
  x0: i32, x1: i32, x2: i32, x3: i32, y0: i32, y1: i32, y2: i32, y3: i32,
): void {
  if (!ASC_NO_ASSERT) check(x, y, d0, d1, d2, d3, x0, x1, x2, x3, y0, y1, y2, y3);
  let place: usize = 0;
  let total: f64 = 0;
  for (let i = 0; i < d0; i++) {
    for (let j = 0; j < d1; j++) {
      for (let k = 0; k < d2; k++) {
        const from = x + ((i * x0 + j * x1 + k * x2) << 2);
        const to = y + ((i * y0 + j * y1 + k * y2) << 2);
        if (y3 == 0) {
          if (to != place) {
            if (place) f32.store(place, <f32>total);
            place = to;
            total = f32.load(to);
          }
          for (let l = 0; l < d3; l++) total += <f64>f32.load(from + ((l * x3) << 2));
          continue;
        }
        let l = 0;
        if (x3 == 1 && y3 == 1) {
          for (; l + 4 <= d3; l += 4) {
            v128.store(to + (l << 2), f32x4.add(v128.load(to + (l << 2)), v128.load(from + (l << 2))));
          }
        }
        for (; l < d3; l++) {
          const at = to + ((l * y3) << 2);
          f32.store(at, f32.load(at) + f32.load(from + ((l * x3) << 2)));
        }
      }
    }
  }
  if (place) f32.store(place, <f32>total);
}

/** y[i] = value. @param y f32[count], written */
export function fill(y: usize, count: i32, value: f32): void {
  if (!ASC_NO_ASSERT) block(y, count);
  if (value == 0) memory.fill(y, 0, <usize>count << 2);
  else for (let i = 0; i < count; i++) f32.store(y + (<usize>i << 2), value);
}
