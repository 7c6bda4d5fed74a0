import { type Budget, HOST } from "../../base/budget.ts";
import { demand, needsNumbers } from "../../base/complaint.ts";
import { type Constant, numbersFor, shapeText, size } from "../../base/tensor.ts";
import type { Operands } from "../../graph/graph.ts";
import { axisOf, type Op, single } from "../op.ts";
import { composed } from "./compose.ts";
import { hosted } from "./hosted.ts";
import { LOADING, PARTLY, UNKNOWN } from "../says.ts";

/** A constant input by which it is decided how many numbers come out. */
function counted(inputs: Operands, index: number, what: string): Constant {
  const input = inputs[index]!;
  if (input.constant) return input.constant;
  const verb = what.endsWith("s") ? "are" : "is";
  const problem = `how much it selects depends on ${what}, which ${verb} computed from the network's input`;
  throw needsNumbers({ problem }, [input.name]);
}

/** Slices where a condition holds. Source: ONNX Compress-11. */
const compress: Op<{ axis: number | undefined }> = composed<{ axis: number | undefined }>(
  {
    type: "Compress",
    summary: PARTLY,
    takes: "input:any condition:bool",
    attributes(read) {
      const axis = read.int("axis", Number.NaN);
      return { axis: Number.isNaN(axis) ? undefined : axis };
    },
  },
  (c, inputs, { axis }) => {
    const [x] = inputs;
    const { data } = counted(inputs, 1, "its condition");
    const at = axis === undefined ? 0 : axisOf(axis, x.dims.length);
    const length = axis === undefined ? size(x.dims) : x.dims[at];
    demand(data.length <= length, "invalid-model", `a condition of up to ${length} numbers`, `${data.length}`);
    const places = [...data.keys()].filter((i) => data[i] !== 0);
    const from = axis === undefined ? c.reshape(x.name, [length]) : x.name;
    return c.add("Gather", [from, c.ints(places)], { axis: at });
  },
);

interface Distinct {
  readonly axis: number | undefined;
  readonly sorted: boolean;
  readonly found?: readonly Constant[];
}

/** The slices of a tensor along an axis, or its numbers, as lists. */
function slicesOf({ dims, data }: Constant, axis: number | undefined): readonly (readonly number[])[] {
  if (axis === undefined) return Array.from(data, (v) => [v]);
  const [outer, inner] = [size(dims.slice(0, axis)), size(dims.slice(axis + 1))];
  const length = dims[axis];
  return Array.from({ length }, (_, i) =>
    Array.from({ length: outer * inner }, (_, k) => data[(Math.floor(k / inner) * length + i) * inner + (k % inner)]),
  );
}

/** What stands in a tensor more than once, once; where it stands first, and how often. */
function distinct(x: Constant, axis: number | undefined, sorted: boolean): readonly Constant[] {
  const slices = slicesOf(x, axis);
  const order = slices.map((_, i) => i);
  const compare = (i: number, j: number) => {
    const at = slices[i].findIndex((v, k) => v !== slices[j][k]);
    return at < 0 ? i - j : slices[i][at] - slices[j][at];
  };
  const groups: number[][] = [];
  for (const i of order.sort(compare)) {
    const last = groups.at(-1);
    if (last && slices[last[0]].every((v, k) => v === slices[i][k])) last.push(i);
    else groups.push([i]);
  }
  if (!sorted) groups.sort((a, b) => a[0] - b[0]);
  const inverse = new Float64Array(slices.length);
  for (const [k, group] of groups.entries()) for (const i of group) inverse[i] = k;
  const list = (data: Float64Array): Constant => ({ type: "int64", dims: [data.length], data });
  const dims = axis === undefined ? [groups.length] : x.dims.map((d, i) => (i === axis ? groups.length : d));
  const data = numbersFor(x.type, size(dims));
  const inner = axis === undefined ? 1 : size(x.dims.slice(axis + 1));
  for (const [k, [first]] of groups.entries())
    slices[first].forEach((v, i) => {
      data[(Math.floor(i / inner) * groups.length + k) * inner + (i % inner)] = v;
    });
  return [
    { type: x.type, dims, data },
    list(Float64Array.from(groups, ([first]) => first)),
    list(inverse),
    list(Float64Array.from(groups, (group) => group.length)),
  ];
}

/** Each number, or slice, once. Source: ONNX Unique-11. */
const unique: Op<Distinct> = {
  type: "Unique",
  family: "other",
  summary: LOADING,
  takes: "X:any",
  outputs: 4,
  attributes(read) {
    const axis = read.int("axis", Number.NaN);
    return { axis: Number.isNaN(axis) ? undefined : axis, sorted: read.int("sorted", 1) === 1 };
  },
  infer(inputs, a, budget) {
    const x = counted(inputs, 0, "its numbers");
    const axis = a.axis === undefined ? undefined : axisOf(a.axis, x.dims.length);
    const count = size(x.dims);
    budget.take(64 * count, HOST * count * Math.ceil(Math.log2(count + 2)));
    const found = distinct(x, axis, a.sorted);
    return { dims: found.map(({ dims }) => dims), types: found.map(({ type }) => type), attributes: { ...a, found } };
  },
  fold: (_inputs, { found }) => found!,
};

interface Suppression {
  readonly centered: boolean;
  readonly chosen?: Float64Array;
}

/** A box by its corners: the smaller coordinates first. */
type Box = readonly [y0: number, x0: number, y1: number, x1: number];

function boxOf(data: Constant["data"], at: number, centered: boolean): Box {
  const [a, b, c, d] = data.subarray(at, at + 4);
  if (centered) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)];
}

/** How much of two boxes is common to both. */
function overlapOf(a: Box, b: Box): number {
  const area = ([y0, x0, y1, x1]: Box) => (y1 - y0) * (x1 - x0);
  const common =
    Math.max(Math.min(a[2], b[2]) - Math.max(a[0], b[0]), 0) * Math.max(Math.min(a[3], b[3]) - Math.max(a[1], b[1]), 0);
  const union = area(a) + area(b) - common;
  return union > 0 ? common / union : 0;
}

/** Boxes of the best scores, without those that overlap a better one. Source: ONNX NonMaxSuppression-11. */
const nonMaxSuppression: Op<Suppression> = {
  type: "NonMaxSuppression",
  family: "other",
  summary: LOADING,
  takes: "boxes scores max_output_boxes_per_class:int? iou_threshold:float? score_threshold:float?",
  attributes: (read) => ({ centered: read.int("center_point_box", 0) === 1 }),
  infer(inputs, a, budget: Budget) {
    const [boxes, scores] = [counted(inputs, 0, "its boxes"), counted(inputs, 1, "its scores")];
    const [most, threshold, least] = ["a number of boxes", "an iou_threshold", "a score_threshold"].map((what, i) =>
      single(inputs, 2 + i, what),
    );
    const [batch, classes, count] = scores.dims;
    const fits = scores.dims.length === 3 && boxes.dims.join() === [batch, count, 4].join();
    demand(
      fits,
      "shape",
      "boxes [n, boxes, 4] and scores [n, classes, boxes]",
      `${shapeText(boxes.dims, "")} and ${shapeText(scores.dims, "")}`,
    );
    const kept = Math.min(most ?? 0, count);
    budget.take(32 * size(scores.dims), HOST * size(scores.dims) * (kept + Math.ceil(Math.log2(count + 2))));
    const chosen: number[] = [];
    for (let n = 0; n < batch; n++)
      for (let c = 0; c < classes; c++) {
        const own = scores.data.subarray((n * classes + c) * count, (n * classes + c + 1) * count);
        const order = [...own.keys()]
          .filter((i) => least === undefined || own[i] > least)
          .sort((i, j) => own[j] - own[i] || i - j);
        const taken: Box[] = [];
        for (const i of order) {
          if (taken.length >= kept) break;
          const box = boxOf(boxes.data, 4 * (n * count + i), a.centered);
          if (taken.some((other) => overlapOf(box, other) > (threshold ?? 0))) continue;
          taken.push(box);
          chosen.push(n, c, i);
        }
      }
    return {
      dims: [[chosen.length / 3, 3]],
      types: ["int64"],
      attributes: { ...a, chosen: Float64Array.from(chosen) },
    };
  },
  fold: (_inputs, { chosen }, [dims]) => [{ type: "int64", dims, data: chosen! }],
};

interface Hard {
  readonly axis: number;
  /** Before opset 13 the input is flattened to two axes at `axis`. */
  readonly flattened: boolean;
  readonly groups?: readonly [outer: number, length: number, inner: number];
}

/** 1 for the first of the largest along an axis, 0 for all others. Source: ONNX Hardmax-13. */
const hardmax: Op<Hard> = hosted<Hard>({
  type: "Hardmax",
  family: "other",
  summary: UNKNOWN,
  takes: "input",
  attributes: (read) => ({ axis: read.int("axis", read.opset < 13 ? 1 : -1), flattened: read.opset < 13 }),
  infer([x], a) {
    const { dims } = x!;
    const axis = a.flattened && a.axis === dims.length ? a.axis : axisOf(a.axis, dims.length);
    const outer = size(dims.slice(0, axis));
    const groups = a.flattened
      ? ([outer, size(dims.slice(axis)), 1] as const)
      : ([outer, dims[axis], size(dims.slice(axis + 1))] as const);
    return { dims: [dims], attributes: { ...a, groups } };
  },
  run([x], [y], { groups }) {
    const [outer, length, inner] = groups!;
    y.fill(0);
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        const place = (k: number) => (o * length + k) * inner + i;
        let best = 0;
        for (let k = 1; k < length; k++) if (x![place(k)] > x![place(best)]) best = k;
        y[place(best)] = 1;
      }
  },
  way: () => ({ kind: "none", why: "it says which number is the largest, and none has a share in that" }),
  nonnegative: () => true,
});

export const selections = [compress, unique, nonMaxSuppression, hardmax] as const;
