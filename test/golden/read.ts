import { readFileSync } from "node:fs";
import type { Tensor } from "../../src/entries/index.ts";

/** A tensor as the golden files have it. */
export interface Golden {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

/** One of the golden files beside this one; how they were made is in its fields. */
// biome-ignore lint/suspicious/noExplicitAny: each file has a form of its own
export function golden(file: string): any {
  return JSON.parse(readFileSync(new URL(`${file}.json`, import.meta.url), "utf8"));
}

export function tensorOf({ shape, data }: Golden): Tensor {
  return { dims: shape, data: Float32Array.from(data) };
}

/** Nested lists as a tensor. */
export function nested(list: unknown): Tensor {
  const dims: number[] = [];
  for (let at = list; Array.isArray(at); at = at[0]) dims.push(at.length);
  return { dims, data: Float32Array.from([list].flat(Infinity) as number[]) };
}

/** Nested lists as numbers in row-major order, in double precision. */
export function flat(list: unknown): number[] {
  return [list].flat(Infinity) as number[];
}
