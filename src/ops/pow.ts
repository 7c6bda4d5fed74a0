import { LrpError } from "../base/error.ts";
import { type Node, whereIs } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { LARGEST_INTEGER } from "../base/tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import { folding, inferBroadcast, NONE, type None, zipHost } from "./broadcast.ts";
import { computedOf, type Op, type Places, product, type Way } from "./op.ts";

/** a^b of integers, cut off; beyond those that float32 has, an error. */
function integerPower(node: Node): (a: number, b: number) => number {
  return (a, b) => {
    const y = Math.trunc(a ** b);
    if (Math.abs(y) <= LARGEST_INTEGER) return y;
    throw new LrpError("usage", { where: whereIs(node), expected: "integers up to 2^24", received: `${a}^${b}` });
  };
}

/** The derivatives in the base, b a^(b − 1), and in the exponent, ln(a) a^b. */
const slopes: readonly ((a: number, b: number) => number)[] = [
  (a, b) => (b === 0 ? 0 : b * a ** (b - 1)),
  (a, b) => Math.log(a) * a ** b,
];

/** a^b, of the type of a, broadcast. Source: ONNX Pow-15. */
export const pow: Op<None> = {
  type: "Pow",
  family: "activation",
  summary: "pass, when base or exponent is constant",
  takes: "X:number Y:exponent",
  anyType: true,
  attributes: () => NONE,
  infer: inferBroadcast,
  fold: folding((a, b) => a ** b),
  node({ node, inputs, outputs: [{ name, dims, type }] }) {
    const vjp = (e: Emitter, at: Places, r: Value, operand: number) => {
      const slope = slopes[operand];
      const numbers = zipHost(e, (a, b, u) => slope(a, b) * u, `${node.name}:vjp`, [at.x(0), at.x(1), r], r.dims);
      return reduceTo(e, numbers, at.x(operand));
    };
    const run: Way["run"] = (e, at) => {
      const [a, b] = [at.x(0), at.x(1)];
      return [
        type === "float32"
          ? zip(e, "powForward", name, a, b, dims)
          : zipHost(e, integerPower(node), name, [a, b], dims),
      ];
    };
    const [data, ...more] = computedOf(inputs);
    return more.length > 0
      ? { run, ...product((e, at, r) => [0, 1].map((i) => vjp(e, at, r, i))) }
      : { run, kind: "pass", data, vjp: (e, at, r) => vjp(e, at, r, data) };
  },
};
