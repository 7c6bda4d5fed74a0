import type { Emitter, Value } from "../step.ts";
import { broadcast } from "../tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import { folding, inferBroadcast, NONE, type None, zipHost } from "./broadcast.ts";
import type { Op } from "./op.ts";

function negated(e: Emitter, value: Value): Value {
  const y = e.temp(value.name, value.dims, value.layout);
  e.emit("slopeForward", value, y, value.count, -1, -1);
  return y;
}

/** The smallest or largest of any number of operands; relevance goes to the first that is it, constants included. */
function extreme(type: "Min" | "Max", f: (a: number, b: number) => number, nonnegative: Op<None>["nonnegative"]): Op<None> {
  // There is a kernel for the largest; min(a, b) = −max(−a, −b).
  const turned = type === "Min" ? negated : (_e: Emitter, value: Value) => value;
  return {
    type,
    family: "route",
    summary: "to the first operand that is the result",
    attributes: () => NONE,
    infer: inferBroadcast,
    fold: folding(f),
    forward(e, call) {
      const { name } = call.outputs[0];
      const xs = call.inputs.map((_, i) => turned(e, call.x(i)));
      return [
        turned(
          e,
          xs.reduce((a, b) => zip(e, "maxForward", name, a, b, broadcast([a.dims, b.dims])!)),
        ),
      ];
    },
    relevance: {
      kind: "route",
      vjp(e, call, r) {
        const split = (name: string, i: number, left: Value, f: (won: boolean, u: number) => number) =>
          zipHost(e, (v, y, u) => f(v === y, u), `${call.node.name}:${name}`, [call.x(i), call.y(0), left], r.dims);
        let left = r;
        return call.inputs.map((_, i) => {
          const won = split("vjp", i, left, (is, u) => (is ? u : 0));
          if (i < call.inputs.length - 1) left = split("left", i, left, (is, u) => (is ? 0 : u));
          return reduceTo(e, won, call.x(i));
        });
      },
    },
    nonnegative,
  };
}

/** Source: ONNX Min-13. */
export const min = extreme("Min", Math.min, (x) => x.every(Boolean));

/** Source: ONNX Max-13. */
export const max = extreme("Max", Math.max, (x) => x.some(Boolean));
