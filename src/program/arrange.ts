import type { Block } from "../base/loops.ts";

/** p · max(v, 0) + q · min(v, 0) as [p, q], which a kernel computes, or any other function of one number. */
export type Mapping = readonly [p: number, q: number] | ((v: number) => number);

/** How rows of a constant become numbers of a weight: each is mapped, and then they are moved. */
export interface Arrangement {
  readonly map: Mapping;
  /** Numbers of a row. */
  readonly row: number;
  /** The first of the rows, and how many there are. */
  readonly first: number;
  readonly rows: number;
  /** Where `count` rows go, the first of which is the `from`-th of them; positions in the source count from there. */
  blocks(from: number, count: number): readonly Block[];
}

/** Some rows of a constant: its numbers from `begin` up to `end`. */
interface Part {
  readonly begin: number;
  readonly end: number;
  readonly blocks: readonly Block[];
}

/** Numbers that the first caches hold, beside those to which they are moved. */
const SOME = 2 ** 15;

/** Rows of a part: so many that panels of 8 are whole. */
const rowsOf = ({ row, rows }: Arrangement): number => Math.min(rows, Math.max(1, Math.floor(SOME / row / 8)) * 8);

/** How many numbers a part has at most. */
export const roomOf = (arrangements: readonly Arrangement[]): number =>
  arrangements.reduce((most, one) => Math.max(most, one.row * rowsOf(one)), 0);

/** The parts one after the other. */
export function* partsOf(arrangement: Arrangement): Generator<Part> {
  const { row, first, rows, blocks } = arrangement;
  const some = rowsOf(arrangement);
  for (let from = 0; from < rows; from += some) {
    const count = Math.min(some, rows - from);
    yield { begin: (first + from) * row, end: (first + from + count) * row, blocks: blocks(from, count) };
  }
}

/** The slopes of a map that a kernel computes to the same bits: single precision has them. */
export function slopesOf(map: Mapping): readonly [p: number, q: number] | undefined {
  return typeof map !== "function" && map.every((slope) => slope === Math.fround(slope)) ? map : undefined;
}

/** Whether a map leaves every number as it is. */
export const isPlain = (map: Mapping): boolean => typeof map !== "function" && map.every((slope) => slope === 1);

/** Maps numbers in their place. */
export function mapped(numbers: Float32Array, map: Mapping): void {
  if (isPlain(map)) return;
  const f = typeof map === "function" ? map : (v: number) => (v > 0 ? map[0] : map[1]) * v;
  for (let i = 0; i < numbers.length; i++) numbers[i] = f(numbers[i]);
}
