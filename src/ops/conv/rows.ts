import type { Emitter } from "../../program/emitter.ts";
import type { WeightMap } from "../op.ts";
import { type Convolution, planeOf, weightsOf } from "./geometry.ts";
import { windowSizes } from "./window.ts";

/** What the kernels that go neuron by neuron take. */
export function byRows(e: Emitter, conv: Convolution, map: WeightMap) {
  const { n, c, m, group, h, w } = planeOf(conv, map);
  const [taps, inputs] = [h.kernel * w.kernel, c / group];
  const { name, source, variant, at } = weightsOf(conv, map);
  const weights = e.weight(name, source, `rows ${variant}`, [m * taps * inputs], (to) => {
    for (let o = 0; o < m; o++) {
      for (let i = 0; i < inputs; i++)
        for (let tap = 0; tap < taps; tap++) to[(o * taps + tap) * inputs + i] = at(o, i, tap);
    }
  });
  return {
    weights,
    scratch: e.scratch(`${conv.node}:line`, taps * inputs + 2 * (m / group + 4)),
    ...{ n, h: h.length, w: w.length, c, oh: h.out, ow: w.out, m, ...windowSizes(h, w), group },
  };
}
