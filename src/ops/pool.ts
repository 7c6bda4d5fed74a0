import type { Budget } from "../base/budget.ts";
import type { Operands } from "../graph/graph.ts";
import { mean, spreadCells } from "./cells.ts";
import { type Linear, type Op, PLAIN, type Site, type Way } from "./op.ts";
import { planeOf, readWindow, type WindowAttributes } from "./conv/window.ts";
import { maxShared } from "./max-pool.ts";
import {
  folding,
  hostWork,
  infer,
  kernelWork,
  lowered,
  type Plane,
  type PoolAttributes,
  reachesInput,
  sizes,
  walkOf,
} from "./windows.ts";
import { POSITIVE } from "./says.ts";

/** How much padding the divisor counts on each side. */
function counted({ countPads }: PoolAttributes, [h, w]: Plane) {
  const [top, bottom, left, right] = countPads ? [h.before, h.after, w.before, w.after] : [0, 0, 0, 0];
  return { countTop: top, countBottom: bottom, countLeft: left, countRight: right };
}

function averageWay(site: Site<PoolAttributes>): Way {
  const { node, inputs, outputs, attributes } = site;
  const { dims } = inputs[0]!;
  // Kernels have no windows of padding alone.
  const plane = attributes.axes!.every(reachesInput) ? planeOf(attributes.axes!) : undefined;
  const window = plane && { ...sizes(site, plane), ...counted(attributes, plane) };
  const linear: Linear = {
    kind: "linear",
    layout: "last",
    data: [0],
    z(e, [x]) {
      if (!window) return lowered(e, site, x, mean);
      const y = e.temp(outputs[0].name, outputs[0].dims, "last");
      e.emit("averagePoolForward", { x, y, ...window }, kernelWork(y, attributes));
      return y;
    },
    vjp(e, s) {
      const out = e.temp(`${node.name}:vjp`, dims, "last");
      if (window) {
        const scratch = e.scratch(`${node.name}:shares`, 2 * (window.oh + window.ow));
        e.emit("averagePoolVjp", { s, scratch, out, ...window, from: 0, rows: window.h }, kernelWork(s, attributes));
      } else {
        const walk = walkOf(attributes, out, s);
        const run = (from: Float32Array, to: Float32Array) => spreadCells(walk, (count) => 1 / count, from, to);
        e.host(node.type, [s, out], run, hostWork(s, attributes));
      }
      return [out];
    },
    signs: [1],
  };
  return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(0), "last")], PLAIN, undefined, "exact")] };
}

const averageShared = {
  family: "average",
  summary: POSITIVE,
  // Also needed where a normalization is spelled out with it: the canonizer evaluates that part to recognise it.
  fold: folding(() => mean),
  node: averageWay,
  nonnegative: ([x]) => x,
} satisfies Partial<Op<PoolAttributes>>;

/** Mean over windows. Source: ONNX AveragePool-19. */
export const averagePool: Op<PoolAttributes> = {
  ...averageShared,
  type: "AveragePool",
  attributes(read) {
    const countPads = read.int("count_include_pad", 0) === 1;
    return { window: readWindow(read), countPads, ofNothing: countPads };
  },
  infer,
};

const WHOLE: WindowAttributes = {
  kernel: undefined,
  strides: undefined,
  dilations: undefined,
  pads: undefined,
  autoPad: "NOTSET",
  ceil: false,
};

/** One window over all positions. */
export const global = {
  attributes: (): PoolAttributes => ({ window: WHOLE, countPads: false }),
  infer: <A extends PoolAttributes>([x]: Operands, a: A, budget: Budget) =>
    infer([x], { ...a, window: { ...WHOLE, kernel: x?.dims.slice(2) } }, budget),
};

/** Mean over all positions. Source: ONNX GlobalAveragePool-1. */
export const globalAveragePool: Op<PoolAttributes> = { ...averageShared, ...global, type: "GlobalAveragePool" };

/** Maximum over all positions. Source: ONNX GlobalMaxPool-1. */
export const globalMaxPool: Op<PoolAttributes> = { ...maxShared, ...global, type: "GlobalMaxPool" };
