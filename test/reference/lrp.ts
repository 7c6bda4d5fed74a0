import { firstMaximum } from "./layers.ts";
import { type LinearMap, transposed } from "./linear.ts";
import { lrnRelevance, type Mode } from "./lrn.ts";
import type { Literal, Stage } from "./meaning.ts";
import { type Arithmetic, exact, forward, gathered } from "./network.ts";
import { explain, type NeuronRule, type Options, zBox } from "./rules.ts";
import { boundsAt } from "./units.ts";

/*
 * Layer-wise relevance propagation through a whole network, literally: stage by stage, from the last to the first.
 */

type Numbers = ArrayLike<number>;

/** What one stage does with its relevance, where it has a choice. */
export type Treatment =
  | { readonly kind: "neurons"; readonly rule: NeuronRule; readonly options?: Options }
  /** zBox with the bounds of the input. */
  | { readonly kind: "box"; readonly bounds: readonly [low: number, high: number] }
  | { readonly kind: "pass" }
  | { readonly kind: "gradient" }
  /** R⁺ through ReLU; `firing`: only where it fires. */
  | { readonly kind: "rectified"; readonly firing: boolean }
  | { readonly kind: "lrn"; readonly mode: Mode };

/** Where a stage stands among the layers that have weights. */
export interface Position {
  readonly first: boolean;
  readonly last: boolean;
}

export type Treatments = (stage: Stage, position: Position) => Treatment;

const isWeighted = ({ family }: Stage) => family === "convolution" || family === "dense";

/** Whether any stage on the way from `names` in the given direction has weights. */
function meetsWeights(net: Literal, from: Stage, next: (stage: Stage) => readonly Stage[]): boolean {
  return next(from).some((stage) => isWeighted(stage) || meetsWeights(net, stage, next));
}

function positionOf(net: Literal, stage: Stage): Position {
  const before = (s: Stage) => net.stages.filter((other) => s.inputs.includes(other.output));
  const after = (s: Stage) => net.stages.filter((other) => other.inputs.includes(s.output));
  const weighted = isWeighted(stage);
  return { first: weighted && !meetsWeights(net, stage, before), last: weighted && !meetsWeights(net, stage, after) };
}

/** The value before a softmax or sigmoid at the end, which may be reshaped. */
export function logitsOf(net: Literal): string {
  for (let name = net.output; ; ) {
    const stage = net.stages.find((s) => s.output === name);
    if (stage && ["Softmax", "Sigmoid"].includes(stage.type)) return stage.inputs[0];
    if (!stage || !["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"].includes(stage.type))
      return net.output;
    [name] = stage.inputs;
  }
}

/** One line of the ledger. */
export interface Account {
  readonly name: string;
  readonly received: number;
  readonly passed: number;
  readonly bias: number;
  readonly stabilizer: number;
  readonly dead: number;
  readonly other: number;
}

export interface Relevance {
  readonly input: Float64Array;
  readonly accounts: readonly Account[];
  /** The largest Σ |R| on the way. */
  readonly most: number;
}

const total = (values: Numbers) => Array.from(values).reduce((a, b) => a + b, 0);
const size = (values: Numbers) => Array.from(values).reduce((a, b) => a + Math.abs(b), 0);

/** Relevance of what a stage reads, with what it keeps. */
function passBack(
  net: Literal,
  stage: Stage,
  position: Position,
  x: Float64Array,
  r: Numbers,
  treatments: Treatments,
  map: (m: LinearMap) => LinearMap,
) {
  const { does } = stage;
  const none = { bias: 0, stabilizer: 0, dead: 0 };
  const spread = (send: (j: number) => readonly (readonly [i: number, share: number])[]) => {
    const relevance = new Float64Array(x.length);
    for (let j = 0; j < r.length; j++) {
      for (const [i, share] of send(j)) relevance[i] += share * r[j];
    }
    return { relevance, ...none };
  };
  if (does.kind === "route") {
    return spread((j) => (does.candidates[j].length === 0 ? [] : [[firstMaximum(x, does.candidates[j]), 1]]));
  }
  const treatment = treatments(stage, position);
  if (does.kind === "linear" && treatment.kind === "neurons")
    return explain(map(does.map), x, r, treatment.rule, treatment.options);
  if (does.kind === "linear" && treatment.kind === "box") {
    const [low, high] = boundsAt(net, stage.inputs[0], treatment.bounds);
    const rule = zBox(
      (i) => low[i],
      (i) => high[i],
    );
    return explain(map(does.map), x, r, rule);
  }
  if (does.kind === "linear" && treatment.kind === "gradient") return { relevance: transposed(does.map, r), ...none };
  if (treatment.kind === "rectified") return spread((j) => [[j, r[j] > 0 && (x[j] > 0 || !treatment.firing) ? 1 : 0]]);
  if (does.kind === "pointwise") return spread((j) => [[j, treatment.kind === "pass" ? 1 : does.slope(x[j], j)]]);
  if (does.kind === "lrn" && treatment.kind === "lrn")
    return { relevance: lrnRelevance(x, stage.dims, does.lrn, treatment.mode, r), ...none };
  throw new Error(`${stage.name}: ${does.kind} by ${treatment.kind}`);
}

/** Decomposes `start`, the relevance of the logits. */
export function relevanceOf(
  net: Literal,
  x: Numbers,
  start: (logits: Numbers) => Numbers,
  treatments: Treatments,
  arithmetic: Arithmetic = exact,
): Relevance {
  const values = forward(net, x, arithmetic);
  const from = logitsOf(net);
  const relevance = new Map([[from, Float64Array.from(start(values.get(from)!))]]);
  const accounts: Account[] = [];
  let most = 0;
  for (const stage of [...net.stages].reverse()) {
    if (!relevance.has(stage.output)) continue;
    const r = arithmetic.relevance(relevance.get(stage.output)!);
    const read = gathered(stage, values);
    const outcome = passBack(net, stage, positionOf(net, stage), read, r, treatments, (map) =>
      arithmetic.map(map, read),
    );
    const { bias, stabilizer, dead } = outcome;
    const handed = arithmetic.relevance(outcome.relevance);
    let [at, passed] = [0, 0];
    for (const name of stage.inputs) {
      const part = handed.subarray(at, (at += values.get(name)!.length));
      if (net.constants.has(name)) continue;
      passed += total(part);
      relevance.set(
        name,
        Float64Array.from(part, (v, i) => v + (relevance.get(name)?.[i] ?? 0)),
      );
    }
    const received = total(r);
    most = Math.max(most, size(r), size(handed));
    accounts.push({
      name: stage.name,
      received,
      passed,
      bias,
      stabilizer,
      dead,
      other: received - passed - bias - stabilizer - dead,
    });
  }
  return { input: Float64Array.from(relevance.get("x")!), accounts, most };
}
