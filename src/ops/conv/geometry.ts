import type { Operand } from "../../graph/graph.ts";
import type { Halves, Site, WeightMap } from "../op.ts";
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

export const isHalves = (map: WeightMap): map is Halves => typeof map === "object" && "plus" in map;

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
