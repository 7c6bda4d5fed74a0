import type { Node } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import { total } from "./arithmetic.ts";
import type { Places, Way } from "./op.ts";
import { slopesOf } from "./slopes.ts";

/** One of the nodes that stand together as one. */
export interface Part {
  readonly node: Node;
  readonly way: Way;
  /** Of each of its inputs: which input of the whole it is; undefined where a part before it makes it. */
  readonly from: readonly (number | undefined)[];
}

/** Parts as they run in one program: where the numbers of each lie. */
export interface Run {
  readonly places: ReadonlyMap<Part, Places>;
  /** What the last part makes. */
  readonly y: Value;
}

/** Runs parts one after the other. */
export function runParts(e: Emitter, parts: readonly Part[], at: Places): Run {
  const values = new Map<string, Value>();
  const places = new Map<Part, Places>();
  for (const part of parts) {
    const { inputs, outputs } = part.node;
    const inner: Places = {
      x(i) {
        const outside = part.from[i];
        return outside === undefined ? values.get(inputs[i])! : at.x(outside);
      },
      y: (i) => values.get(outputs[i])!,
    };
    places.set(part, inner);
    for (const [i, y] of part.way.run(e, inner).entries()) values.set(outputs[i], y);
  }
  return { places, y: values.get(parts.at(-1)!.node.outputs[0])! };
}

/** Jᵀ r of inputs of the whole, part by part: what each receives from every part that reads it. */
export function slopesOfParts(
  e: Emitter,
  parts: readonly Part[],
  { places }: Run,
  r: Value,
  wanted: readonly number[],
): ReadonlyMap<number, readonly Value[]> {
  const made = new Set(parts.flatMap(({ node }) => node.outputs));
  const waiting = new Map<string, Value[]>([[parts.at(-1)!.node.outputs[0], [r]]]);
  const found = new Map<number, Value[]>(wanted.map((i) => [i, []]));
  for (const part of [...parts].reverse()) {
    const { node, way, from } = part;
    const received = waiting.get(node.outputs[0]);
    if (!received) continue;
    const sum = total(e, `${node.name}:slope`, received);
    for (const [i, value] of slopesOf(e, node, way, places.get(part)!, sum).entries()) {
      if (!value) continue;
      const outside = from[i];
      const name = node.inputs[i];
      if (outside !== undefined) found.get(outside)?.push(value);
      else if (made.has(name)) waiting.set(name, [...(waiting.get(name) ?? []), value]);
    }
  }
  return found;
}
