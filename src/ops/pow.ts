import { LrpError } from "../base/error.ts";
import { whereIs } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { LARGEST_INTEGER } from "../base/tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import { folding, inferBroadcast, NONE, type None, zipHost } from "./broadcast.ts";
import type { Call, Op } from "./op.ts";

/** a^b of integers, cut off; beyond those that float32 has, an error. */
function integerPower({ node }: Call<None>): (a: number, b: number) => number {
  return (a, b) => {
    const y = Math.trunc(a ** b);
    if (Math.abs(y) <= LARGEST_INTEGER) return y;
    throw new LrpError("usage", { where: whereIs(node), expected: "integers up to 2^24", received: `${a}^${b}` });
  };
}

/** Jᵀ r in the base, b a^(b − 1) r, or in the exponent, ln(a) a^b r. */
function back(e: Emitter, call: Call<None>, r: Value, operand: number): Value {
  const slope =
    operand === 0
      ? (a: number, b: number) => (b === 0 ? 0 : b * a ** (b - 1))
      : (a: number, b: number) => Math.log(a) * a ** b;
  const name = `${call.node.name}:vjp`;
  return reduceTo(
    e,
    zipHost(e, (a, b, u) => slope(a, b) * u, name, [call.x(0), call.x(1), r], r.dims),
    call.x(operand),
  );
}

/** a^b, of the type of a, broadcast. Source: ONNX Pow-15. */
export const pow: Op<None> = {
  type: "Pow",
  family: "activation",
  summary: "pass, when base or exponent is constant",
  anyType: true,
  attributes: () => NONE,
  infer: inferBroadcast,
  fold: folding((a, b) => a ** b),
  forward(e, call) {
    const [{ name, dims, type }, a, b] = [call.outputs[0], call.x(0), call.x(1)];
    return [
      type === "float32" ? zip(e, "powForward", name, a, b, dims) : zipHost(e, integerPower(call), name, [a, b], dims),
    ];
  },
  relevance: {
    kind: "pass",
    vjp: (e, call, r) => back(e, call, r, call.inputs[0]!.constant ? 1 : 0),
    product: (e, call, r) => [0, 1].map((i) => back(e, call, r, i)),
  },
};
