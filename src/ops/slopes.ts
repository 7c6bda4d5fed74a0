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

/** Values at these of the inputs. */
export const placed = (
  { inputs }: Node,
  data: readonly number[],
  values: readonly Value[],
): readonly (Value | undefined)[] => inputs.map((_, i) => (data.includes(i) ? values[data.indexOf(i)] : undefined));

/** Jᵀ r of every input of a node; undefined where the output does not follow it. */
export function slopesOf(e: Emitter, node: Node, way: Way, at: Places, r: Value): readonly (Value | undefined)[] {
  if (way.kind === "pass") return placed(node, [way.data], [way.vjp(e, at, r)]);
  if (way.kind === "linear") return placed(node, way.data, gradient(e, node.name, way, r));
  if (way.kind === "own") {
    // A gradient absorbs nothing, but is handed a place for it.
    const unread = { value: e.scratch(`${node.name}:absorbed`, 6), offset: 0 };
    return way.rules.gradient?.back(e, at, r, unread) ?? [];
  }
  return way.vjp?.(e, at, r) ?? [];
}
