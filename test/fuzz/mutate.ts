/*
 * What fuzzing of models and of readers shares: numbers at random, and bytes that are damaged.
 */

/** Draws that a seed repeats. */
export interface Draw {
  /** A whole number from 0 up to, not including, `below`. */
  int(below: number): number;
  /** One of a list that is not empty. */
  of<T>(list: readonly T[]): T;
  chance(p: number): boolean;
}

export function drawing(seed: number): Draw {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (below: number) => Math.floor(next() * below);
  return { int, of: (list) => list[int(list.length)], chance: (p) => next() < p };
}

/** One damage: some bytes are others, missing, there twice, or the end is cut off. */
export function damaged(bytes: Uint8Array, draw: Draw): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(draw.int(256));
  const at = draw.int(bytes.length);
  const length = Math.min(1 + draw.int(8), bytes.length - at);
  const around = (...between: number[]) => Uint8Array.from([...bytes.subarray(0, at), ...between]);
  const joined = (head: Uint8Array, tail: Uint8Array) => {
    const out = new Uint8Array(head.length + tail.length);
    out.set(head);
    out.set(tail, head.length);
    return out;
  };
  return draw.of([
    () => bytes.map((v, i) => (i === at ? v ^ (1 << draw.int(8)) : v)),
    () => bytes.map((v, i) => (i >= at && i < at + length ? draw.of([0, 1, 127, 128, 255, draw.int(256)]) : v)),
    () => joined(bytes.subarray(0, at), bytes.subarray(at + length)),
    () => joined(bytes.subarray(0, at + length), bytes.subarray(at)),
    () => joined(around(...Array.from({ length }, () => draw.int(256))), bytes.subarray(at)),
    () => bytes.slice(0, at),
  ])();
}
