import type { Node } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import { type Linear, PLAIN, type Places, type Way } from "./op.ts";

/** Jᵀ r of the data inputs of a linear operator. */
export function gradient(e: Emitter, node: string, { signs, layout, vjp }: Linear, received: Value): readonly Value[] {
  return vjp(e, e.as(received, layout), PLAIN, "exact").map((c, i) => {
    if (!signs || signs[i] === 1) return c;
    const negative = e.temp(`${node}:negative`, c.dims, c.layout);
    e.emit("slopeForward", { x: c, y: negative, count: c.count, a: signs[i], b: signs[i] });
    return negative;
  });
}

/** Jᵀ r of every input of a node; undefined where the output does not follow it. */
export function slopesOf(
  e: Emitter,
  { name, inputs }: Node,
  way: Way,
  at: Places,
  r: Value,
): readonly (Value | undefined)[] {
  const placed = (data: readonly number[], values: readonly Value[]) =>
    inputs.map((_, i) => (data.includes(i) ? values[data.indexOf(i)] : undefined));
  if (way.kind === "pass") return placed([way.data], [way.vjp(e, at, r)]);
  if (way.kind === "linear") return placed(way.data, gradient(e, name, way, r));
  if (way.kind === "own") {
    // A gradient absorbs nothing, but is handed a place for it.
    const unread = { value: e.scratch(`${name}:absorbed`, 6), offset: 0 };
    return way.rules.gradient?.back(e, at, r, unread) ?? [];
  }
  return way.vjp?.(e, at, r) ?? [];
}
