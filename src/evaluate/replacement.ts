import { usage } from "../base/error.ts";
import type { Layout } from "../base/layout.ts";
import { sum } from "./attribution.ts";
import { checkAbove, checkNames, chosen } from "./check.ts";
import { type Image, imputeLinear, meanOf } from "./impute.ts";
import { random } from "./random.ts";

/** A number for all channels, or one for each. */
export type PerChannel = number | readonly number[];

/** What pixels (all channels of them) are replaced by. */
export type Replacement =
  | { readonly kind: "value"; readonly value: PerChannel }
  /** The mean of each channel of the input. */
  | { readonly kind: "mean" }
  /**
   * Uniform noise from `low` to `high` (default: the input's smallest and largest number, of all channels), drawn once
   * from the seed.
   */
  | { readonly kind: "noise"; readonly low?: PerChannel; readonly high?: PerChannel }
  /** The input blurred by a Gaussian of `sigma` pixels, cut off at 3 sigma and at the edges. */
  | { readonly kind: "blur"; readonly sigma: number }
  /**
   * ROAD: the weighted mean of the pixels around, plus Gaussian noise of `noise` (default 0.01) standard deviations of
   * the input.
   */
  | { readonly kind: "linear"; readonly noise?: number };

/** The numbers that stand at removed places (others are not looked at). `removed` has 1 for every removed place. */
export type Fill = (removed: Uint8Array) => Float32Array;

interface Canvas {
  readonly data: Float32Array;
  readonly layout: Layout;
  readonly seed: number;
}

const WHERE = "option 'replacement'";

function imageOf(kind: string, { data, layout }: Canvas): Image {
  const { places } = layout;
  if (places.length !== 2)
    throw usage(WHERE, `an image of dims [1, c, h, w], since '${kind}' needs its neighbourhoods`, `places [${places}]`);
  return { data, layout };
}

/** The same numbers whatever is removed. @param make one of them, of a channel */
const everywhere = ({ data, layout }: Canvas, make: (channel: number) => number): Fill => {
  const { channel } = layout.tables();
  const filled = Float32Array.from(data, (_, i) => make(channel[i]));
  return () => filled;
};

/** Weighted means along rows of numbers that stand `stride` apart. */
function blurAxis(data: Float64Array, length: number, stride: number, weights: readonly number[]): Float64Array {
  return data.map((_, i) => {
    const at = Math.floor(i / stride) % length;
    let [total, weight] = [0, 0];
    for (let d = -Math.min(at, weights.length - 1); d < weights.length && at + d < length; d++) {
      const w = weights[Math.abs(d)];
      total += w * data[i + d * stride];
      weight += w;
    }
    return total / weight;
  });
}

function blurred({ data, layout }: Image, sigma: number): Float64Array {
  checkAbove(`${WHERE}: sigma`, sigma, 0);
  const [height, width] = layout.places;
  const step = layout.count > 1 ? layout.positionOf(0, 1) : 1;
  const weights = Array.from({ length: Math.ceil(3 * sigma) + 1 }, (_, d) => Math.exp(-(d * d) / (2 * sigma * sigma)));
  return blurAxis(blurAxis(Float64Array.from(data), width, step, weights), height, width * step, weights);
}

/** A number for each channel. */
function channelsOf(where: string, given: PerChannel, { layout: { channels } }: Canvas): readonly number[] {
  const list = typeof given === "number" ? new Array<number>(channels).fill(given) : Array.from(given ?? []);
  if (list.length === channels && list.every(Number.isFinite)) return list;
  throw usage(`${WHERE}: ${where}`, `a finite number, or ${channels} of them`, given);
}

const least = (data: Float32Array) => data.reduce((a, b) => Math.min(a, b), Infinity);

function deviationOf(data: Float32Array): number {
  const mean = sum(data) / data.length;
  return Math.sqrt(data.reduce((s, v) => s + (v - mean) ** 2, 0) / data.length);
}

type Kind = Replacement["kind"];
type Of<K extends Kind> = Extract<Replacement, { kind: K }>;

/** How each kind fills. */
const makers: {
  readonly [K in Kind]: { readonly options: readonly string[]; make(given: Of<K>, canvas: Canvas): Fill };
} = {
  value: {
    options: ["value"],
    make({ value }, canvas) {
      const list = channelsOf("value", value, canvas);
      return everywhere(canvas, (c) => list[c]);
    },
  },
  mean: {
    options: [],
    make(_, canvas) {
      const means = Array.from({ length: canvas.layout.channels }, (_, c) => meanOf(canvas, c));
      return everywhere(canvas, (c) => means[c]);
    },
  },
  noise: {
    options: ["low", "high"],
    make(given, canvas) {
      const { low: from = least(canvas.data), high: to = -least(canvas.data.map((v) => -v)) } = given;
      const [low, high] = [channelsOf("low", from, canvas), channelsOf("high", to, canvas)];
      const c = low.findIndex((v, i) => v > high[i]);
      if (c >= 0) throw usage(WHERE, "a low that is not above high", `${low[c]} and ${high[c]} in channel ${c}`);
      const { uniform } = random(canvas.seed);
      return everywhere(canvas, (c) => low[c] + uniform() * (high[c] - low[c]));
    },
  },
  blur: {
    options: ["sigma"],
    make({ sigma }, canvas) {
      const filled = blurred(imageOf("blur", canvas), sigma);
      const values = Float32Array.from(filled);
      return () => values;
    },
  },
  linear: {
    options: ["noise"],
    make({ noise = 0.01 }, canvas) {
      if (noise !== 0) checkAbove(`${WHERE}: noise`, noise, 0);
      const image = imageOf("linear", canvas);
      const { normal } = random(canvas.seed);
      const scale = noise * deviationOf(canvas.data);
      const added = Float64Array.from(canvas.data, () => scale * normal());
      return (removed) => imputeLinear(image, removed).map((v, i) => v + added[i]);
    },
  },
};

/**
 * @internal Makes what fills removed places of one input. @throws LrpError "usage" for what `replacement` may not be
 */
export function fillOf(replacement: Replacement, data: Float32Array, layout: Layout, seed: number): Fill {
  const maker = chosen(WHERE, makers, replacement?.kind);
  checkNames(WHERE, replacement, ["kind", ...maker.options]);
  const canvas: Canvas = { data, layout, seed };
  return (maker.make as (given: Replacement, canvas: Canvas) => Fill)(replacement, canvas);
}
