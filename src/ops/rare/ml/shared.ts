import { demand, insist } from "../../../base/complaint.ts";
import type { ElementType } from "../../../base/tensor.ts";
import type { Operands } from "../../../graph/graph.ts";
import type { AttributeReader } from "../../op.ts";
import type { Composition } from "../compose.ts";

/** The first input as a table of features: a row for each sample; of a single axis, one sample. */
export function tableOf([x]: Operands): { readonly rows: number; readonly features: number } {
  const { dims } = x!;
  demand(dims.length === 1 || dims.length === 2, "shape", "an input of rank 1 or 2", `rank ${dims.length}`);
  return { rows: dims.length === 1 ? 1 : dims[0], features: dims.at(-1)! };
}

/** A value in float32, which all of these operators compute in. */
export const asFloat = (c: Composition, name: string, type: ElementType): string =>
  type === "float32" ? name : c.add("Cast", [name], { to: "float32" });

/** One number for each feature, or one for all of them. */
export function perFeature(values: readonly number[], features: number, what: string): readonly number[] {
  const fits = values.length === 1 || values.length === features;
  demand(fits, "invalid-model", `1 or ${features} numbers in ${what}`, `${values.length}`);
  return values;
}

/** A list that must be there. */
export function floatsOf(read: AttributeReader, name: string): readonly number[] {
  const list = read.floats(name);
  demand(list?.length, "invalid-model", `numbers in ${name}`, "none");
  return list;
}

/** relprop has no strings: attributes that hold them, by name. */
export function withoutStrings(read: AttributeReader, ...names: readonly string[]): void {
  const given = names.filter((name) => (read.strings(name)?.length ?? 0) > 0);
  insist(given.length === 0, "unsupported", `relprop has no strings, and the attribute '${given[0]}' holds some`);
}
