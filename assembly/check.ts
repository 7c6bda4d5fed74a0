/*
 * What kernels demand of their arguments, as far as pointers and sizes tell. A kernel asks at its entry, under
 * `if (!ASC_NO_ASSERT)`: the binary of the specs and build/checked.wasm do ask; those that are shipped are compiled as
 * if none of this were there.
 */

/** Bytes behind a block that may be read. */
const TAIL: u64 = 16;

/** Sizes and distances. */
export function sizes(a: i32, b: i32 = 0, c: i32 = 0, d: i32 = 0): void {
  assert(a >= 0 && b >= 0 && c >= 0 && d >= 0, "a size or a distance is negative");
}

/** How many numbers a block of these sizes has. */
export function product(a: i32, b: i32 = 1, c: i32 = 1, d: i32 = 1): i32 {
  sizes(a, b, c, d);
  const count = <f64>a * <f64>b * <f64>c * <f64>d;
  assert(count <= <f64>i32.MAX_VALUE, "a product of sizes does not fit an i32");
  return <i32>count;
}

/**
 * How many numbers lie between the lowest and the highest that nested loops reach, both counted: d0 times s0, and so
 * on.
 */
export function span(
  d0: i32, s0: i32, d1: i32 = 1, s1: i32 = 0, d2: i32 = 1, s2: i32 = 0, d3: i32 = 1, s3: i32 = 0,
): i32 {
  if (product(d0, d1, d2, d3) == 0) return 0;
  const count = 1 + way(d0, s0) + way(d1, s1) + way(d2, s2) + way(d3, s3);
  assert(count <= <f64>i32.MAX_VALUE, "distances reach further than an i32");
  return <i32>count;
}

function way(d: i32, s: i32): f64 {
  return <f64>(d - 1) * abs(<f64>s);
}

/** Where the lowest of the numbers stands that nested loops reach from x: strides may be negative. */
export function lowest(x: usize, d0: i32, s0: i32, d1: i32, s1: i32, d2: i32, s2: i32, d3: i32, s3: i32): usize {
  const down = (d0 - 1) * min(s0, 0) + (d1 - 1) * min(s1, 0) + (d2 - 1) * min(s2, 0) + (d3 - 1) * min(s3, 0);
  return x + (down << 2);
}

function end(x: usize, count: i32): u64 {
  return <u64>x + (<u64>count << 2);
}

/** f32[count], or as many i32, or half as many f64. */
export function block(x: usize, count: i32): void {
  sizes(count);
  assert(x >= __heap_base, "a pointer is 0, or points at what is the compiler's");
  assert((x & 3) == 0, "a pointer is no multiple of 4");
  assert(end(x, count) + TAIL <= <u64>memory.size() << 16, "a block, with the 16 bytes behind it, leaves the memory");
}

/** In `apart`, a block that is not there. */
const NONE: i32 = i32.MIN_VALUE;

/** f32[ny], which is written, and up to five blocks with which it must not overlap. */
export function apart(
  y: usize, ny: i32, a: usize, na: i32, b: usize = 0, nb: i32 = NONE, c: usize = 0, nc: i32 = NONE,
  d: usize = 0, nd: i32 = NONE, e: usize = 0, ne: i32 = NONE,
): void {
  block(y, ny);
  apartFrom(y, ny, a, na);
  if (nb != NONE) apartFrom(y, ny, b, nb);
  if (nc != NONE) apartFrom(y, ny, c, nc);
  if (nd != NONE) apartFrom(y, ny, d, nd);
  if (ne != NONE) apartFrom(y, ny, e, ne);
}

function apartFrom(y: usize, ny: i32, x: usize, nx: i32): void {
  block(x, nx);
  const clear = ny == 0 || nx == 0 || end(y, ny) <= <u64>x || end(x, nx) <= <u64>y;
  assert(clear, "what is written overlaps what must stay as it is");
}

/** y f32[count], which is written, is x itself or apart from it. */
export function inPlace(y: usize, x: usize, count: i32): void {
  if (y == x) block(y, count);
  else apart(y, count, x, count);
}

/** `out` windows along one axis, `stride` apart, each of `kernel` taps that are `dilation` apart. */
export function windows(out: i32, kernel: i32, stride: i32, dilation: i32): void {
  assert(kernel >= 1 && stride >= 1 && dilation >= 1, "a kernel, a stride or a dilation is less than 1");
  span(out, stride, kernel, dilation);
}

/** Rows `from` to `from + rows` of an image of h rows, which are written. */
export function rowsOf(h: i32, from: i32, rows: i32): void {
  sizes(from, rows);
  assert(from <= h && rows <= h - from, "rows that are to be written are none of the image");
}

/** The least of `count` byte offsets that stand 8 bytes apart. */
function least(at: usize, count: i32): u32 {
  let found = u32.MAX_VALUE;
  for (let i = 0; i < count; i++) {
    const offset = load<u32>(at + (<usize>i << 3));
    assert((offset & 3) == 0, "an offset of the table is no multiple of 4");
    found = min(found, offset);
  }
  return found;
}

/** The greatest of them. */
export function greatest(at: usize, count: i32): u32 {
  let found: u32 = 0;
  for (let i = 0; i < count; i++) found = max(found, load<u32>(at + (<usize>i << 3)));
  return found;
}

/**
 * What the first `count` entries of a table point at: windows that reach over `nx` numbers of x, and `m` numbers of y,
 * which are written and overlap neither x nor w, b, the table and, if there is one, `list`.
 */
export function tabled(
  x: usize, nx: i32, y: usize, m: i32, table: usize, count: i32, w: usize, nw: i32, b: usize, nb: i32,
  list: usize = 0, nl: i32 = NONE,
): void {
  const entries = product(2, count);
  block(table, entries);
  if (count == 0) return;
  const x0 = least(table, count), xs = span((greatest(table, count) - x0 >> 2) + 1, 1, nx, 1);
  const y0 = least(table + 4, count), ys = span((greatest(table + 4, count) - y0 >> 2) + 1, 1, m, 1);
  apart(y + y0, ys, x + x0, xs, w, nw, b, nb, table, entries, list, nl);
}
