export { type Code, type Finding, type Issue, LrpError, type Mention } from "../base/error.ts";
export type { OutputPort, Port } from "../graph/graph.ts";
export { colormaps } from "../picture/heatmap/colormap.ts";
export { type Heatmap, type HeatmapOptions, heatmap } from "../picture/heatmap/heatmap.ts";
export type { Picture, Pixels } from "../picture/image/pixels.ts";
export { encodePng } from "../picture/heatmap/png.ts";
export { toAnsi } from "../picture/heatmap/terminal.ts";
export { type Preparation, type PresetName, presets } from "../picture/image/preparation.ts";
export { type PictureInput, preprocess, viewed } from "../picture/image/preprocess.ts";
export { statedPreparation } from "../picture/image/stated.ts";
export type { AttributeValue, ConstantInput, Handle } from "../read/described.ts";
export * from "../read/layers.ts";
export { type Builder, network, type Network, type NetworkInput, type NodeInput, sequential } from "../read/network.ts";
export type { Model } from "../model/model.ts";
export type { ExternalData } from "../read/onnx/external.ts";
export type { Source } from "../read/open.ts";
export type { ExplainOptions, LoadOptions, WorkerLike } from "../model/options.ts";
export {
  type Explanation,
  type Inspection,
  type LedgerRow,
  type Needs,
  NOTED_AMPLIFICATION,
  type Prediction,
  type RuleAt,
} from "../model/report.ts";
export type { NodeSettings } from "../model/settings.ts";
export { ABSORBED, AMPLIFIED, type Stability } from "../model/stability.ts";
export { type LrnMode, lrnModes } from "../ops/lrn.ts";
export { type LayerNormMode, layerNormModes } from "../ops/standardize-way.ts";
export type { TaylorNeurons } from "../ops/taylor.ts";
export {
  baseEntries,
  type Composite,
  type CompositeRow,
  composites,
  defaultComposite,
  type Entry,
} from "../rules/composite.ts";
export { type Bound, type ParameterRow, type Parameters, parameters, type SumRule } from "../rules/parameters.ts";
export { type LinearRule, type Rule, type RuleOptions, ruleOf, type Stabilizer, sumRules } from "../rules/rule.ts";
export { type RuleRow, rules } from "../rules/table.ts";
export type { Input, InputTensor, Shapes } from "../run/input.ts";
export type { Area, AreaMask, Where } from "../run/place.ts";
export type { Chosen, Class, ClassAt, Contrast, ElementAt, Target, WeightsAt } from "../run/target.ts";
export { hasRelaxedSimd } from "../run/wasm.ts";
export type { Axes } from "../base/layout.ts";
export type { Dims, ElementType, Tensor } from "../base/tensor.ts";
