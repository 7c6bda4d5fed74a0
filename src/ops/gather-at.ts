import { Complaint, demand } from "../base/complaint.ts";
import { LrpError } from "../base/error.ts";
import { type Operand, whereIs } from "../graph/graph.ts";
import { along } from "../base/loops.ts";
import { type Constant, type Dims, normalizeAxis, numbersFor, shapeText, size, strides } from "../base/tensor.ts";
import { axisOf, type AttributeReader, type Op, type Site } from "./op.ts";

/** Where each run of numbers begins in the data; in the output they lie one after another. */
type Starts<A> = (a: A, data: Dims, dims: Dims, indices: Constant["data"]) => Int32Array;

/** An index from the end, too. */
function placed(index: number, length: number): number {
  const place = normalizeAxis(index, length);
  demand(place !== undefined, "invalid-model", `indices from ${-length} to ${length - 1}`, `${index}`);
  return place;
}

/** Indices that are computed are wrong by the caller's numbers, not by the file. */
function startsOf<A>(starts: Starts<A>, { node, attributes, inputs }: Site<A>, indices: Float32Array): Int32Array {
  try {
    return starts(attributes, inputs[0]!.dims, inputs[1]!.dims, indices);
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new LrpError("usage", { where: whereIs(node), expected: error.expected, received: error.received });
  }
}

/**
 * Chooses numbers of the data, or runs of them, each by indices of its own, known or computed.
 * @param output dims of the output, by those of data and indices
 */
function row<A>(
  type: string,
  attributes: (read: AttributeReader) => A,
  output: (data: Dims, indices: Dims, a: A) => { dims: Dims; attributes: A },
  starts: Starts<A>,
): Op<A> {
  const fill = (from: Int32Array, x: Constant["data"], y: Constant["data"]) => {
    const inner = y.length / from.length;
    for (let k = 0; k < from.length; k++) for (let i = 0; i < inner; i++) y[k * inner + i] = x[from[k] + i];
  };
  return {
    type,
    family: "route",
    summary: "moved back, added up where an index repeats",
    takes: "data:any indices:int",
    anyType: true,
    attributes,
    infer(inputs, a) {
      const [data, indices] = inputs as readonly Operand[];
      const inferred = output(data.dims, indices.dims, a);
      if (indices.constant) starts(inferred.attributes, data.dims, indices.dims, indices.constant.data);
      return { ...inferred, dims: [inferred.dims] };
    },
    fold([data, indices], a, [dims]) {
      const y = numbersFor(data!.type, size(dims));
      fill(starts(a, data!.dims, indices!.dims, indices!.data), data!.data, y);
      return [{ type: data!.type, dims, data: y }];
    },
    node(site) {
      const { node, inputs, outputs } = site;
      return {
        kind: "route",
        steers: [1],
        run(e, at) {
          const y = e.temp(outputs[0].name, outputs[0].dims);
          e.host(type, [e.as(at.x(0), "first"), e.as(at.x(1), "first"), y], (x, indices, to) =>
            fill(startsOf(starts, site, indices), x, to),
          );
          return [y];
        },
        vjp(e, at, r) {
          const out = e.temp(`${node.name}:vjp`, inputs[0]!.dims);
          e.host(`${type} back`, [e.as(r, "first"), e.as(at.x(1), "first"), out], (received, indices, to) => {
            const sums = new Float64Array(to.length);
            const from = startsOf(starts, site, indices);
            const inner = received.length / from.length;
            for (const [i, v] of received.entries()) sums[from[Math.floor(i / inner)] + (i % inner)] += v;
            to.set(sums);
          });
          return [out];
        },
      };
    },
    nonnegative: ([x]) => x,
  };
}

/** y[…, i, …] = data[…, indices[…, i, …], …] along one axis. Source: ONNX GatherElements-13. */
const gatherElements = row(
  "GatherElements",
  (read) => ({ axis: read.int("axis", 0) }),
  (data, indices, a) => {
    const axis = axisOf(a.axis, data.length);
    const fits = indices.length === data.length && indices.every((d, i) => i === axis || d <= data[i]);
    demand(fits, "shape", `indices that fit ${shapeText(data, "")}`, shapeText(indices, ""));
    return { dims: indices, attributes: { axis } };
  },
  ({ axis }, data, dims, indices) => {
    const steps = strides(data);
    const others = steps.map((step, k) => (k === axis ? 0 : step));
    return along([...dims.keys()], dims, others).map((at, i) => at + steps[axis] * placed(indices[i], data[axis]));
  },
);

/** y[batch…, k…] = data[batch…, indices[batch…, k…, :], …]. Source: ONNX GatherND-13. */
const gatherND = row(
  "GatherND",
  (read) => ({ batch: read.int("batch_dims", 0) }),
  (data, indices, a) => {
    const length = indices.at(-1) ?? 0;
    const fits =
      a.batch >= 0 &&
      a.batch < indices.length &&
      length >= 1 &&
      a.batch + length <= data.length &&
      data.slice(0, a.batch).join() === indices.slice(0, a.batch).join();
    demand(fits, "shape", `indices that fit ${shapeText(data, "")} with batch_dims ${a.batch}`, shapeText(indices, ""));
    return { dims: [...indices.slice(0, -1), ...data.slice(a.batch + length)], attributes: a };
  },
  ({ batch }, data, dims, indices) => {
    const steps = strides(data);
    const [length, tuples] = [dims.at(-1)!, size(dims.slice(0, -1))];
    const each = tuples / size(dims.slice(0, batch));
    const inBatch = size(data.slice(batch));
    const place = (t: number, k: number) => steps[batch + k] * placed(indices[t * length + k], data[batch + k]);
    return new Int32Array(tuples).map((_, t) =>
      Array.from({ length }, (_, k) => place(t, k)).reduce((a, b) => a + b, Math.floor(t / each) * inBatch),
    );
  },
);

export const gathers = [gatherElements, gatherND] as const;
