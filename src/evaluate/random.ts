import { LrpError } from "../base/error.ts";

/** Numbers that are the same every time, everywhere, for one seed. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Standard normal, by Box and Muller's method. */
  normal(): number;
}

/**
 * A generator of pseudo-random numbers: xoshiro128**, whose four words of state are the seed's, mixed by MurmurHash3's
 * finalizer.
 *
 * Source: Blackman and Vigna 2021, *Scrambled linear pseudorandom number generators*, arXiv 1805.01407.
 *
 * @param seed a whole number from 0 to 2^32 − 1
 * @throws LrpError "usage"
 * @example random(1).uniform();
 */
export function random(seed: number): Random {
  if (!(Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32))
    throw new LrpError("usage", {
      where: "a seed",
      expected: "a whole number from 0 to 2^32 − 1",
      received: String(seed),
    });
  // The step is the golden ratio's: four words of state that differ, of which at most one is 0.
  const next = xoshiro([1, 2, 3, 4].map((i) => mixed(seed + i * 0x9e3779b9)) as State);
  const uniform = () => next() / 2 ** 32;
  return { uniform, normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()) };
}

/** @internal The values in an order by chance. Source: Fisher and Yates. */
export function shuffled<T extends Float32Array | Float64Array | Uint32Array>(values: T, seed: number): T {
  const { uniform } = random(seed);
  const mixed = values.slice() as T;
  for (let i = mixed.length - 1; i > 0; i--) {
    const k = Math.floor(uniform() * (i + 1));
    [mixed[i], mixed[k]] = [mixed[k], mixed[i]];
  }
  return mixed;
}

type State = [number, number, number, number];

/** A bijection of 32-bit words. */
function mixed(word: number): number {
  let h = word >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const rotated = (word: number, by: number) => (word << by) | (word >>> (32 - by));

/** @internal xoshiro128** from that state, which must not be all 0: words of 32 bits. */
export function xoshiro([a, b, c, d]: State): () => number {
  return () => {
    const word = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return word;
  };
}
