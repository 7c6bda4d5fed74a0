import { type Rule, ruleOf } from "../../src/entries/index.ts";
import { tolerance } from "../golden/tolerance.ts";
import {
  adding,
  alphaBeta,
  clip,
  clipping,
  epsilon,
  excitation,
  flat,
  gamma,
  type NeuronRule,
  type Options,
  ratio,
  wSquare,
  zBox,
} from "../reference/rules.ts";

/*
 * Every rule for linear layers beside its definition.
 */

const LOW = [-1.25, -1, -1.5, -2],
  HIGH = [1, 1.75, 1.5, 2];
const bounds = (channels: number) => ({
  low: Array.from({ length: channels }, (_, c) => LOW[c % 4]),
  high: Array.from({ length: channels }, (_, c) => HIGH[c % 4]),
});

/** A rule, its literal definition, and how far float32 may be from it. */
export interface Row {
  readonly name: string;
  readonly off: number;
  rule(channels: number): Rule;
  literal(channelOf: (i: number) => number): NeuronRule;
  readonly options?: Options;
}

export const plainRow = (name: string, off: number, rule: Rule, literal: NeuronRule, options?: Options): Row => ({
  name,
  off,
  rule: () => rule,
  literal: () => literal,
  options,
});

/** Rules that layers without parameters have too. */
export const parameterless: readonly Row[] = [
  plainRow("norm", tolerance.norm, ruleOf.norm(), epsilon),
  plainRow("lrp0", tolerance.lrp0, ruleOf.lrp0(), epsilon, { stab: adding(0) }),
  plainRow("epsilon(0.25)", tolerance.epsilon, ruleOf.epsilon({ epsilon: 0.25 }), epsilon, { stab: adding(0.25) }),
  plainRow(
    "epsilon(0.25, relative)",
    tolerance.epsilon,
    ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative" }),
    epsilon,
    {
      relative: 0.25,
    },
  ),
  plainRow("epsilon(0.25, clip)", tolerance.epsilon, ruleOf.epsilon({ epsilon: 0.25, stabilizer: "clip" }), epsilon, {
    stab: clipping(0.25),
  }),
  plainRow("alphaBeta(2, 1)", tolerance.alphaBeta, ruleOf.alphaBeta(), alphaBeta(2, 1)),
  plainRow(
    "alphaBeta(1.5, 0.5), epsilon 0.1",
    tolerance.alphaBeta,
    ruleOf.alphaBeta({ alpha: 1.5, epsilon: 0.1 }),
    alphaBeta(1.5, 0.5),
    {
      stab: adding(0.1),
    },
  ),
  plainRow("beta(1)", tolerance.alphaBeta, ruleOf.beta(), alphaBeta(2, 1)),
  plainRow("zPlus", tolerance.plain, ruleOf.zPlus(), alphaBeta(1, 0)),
  plainRow("excitation", tolerance.plain, ruleOf.excitation(), excitation),
  plainRow("gamma(0.25)", tolerance.plain, ruleOf.gamma({ gamma: 0.25 }), gamma(0.25)),
  plainRow("gamma(3)", tolerance.plain, ruleOf.gamma({ gamma: 3 }), gamma(3)),
  plainRow("ratio", tolerance.plain, ruleOf.ratio(), ratio),
  plainRow("clip(0.1)", tolerance.norm, ruleOf.clip(), clip(0.1)),
  plainRow("clip(0.5)", tolerance.norm, ruleOf.clip({ delta: 0.5 }), clip(0.5)),
];

/** Rules for layers with weights. */
export const withParameters: readonly Row[] = [
  ...parameterless,
  plainRow("wSquare", tolerance.plain, ruleOf.wSquare(), wSquare),
  plainRow("flat", tolerance.plain, ruleOf.flat(), flat),
  plainRow(
    "zBox(-1, 1)",
    tolerance.plain,
    ruleOf.zBox({ low: -1, high: 1 }),
    zBox(
      () => -1,
      () => 1,
    ),
  ),
  {
    name: "zBox with a bound for each channel",
    off: tolerance.plain,
    rule: (channels) => ruleOf.zBox(bounds(channels)),
    literal: (channel) =>
      zBox(
        (i) => LOW[channel(i) % 4],
        (i) => HIGH[channel(i) % 4],
      ),
  },
  plainRow("epsilon without bias", tolerance.epsilon, ruleOf.epsilon({ epsilon: 0.25, bias: false }), epsilon, {
    stab: adding(0.25),
    bias: false,
  }),
  plainRow(
    "epsilon(0.25, relative) without bias",
    tolerance.epsilon,
    ruleOf.epsilon({ epsilon: 0.25, stabilizer: "relative", bias: false }),
    epsilon,
    {
      relative: 0.25,
      bias: false,
    },
  ),
  plainRow("lrp0 without bias", tolerance.lrp0, ruleOf.lrp0({ bias: false }), epsilon, {
    stab: adding(0),
    bias: false,
  }),
  plainRow("alphaBeta without bias", tolerance.alphaBeta, ruleOf.alphaBeta({ bias: false }), alphaBeta(2, 1), {
    bias: false,
  }),
  plainRow("zPlus without bias", tolerance.plain, ruleOf.zPlus({ bias: false }), alphaBeta(1, 0), { bias: false }),
  // The sign is chosen with the bias: without it, as in LRP-0, nothing keeps the denominator from 0.
  plainRow("gamma without bias", tolerance.lrp0, ruleOf.gamma({ bias: false }), gamma(0.25), { bias: false }),
  plainRow("ratio without bias", tolerance.plain, ruleOf.ratio({ bias: false }), ratio, { bias: false }),
  plainRow("clip without bias", tolerance.norm, ruleOf.clip({ bias: false }), clip(0.1), { bias: false }),
  plainRow("wSquare without bias", tolerance.plain, ruleOf.wSquare({ bias: false }), wSquare, { bias: false }),
];
