import fc from "fast-check";
import {
  type Composite,
  composites,
  type ExplainOptions,
  type LrnMode,
  lrnModes,
  ruleOf,
  type SumRule,
  sumRules,
} from "../../src/entries/index.ts";
import type { Position, Treatment, Treatments } from "../reference/lrp.ts";
import type { Stage } from "../reference/meaning.ts";
import {
  adding,
  alphaBeta,
  clip,
  epsilon,
  excitation,
  flat,
  gamma,
  type NeuronRule,
  ratio,
} from "../reference/rules.ts";
import { parameterless, type Row, withParameters } from "../rules/rows.ts";

/*
 * Composites: as an option for the library, and as what they mean, from their definitions.
 */

export interface Setting {
  readonly options: ExplainOptions;
  readonly treatments: Treatments;
}

const neurons = (rule: NeuronRule, options?: Row["options"]): Treatment => ({ kind: "neurons", rule, options });
const byRow = ({ name, literal, options }: Row): Treatment =>
  name === "zBox(-1, 1)"
    ? { kind: "box", bounds: [-1, 1] }
    : neurons(
        literal(() => 0),
        options,
      );

/** What a caller may say beside a composite's name. */
interface Numbers {
  readonly epsilon?: number;
  readonly gamma?: number;
  readonly beta?: number;
  readonly lrn?: LrnMode;
  readonly sum?: SumRule;
  readonly delta?: number;
}

const [LOW, HIGH] = [-1, 1.25];
const box: Treatment = { kind: "box", bounds: [LOW, HIGH] };
const eps = (value = 1e-6) => neurons(epsilon, { stab: adding(value) });

/** The rule of a layer with weights, composite by composite, as the README's table says it. */
const weighted: Readonly<Record<string, (n: Numbers, convolution: boolean, position: Position) => Treatment>> = {
  epsilon: (n) => eps(n.epsilon),
  epsilonPlus: (n, convolution) => (convolution ? neurons(alphaBeta(1, 0)) : eps(n.epsilon)),
  epsilonPlusFlat: (n, convolution, { first }) =>
    convolution && first ? neurons(flat) : weighted.epsilonPlus(n, convolution, { first, last: false }),
  epsilonAlpha2Beta1: ({ beta = 1, ...n }, convolution) =>
    convolution ? neurons(alphaBeta(1 + beta, beta)) : eps(n.epsilon),
  epsilonAlpha2Beta1Flat: (n, convolution, { first }) =>
    convolution && first ? neurons(flat) : weighted.epsilonAlpha2Beta1(n, convolution, { first, last: false }),
  epsilonGammaBox: (n, convolution, { first }) =>
    convolution && first ? box : convolution ? neurons(gamma(n.gamma ?? 0.25)) : eps(n.epsilon),
  recurrentGamma: (...of) => weighted.epsilonPlusFlat(...of),
  paperEpsilon: (n) => eps(n.epsilon ?? 0.01),
  paperBeta: ({ beta = 1 }) => neurons(alphaBeta(1 + beta, beta)),
  attnLrp: () => eps(0),
  cpLrp: () => eps(0),
  attnLrpGamma: (n, convolution) => neurons(gamma((n.gamma ?? 0.25) / (convolution ? 1 : 5)), { stab: adding(1e-9) }),
};
/** Composites in which means, and sums unless they are told otherwise, have no ε. */
const LIMIT = ["attnLrp", "cpLrp", "attnLrpGamma"];

/** The same of composites that share nothing with the others, for every kind of stage. */
const apart: Readonly<Record<string, (stage: Stage) => Treatment>> = {
  gradient: slope,
  guidedBackprop: (stage) => (stage.type === "Relu" ? { kind: "rectified", firing: true } : slope(stage)),
  deconvnet: (stage) => (stage.type === "Relu" ? { kind: "rectified", firing: false } : slope(stage)),
  excitationBackprop: (stage) =>
    ["convolution", "dense", "average", "sum"].includes(stage.family)
      ? neurons(excitation)
      : rest(stage, { lrn: "identity" }),
};

function slope({ family }: Stage): Treatment {
  return family === "lrn" ? { kind: "lrn", mode: "gradient" } : { kind: "gradient" };
}

const sums: Readonly<Record<SumRule, (delta: number) => NeuronRule>> = {
  norm: () => epsilon,
  zPlus: () => alphaBeta(1, 0),
  ratio: () => ratio,
  clip,
};

/** What all named composites have in common. */
function rest({ family }: Stage, { lrn = "taylor", sum = "norm", delta = 0.1 }: Numbers): Treatment {
  if (family === "average") return neurons(epsilon);
  if (family === "sum") return neurons(sums[sum](delta));
  return family === "lrn" ? { kind: "lrn", mode: lrn } : { kind: "pass" };
}

const shownAs = (setting: Setting, what: object): Setting =>
  Object.assign(setting, { [fc.toStringMethod]: () => JSON.stringify(what, (_, value) => value?.name ?? value) });

const maybe = <T>(...values: readonly T[]): fc.Arbitrary<T | undefined> => fc.constantFrom(undefined, ...values);
const modes = Object.keys(lrnModes) as LrnMode[];

const named: fc.Arbitrary<Setting> = fc
  .record({
    name: fc.constantFrom(...composites.map((c) => c.name)),
    start: maybe("one" as const),
    lrn: maybe(...modes),
    sum: maybe(...(Object.keys(sumRules) as SumRule[])),
    own: fc.record({ epsilon: maybe(0.01, 0.25), gamma: maybe(0, 2), beta: maybe(0, 0.5), delta: maybe(0.5) }),
  })
  .map(({ name, start, lrn, sum, own }) => {
    const row = composites.find((c) => c.name === name)!;
    const takes = (key: string) => row.parameters.some((p) => p === key) && (key !== "delta" || sum === "clip");
    const numbers: Numbers = Object.fromEntries(Object.entries({ lrn, sum, ...own }).filter(([key]) => takes(key)));
    const setting: Setting = {
      options: {
        composite: name,
        start: start ?? row.start,
        ...numbers,
        ...(takes("low") && { low: LOW, high: HIGH }),
      },
      treatments: (stage, position) =>
        apart[name]
          ? apart[name](stage)
          : ["convolution", "dense"].includes(stage.family)
            ? weighted[name](numbers, stage.family === "convolution", position)
            : LIMIT.includes(name) && (stage.family === "average" || (stage.family === "sum" && !sum))
              ? eps(0)
              : rest(stage, numbers),
    };
    return shownAs(setting, setting.options);
  });

const GRADIENT = "gradient";
const rowsOf = (rows: readonly Row[]) =>
  fc.constantFrom<(Row | typeof GRADIENT)[]>(...rows.filter((r) => !/channel/.test(r.name)), GRADIENT);
const entryOf = (row: Row | typeof GRADIENT) => (row === GRADIENT ? ruleOf.gradient() : row.rule(1));
const meant = (row: Row | typeof GRADIENT): Treatment => (row === GRADIENT ? { kind: "gradient" } : byRow(row));

/** A rule drawn for each kind of layer; those of the first and the last come before those of their type. */
const own: fc.Arbitrary<Setting> = fc
  .record({
    start: maybe("one" as const),
    first: rowsOf(withParameters),
    last: rowsOf(withParameters),
    convolution: rowsOf(withParameters),
    dense: rowsOf(withParameters),
    average: rowsOf(parameterless),
    sum: rowsOf(parameterless),
    activation: fc.constantFrom("pass", GRADIENT),
    normalization: fc.constantFrom("pass", GRADIENT),
    lrn: fc.constantFrom(...modes),
  })
  .map(({ start, first, last, convolution, dense, average, sum, activation, normalization, lrn }) => {
    const composite: Composite = [
      { type: "convolution", position: "first", rule: entryOf(first) },
      { position: "last", type: ["dense", "Conv", "ConvTranspose"], rule: entryOf(last) },
      { type: "convolution", rule: entryOf(convolution) },
      { type: "dense", rule: entryOf(dense) },
      { type: "average", rule: entryOf(average) },
      { type: "sum", rule: entryOf(sum) },
      { type: "activation", rule: ruleOf[activation]() },
      { type: "normalization", rule: ruleOf[normalization]() },
      { rule: ruleOf.lrn(lrn) },
    ];
    const families: Readonly<Record<string, Treatment>> = {
      convolution: meant(convolution),
      dense: meant(dense),
      average: meant(average),
      sum: meant(sum),
      activation: { kind: activation },
      normalization: { kind: normalization },
      lrn: { kind: "lrn", mode: lrn },
    };
    const chosen = [first, last, convolution, dense].map((row) => (row === GRADIENT ? row : row.name));
    const text = {
      start,
      first: chosen[0],
      last: chosen[1],
      convolution: chosen[2],
      dense: chosen[3],
      average,
      sum,
      activation,
      normalization,
      lrn,
    };
    const setting: Setting = {
      options: { composite, start },
      treatments: (stage, position) =>
        stage.family === "convolution" && position.first
          ? meant(first)
          : position.last
            ? meant(last)
            : families[stage.family],
    };
    return shownAs(setting, text);
  });

export const settings: fc.Arbitrary<Setting> = fc.oneof(named, own);
