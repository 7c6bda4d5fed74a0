import { baseEntries, type Composite, type LinearRule, ruleOf } from "../../src/entries/index.ts";
import { tolerance } from "../golden/tolerance.ts";
import type { FileNode } from "../onnx-writer.ts";
import { alphaBeta, epsilon, gamma, type NeuronRule } from "../reference/rules.ts";

/** A node of a file, with one output. */
export const node = (
  type: string,
  inputs: readonly string[],
  output: string,
  attributes: FileNode["attributes"] = {},
): FileNode => ({
  type,
  inputs,
  outputs: [output],
  attributes,
});
/** One rule in every weighted layer. */
export const weighted = (rule: LinearRule): Composite => [{ type: ["convolution", "dense"], rule }, ...baseEntries()];

/** Name, rule, its literal definition, and the tolerance of the goldens. */
export const rules: readonly (readonly [string, LinearRule, NeuronRule, number])[] = [
  ["epsilon", ruleOf.epsilon(), epsilon, tolerance.epsilon],
  ["zPlus", ruleOf.zPlus(), alphaBeta(1, 0), tolerance.plain],
  ["gamma", ruleOf.gamma(), gamma(0.25), tolerance.plain],
];
