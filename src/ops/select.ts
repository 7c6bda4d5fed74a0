import type { Operand } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { broadcast, isFloat, size } from "../base/tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import { folding, inferBroadcast, zipConstants, zipHost } from "./broadcast.ts";
import { type Op, NONE, type None } from "./op.ts";

function negated(e: Emitter, value: Value): Value {
  const y = e.temp(value.name, value.dims, value.layout);
  e.emit("slopeForward", { x: value, y, count: value.count, a: -1, b: -1 });
  return y;
}

/** Beside numbers, the computed operand is cut off: Clip, or Relu. */
function cutOff(type: "Min" | "Max", f: (a: number, b: number) => number): Op<None>["instead"] {
  return (inputs, _, node) => {
    const at = inputs.findIndex((x) => x && !x.constant);
    const [x, others] = [inputs[at], inputs.filter((_, i) => i !== at)];
    const isBound = (c: Operand | undefined) => c?.constant && size(c.dims) === 1 && c.dims.length <= x!.dims.length;
    if (!x || !isFloat(x.type) || others.length === 0 || !others.every(isBound)) return undefined;
    const bound = others.map((c) => c!.constant!.data[0]).reduce((p, q) => f(p, q));
    const common = { ...node, inputs: [node.inputs[at]], note: `${type} with ${bound}` };
    if (type === "Max" && bound === 0) return [{ ...common, type: "Relu", attributes: { a: 0, b: 0 } }];
    return [
      { ...common, type: "Clip", attributes: type === "Max" ? { a: bound, b: Infinity } : { a: -Infinity, b: bound } },
    ];
  };
}

/** The smallest or largest of any number of operands; relevance goes to the first that is it, constants included. */
function extreme(
  type: "Min" | "Max",
  f: (a: number, b: number) => number,
  nonnegative: Op<None>["nonnegative"],
): Op<None> {
  // There is a kernel for the largest; min(a, b) = −max(−a, −b).
  const turned = type === "Min" ? negated : (_e: Emitter, value: Value) => value;
  return {
    type,
    family: "route",
    summary: "It goes to the first operand that is the result. Beside a constant number, it passes unchanged.",
    takes: "data_0...:number",
    anyType: true,
    attributes: () => NONE,
    instead: cutOff(type, f),
    infer: inferBroadcast,
    fold: folding(f),
    node: ({ node, inputs, outputs: [{ name }] }) => ({
      kind: "route",
      run(e, at) {
        const xs = inputs.map((_, i) => turned(e, at.x(i)));
        const y = xs.reduce((a, b) => zip(e, "maxForward", name, a, b, broadcast([a.dims, b.dims])!));
        return [turned(e, y)];
      },
      vjp(e, at, r) {
        const split = (part: string, i: number, left: Value, f: (won: boolean, u: number) => number) =>
          zipHost(e, (v, y, u) => f(v === y, u), `${node.name}:${part}`, [at.x(i), at.y(0), left], r.dims);
        let left = r;
        return inputs.map((_, i) => {
          const won = split("vjp", i, left, (is, u) => (is ? u : 0));
          if (i < inputs.length - 1) left = split("left", i, left, (is, u) => (is ? 0 : u));
          return reduceTo(e, won, at.x(i));
        });
      },
    }),
    nonnegative,
  };
}

/** Source: ONNX Min-13. */
export const min = extreme("Min", Math.min, (x) => x.every(Boolean));

/** Source: ONNX Max-13. */
export const max = extreme("Max", Math.max, (x) => x.some(Boolean));

/** x where the condition holds, y elsewhere; relevance goes where the number came from. Source: ONNX Where-16. */
export const where: Op<None> = {
  type: "Where",
  family: "route",
  summary: "It goes to the operand that was chosen.",
  takes: "condition:bool X:any Y:any",
  anyType: true,
  attributes: () => NONE,
  infer: (inputs) => ({ ...inferBroadcast(inputs), types: [inputs[1]!.type] }),
  fold: ([condition, x, y]) => [zipConstants((c, a, b) => (c ? a : b), [condition!, x!, y!], x!.type)],
  node: ({ node, outputs: [{ name, dims }] }) => ({
    kind: "route",
    steers: [0],
    run: (e, at) => [zipHost(e, (c, a, b) => (c ? a : b), name, [at.x(0), at.x(1), at.x(2)], dims)],
    vjp(e, at, r) {
      const to = (i: number, f: (c: number, u: number) => number) =>
        reduceTo(e, zipHost(e, f, `${node.name}:vjp`, [at.x(0), r], r.dims), at.x(i));
      return [undefined, to(1, (c, u) => (c ? u : 0)), to(2, (c, u) => (c ? 0 : u))];
    },
  }),
  nonnegative: ([, x, y]) => x && y,
};
