import { type Issue, LrpError, misuse, shown, usage } from "../base/error.ts";
import { type AttentionMode, attentionModes } from "../ops/attention.ts";
import { type LrnMode, lrnModes } from "../ops/lrn.ts";
import { type ProductMode, productModes } from "../ops/product.ts";
import { type LayerNormMode, layerNormModes } from "../ops/standardize-way.ts";

/** A number for all channels, or one for each. */
export type Bound = number | readonly number[];

/** One parameter: what it may be, what it means, and which rules read it. */
export interface ParameterRow {
  readonly kind: "number" | "bound" | "choice" | "flag";
  readonly summary: string;
  /** The smallest number that it may be; 0 unless given. */
  readonly from?: number;
  readonly choices?: readonly string[];
  /** What it may be, in words, where the kind does not say enough. */
  readonly expected?: string;
  /** Left out: rules that read it want it. */
  readonly default?: number | string | boolean;
  /** Keys of `ruleOf`. Composites that take it have it among their own parameters. */
  readonly rules: readonly string[];
  /** Only rules take it; all others are options of `explain` too. */
  readonly only?: "ruleOf";
  /** It is read only where this parameter has this value. */
  readonly beside?: { readonly name: string; readonly value: string };
  /** A scale to choose it on. `power`: the scale is that of its powers of ten. */
  readonly slider?: {
    readonly label: string;
    readonly from: number;
    readonly to: number;
    readonly step: number;
    readonly power?: true;
  };
}

const BIASED = ["epsilon", "alphaBeta", "beta", "zPlus", "gamma", "wSquare", "zBox", "norm", "ratio"] as const;
const STABILIZED = [...BIASED, "excitation", "flat"] as const;

/**
 * Every parameter of every rule and composite. Types, checks, the command line, the page and the README read this
 * table.
 */
export const parameters = Object.freeze({
  epsilon: {
    kind: "number",
    summary: "ε, which keeps denominators away from 0",
    default: 1e-6,
    rules: STABILIZED,
    slider: { label: "ε stabilizer", from: -9, to: 1, step: 0.5, power: true },
  },
  gamma: {
    kind: "number",
    summary: "γ, the extra weight of what agrees with the output",
    default: 0.25,
    rules: ["gamma"],
    slider: { label: "γ favours agreement", from: 0, to: 2, step: 0.05 },
  },
  alpha: {
    kind: "number",
    summary: "α, the weight of what supports the output; β is α − 1",
    from: 1,
    expected: "a number ≥ 1 (beta = alpha − 1 is not negative)",
    default: 2,
    rules: ["alphaBeta"],
    slider: { label: "α for, α − 1 against", from: 1, to: 4, step: 0.1 },
  },
  beta: {
    kind: "number",
    summary: "β, the weight of what opposes the output; α is 1 + β",
    default: 1,
    rules: ["alphaBeta", "beta"],
    slider: { label: "β against", from: 0, to: 3, step: 0.1 },
  },
  low: { kind: "bound", summary: "the smallest value that an input can have", rules: ["zBox"] },
  high: { kind: "bound", summary: "the largest value that an input can have", rules: ["zBox"] },
  lrn: {
    kind: "choice",
    summary: "how relevance passes through LRN layers",
    choices: Object.keys(lrnModes) as readonly LrnMode[],
    default: "taylor",
    rules: ["lrn"],
  },
  sum: {
    kind: "choice",
    summary: "how relevance passes through Add, Sub and Sum",
    choices: ["norm", "zPlus", "ratio", "clip"],
    default: "norm",
    rules: [],
  },
  product: {
    kind: "choice",
    summary: "how relevance passes products of two computed values, such as gates",
    choices: Object.keys(productModes) as readonly ProductMode[],
    default: "signal",
    rules: ["product"],
  },
  layerNorm: {
    kind: "choice",
    summary: "how relevance passes LayerNormalization and similar layers",
    choices: Object.keys(layerNormModes) as readonly LayerNormMode[],
    default: "identity",
    rules: ["layerNorm"],
  },
  attention: {
    kind: "choice",
    summary: "how relevance passes attention, and any softmax inside the network",
    choices: Object.keys(attentionModes) as readonly AttentionMode[],
    default: "attn",
    rules: ["attention"],
  },
  delta: {
    kind: "number",
    summary: "δ: no share is larger than 1/δ",
    default: 0.1,
    rules: ["clip"],
    beside: { name: "sum", value: "clip" },
    slider: { label: "δ: shares up to 1/δ", from: 0.05, to: 1, step: 0.05 },
  },
  stabilizer: {
    kind: "choice",
    summary: "how ε is used: added to |z|, as a multiple of the rms of z, or as the smallest |z|",
    choices: ["add", "relative", "clip"],
    expected: "add, relative or clip",
    default: "add",
    rules: STABILIZED,
    only: "ruleOf",
  },
  bias: {
    kind: "flag",
    summary: "whether the layer's bias counts in the denominator",
    default: true,
    rules: ["lrp0", ...BIASED, "clip"],
    only: "ruleOf",
  },
} as const satisfies Readonly<Record<string, ParameterRow>>);

type Rows = typeof parameters;
export type ParameterName = keyof Rows;
type ValueOf<Row> = Row extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : Row extends { readonly kind: "number" }
    ? number
    : Row extends { readonly kind: "bound" }
      ? Bound
      : boolean;

/** The rules' parameters, as a caller may change them. */
export type Parameters = {
  readonly [K in ParameterName as Rows[K] extends { readonly only: "ruleOf" } ? never : K]?: ValueOf<Rows[K]>;
};
export type SumRule = NonNullable<Parameters["sum"]>;

/** The rules that have parameters. */
export type Reader = Rows[ParameterName]["rules"][number];
type ReadBy<R> = { [K in ParameterName]: R extends Rows[K]["rules"][number] ? K : never }[ParameterName];
type Defaulted = { [K in ParameterName]: Rows[K] extends { readonly default: unknown } ? K : never }[ParameterName];
/** What a rule of `ruleOf` takes. */
export type Takes<R extends Reader> = { readonly [K in ReadBy<R> & Defaulted]?: ValueOf<Rows[K]> } & {
  readonly [K in Exclude<ReadBy<R>, Defaulted>]: ValueOf<Rows[K]>;
};

const rows: Readonly<Record<string, ParameterRow>> = parameters;
const names = Object.keys(parameters) as ParameterName[];
/** The parameters that are options of `explain`. */
export const optionNames = names.filter((name) => !rows[name].only) as readonly (keyof Parameters)[];

/** Those that a rule of `ruleOf` reads. */
export const parametersOf = (rule: string): ParameterName[] => names.filter((name) => rows[name].rules.includes(rule));

/** Whether float32 can hold it. */
export const isNumber = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(Math.fround(value));

const kinds: Readonly<
  Record<
    ParameterRow["kind"],
    { expected(row: ParameterRow): string; fits(value: unknown, row: ParameterRow): boolean }
  >
> = {
  number: {
    expected: ({ from = 0 }) => `a number ≥ ${from}`,
    fits: (value, { from = 0 }) => isNumber(value) && value >= from,
  },
  bound: {
    expected: () => "a number, or one for each channel",
    fits: (value) => isNumber(value) || (Array.isArray(value) && value.length > 0 && Array.from(value).every(isNumber)),
  },
  choice: {
    expected: ({ choices }) => choices!.join(", "),
    fits: (value, { choices }) => choices!.includes(value as string),
  },
  flag: { expected: () => "true or false", fits: (value) => typeof value === "boolean" },
};

/** What a parameter may be, in words. */
export const expectedOf = (name: ParameterName): string =>
  rows[name].expected ?? kinds[rows[name].kind].expected(rows[name]);
/** Whether a value is one that it may be. */
export const checkedBy =
  (name: ParameterName) =>
  (value: unknown): boolean =>
    kinds[rows[name].kind].fits(value, rows[name]);

const listed = (bound: Bound) => (typeof bound === "number" ? [bound] : bound);

/** What two parameters must be to each other, where both are given. */
const relations: readonly {
  readonly of: readonly [keyof Parameters, keyof Parameters];
  readonly expected: string;
  readonly fix: string;
  holds(given: Parameters): boolean;
}[] = [
  {
    of: ["alpha", "beta"],
    expected: "alpha − beta = 1",
    fix: "Give only one of them; the other follows from it.",
    holds: ({ alpha, beta }) => Math.abs(alpha! - beta! - 1) <= 1e-9,
  },
  {
    of: ["low", "high"],
    expected: "low ≤ high",
    fix: "Exchange them.",
    holds({ low, high }) {
      const [lows, highs] = [listed(low!), listed(high!)];
      return lows.every((l, i) => highs.every((h, j) => (i !== j && lows.length > 1 && highs.length > 1) || l <= h));
    },
  },
];

/** Everything that parameters are and may not be. @param what how messages call them: "option", "parameter" */
export function wrongIn(given: object, what: string): Issue[] {
  const values: Readonly<Record<string, unknown>> = { ...given };
  const known = names.filter((name) => values[name] !== undefined);
  const wrong = known.filter((name) => !checkedBy(name)(values[name]));
  const broken = relations.filter(
    ({ of, holds }) => of.every((name) => known.includes(name) && !wrong.includes(name)) && !holds(values),
  );
  const received = (of: readonly ParameterName[]) => of.map((name) => shown(values[name])).join(" and ");
  return [
    ...wrong.map((name) => ({ where: `${what} '${name}'`, expected: expectedOf(name), received: received([name]) })),
    ...broken.map(({ of, expected, fix }) => ({
      where: `${what} '${of.join("' and '")}'`,
      expected,
      received: received(of),
      fix,
    })),
  ];
}

/** @throws LrpError "usage" with everything that is wrong */
export function checkParameters(given: object, what: string): void {
  const issues = wrongIn(given, what);
  if (issues.length > 0) throw new LrpError("usage", issues);
}

/** @throws LrpError "usage" for one that nothing reads, since another has not the value that it goes with */
export function checkBeside(given: Parameters): void {
  for (const option of optionNames) {
    const { name, value } = rows[option].beside ?? {};
    const other = name && ((given as Readonly<Record<string, unknown>>)[name] ?? rows[name].default);
    if (given[option] === undefined || other === value) continue;
    const [wanted, found] = [value, other].map((v) => ({ text: `${name} ${shown(v)}`, option: name!, value: `${v}` }));
    const problem = `it is read only beside ${wanted.text}, not beside ${found.text}`;
    throw misuse(`option '${option}'`, problem, undefined, [wanted, found]);
  }
}

/** What is missing, in words. */
export const meaning = (missing: readonly ParameterName[]): string =>
  missing.map((name) => `'${name}' is ${rows[name].summary}.`).join(" ");

/** What a rule is to be made with: what was given, and defaults. @throws LrpError "usage" */
export function settings<R extends Reader>(rule: R, given: Takes<R>): Required<Takes<R>> {
  if (typeof given !== "object" || given === null)
    throw usage(`rule ${rule}`, "an object with parameters", shown(given));
  const taken = parametersOf(rule);
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const stray = Object.keys(said).find((name) => !taken.some((t) => t === name));
  if (stray !== undefined)
    throw misuse(`rule ${rule}`, `it has no parameter '${stray}'`, `Its parameters are ${taken.join(", ")}.`);
  checkParameters(said, "parameter");
  const all = { ...Object.fromEntries(taken.map((name) => [name, rows[name].default])), ...said };
  const missing = taken.filter((name) => all[name] === undefined);
  if (missing.length === 0) return all as Required<Takes<R>>;
  throw misuse(`rule ${rule}`, `it needs ${missing.join(" and ")}`, meaning(missing));
}
