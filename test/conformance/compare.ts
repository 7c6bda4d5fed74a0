import type { StoredTensor } from "../onnx-tensor.ts";

/** How far a float32 may lie from what is stored: `RELATIVE` of it and `ABSOLUTE`. Everything else must be equal. */
export const RELATIVE = 1e-5;
export const ABSOLUTE = 1e-7;

function near(got: number, want: number, type: string): boolean {
  if (Object.is(got, want) || got === want) return true;
  // Of infinity, any share is infinite.
  return type === "float32" && Number.isFinite(want) && Math.abs(got - want) <= ABSOLUTE + RELATIVE * Math.abs(want);
}

/** In what a tensor differs from the one that is stored; undefined where it does not. */
export function difference(got: StoredTensor, want: StoredTensor): string | undefined {
  const shape = ({ type, dims }: StoredTensor) => `${type}[${dims.join(", ")}]`;
  if (shape(got) !== shape(want)) return `expected ${shape(want)}, got ${shape(got)}`;
  if (got.data.length !== want.data.length) return `expected ${want.data.length} numbers, got ${got.data.length}`;
  const at = want.data.findIndex((value, i) => !near(got.data[i], value, want.type));
  return at < 0 ? undefined : `expected ${want.data[at]} at position ${at}, got ${got.data[at]}`;
}
