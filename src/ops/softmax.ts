import { demand } from "../base/complaint.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { size } from "../base/tensor.ts";
import { axisOf, type Call, type Op } from "./op.ts";

interface SoftmaxAttributes {
  readonly axis: number;
  /** Before opset 13 the input is flattened to two axes at `axis`. */
  readonly flattened: boolean;
}

/** Outer numbers, the length over which numbers compete, and how far these lie apart. */
function groups({ attributes: { axis, flattened }, outputs: [{ dims }] }: Call<SoftmaxAttributes>) {
  const outer = size(dims.slice(0, axis));
  return flattened
    ? { outer, axis: size(dims.slice(axis)), inner: 1 }
    : { outer, axis: dims[axis], inner: size(dims.slice(axis + 1)) };
}

/** With p = softmax(x): R_i = p_i (r_i − Σ_j p_j r_j), and of its logarithm R_i = r_i − p_i Σ_j r_j. */
function vjp(logarithm: boolean, e: Emitter, call: Call<SoftmaxAttributes>, received: Value): readonly Value[] {
  const { outer, axis: length, inner } = groups(call);
  const out = e.temp(`${call.node.name}:vjp`, call.outputs[0].dims);
  e.host("softmax back", [e.as(call.y(0), "first"), e.as(received, "first"), out], (y, r, to) => {
    for (let group = 0; group < outer * inner; group++) {
      const first = Math.floor(group / inner) * length * inner + (group % inner);
      const places = Array.from({ length }, (_, i) => first + i * inner);
      const sum = places.reduce((total, at) => total + (logarithm ? r[at] : y[at] * r[at]), 0);
      for (const at of places) to[at] = logarithm ? r[at] - Math.exp(y[at]) * sum : y[at] * (r[at] - sum);
    }
  });
  return [out];
}

function row(type: "Softmax" | "LogSoftmax", kernel: "softmaxForward" | "logSoftmaxForward"): Op<SoftmaxAttributes> {
  return {
    type,
    family: "other",
    summary: "left out when it ends the network (relevance starts from the logit)",
    attributes: (read) => ({ axis: read.int("axis", read.opset < 13 ? 1 : -1), flattened: read.opset < 13 }),
    infer([x], a) {
      demand(x, "invalid-model", "an input", "none");
      const axis = a.axis === x.dims.length && a.flattened ? a.axis : axisOf(a.axis, x.dims.length);
      return { dims: [x.dims], attributes: { ...a, axis } };
    },
    forward(e: Emitter, call: Call<SoftmaxAttributes>): readonly Value[] {
      const y = e.temp(call.outputs[0].name, call.outputs[0].dims);
      e.emit(kernel, { x: e.as(call.x(0), "first"), y, ...groups(call) });
      return [y];
    },
    relevance: {
      kind: "none",
      why: "a softmax inside the network, which mixes all its inputs",
      vjp: (e, call, r) => vjp(type === "LogSoftmax", e, call, r),
    },
    nonnegative: () => type === "Softmax",
  };
}

/** y_i = exp(x_i) / Σ_j exp(x_j). Source: ONNX Softmax-13. */
export const softmax = row("Softmax", "softmaxForward");

/** The logarithm of Softmax. Source: ONNX LogSoftmax-13. */
export const logSoftmax = row("LogSoftmax", "logSoftmaxForward");
