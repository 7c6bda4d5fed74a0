import { type Dims, size } from "../base/tensor.ts";
import { axisOf, type Op } from "./op.ts";

interface SoftmaxAttributes {
  readonly axis: number;
  /** Before opset 13 the input is flattened to two axes at `axis`. */
  readonly flattened: boolean;
}

/** Outer numbers, the length over which numbers compete, and how far these lie apart. */
function groupsOf(dims: Dims, { axis, flattened }: SoftmaxAttributes) {
  const outer = size(dims.slice(0, axis));
  return flattened
    ? { outer, axis: size(dims.slice(axis)), inner: 1 }
    : { outer, axis: dims[axis], inner: size(dims.slice(axis + 1)) };
}

function row(type: "Softmax" | "LogSoftmax", kernel: "softmaxForward" | "logSoftmaxForward"): Op<SoftmaxAttributes> {
  return {
    type,
    family: "other",
    summary: "left out when it ends the network (relevance starts from the logit)",
    attributes: (read) => ({ axis: read.int("axis", read.opset < 13 ? 1 : -1), flattened: read.opset < 13 }),
    infer([x], a) {
      const { dims } = x!;
      const axis = a.axis === dims.length && a.flattened ? a.axis : axisOf(a.axis, dims.length);
      return { dims: [dims], attributes: { ...a, axis } };
    },
    node({ node, outputs: [{ name, dims }], attributes }) {
      const groups = groupsOf(dims, attributes);
      const { outer, axis: length, inner } = groups;
      const logarithm = type === "LogSoftmax";
      return {
        kind: "none",
        why: "it is a softmax inside the network, which mixes all its inputs",
        run(e, at) {
          const y = e.temp(name, dims);
          e.emit(kernel, { x: e.as(at.x(0), "first"), y, ...groups });
          return [y];
        },
        // With p = softmax(x): R_i = p_i (r_i − Σ_j p_j r_j), and of its logarithm R_i = r_i − p_i Σ_j r_j.
        vjp(e, at, received) {
          const out = e.temp(`${node.name}:vjp`, dims);
          e.host("softmax back", [e.as(at.y(0), "first"), e.as(received, "first"), out], (y, r, to) => {
            for (let group = 0; group < outer * inner; group++) {
              const first = Math.floor(group / inner) * length * inner + (group % inner);
              const places = Array.from({ length }, (_, i) => first + i * inner);
              const sum = places.reduce((total, place) => total + (logarithm ? r[place] : y[place] * r[place]), 0);
              for (const place of places)
                to[place] = logarithm ? r[place] - Math.exp(y[place]) * sum : y[place] * (r[place] - sum);
            }
          });
          return [out];
        },
      };
    },
    nonnegative: () => type === "Softmax",
  };
}

/** y_i = exp(x_i) / Σ_j exp(x_j). Source: ONNX Softmax-13. */
export const softmax = row("Softmax", "softmaxForward");

/** The logarithm of Softmax. Source: ONNX LogSoftmax-13. */
export const logSoftmax = row("LogSoftmax", "logSoftmaxForward");
