import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { isFloat } from "../base/tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import { folding, inferBroadcast, zipHost } from "./broadcast.ts";
import { computedOf, type Op, type Places, product, type Way, NONE, type None } from "./op.ts";

/** The derivatives in the base, b a^(b − 1), and in the exponent, ln(a) a^b. */
const slopes: readonly ((a: number, b: number) => number)[] = [
  (a, b) => (b === 0 ? 0 : b * a ** (b - 1)),
  (a, b) => Math.log(a) * a ** b,
];

/** a^b, of the type of a, broadcast. Source: ONNX Pow-15. */
export const pow: Op<None> = {
  type: "Pow",
  family: "activation",
  summary: "It passes unchanged if the base or the exponent is constant.",
  takes: "X:number Y:number1",
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
        isFloat(type)
          ? zip(e, "powForward", name, a, b, dims)
          : zipHost(e, (v, w) => Math.trunc(v ** w), name, [a, b], dims),
      ];
    };
    const [data, ...more] = computedOf(inputs);
    return more.length > 0
      ? { run, ...product((e, at, r) => [0, 1].map((i) => vjp(e, at, r, i))) }
      : { run, kind: "pass", data, vjp: (e, at, r) => vjp(e, at, r, data) };
  },
};
