import type { ExplainOptions } from "../../dist/model/options.js";
import { baseEntries, type Composite } from "../../dist/rules/composite.js";
import type { Parameters } from "../../dist/rules/parameters.js";
import { type RuleOptions, ruleOf } from "../../dist/rules/rule.js";

/*
 * What TypeScript says of the parameters of the package that is built: read by the compiler alone, in parameters.test.ts. Every line that is expected to
 * be an error is one.
 */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(is: Same<A, B>): boolean => is;

export const options: readonly ExplainOptions[] = [
  { sum: "clip", delta: 0.2 },
  { composite: "epsilonGammaBox", low: [0, 1], high: 1, gamma: 0.5, epsilon: 1e-3, lrn: "taylor-uniform" },
  // @ts-expect-error: no such parameter
  { zeta: 1 },
  // @ts-expect-error: no such choice
  { sum: "mean" },
  // @ts-expect-error: a number is wanted
  { delta: "0.2" },
  // @ts-expect-error: only rules take it
  { stabilizer: "add" },
  // @ts-expect-error: only rules take it
  { bias: false },
];

export const rules: Composite = [
  { rule: ruleOf.clip({ delta: 0.2, bias: false }) },
  { rule: ruleOf.alphaBeta({ alpha: 3, epsilon: 0.1, stabilizer: "relative" }) },
  { rule: ruleOf.zBox({ low: 0, high: [1, 2] }) },
  // @ts-expect-error: clip has δ in the place of ε
  { rule: ruleOf.clip({ epsilon: 0.1 }) },
  // @ts-expect-error: zPlus has no γ
  { rule: ruleOf.zPlus({ gamma: 1 }) },
  // @ts-expect-error: flat has no bias
  { rule: ruleOf.flat({ bias: false }) },
  // @ts-expect-error: both bounds are needed
  { rule: ruleOf.zBox({ low: 0 }) },
  // @ts-expect-error: no such stabilizer
  { rule: ruleOf.epsilon({ stabilizer: "terms" }) },
  {
    rule: {
      ...ruleOf.norm(),
      // @ts-expect-error: a weight may be its square, not its cube
      groups: [{ coefficient: 1, passes: [{ input: "one", weight: "cube" }] }],
    },
  },
  ...baseEntries("identity", "clip", { delta: 0.2 }),
];

export const checked = [
  same<Parameters["sum"], "norm" | "zPlus" | "ratio" | "clip" | undefined>(true),
  same<Parameters["low"], number | readonly number[] | undefined>(true),
  same<keyof RuleOptions, "epsilon" | "stabilizer" | "bias">(true),
];
