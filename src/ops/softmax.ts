import type { Emitter, Value } from "../step.ts";
import { normalizeAxis, size } from "../tensor.ts";
import { type Call, type Op, require } from "./op.ts";

interface SoftmaxAttributes {
  readonly axis: number;
  /** Before opset 13 the input is flattened to two axes at `axis`. */
  readonly flattened: boolean;
}

function row(type: "Softmax" | "LogSoftmax", kernel: "softmaxForward" | "logSoftmaxForward"): Op<SoftmaxAttributes> {
  return {
    type,
    family: "other",
    summary: "left out when it ends the network (relevance starts from the logit)",
    attributes: (read) => ({ axis: read.int("axis", read.opset < 13 ? 1 : -1), flattened: read.opset < 13 }),
    infer([x], a) {
      require(x, "invalid-model", "an input", "none");
      const axis = a.axis === x.dims.length && a.flattened ? a.axis : normalizeAxis(a.axis, x.dims.length);
      require(axis !== undefined, "invalid-model", `an axis of a tensor of rank ${x.dims.length}`, `${a.axis}`);
      return { dims: [x.dims], attributes: { ...a, axis } };
    },
    forward(e: Emitter, call: Call<SoftmaxAttributes>): readonly Value[] {
      const { axis, flattened } = call.attributes;
      const { dims } = call.outputs[0];
      const y = e.temp(call.outputs[0].name, dims);
      const outer = size(dims.slice(0, axis));
      const [length, inner] = flattened ? [size(dims.slice(axis)), 1] : [dims[axis], size(dims.slice(axis + 1))];
      e.emit(kernel, e.as(call.x(0), "first"), y, outer, length, inner);
      return [y];
    },
    relevance: { kind: "none", why: "a softmax inside the network mixes all its inputs" },
    nonnegative: () => type === "Softmax",
  };
}

/** y_i = exp(x_i) / Σ_j exp(x_j). Source: ONNX Softmax-13. */
export const softmax = row("Softmax", "softmaxForward");

/** The logarithm of Softmax. Source: ONNX LogSoftmax-13. */
export const logSoftmax = row("LogSoftmax", "logSoftmaxForward");
