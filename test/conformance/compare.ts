import type { StoredTensor } from "../onnx-tensor.ts";

/**
 * How far a number of each type may lie from what is stored: such a share of it and `ABSOLUTE`, but no further than that
 * share of the tensor's largest: `ABSOLUTE` is much for a thousand probabilities. float64 is computed in float32, and
 * what is stored of types of 16 bits was rounded to their 11 or 8 digits. Everything else must be equal.
 */
export const RELATIVE: Readonly<Record<string, number>> = {
  float32: 1e-5,
  float64: 1e-5,
  float16: 2e-3,
  bfloat16: 1.6e-2,
};
export const ABSOLUTE = 1e-7;
/** The smallest number of float32. */
const SMALLEST = 2 ** -149;

function near(got: number, want: number, type: string, largest: number): boolean {
  if (Object.is(got, want) || got === want) return true;
  const { [type]: share = 0 } = RELATIVE;
  const allowed = Math.min(ABSOLUTE + share * Math.abs(want), share * largest);
  // Of infinity, any share is infinite.
  return Number.isFinite(want) && Math.abs(got - want) <= Math.max(allowed, share && SMALLEST);
}

/** In what a tensor differs from the one that is stored; undefined where it does not. */
export function difference(got: StoredTensor, want: StoredTensor): string | undefined {
  const shape = ({ type, dims }: StoredTensor) => `${type}[${dims.join(", ")}]`;
  if (shape(got) !== shape(want)) return `expected ${shape(want)}, got ${shape(got)}`;
  if (got.data.length !== want.data.length) return `expected ${want.data.length} numbers, got ${got.data.length}`;
  const largest = want.data.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);
  const at = want.data.findIndex((value, i) => !near(got.data[i], value, want.type, largest));
  return at < 0 ? undefined : `expected ${want.data[at]} at position ${at}, got ${got.data[at]}`;
}
