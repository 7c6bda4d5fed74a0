/*
 * Blocks of numbers for the specs. Around every block, and in every cell that nobody has set, stands a NaN of
 * its own: a kernel that computes with what lies past the end spoils its result, and one that writes there
 * leaves a mark. The NaNs are signalling, which no arithmetic returns, and differ from block to block, so that
 * one carried over from a neighbour is noticed as well. Blocks begin at any multiple of four bytes, and from
 * case to case another block of the case ends 16 bytes before the end of memory, where reading further traps.
 */

const GUARDS: u32 = 0x7f800001;
/** Guards on each side of a block, in numbers; past the block at the end of memory, as many as a kernel may read. */
const MARGIN: i32 = 16;
const OVERREAD: i32 = 4;

const ROOM: usize = 1 << 24;
const arena = heap.alloc(ROOM);
let used: usize = 0;

/** The most blocks of a case that take turns at the end of memory, and the pages there that belong to nobody else. */
const EDGES: i32 = 8;
const LAST_PAGES: i32 = 8;
let pages = 0;

let label = "";
let cases = 0;
let blocks: Block[] = [];

/** Starts a case: what a failure calls it, and fresh memory. */
export function begin(what: string): void {
  label = what;
  used = 0;
  blocks = [];
  cases++;
  if (memory.size() == pages) return;
  memory.grow(LAST_PAGES);
  pages = memory.size();
}

/** f32[count]. */
export class Block {
  at: usize;
  after: i32 = MARGIN;
  guard: u32;
  /** Where a copy of an input stands; 0 for what a kernel may write. */
  original: usize = 0;

  constructor(public count: i32) {
    if (blocks.length == cases % EDGES && count + 2 * MARGIN < LAST_PAGES << 14) {
      this.after = OVERREAD;
      this.at = (<usize>pages << 16) - ((count + OVERREAD) << 2);
    } else {
      this.at = take(count);
    }
    this.guard = GUARDS + blocks.length;
    for (let i = -MARGIN; i < count + this.after; i++) store<u32>(this.at + (i << 2), this.guard);
    blocks.push(this);
  }

  get(i: i32): f64 { return <f64>f32.load(this.cell(i)); }
  set(i: i32, v: f64): void { f32.store(this.cell(i), <f32>v); }
  untouched(i: i32): bool { return load<u32>(this.cell(i)) == this.guard; }

  /** From here on it is an input. */
  freeze(): Block {
    this.original = take(this.count);
    memory.copy(this.original, this.at, this.count << 2);
    return this;
  }

  private cell(i: i32): usize {
    assert(i >= 0 && i < this.count, "the spec itself reads past a block");
    return this.at + (i << 2);
  }
}

function take(count: i32): usize {
  const at = arena + used + (MARGIN << 2);
  used += <usize>(count + 2 * MARGIN) << 2;
  assert(used <= ROOM, "the arena of the specs is full");
  return at;
}

/** An output or scratch: nothing in it yet. */
export function room(count: i32): Block { return new Block(count); }

let seed: u32 = 1;

/** The next of a fixed sequence of integers, low … high. */
export function integer(low: i32, high: i32): i32 {
  seed = seed * 1664525 + 1013904223;
  return low + <i32>((seed >> 8) % <u32>(high - low + 1));
}

/**
 * Quarters from −2 to 2: sums of their products are exact in f32 in any order, fused or not, so results are compared
 * bit for bit.
 */
export function quarters(count: i32): Block {
  const b = new Block(count);
  for (let i = 0; i < count; i++) b.set(i, <f64>integer(-8, 8) / 4);
  return b.freeze();
}

/** Numbers with all their bits, −high … high. */
export function spread(count: i32, high: f64): Block {
  const b = new Block(count);
  for (let i = 0; i < count; i++) b.set(i, <f64>integer(-999983, 999983) / 999983 * high);
  return b.freeze();
}

export function list(values: f64[]): Block {
  const b = new Block(values.length);
  for (let i = 0; i < values.length; i++) b.set(i, values[i]);
  return b.freeze();
}

/** A copy of x that a kernel may work on in place. */
export function copyOf(x: Block): Block {
  const b = new Block(x.count);
  memory.copy(b.at, x.at, x.count << 2);
  return b;
}

/** Stands in `want` for a cell that a kernel must leave alone. */
export const UNTOUCHED: f64 = 1e300;

export function expected(count: i32, value: f64 = 0): Float64Array {
  return new Float64Array(count).fill(value);
}

/** got = want, rounded to f32, within tolerance · size, cell by cell; and nothing else has changed. */
export function near(got: Block, want: Float64Array, size: Float64Array, tolerance: f64): void {
  expect<i32>(got.count).toBe(want.length, `${label}: count`);
  for (let i = 0; i < got.count; i++) {
    const g = got.get(i), w = <f64><f32>want[i];
    if (want[i] == UNTOUCHED) {
      if (!got.untouched(i)) expect<f64>(g).toBe(want[i], `${label}: [${i}] was to be left alone`);
    } else if (got.untouched(i)) {
      expect<f64>(g).toBe(w, `${label}: [${i}] was not written`);
    } else if (!(g == w || (isNaN(g) && isNaN(w)) || (isFinite(w) && abs(g - w) <= tolerance * size[i]))) {
      expect<f64>(g).toBe(w, `${label}: [${i}] within ${tolerance * size[i]}`);
    }
  }
  intact(got);
}

/** got = want, bit for bit after one rounding (but 0 = −0). */
export function same(got: Block, want: Float64Array): void { near(got, want, want, 0); }

/** got = want within tolerance · (1 + |want|). */
export function close(got: Block, want: Float64Array, tolerance: f64): void {
  const size = new Float64Array(want.length);
  for (let i = 0; i < want.length; i++) size[i] = 1 + abs(want[i]);
  near(got, want, size, tolerance);
}

/** One number. */
export function number(got: f64, want: f64, tolerance: f64, what: string): void {
  if (got == want || (isNaN(got) && isNaN(want)) || (isFinite(want) && abs(got - want) <= tolerance)) return;
  expect<f64>(got).toBe(want, `${label}: ${what} within ${tolerance}`);
}

/** No margin and no input has changed, except an input that was worked on in place. */
export function intact(written: Block): void {
  for (let b = 0; b < blocks.length; b++) {
    const block = blocks[b];
    for (let i = 1; i <= MARGIN; i++) {
      if (load<u32>(block.at - (i << 2)) != block.guard) expect<i32>(-i).toBe(0,
        `${label}: written before the start of block ${b}`);
    }
    for (let i = 0; i < block.after; i++) {
      if (load<u32>(block.at + ((block.count + i) << 2)) != block.guard) expect<i32>(i).toBe(-1,
        `${label}: written past the end of block ${b}`);
    }
    if (block.original == 0 || block == written) continue;
    if (memory.compare(block.at, block.original, block.count << 2) != 0) expect<i32>(b).toBe(-1,
      `${label}: input ${b} has changed`);
  }
}

/** Every tail alone, every tail after one vector, and a few after several. */
export const tails: i32[] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 31];
