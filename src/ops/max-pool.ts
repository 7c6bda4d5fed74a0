import { LrpError } from "../base/error.ts";
import { whereIs } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Dims, LARGEST_INTEGER, size, strides, type Wide } from "../base/tensor.ts";
import { maximum, type Numbers, overWindows, routeCells, winner } from "./cells.ts";
import type { Op, Site, Way } from "./op.ts";
import { MOST_OVERLAP, overlap, planeOf, readWindow } from "./conv/window.ts";
import { folding, hostWork, infer, kernelWork, lowered, type PoolAttributes, sizes, walkOf } from "./windows.ts";

/** A flat index, row-major, as one whose last axis goes furthest; n and c keep their places. */
function columnMajor(index: number, spatial: Dims): number {
  const plane = size(spatial);
  let [rest, at] = [index % plane, index - (index % plane)];
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    at += (rest % spatial[axis]) * size(spatial.slice(0, axis));
    rest = Math.floor(rest / spatial[axis]);
  }
  return at;
}

/** Where in the whole of x, row-major, each maximum stands. */
function locate(a: PoolAttributes, dims: Dims, yDims: Dims, x: Numbers, best: Numbers, to: Numbers): void {
  const spatial = dims.slice(2);
  overWindows(
    a.axes!,
    dims,
    strides(dims),
    strides(yDims),
  )((k, base, taps) => {
    const at = winner(x, best[k], base, taps);
    to[k] = a.columnMajor ? columnMajor(at, spatial) : at;
  });
}

function indices(e: Emitter, { node, inputs, attributes }: Site<PoolAttributes>, x: Value, y: Value): Value {
  const { dims } = inputs[0]!;
  if (size(dims) > LARGEST_INTEGER)
    throw new LrpError("unsupported", {
      where: whereIs(node),
      expected: `at most ${LARGEST_INTEGER} numbers to index`,
      received: `${size(dims)}`,
    });
  const out = e.temp(node.outputs[1], y.dims);
  const args = [e.as(x, "first"), e.as(y, "first"), out];
  e.host(
    node.type,
    args,
    (from, best, to) => locate(attributes, dims, y.dims, from, best, to),
    hostWork(y, attributes),
  );
  return out;
}

function maximumWay(site: Site<PoolAttributes>): Way {
  const { node, outputs, attributes } = site;
  const plane = planeOf(attributes.axes!);
  const window = plane && sizes(site, plane);
  // The kernel adds up in single precision what overlapping windows give.
  const back = plane && overlap(plane) <= MOST_OVERLAP ? window : undefined;
  const largest = (e: Emitter, x: Value): Value => {
    if (!window) return lowered(e, site, x, maximum);
    const y = e.temp(outputs[0].name, outputs[0].dims, "last");
    e.emit("maxPoolForward", { x: e.as(x, "last"), y, ...window }, kernelWork(y, attributes));
    return y;
  };
  return {
    kind: "route",
    run(e, at) {
      const y = largest(e, at.x(0));
      return node.outputs[1] ? [y, indices(e, site, at.x(0), y)] : [y];
    },
    vjp(e, at, r) {
      const [x, y] = [window ? e.as(at.x(0), "last") : at.x(0), at.y(0)];
      const out = e.temp(`${node.name}:vjp`, x.dims, x.layout);
      const received = e.as(r, y.layout);
      if (back)
        e.emit("maxPoolVjp", { x, y, r: received, out, ...back, from: 0, rows: back.h }, kernelWork(y, attributes));
      else {
        const walk = walkOf(attributes, x, y);
        e.host(
          node.type,
          [x, y, received, out],
          (from, best, rs, to) => routeCells(walk, from, best, rs, to),
          hostWork(y, attributes),
        );
      }
      return [out];
    },
  };
}

export const maxShared = {
  family: "route",
  summary: "It goes to the first maximum of each window.",
  fold: folding(() => maximum),
  node: maximumWay,
  nonnegative: ([x]) => x,
} satisfies Partial<Op<PoolAttributes>>;

/**
 * Maximum over windows, and on demand where it stands; relevance goes to the first maximum in row-major order.
 * Source: ONNX MaxPool-12.
 */
export const maxPool: Op<PoolAttributes> = {
  ...maxShared,
  type: "MaxPool",
  takes: "X:number",
  anyType: true,
  outputs: 2,
  attributes: (read) => ({
    window: readWindow(read),
    countPads: false,
    columnMajor: read.int("storage_order", 0) === 1,
  }),
  infer(inputs, a, budget) {
    const { dims, ...more } = infer(inputs, a, budget);
    return { ...more, dims: [dims[0], dims[0]], types: [inputs[0]!.type, "int64"] };
  },
  fold([x], a, [dims]) {
    const [y] = maxShared.fold([x], a, [dims]);
    const data = new Float64Array(size(dims));
    locate(a, x!.dims, dims, x!.data, y.data as Wide["data"], data);
    return [y, { type: "int64", dims, data }];
  },
};
