import { type Dims, isFloat, size } from "../base/tensor.ts";
import type { Node, Operand, Operands, Source } from "../graph/graph.ts";
import type { GatherAttributes, SliceAttributes } from "../ops/layout.ts";

/** Whether a node takes whole rows of a table: the numbers along its last axis stay together. */
function choosesRows({ type }: Node, attributes: object, { dims }: Operand, output: Dims): boolean {
  const last = dims.length - 1;
  if (last < 1) return false;
  if (type === "Gather") return (attributes as GatherAttributes).axis < last;
  if (type !== "Slice") return false;
  const { step } = (attributes as SliceAttributes).ranges![last];
  return step === 1 && output[last] === dims[last];
}

/**
 * Where floats are from that a node has made of constants.
 * @param known of its inputs, as far as these were made too
 */
export function sourceOf(
  node: Node,
  attributes: object,
  inputs: Operands,
  output: Dims,
  known: ReadonlyMap<string, Source>,
): Source | undefined {
  const floats = inputs.filter((x) => x !== undefined && isFloat(x.type)) as readonly Operand[];
  if (floats.length === 0) return undefined;
  const all = floats.map(({ name }): Source => known.get(name) ?? { tables: [name], chosen: false });
  const chosen = all.filter((source) => source.chosen);
  // Scales and shifts are smaller than what they change.
  const largest = floats.reduce((best, { dims }, i) => (size(dims) > size(floats[best].dims) ? i : best), 0);
  const from = chosen.length > 0 ? chosen : [all[largest]];
  return {
    tables: [...new Set(from.flatMap(({ tables }) => tables))],
    chosen: chosen.length > 0 || choosesRows(node, attributes, floats[0], output),
  };
}
