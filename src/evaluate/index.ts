/**
 * Other methods of attribution, and metrics that judge explanations.
 *
 * @module relprop/evaluate
 */
export { attribute, type AttributeOptions } from "./attribute.ts";
export {
  evaluate,
  type EvaluateOptions,
  type Evaluation,
  type MethodChoice,
  type MethodResult,
  type SharedOptions,
} from "./evaluate.ts";
export { type MethodParameters, type MethodRow, methods } from "./methods.ts";
export * from "./metrics.ts";
export { type Random, random } from "./random.ts";
export type { Progress, Signal, Watch } from "./runs.ts";
