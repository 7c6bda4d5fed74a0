/** The first tap of a window along one axis that is not before 0. */
// @ts-ignore: decorator
@inline
export function firstTap(start: i32, dilation: i32): i32 {
  return start < 0 ? (-1 - start) / dilation + 1 : 0;
}

/** One after the last tap that is before `length`; no more than `firstTap` where none is inside. */
// @ts-ignore: decorator
@inline
export function endTap(start: i32, kernel: i32, dilation: i32, length: i32): i32 {
  return start < length ? min(kernel, (length - 1 - start) / dilation + 1) : 0;
}

/** 0 to some rows of every image, `row` numbers each. */
export function clearRows(out: usize, n: i32, h: i32, row: i32, from: i32, rows: i32): void {
  for (let i = 0; i < n; i++) memory.fill(out + (<usize>((i * h + from) * row) << 2), 0, <usize>(rows * row) << 2);
}
