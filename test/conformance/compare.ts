import type { StoredTensor } from "../onnx-tensor.ts";

/**
 * How far a float32 may lie from what is stored: `RELATIVE` of it and `ABSOLUTE`, but no further than `RELATIVE` of the
 * tensor's largest: `ABSOLUTE` is much for a thousand probabilities. Everything else must be equal.
 */
export const RELATIVE = 1e-5;
export const ABSOLUTE = 1e-7;

function near(got: number, want: number, type: string, largest: number): boolean {
  if (Object.is(got, want) || got === want) return true;
  // Of infinity, any share is infinite.
  const allowed = Number.isFinite(want) ? Math.min(ABSOLUTE + RELATIVE * Math.abs(want), RELATIVE * largest) : 0;
  return type === "float32" && Math.abs(got - want) <= allowed;
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
