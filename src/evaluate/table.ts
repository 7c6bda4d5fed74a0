import type { Source } from "../read/open.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Attributed } from "./attribution.ts";
import { mean } from "./bootstrap.ts";
import { complexity } from "./complexity.ts";
import { conservation } from "./conservation.ts";
import { type Mask, massAccuracy, pointing, positiveMass, rankAccuracy } from "./localisation.ts";
import type { Order } from "./order.ts";
import { aopc, areaUnder, relevanceGain } from "./curve.ts";
import type { Curve } from "./perturbation.ts";
import type { Predictor } from "./predictor.ts";
import type { NetworkExplainer, RandomisationStep } from "./randomisation.ts";
import type { Explainer, Sensitivity } from "./sensitivity.ts";

/** What is measured, and by what: as much of it as the metrics need. */
export interface Subject {
  /** Of what `explain` returns, curves know whether it is of the target that they follow. */
  readonly relevance: Attributed;
  readonly input?: Tensor;
  readonly model?: Predictor;
  readonly mask?: Mask;
  /** What relevance should sum to; `startOf(explanation)`. */
  readonly expected?: number;
  /** Explains an input as `relevance` was made. */
  readonly explainer?: Explainer;
  /** What the model was loaded from, and how networks made from it are explained. */
  readonly network?: { readonly source: Source; readonly explain: NetworkExplainer };
  /** How long the attribution took. */
  readonly milliseconds?: number;
}

type Need = Exclude<keyof Subject, "relevance">;

/** @internal Runs that several metrics share: each is made when it is first asked for. */
export interface Runs {
  readonly subject: Required<Subject>;
  curve(order: Order): Promise<Curve>;
  nearby(): Promise<Sensitivity>;
  steps(): Promise<readonly RandomisationStep[]>;
}

export interface MetricRow {
  readonly name: string;
  readonly summary: string;
  readonly source: string;
  readonly range: string;
  /** Which is better; "neither": for comparison. */
  readonly better: "higher" | "lower" | "neither";
  /** What of a subject it takes, beside the attribution. */
  readonly needs: readonly Need[];
}

/** @internal */
export type Row = MetricRow & {
  /** The curves that it follows. */
  readonly curves?: readonly Order[];
  readonly value: (runs: Runs) => number | Promise<number>;
};

const BACH = "Bach et al. 2015";
const SCORES: Pick<Row, "range" | "needs"> = { range: "the range of the score", needs: ["model", "input"] };
const SHARES: Pick<Row, "range" | "better" | "needs"> = { range: "0 to 1", better: "higher", needs: ["mask"] };
const NEARBY: Pick<Row, "range" | "better" | "needs"> = {
  range: "0 and up",
  better: "lower",
  needs: ["explainer", "input"],
};

const area = (name: string, order: Order, summary: string, source: string, better: Row["better"]): Row => ({
  ...SCORES,
  name,
  summary: `the area under the curve of the score while pixels are replaced, ${summary}`,
  source,
  better,
  curves: [order],
  value: async (runs) => areaUnder(await runs.curve(order)),
});

/** @internal Every metric, and how it is taken. */
export const rows: readonly Row[] = [
  {
    name: "conservation",
    summary: "how far the sum of the relevance is from what it should be: |Σ R − expected| / |expected|",
    source: `${BACH}, eq. 2; as completeness in Sundararajan et al. 2017`,
    range: "0 and up",
    better: "lower",
    needs: ["expected"],
    value: ({ subject }) => Math.abs(conservation(subject.relevance, subject.expected).relative),
  },
  area("morf", "morf", "the most relevant first", `${BACH}; Samek et al. 2017`, "lower"),
  area("lerf", "lerf", "the least relevant first", "Samek et al. 2017", "higher"),
  area("minAbs", "minAbs", "those with the smallest |R| first", "Binder et al. 2016", "higher"),
  area("random", "random", "in random order", "Binder et al. 2016", "neither"),
  {
    ...SCORES,
    name: "relevanceGain",
    summary: "lerf − morf, the symmetric relevance gain (SRG)",
    source: "Blücher et al. 2024",
    better: "higher",
    curves: ["lerf", "morf"],
    value: async (runs) => relevanceGain(await runs.curve("lerf"), await runs.curve("morf")),
  },
  {
    ...SCORES,
    name: "aopc",
    summary: "the mean fall of the score while pixels are replaced, the most relevant first",
    source: "Samek et al. 2017",
    better: "higher",
    curves: ["morf"],
    value: async (runs) => aopc(await runs.curve("morf")),
  },
  {
    ...SHARES,
    name: "massAccuracy",
    summary: "the share of the relevance that lies inside the mask: Σ R inside / Σ R, for maps without negative R",
    source: "Arras et al. 2022",
    value: ({ subject }) => massAccuracy(subject.relevance, subject.mask),
  },
  {
    ...SHARES,
    name: "positiveMass",
    summary: "the share of the positive relevance that lies inside the mask: Σ R⁺ inside / Σ R⁺",
    source: "Kohlbrenner et al. 2020",
    value: ({ subject }) => positiveMass(subject.relevance, subject.mask),
  },
  {
    ...SHARES,
    name: "rankAccuracy",
    summary:
      "the share that lies inside the mask, of as many most relevant places as the mask has; ties count by their mean",
    source: "Arras et al. 2022",
    value: ({ subject }) => rankAccuracy(subject.relevance, subject.mask),
  },
  {
    ...SHARES,
    name: "pointing",
    summary: "1 if the most relevant place lies inside the mask, and 0 if not; ties count by their mean",
    source: "Zhang et al. 2016, without tolerance",
    value: ({ subject }) => pointing(subject.relevance, subject.mask),
  },
  {
    name: "gini",
    summary: "the Gini index of |R|",
    source: "Chalasani et al. 2020",
    range: "0 to 1",
    better: "higher",
    needs: [],
    value: ({ subject }) => complexity(subject.relevance).gini,
  },
  {
    name: "entropy",
    summary: "the entropy of |R| / Σ |R|, in nats",
    source: "Bhatt et al. 2020",
    range: "0 to ln N",
    better: "lower",
    needs: [],
    value: ({ subject }) => complexity(subject.relevance).entropy,
  },
  {
    name: "effective",
    summary: "the number of places with |R| above a thousandth of the largest",
    source: "Quantus",
    range: "1 to N",
    better: "lower",
    needs: [],
    value: ({ subject }) => complexity(subject.relevance).effective,
  },
  {
    ...NEARBY,
    name: "maxSensitivity",
    summary: "how much the relevance changes at most for inputs nearby: max ‖R(x + d) − R(x)‖ / ‖R(x)‖",
    source: "Yeh et al. 2019, but divided by ‖R(x)‖ as in captum",
    value: async (runs) => (await runs.nearby()).maxSensitivity,
  },
  {
    ...NEARBY,
    name: "localLipschitz",
    summary: "the same, as a multiple of the change of the input: max ‖R(x + d) − R(x)‖ / ‖d‖",
    source: "Alvarez-Melis and Jaakkola 2018",
    value: async (runs) => (await runs.nearby()).localLipschitz,
  },
  {
    name: "parameterRandomisation",
    summary:
      "how similar the relevance stays, by Spearman's |ρ|, when layers are randomised from the output to the input; the mean over layers and draws",
    source: "Adebayo et al. 2018, with permuted parameters",
    range: "0 to 1",
    better: "lower",
    needs: ["network"],
    value: async (runs) => mean((await runs.steps()).map((step) => step.spearman)),
  },
  {
    name: "time",
    summary: "how many milliseconds the attribution takes, once the network is planned",
    source: "the clock of the machine",
    range: "0 and up",
    better: "lower",
    needs: ["milliseconds"],
    value: ({ subject }) => subject.milliseconds,
  },
];

/** Every metric that is one number for one attribution. */
export const metrics: readonly MetricRow[] = rows;
