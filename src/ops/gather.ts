import { LrpError } from "../base/error.ts";
import { whereIs } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { size } from "../base/tensor.ts";
import { type GatherAttributes, gatherKnown } from "./layout.ts";
import type { Call, Op } from "./op.ts";

/** One run of numbers that an index chose: where it lies in the data, where in the output. */
interface Run {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/** Numbers of a run. */
const lengthOf = ({ inputs, attributes }: Call<GatherAttributes>) => size(inputs[0]!.dims.slice(attributes.axis + 1));

function runsOf(call: Call<GatherAttributes>, indices: Float32Array): readonly Run[] {
  const { dims } = call.inputs[0]!;
  const length = dims[call.attributes.axis];
  const places = Array.from(indices, (index) => (index < 0 ? index + length : index));
  const wrong = places.findIndex((place) => !(place >= 0 && place < length));
  if (wrong >= 0)
    throw new LrpError("usage", {
      where: whereIs(call.node),
      expected: `indices from ${-length} to ${length - 1}`,
      received: `${indices[wrong]}`,
      fix: "Do these numbers come from the vocabulary that the network was trained with?",
    });
  const inner = lengthOf(call);
  return Array.from({ length: size(dims.slice(0, call.attributes.axis)) }, (_, outer) =>
    places.map((place, index) => ({
      index,
      from: (outer * length + place) * inner,
      to: (outer * places.length + index) * inner,
    })),
  ).flat();
}

function choose(e: Emitter, call: Call<GatherAttributes>): Value {
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims);
  const inner = lengthOf(call);
  e.host("Gather", [e.as(call.x(0), "first"), e.as(call.x(1), "first"), y], (x, indices, out) => {
    for (const { from, to } of runsOf(call, indices)) out.set(x.subarray(from, from + inner), to);
  });
  return y;
}

/** To the numbers that were chosen; where these are constants, to the indices that chose them. */
function back(e: Emitter, call: Call<GatherAttributes>, r: Value): readonly (Value | undefined)[] {
  const toIndices = call.inputs[0]!.constant !== undefined;
  const out = e.temp(`${call.node.name}:vjp`, call.inputs[toIndices ? 1 : 0]!.dims);
  const inner = lengthOf(call);
  e.host("Gather back", [e.as(r, "first"), e.as(call.x(1), "first"), out], (relevance, indices, to) => {
    const sums = new Float64Array(to.length);
    for (const run of runsOf(call, indices)) {
      for (let k = 0; k < inner; k++) sums[toIndices ? run.index : run.from + k] += relevance[run.to + k];
    }
    to.set(sums);
  });
  return toIndices ? [undefined, out] : [out];
}

/**
 * Chooses slices of the data along one axis, such as the rows of a table of embeddings. Source: ONNX Gather-13.
 * Relevance of a slice that computed indices chose from constants is the relevance of its index: of a word, not of its
 * vector's entries.
 */
export const gather: Op<GatherAttributes> = {
  ...gatherKnown,
  summary: "moved back, added up where an index repeats; from constants to the indices that chose them",
  forward: (e, call) => (call.attributes.indices ? gatherKnown.forward!(e, call) : [choose(e, call)]),
  relevance: {
    kind: "route",
    steers: ([data]) => (data ? [1] : []),
    drops: () => false,
    vjp(e, call, r) {
      const known = gatherKnown.relevance as Extract<Op<GatherAttributes>["relevance"], { kind: "route" }>;
      return call.attributes.indices ? known.vjp(e, call, r) : back(e, call, r);
    },
  },
};
