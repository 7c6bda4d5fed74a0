import { Complaint } from "../base/complaint.ts";
import type { Node } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import { reduceTo, total } from "./arithmetic.ts";
import type { Op, Places, Way } from "./op.ts";
import { slopesOf } from "./slopes.ts";

/** Nodes that together compute each number from the one at the same place of a single value, in their order. */
export interface Cone {
  readonly parts: readonly { readonly node: Node; readonly way: Way }[];
}

/** A cone as it runs in one program: where the numbers of each part lie. */
interface Run {
  readonly places: ReadonlyMap<Node, Places>;
  readonly values: ReadonlyMap<string, Value>;
}

function ran(e: Emitter, { parts }: Cone, node: Node, at: Places): Run {
  const values = new Map<string, Value>();
  const places = new Map<Node, Places>();
  for (const part of parts) {
    const { inputs, outputs } = part.node;
    const inner: Places = {
      x: (i) => values.get(inputs[i]) ?? at.x(node.inputs.indexOf(inputs[i])),
      y: (i) => values.get(outputs[i])!,
    };
    places.set(part.node, inner);
    for (const [i, y] of part.way.run(e, inner).entries()) values.set(outputs[i], y);
  }
  return { places, values };
}

/** Jᵀ r, part by part. */
function slope(e: Emitter, { parts }: Cone, source: string, { places, values }: Run, r: Value): readonly Value[] {
  const waiting = new Map<string, Value[]>([[parts.at(-1)!.node.outputs[0], [r]]]);
  for (const { node, way } of [...parts].reverse()) {
    const received = waiting.get(node.outputs[0]);
    if (!received) continue;
    const sum = total(e, `${node.name}:slope`, received);
    for (const [i, value] of slopesOf(e, node, way, places.get(node)!, sum).entries()) {
      const name = node.inputs[i];
      if (value && (name === source || values.has(name))) waiting.set(name, [...(waiting.get(name) ?? []), value]);
    }
  }
  return waiting.get(source) ?? [];
}

/**
 * An activation that is spelled out: y_i = f(x_i), whatever nodes compute f. Its first input is x, the others are their
 * constants. Canonization makes it; no file has it.
 */
export const cone: Op<Cone> = {
  type: "Cone",
  family: "activation",
  summary: "pass: an activation that a file spells out in other operators",
  takes: "X constants...",
  attributes() {
    throw new Complaint("unsupported", { problem: "Cone is not an operator of ONNX" });
  },
  node({ node, attributes }) {
    // What a program's forward pass has computed is what its way back reads.
    const runs = new WeakMap<Places, Run>();
    return {
      kind: "pass",
      data: 0,
      run(e, at) {
        const run = ran(e, attributes, node, at);
        runs.set(at, run);
        return [run.values.get(node.outputs[0])!];
      },
      vjp(e, at, r) {
        const x = at.x(0);
        const parts = slope(e, attributes, node.inputs[0], runs.get(at)!, r);
        if (parts.length > 0) return reduceTo(e, total(e, `${node.name}:vjp`, parts), x);
        const none = e.temp(`${node.name}:vjp`, x.dims, x.layout);
        e.fill(none, 0);
        return none;
      },
    };
  },
};
