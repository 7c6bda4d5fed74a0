import { LrpError } from "../base/error.ts";
import { type Dims, shapeText, size, type Tensor } from "../base/tensor.ts";
import { layoutOf } from "../base/layout.ts";
import { gradientTimesAttention, type Layers, rollout } from "./attention.ts";
import { checkWhole } from "./check.ts";
import { random } from "./random.ts";
import { type Decided, gradients, type Runs, scores, type Study, weighed } from "./runs.ts";

/** What methods take beside the target. */
export interface MethodParameters {
  /** Of integrated gradients: at how many points of the way the gradient is taken. Default 20. */
  readonly steps?: number;
  /**
   * Of integrated gradients: where the way begins. One number for all (default 0), or a tensor of the input's dims or
   * of one sample's.
   */
  readonly baseline?: number | Tensor;
  /** Of SmoothGrad: how many noisy inputs. Default 20. */
  readonly samples?: number;
  /** Of SmoothGrad: standard deviation, as a share of the sample's largest value less its smallest. Default 0.1. */
  readonly noise?: number;
  /** Of SmoothGrad: from 0 to 2^32 − 1; equal seeds give equal noise. Default 0. */
  readonly seed?: number;
  /**
   * Of occlusion: side of the window along each axis of the places (rows and columns of a picture, the features of a
   * row), or a list for the last of channels and places, [channels, rows, columns].
   */
  readonly window?: number | readonly number[];
  /** Of occlusion: how far windows lie apart; as `window`, which is the default, and not more. */
  readonly strides?: number | readonly number[];
  /** Of occlusion: what is put in place of the input's numbers. Default 0. */
  readonly fill?: number;
  /**
   * Of occlusion: the window alone is kept and the rest is filled; R is the score of what is kept, as zennit has it
   * (but the mean where windows overlap). Default false.
   */
  readonly keep?: boolean;
}

/** One way to attribute a score that takes more than a choice of rules. */
export interface MethodRow {
  readonly name: string;
  readonly equation: string;
  readonly summary: string;
  readonly source: string;
  /** Those that it reads; others are refused. */
  readonly parameters: readonly (keyof MethodParameters)[];
  /** What Σ R says, as in "Σ R … is f(x)"; nothing where it says nothing. */
  readonly sum?: string;
  /** @internal How many runs of the network it takes, and how many with the way back, for a gradient. */
  readonly runs: (parameters: MethodParameters, x: Tensor) => { predictions?: number; gradients?: number };
  /** @internal Fills in `relevance`, which is 0. */
  readonly run?: (study: Study, parameters: MethodParameters, relevance: Float64Array) => Promise<Decided>;
  /** @internal In the place of `run`: the relevance of every token for every token, from the weights of attention. */
  readonly rows?: (layers: Layers) => Float64Array;
}

function usage(option: keyof MethodParameters, expected: string, received: unknown): LrpError {
  return new LrpError("usage", { where: `option '${option}'`, expected, received: String(received) });
}

/** The baseline number by number. */
function baselineOf({ data, dims }: Tensor, baseline: number | Tensor): Float32Array {
  if (typeof baseline === "number" && Number.isFinite(baseline)) return new Float32Array(data.length).fill(baseline);
  const given = baseline as Partial<Tensor> | null;
  const fits = Array.isArray(given?.dims) && [dims, [1, ...dims.slice(1)]].some((d) => d.join() === given.dims!.join());
  const numbers = given?.data;
  if (
    fits &&
    numbers instanceof Float32Array &&
    numbers.length === size(given!.dims!) &&
    numbers.every(Number.isFinite)
  )
    return Float32Array.from(data, (_, i) => numbers[i % numbers.length]);
  throw usage(
    "baseline",
    `a finite number, or a tensor ${shapeText(dims)} of them`,
    given?.dims ? shapeText(given.dims) : baseline,
  );
}

/** How many gradients the methods take that are means of gradients. */
const MANY = 20;

/** Adds what is given to `relevance`. */
const adder = (relevance: Float64Array) => (gradient: Float32Array) => {
  for (let i = 0; i < relevance.length; i++) relevance[i] += gradient[i];
};

function integrated(
  study: Study,
  { steps = MANY, baseline = 0 }: MethodParameters,
  relevance: Float64Array,
): Promise<Decided> {
  const { x } = study;
  checkWhole("option 'steps'", steps, 1);
  const b = baselineOf(x, baseline);
  const runs: Runs = {
    total: steps,
    change(k, to) {
      for (let i = 0; i < to.length; i++) to[i] = b[i] + ((k + 1) / steps) * (x.data[i] - b[i]);
    },
  };
  return scaled(gradients(study, runs, adder(relevance)), relevance, (i) => (x.data[i] - b[i]) / steps);
}

/** Multiplies the relevance when it is there. */
async function scaled(decided: Promise<Decided>, relevance: Float64Array, by: (i: number) => number): Promise<Decided> {
  const found = await decided;
  for (let i = 0; i < relevance.length; i++) relevance[i] *= by(i);
  return found;
}

function smooth(
  study: Study,
  { samples = MANY, noise = 0.1, seed = 0 }: MethodParameters,
  relevance: Float64Array,
): Promise<Decided> {
  const { data } = study.x;
  if (!(Number.isFinite(noise) && noise >= 0)) throw usage("noise", "a number ≥ 0", noise);
  checkWhole("option 'samples'", samples, 1);
  const { normal } = random(seed);
  const layout = layoutOf(study.x);
  const { sample } = layout.tables();
  const ranges = Array.from({ length: layout.samples }, (_, s) => rangeOf(data.filter((_, i) => sample[i] === s)));
  const runs: Runs = {
    total: samples,
    change(_, to) {
      for (let i = 0; i < to.length; i++) to[i] += noise * ranges[sample[i]] * normal();
    },
  };
  return scaled(gradients(study, runs, adder(relevance)), relevance, () => 1 / samples);
}

/** The largest less the smallest. */
function rangeOf(values: Float32Array): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity) - values.reduce((a, b) => Math.min(a, b), Infinity);
}

/**
 * The sides of a window, or how far windows lie apart, along channels and every axis of the places.
 * @param most the largest that each may be
 */
function sides(option: "window" | "strides", given: number | readonly number[] | undefined, most: Dims): number[] {
  const list = typeof given === "number" ? Array<number>(most.length - 1).fill(given) : given;
  const before = most.length - (list?.length ?? 0);
  const fits = Array.isArray(list) && list.length > 0 && before >= 0;
  if (fits && list.every((v, i) => Number.isInteger(v) && v >= 1 && v <= most[before + i]))
    return [...most.slice(0, before), ...list];
  const received = given === undefined ? "none" : JSON.stringify(given);
  throw usage(option, `a whole number, or a list of them for the last axes, from 1 to [${most}]`, received);
}

/** The places within a sample that each window covers; at the end of an axis it may be cut. */
function windowsOf(axes: Dims, window: Dims, strides: Dims): { total: number; places(k: number): Int32Array } {
  const counts = axes.map((length, i) => Math.ceil((length - window[i]) / strides[i]) + 1);
  const places = (k: number) => {
    let [all, rest] = [[0], k];
    let step = 1;
    for (let i = axes.length - 1; i >= 0; i--) {
      const from = (rest % counts[i]) * strides[i];
      rest = Math.floor(rest / counts[i]);
      const along = Array.from({ length: Math.min(window[i], axes[i] - from) }, (_, j) => (from + j) * step);
      all = along.flatMap((at) => all.map((p) => at + p));
      step *= axes[i];
    }
    return Int32Array.from(all);
  };
  return { total: size(counts), places };
}

/** The windows of an input, over all channels unless their sides say otherwise. */
function windowsFor({ window: given, strides }: MethodParameters, x: Tensor): ReturnType<typeof windowsOf> {
  const layout = layoutOf(x);
  const axes = [layout.channels, ...layout.axes];
  const window = sides("window", given, axes);
  return windowsOf(axes, window, strides === undefined ? window : sides("strides", strides, window));
}

async function occlude(study: Study, parameters: MethodParameters, relevance: Float64Array): Promise<Decided> {
  const { data } = study.x;
  const { fill = 0, keep = false } = parameters;
  const { samples, count, positionOf, channels } = layoutOf(study.x);
  const at = (p: number, s: number) => positionOf(Math.floor(p / count), p % count, s);
  if (!Number.isFinite(fill)) throw usage("fill", "a finite number", fill);
  if (typeof keep !== "boolean") throw usage("keep", "true or false", keep);
  const { total, places } = windowsFor(parameters, study.x);
  const change = (k: number, to: Float32Array) => {
    if (keep) to.fill(fill);
    for (const p of places(k)) for (let s = 0; s < samples; s++) to[at(p, s)] = keep ? data[at(p, s)] : fill;
  };
  const covered = new Float64Array(channels * count);
  const decided = await scores(study, { total, change }, (found, k) => {
    for (const p of places(k)) {
      covered[p]++;
      // A network may have one output for all samples.
      for (let s = 0; s < samples; s++) relevance[at(p, s)] += found[s % found.length];
    }
  });
  const clean = weighed(decided.logits.data, decided);
  covered.forEach((times, p) => {
    for (let s = 0; s < samples; s++) {
      const mean = relevance[at(p, s)] / times;
      relevance[at(p, s)] = keep ? mean : clean[s % clean.length] - mean;
    }
  });
  return decided;
}

/** Methods of attention look which tokens change with each channel, row and column, beside the network's own run. */
const lookedAt: MethodRow["runs"] = (_, x) => ({
  gradients: 1,
  predictions: 2 + layoutOf(x).axes.reduce((sum, length) => sum + length, layoutOf(x).channels),
});

/** Every method that is more than a composite. */
export const methods: readonly MethodRow[] = Object.freeze([
  {
    name: "gradientTimesInput",
    equation: "R = x · ∂f/∂x",
    summary: "gives the contribution of x, as in a linear network",
    source: "Shrikumar et al. 2016",
    parameters: [],
    sum: "is f(x) where the network has no biases",
    runs: () => ({ gradients: 1 }),
    run: (study, _, relevance) =>
      scaled(gradients(study, { total: 1, change() {} }, adder(relevance)), relevance, (i) => study.x.data[i]),
  },
  {
    name: "integratedGradients",
    equation: "R = (x − b) · 1/n Σ_k ∂f/∂x at b + k/n (x − b), k = 1..n",
    summary: "takes the mean gradient on the way from a baseline b to x; Σ R nears f(x) − f(b) as n grows",
    source: "Sundararajan et al. 2017",
    parameters: ["steps", "baseline"],
    sum: "nears f(x) − f(b) with more steps",
    runs: ({ steps = MANY }) => ({ gradients: steps }),
    run: integrated,
  },
  {
    name: "smoothGrad",
    equation: "R = 1/n Σ_k ∂f/∂x at x + noise",
    summary: "takes the mean gradient of noisy inputs",
    source: "Smilkov et al. 2017",
    parameters: ["samples", "noise", "seed"],
    runs: ({ samples = MANY }) => ({ gradients: samples }),
    run: smooth,
  },
  {
    name: "occlusion",
    equation: "R = f(x) − f(x with the window filled)",
    summary:
      "gives the score that is lost when a window over all channels is filled; where windows overlap, their mean",
    source: "Zeiler and Fergus 2014",
    parameters: ["window", "strides", "fill", "keep"],
    runs: (parameters, x) => ({ predictions: windowsFor(parameters, x).total }),
    run: occlude,
  },
  {
    name: "attentionRollout",
    equation: "R = Â_L … Â_1, Â = (mean over heads of P + 1) / 2",
    summary:
      "says how attention mixes tokens, whatever the target is; R is the row of the token that the score is read from",
    source: "Abnar and Zuidema 2020",
    parameters: [],
    runs: lookedAt,
    rows: rollout,
  },
  {
    name: "gradientTimesAttention",
    equation: "R = (1 + Ā_L) … (1 + Ā_1), Ā = mean over heads of max(0, P ⊙ ∂f/∂P)",
    summary: "does the same with the attention weights that speak for the target; it is for encoders of self-attention",
    source: "Chefer, Gur and Wolf 2021",
    parameters: [],
    runs: lookedAt,
    rows: gradientTimesAttention,
  },
] satisfies MethodRow[]);
