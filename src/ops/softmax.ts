import { type Constant, type Dims, size } from "../base/tensor.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import { axisOf, type Op, type Own, type Places } from "./op.ts";
import { divided, timesInput } from "./taken.ts";

export interface SoftmaxAttributes {
  readonly axis: number;
  /** Before opset 13 the input is flattened to two axes at `axis`. */
  readonly flattened: boolean;
}

/** Whether numbers compete along the last axis, and only there. */
export const isAlongLast = ({ axis }: SoftmaxAttributes, { length }: Dims): boolean => axis === length - 1;

/** Outer numbers, the length over which numbers compete, and how far these lie apart. */
function groupsOf(dims: Dims, { axis, flattened }: SoftmaxAttributes) {
  const outer = size(dims.slice(0, axis));
  return flattened
    ? { outer, axis: size(dims.slice(axis)), inner: 1 }
    : { outer, axis: dims[axis], inner: size(dims.slice(axis + 1)) };
}

/** exp(x − max) / Σ exp(x − max) of constants, or its logarithm, in double precision. */
function folded(x: Constant, a: SoftmaxAttributes, isLogarithm: boolean): Constant {
  const { outer, axis, inner } = groupsOf(x.dims, a);
  const data = new Float32Array(x.data.length);
  for (let group = 0; group < outer * inner; group++) {
    const first = Math.floor(group / inner) * axis * inner + (group % inner);
    const places = Array.from({ length: axis }, (_, i) => first + i * inner);
    const most = places.reduce((m, at) => Math.max(m, x.data[at]), -Infinity);
    const total = places.reduce((sum, at) => sum + Math.exp(x.data[at] - most), 0);
    for (const at of places) {
      const power = x.data[at] - most;
      data[at] = isLogarithm ? power - Math.log(total) : Math.exp(power) / total;
    }
  }
  return { type: x.type, dims: x.dims, data };
}

/** Ways of passing relevance through a softmax inside a network. */
type Rules = (given: { readonly name: string; readonly groups: ReturnType<typeof groupsOf> }) => Own["rules"];

/** R_i = x_i (R_i − p_i Σ_j R_j), and the gradient p_i (R_i − Σ_j p_j R_j). */
const rulesOfSoftmax: Rules = ({ name, groups }) => ({
  taylor: {
    conserves: "softmax",
    back(e, at, received) {
      const [x, p, r] = [at.x(0), at.y(0), received].map((value) => e.as(value, "first"));
      const y = e.temp(`${name}:relevance`, x.dims);
      e.emit("softmaxTaylor", { x, p, r, y, ...groups });
      return [y];
    },
  },
  gradient: {
    conserves: false,
    back(e, at, received) {
      const [p, r] = [at.y(0), received].map((value) => e.as(value, "first"));
      const y = e.temp(`${name}:vjp`, p.dims);
      e.emit("softmaxVjp", { p, r, y, ...groups });
      return [y];
    },
  },
});

/** Of y = log p: R_i = x_i (s_i − p_i Σ_j s_j) with s = R / y, and the gradient R_i − p_i Σ_j R_j. */
const rulesOfLogarithm: Rules = ({ name, groups }) => {
  const slope = (e: Emitter, at: Places, received: Value): Value => {
    const [l, r] = [at.y(0), received].map((value) => e.as(value, "first"));
    const y = e.temp(`${name}:vjp`, l.dims);
    e.emit("logSoftmaxVjp", { l, r, y, ...groups });
    return y;
  };
  return {
    taylor: {
      conserves: "softmax",
      back: (e, at, r, ledger) => [timesInput(e, name, at.x(0), slope(e, at, divided(e, name, r, at.y(0), ledger)), 1)],
    },
    gradient: { conserves: false, back: (e, at, r) => [slope(e, at, r)] },
  };
};

function row(
  type: "Softmax" | "LogSoftmax",
  kernel: "softmaxForward" | "logSoftmaxForward",
  rules: Rules,
): Op<SoftmaxAttributes> {
  return {
    type,
    family: "softmax",
    summary:
      "At the end of the network, the operator is left out, and relevance starts from the logit. Elsewhere it has rules of its own: taylor, gradient.",
    attributes: (read) => ({ axis: read.int("axis", read.opset < 13 ? 1 : -1), flattened: read.opset < 13 }),
    infer([x], a) {
      const { dims } = x!;
      const axis = a.axis === dims.length && a.flattened ? a.axis : axisOf(a.axis, dims.length);
      return { dims: [dims], attributes: { ...a, axis } };
    },
    fold: ([x], a) => [folded(x!, a, type === "LogSoftmax")],
    node({ node: { name: at }, outputs: [{ name, dims }], attributes }) {
      const groups = groupsOf(dims, attributes);
      return {
        kind: "own",
        run(e, at) {
          const y = e.temp(name, dims);
          e.emit(kernel, { x: e.as(at.x(0), "first"), y, ...groups });
          return [y];
        },
        rules: rules({ name: at, groups }),
      };
    },
    nonnegative: () => type === "Softmax",
  };
}

/** y_i = exp(x_i) / Σ_j exp(x_j). Source: ONNX Softmax-13; relevance: Achtibat et al. 2024, proposition 3.1. */
export const softmax = row("Softmax", "softmaxForward", rulesOfSoftmax);

/** The logarithm of Softmax. Source: ONNX LogSoftmax-13. */
export const logSoftmax = row("LogSoftmax", "logSoftmaxForward", rulesOfLogarithm);
