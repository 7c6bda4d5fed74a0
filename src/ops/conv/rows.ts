import type { Emitter } from "../../program/emitter.ts";
import type { WeightMap } from "../op.ts";
import { type Convolution, planeOf } from "./geometry.ts";
import { forwardWeights } from "./weights.ts";
import { windowSizes } from "./window.ts";

/** What the kernels that go neuron by neuron take. */
export function byRows(e: Emitter, conv: Convolution, map: WeightMap) {
  const { n, c, m, group, h, w } = planeOf(conv, map);
  const [taps, inputs] = [h.kernel * w.kernel, c / group];
  const { name, source, variant, arranged } = forwardWeights(conv, map, m / group);
  const form = { lanes: 1, panel: taps * inputs, tap: inputs, input: 1 };
  const weights = e.weight(name, source, `rows ${variant}`, [m * taps * inputs], arranged(0, group, form));
  return {
    weights,
    scratch: e.scratch(`${conv.node}:line`, taps * inputs + 2 * (m / group + 4)),
    ...{ n, h: h.length, w: w.length, c, oh: h.out, ow: w.out, m, ...windowSizes(h, w), group },
  };
}
