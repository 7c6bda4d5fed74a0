export { type Code, type Issue, LrpError } from "./error.ts";
export type { OutputPort, Port } from "./graph/graph.ts";
export { colormaps } from "./heatmap/colormap.ts";
export { type HeatmapOptions, heatmap } from "./heatmap/heatmap.ts";
export type { Picture, Pixels } from "./image/pixels.ts";
export { encodePng } from "./heatmap/png.ts";
export { toAnsi } from "./heatmap/terminal.ts";
export { type Preparation, type PresetName, presets } from "./image/preparation.ts";
export { preprocess, viewed } from "./image/preprocess.ts";
export type { AttributeValue, ConstantInput, Handle } from "./graph/described.ts";
export * from "./layers.ts";
export { type Builder, network, type Network, type NetworkInput, type NodeInput, sequential } from "./network.ts";
export type { Model } from "./model.ts";
export type { ExternalData } from "./onnx/external.ts";
export type { Source } from "./open.ts";
export type { ExplainOptions, LoadOptions } from "./options.ts";
export {
  type Explanation,
  type Inspection,
  type LedgerRow,
  NOTED_AMPLIFICATION,
  type Prediction,
  type RuleAt,
} from "./report.ts";
export { type LrnMode, lrnModes } from "./ops/lrn.ts";
export type { TaylorNeurons } from "./ops/taylor.ts";
export {
  baseEntries,
  type Composite,
  type CompositeRow,
  composites,
  defaultComposite,
  type Entry,
} from "./rules/composite.ts";
export { type Bound, type ParameterRow, type Parameters, parameters, type SumRule } from "./rules/parameters.ts";
export { type LinearRule, type Rule, type RuleOptions, ruleOf, type Stabilizer, sumRules } from "./rules/rule.ts";
export { type RuleRow, rules } from "./rules/table.ts";
export type { Input, InputTensor, Shapes } from "./run/input.ts";
export type { Chosen, Class, Contrast, Target } from "./run/target.ts";
export { hasRelaxedSimd } from "./run/wasm.ts";
export type { Dims, ElementType, Tensor } from "./tensor.ts";
