import { size } from "../../base/tensor.ts";
import type { Operand } from "../../graph/graph.ts";
import { type Halves, mapOf, type Site, type WeightMap } from "../op.ts";
import type { Axis, WindowAttributes } from "./window.ts";

export interface ConvAttributes {
  readonly window: WindowAttributes;
  readonly group: number;
  readonly volume?: readonly [Axis, Axis, Axis];
}

/**
 * Sizes of one convolution over a plane: the names that kernels and formulas use. One over a volume is one over its
 * slices: every output depth is an image, and the window's taps along the depth are channels.
 */
export interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly m: number;
  readonly group: number;
  readonly d: Axis;
  readonly h: Axis;
  readonly w: Axis;
  readonly depthwise: boolean;
}

const isHalves = (map: WeightMap): map is Halves => typeof map === "object" && "plus" in map;

/** A convolution with all that its kernels need to know. One that is transposed is told by the one it transposes. */
export interface Convolution {
  /** The name of the node. */
  readonly node: string;
  readonly weight: Operand;
  readonly bias?: Operand;
  readonly plane: Geometry;
  /** The same for an input of twice the channels, [x⁺, x⁻]. */
  readonly wide: Geometry;
}

function geometryOf({ group, volume }: ConvAttributes, samples: number, channels: number, m: number): Geometry {
  const [d, h, w] = volume!;
  const c = channels * d.kernel;
  return { n: samples * d.out, c, m, group, d, h, w, depthwise: group === c && m === c && group > 1 };
}

/** @param channels @param m of the input and the output of the convolution */
export function convolutionOf(
  { node: { name }, inputs: [x, weight, bias], attributes }: Site<ConvAttributes>,
  channels: number,
  m: number,
): Convolution {
  const [samples] = x!.dims;
  const [plane, wide] = [channels, 2 * channels].map((c) => geometryOf(attributes, samples, c, m));
  return { node: name, weight: weight!, bias, plane, wide };
}

/** The plane on which a map works. */
export const planeOf = ({ plane, wide }: Convolution, map: WeightMap): Geometry => (isHalves(map) ? wide : plane);

/**
 * The weights under a map: a name for the whole, and the one number between output o and tap of input i of its group.
 */
export function weightsOf({ weight: { name, constant }, plane }: Convolution, map: WeightMap) {
  const [, inputs, ...kernel] = constant!.dims;
  const taps = size(kernel);
  const depth = plane.d.kernel;
  const source = constant!.data as Float32Array;
  const [plus, minus] = isHalves(map) ? [mapOf(map.plus), mapOf(map.minus)] : [mapOf(map), undefined];
  const variant = isHalves(map) ? `${map.plus}|${map.minus}` : `${map}`;
  const half = (o: number, i: number, tap: number) =>
    i < inputs ? plus(source[(o * inputs + i) * taps + tap]) : minus!(source[(o * inputs + i - inputs) * taps + tap]);
  const whole = (o: number, i: number, tap: number) => plus(source[(o * inputs + i) * taps + tap]);
  const at = minus ? half : whole;
  const { d, h, w } = plane;
  const cut = [d, h, w].map(({ trimmed, kernel }) => trimmed ?? { skip: 0, kernel });
  const all = cut.reduce((product, { kernel }) => product * kernel, 1);
  const few = depth * h.kernel * w.kernel < all;
  if (depth === 1 && !few) return { name, source, variant, at };
  const channels = minus ? 2 * inputs : inputs;
  const place = (slice: number, tap: number) => {
    const [z, y, x] = [slice, Math.floor(tap / w.kernel), tap % w.kernel].map((k, axis) => k + cut[axis].skip);
    return (z * cut[1].kernel + y) * cut[2].kernel + x;
  };
  return {
    name,
    source,
    variant: `${variant} of ${depth} slices${few ? ` from ${cut.map(({ skip }) => skip)} by ${h.kernel} x ${w.kernel}` : ""}`,
    at: (o: number, i: number, tap: number) => at(o, i % channels, place(Math.floor(i / channels), tap)),
  };
}
