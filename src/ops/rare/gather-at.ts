import { demand } from "../../base/complaint.ts";
import type { Operands } from "../../graph/graph.ts";
import { along } from "../../base/loops.ts";
import { type Dims, normalizeAxis, shapeText, size, strides, widened } from "../../base/tensor.ts";
import type { Numbers } from "../cells.ts";
import { type Columns, columnsOf } from "./choose.ts";
import { hosted, type Kind } from "./hosted.ts";
import { axisOf, type Op } from "../op.ts";
import { REPEATED } from "../says.ts";

/** How indices choose numbers of the data, or runs of them. */
interface Choice {
  /** The attribute that says where: the axis, or how many axes the batch has. */
  readonly attribute: "axis" | "batch_dims";
  /** Dims of what is chosen. */
  chosen(data: Dims, indices: Dims, at: number): Dims;
  /** Where each run of it begins in the data. */
  starts(data: Dims, dims: Dims, indices: Numbers, at: number): Int32Array;
}

interface At {
  /** The attribute of the choice. */
  readonly at: number;
  readonly reduction: string;
  /** Where each number that is chosen lies in the data. */
  readonly places?: (indices: Numbers) => Int32Array;
  /** The indices, where they are known. */
  readonly known?: Numbers;
}

/** An index from the end, too. */
function placed(index: number, length: number): number {
  const place = normalizeAxis(index, length);
  demand(place !== undefined, "invalid-model", `indices from ${-length} to ${length - 1}`, `${index}`);
  return place;
}

/** data[…, indices[…, i, …], …] along one axis. */
const elements: Choice = {
  attribute: "axis",
  chosen(data, indices, at) {
    const axis = axisOf(at, data.length);
    const fits = indices.length === data.length && indices.every((d, i) => i === axis || d <= data[i]);
    demand(fits, "shape", `indices that fit ${shapeText(data, "")}`, shapeText(indices, ""));
    return indices;
  },
  starts(data, dims, indices, at) {
    const axis = axisOf(at, data.length);
    const steps = strides(data);
    const others = steps.map((step, k) => (k === axis ? 0 : step));
    return along([...dims.keys()], dims, others).map((from, i) => from + steps[axis] * placed(indices[i], data[axis]));
  },
};

/** data[batch…, indices[batch…, k…, :], …]. */
const tuples: Choice = {
  attribute: "batch_dims",
  chosen(data, indices, batch) {
    const length = indices.at(-1) ?? 0;
    const fits =
      batch >= 0 &&
      batch < indices.length &&
      length >= 1 &&
      batch + length <= data.length &&
      data.slice(0, batch).join() === indices.slice(0, batch).join();
    demand(fits, "shape", `indices that fit ${shapeText(data, "")} with batch_dims ${batch}`, shapeText(indices, ""));
    return [...indices.slice(0, -1), ...data.slice(batch + length)];
  },
  starts(data, dims, indices, batch) {
    const steps = strides(data);
    const [length, count] = [dims.at(-1)!, size(dims.slice(0, -1))];
    const each = count / size(dims.slice(0, batch));
    const inBatch = size(data.slice(batch));
    const place = (t: number, k: number) => steps[batch + k] * placed(indices[t * length + k], data[batch + k]);
    return new Int32Array(count).map((_, t) =>
      Array.from({ length }, (_, k) => place(t, k)).reduce((a, b) => a + b, Math.floor(t / each) * inBatch),
    );
  },
};

/** What is the same of all of these rows. @param shaped dims of the output, by those of what is chosen */
function choosing({ chosen, starts }: Choice, shaped: (dims: Dims, inputs: Operands) => Dims) {
  return {
    anyType: true,
    infer(inputs: Operands, a: At) {
      const [data, indices] = [inputs[0]!.dims, inputs[1]!.dims];
      const dims = chosen(data, indices, a.at);
      const places = (numbers: Numbers) => {
        const from = starts(data, indices, numbers, a.at);
        const inner = size(dims) / from.length;
        return new Int32Array(size(dims)).map((_, k) => from[Math.floor(k / inner)] + (k % inner));
      };
      const known = inputs[1]!.constant && widened(inputs[1]!.constant).data;
      // What does not fit is said on loading.
      if (known) places(known);
      return { dims: [shaped(dims, inputs)], attributes: { ...a, places, known } };
    },
  } as const;
}

/** Chooses numbers of the data, or runs of them, each by indices of its own, known or computed. */
const gathering = (type: string, choice: Choice): Op<At> =>
  hosted<At>({
    type,
    family: "route",
    summary: REPEATED,
    takes: "data:any indices:int",
    attributes: (read) => ({ at: read.int(choice.attribute, 0), reduction: "" }),
    ...choosing(choice, (dims) => dims),
    run([x, indices], [y], { places }) {
      for (const [k, from] of places!(indices!).entries()) y[k] = x![from];
    },
    back(r, [to], [, indices], { places }) {
      for (const [k, from] of places!(indices!).entries()) to![from] += r[k];
    },
    way: () => ({ kind: "route", steers: [1] }),
    nonnegative: ([x]) => x,
  });

const reductions: Readonly<Record<string, (a: number, b: number) => number>> = {
  none: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
};

/** Which update each number of the output is; −1: the number that was there. */
function owners(x: Numbers, updates: Numbers, places: Int32Array, reduction: string): Int32Array {
  const [best, owner] = [x.slice(), new Int32Array(x.length).fill(-1)];
  for (const [k, place] of places.entries()) {
    const y = reductions[reduction](best[place], updates[k]);
    if (reduction === "none" || y !== best[place]) owner[place] = k;
    best[place] = y;
  }
  return owner;
}

/** Π of all factors of a number but one. */
function othersOf(x: Numbers, updates: Numbers, places: Int32Array): (place: number, but: number) => number {
  const at = new Map<number, number[]>();
  for (const [k, place] of places.entries()) {
    const list = at.get(place);
    if (list) list.push(k);
    else at.set(place, [k]);
  }
  return (place, but) =>
    (at.get(place) ?? []).reduce((product, k) => (k === but ? product : product * updates[k]), but < 0 ? 1 : x[place]);
}

function wayOf({ reduction, known }: At): Kind {
  if (reduction === "mul") return { kind: "none", why: "a product of activations" };
  if (reduction !== "add") return { kind: "route", steers: [1] };
  return known
    ? { kind: "linear", data: [0, 2] }
    : { kind: "none", why: "sums whose terms are chosen by computed indices" };
}

/** What relevance does where updates are put into what was there. */
const PUT = "It goes to the update that stands there, or else to the number that stood there before.";

/** Puts updates into the data, each by indices of its own, or adds them to what is there. */
const scattering = (type: string, choice: Choice): Op<At> =>
  hosted<At>({
    type,
    family: "sum",
    summary: `${PUT} Where updates are added, the rule norm or any other linear rule shares it.`,
    takes: "data:any indices:int updates:any",
    attributes(read) {
      const reduction = read.string("reduction", "none");
      const names = Object.keys(reductions);
      demand(names.includes(reduction), "invalid-model", `a reduction ${names.join(", ")}`, reduction);
      return { at: choice.attribute === "axis" ? read.int("axis", 0) : 0, reduction };
    },
    ...choosing(choice, (dims, [data, , updates]) => {
      const fits = updates!.dims.join() === dims.join();
      demand(fits, "shape", `updates ${shapeText(dims, "")}`, shapeText(updates!.dims, ""));
      return data!.dims;
    }),
    run([x, indices, updates], [y], { places, known, reduction }) {
      y.set(x!);
      const reduce = reductions[reduction];
      for (const [k, at] of places!(known ?? indices!).entries()) y[at] = reduce(y[at], updates![k]);
    },
    back(r, [toData, , toUpdates], [x, indices, updates], { places, known, reduction }) {
      const at = places!(known ?? indices!);
      if (reduction === "add" || reduction === "mul") {
        const others = reduction === "mul" ? othersOf(x!, updates!, at) : () => 1;
        if (toData) for (const i of toData.keys()) toData[i] += r[i] * others(i, -1);
        if (toUpdates) for (const [k, i] of at.entries()) toUpdates[k] += r[i] * others(i, k);
        return;
      }
      for (const [i, k] of owners(x!, updates!, at, reduction).entries()) {
        const [to, place] = k < 0 ? [toData, i] : [toUpdates, k];
        if (to) to[place] += r[i];
      }
    },
    way: wayOf,
    nonnegative: ([x, , updates]) => x && updates,
  });

interface Cache {
  readonly axis: number;
  readonly circular: boolean;
  readonly samples?: number;
  /** The cache along the axis, and how much of that is written. */
  readonly columns?: Columns;
  readonly count?: number;
}

/** Visits each number that is written: where it lies in the update, and where in the cache. */
function eachWritten(
  { circular, samples, columns, count }: Cache,
  indices: Numbers | undefined,
  visit: (from: number, to: number) => void,
): void {
  const { outer, length, inner } = columns!;
  for (let o = 0; o < outer; o++) {
    const start = indices?.[Math.floor((o * samples!) / outer)] ?? 0;
    const most = circular ? Number.MAX_SAFE_INTEGER : length - count!;
    const fits = start >= (circular ? -most : 0) && start <= most;
    demand(fits, "invalid-model", `write_indices from ${circular ? -most : 0} to ${most}`, `${start}`);
    for (let k = 0; k < count!; k++) {
      const at = (((start + k) % length) + length) % length;
      for (let i = 0; i < inner; i++) visit((o * count! + k) * inner + i, (o * length + at) * inner + i);
    }
  }
}

/** A cache whose numbers, from an index of each sample on, become those of an update. Source: ONNX TensorScatter-24. */
const tensorScatter: Op<Cache> = hosted<Cache>({
  type: "TensorScatter",
  family: "route",
  summary: PUT,
  takes: { 24: "past_cache:any update:any write_indices:int?" },
  anyType: true,
  attributes(read) {
    const mode = read.string("mode", "linear");
    demand(mode === "linear" || mode === "circular", "invalid-model", "a mode linear or circular", mode);
    return { axis: read.int("axis", -2), circular: mode === "circular" };
  },
  infer([cache, update, indices], a) {
    const { dims } = cache!;
    const axis = axisOf(a.axis, dims.length);
    demand(axis > 0, "invalid-model", "an axis behind that of the samples", `${a.axis}`);
    const fits =
      update!.dims.length === dims.length && update!.dims.every((d, i) => (i === axis ? d <= dims[i] : d === dims[i]));
    const room = `an update that fits ${shapeText(dims, "")} along axis ${axis}`;
    demand(fits, "shape", room, shapeText(update!.dims, ""));
    const [samples] = dims;
    const each = !indices || indices.dims.join() === `${samples}`;
    demand(each, "shape", `${samples} write_indices`, shapeText(indices?.dims ?? [], ""));
    const attributes = { ...a, samples, columns: columnsOf(dims, axis), count: update!.dims[axis] };
    // What does not fit is said on loading.
    if (!indices || indices.constant) eachWritten(attributes, indices && widened(indices.constant!).data, () => {});
    return { dims: [dims], attributes };
  },
  run([cache, update, indices], [y], a) {
    y.set(cache!);
    eachWritten(a, indices, (from, to) => {
      y[to] = update![from];
    });
  },
  back(r, [toCache, toUpdate], [, , indices], a) {
    toCache?.set(r);
    eachWritten(a, indices, (from, to) => {
      if (toCache) toCache[to] = 0;
      if (toUpdate) toUpdate[from] = r[to];
    });
  },
  way: () => ({ kind: "route", steers: [2] }),
  nonnegative: ([cache, update]) => cache && update,
});

/** Sources: ONNX GatherElements-13, GatherND-13, ScatterElements-18, ScatterND-18; Scatter-9 is ScatterElements. */
export const gathers = [
  gathering("GatherElements", elements),
  gathering("GatherND", tuples),
  scattering("ScatterElements", elements),
  scattering("ScatterND", tuples),
  scattering("Scatter", elements),
  tensorScatter,
] as const;
