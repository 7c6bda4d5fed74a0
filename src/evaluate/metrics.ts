export { type Attribution, mapOf, type PlaceMap, sampleOf } from "./attribution.ts";
export { type Complexity, complexity } from "./complexity.ts";
export { type Conservation, conservation, startOf } from "./conservation.ts";
export { type Localisation, localisation, type Mask } from "./localisation.ts";
export { type Order, orders } from "./order.ts";
export { aopc, areaUnder, type Curve, perturbation, type PerturbationOptions, type Predictor, relevanceGain } from "./perturbation.ts";
export type { Replacement } from "./replacement.ts";
export { cosine, pearson, spearman } from "./similarity.ts";
export type { Work } from "./work.ts";
