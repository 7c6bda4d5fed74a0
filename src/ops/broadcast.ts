import { demand } from "../base/complaint.ts";
import type { Operands } from "../graph/graph.ts";
import { stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { broadcastLoops, type Loops, walkRows } from "../base/loops.ts";
import { broadcast, type Constant, type Dims, isFloat, numbersFor, shapeText, size, strides } from "../base/tensor.ts";
import type { Op, None } from "./op.ts";

/** What is computed at one position, of at most three operands there. */
export type Pointwise = (a: number, b: number, c: number) => number;
type Numbers = Constant["data"];

export function inferBroadcast(inputs: Operands): { dims: Dims[] } {
  const dims = broadcast(inputs.map((x) => x!.dims));
  demand(dims, "shape", "shapes that can be broadcast", inputs.map((x) => shapeText(x!.dims, "")).join(" and "));
  return { dims: [dims] };
}

/** A value for what is computed of these operands, in the layout of one that has the full shape. */
export function resultOf(e: Emitter, name: string, operands: readonly Value[], dims: Dims): Value {
  const model =
    operands.find((v) => !v.weight && v.dims.length === dims.length && size(v.dims) === size(dims)) ?? operands[0];
  return e.temp(name, dims, model.dims.length === dims.length ? model.layout : "first");
}

/** y = f(a, b, c) position by position, in double precision, rounded once: what folding and running share. */
function zipNumbers(f: Pointwise, loops: Iterable<Loops>, y: Numbers, [a, b = a, c = b]: readonly Numbers[]): void {
  for (const loop of loops) {
    walkRows(loop, ([at, p, q = p, r = q], count, [step, stepA, stepB = stepA, stepC = stepB]) => {
      for (let i = 0; i < count; i++) y[at + i * step] = f(a[p + i * stepA], b[q + i * stepB], c[r + i * stepC]);
    });
  }
}

/** f of values with broadcasting, on the host. */
export function zipHost(e: Emitter, f: Pointwise, name: string, operands: readonly Value[], dims: Dims): Value {
  const y = resultOf(e, name, operands, dims);
  e.host(name, [y, ...operands], (out, ...views) =>
    zipNumbers(f, broadcastLoops(dims, stridesOf(y), operands, stridesOf), out, views),
  );
  return y;
}

/** Numbers that are probed with, in double precision, as no constant of floats is. */
const isProbe = ({ type, data }: Constant) => isFloat(type) && data instanceof Float64Array;

/** f of constants with broadcasting. */
export function zipConstants(f: Pointwise, operands: readonly Constant[], type = operands[0].type): Constant {
  const dims = broadcast(operands.map((c) => c.dims))!;
  const data = operands.some(isProbe) ? new Float64Array(size(dims)) : numbersFor(type, size(dims));
  const loops = broadcastLoops(dims, strides(dims), operands, (c) => strides(c.dims));
  zipNumbers(
    f,
    loops,
    data,
    operands.map((c) => c.data),
  );
  // Integers divide as in C: towards zero.
  return { type, dims, data: isFloat(type) ? data : data.map(Math.trunc) };
}

/** The `fold` of a row whose inputs are combined one after another. */
export const folding =
  (f: (a: number, b: number) => number): Op<None>["fold"] =>
  (inputs) => [inputs.slice(1).reduce<Constant>((a, b) => zipConstants(f, [a, b!]), inputs[0]!)];
