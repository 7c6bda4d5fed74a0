/// <reference lib="esnext.disposable" preserve="true" />
import { Model } from "./model.ts";
import { open, type Source } from "./open.ts";
import type { LoadOptions } from "./options.ts";
import { binaryFor, compile, instantiate } from "./run/wasm.ts";

/**
 * Loads a network.
 *
 * @param source the bytes of an ONNX file, or a network described with `sequential`
 * @throws LrpError "not-onnx", "invalid-model" or "unsupported", with every problem of the file at once
 * @example
 * const model = await load(sequential({ input: [2] }, [dense({ weight: { data: Float32Array.of(3, 1), dims: [1, 2] } })]));
 * model.predict({ data: Float32Array.of(1, 2), dims: [1, 2] }).output.data; // Float32Array [5]
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  // The kernels are compiled on another thread while the file is read.
  const [module, graph] = await Promise.all([compile(binaryFor(options)), open(source, options)]);
  return new Model(graph, { instance: () => instantiate(module), end() {} }, options);
}

export { type Code, type Issue, LrpError } from "./error.ts";
export type { OutputPort, Port } from "./graph/graph.ts";
export { colormaps } from "./heatmap/colormap.ts";
export { type HeatmapOptions, heatmap } from "./heatmap/heatmap.ts";
export type { Picture, Pixels } from "./image/pixels.ts";
export { encodePng } from "./heatmap/png.ts";
export { toAnsi } from "./heatmap/terminal.ts";
export { type Preparation, type PresetName, presets } from "./image/preparation.ts";
export { preprocess, viewed } from "./image/preprocess.ts";
export * from "./layers.ts";
export type { Model } from "./model.ts";
export type { ExternalData } from "./onnx/external.ts";
export type { Source } from "./open.ts";
export type { ExplainOptions, LoadOptions } from "./options.ts";
export { type Explanation, type Inspection, type LedgerRow, NOTED_AMPLIFICATION, type Prediction, type RuleAt } from "./report.ts";
export { type LrnMode, lrnModes } from "./ops/lrn.ts";
export type { TaylorNeurons } from "./ops/taylor.ts";
export { baseEntries, type Composite, composites, type Entry, type Parameters } from "./rules/composite.ts";
export { type LinearRule, type Rule, ruleOf, type SumRule, sumRules } from "./rules/rule.ts";
export { type RuleRow, rules } from "./rules/table.ts";
export type { Input, InputTensor } from "./run/input.ts";
export type { Chosen, Class, Contrast, Target } from "./run/target.ts";
export { hasRelaxedSimd } from "./run/wasm.ts";
export type { ElementType, Tensor } from "./tensor.ts";
