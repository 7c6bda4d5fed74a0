export { type Attributed, type Attribution, type Explained, mapOf, type PlaceMap, sampleOf } from "./attribution.ts";
export { bootstrap, type BootstrapOptions, type Interval, mean, pairedDifference } from "./bootstrap.ts";
export { type Complexity, complexity } from "./complexity.ts";
export { type Conservation, conservation, startOf } from "./conservation.ts";
export { type Mask, massAccuracy, pointing, positiveMass, rankAccuracy } from "./localisation.ts";
export { measure, type MeasureOptions } from "./measure.ts";
export { type Order, orders } from "./order.ts";
export { type PairedTest, pairedTest, type PairedTestOptions } from "./paired-test.ts";
export { aopc, areaUnder, relevanceGain } from "./curve.ts";
export { type Curve, perturbation, type PerturbationOptions } from "./perturbation.ts";
export type { Predictor } from "./predictor.ts";
export {
  type NetworkExplainer,
  parameterRandomisation,
  type RandomisationOptions,
  type RandomisationStep,
} from "./randomisation.ts";
export { parametrisedLayers, randomized, type RandomizedOptions } from "./randomized.ts";
export type { PerChannel, Replacement } from "./replacement.ts";
export { type Explainer, type Sensitivity, sensitivity, type SensitivityOptions } from "./sensitivity.ts";
export { cosine, pearson, spearman } from "./similarity.ts";
export { type MetricRow, metrics, type Subject } from "./table.ts";
export { tokenFlipping, type TokenFlippingOptions } from "./token-flipping.ts";
export { type Cell, toCsv, toJson } from "./text.ts";
