import { LrpError } from "../base/error.ts";
import { isExact } from "../base/tensor.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import type { Places } from "../ops/op.ts";
import type { Ways } from "../ops/ways.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";

/** What the forward pass leaves to those who read it. */
export interface Forward {
  /** In the order of the graph's inputs. */
  readonly inputs: readonly Value[];
  readonly values: ReadonlyMap<string, Value>;
  readonly places: ReadonlyMap<Node, Places>;
}

/** The steps of the forward pass. */
export function lowerForward(e: Emitter, graph: Graph, ways: Ways): Forward {
  const inputs = graph.inputs.map(({ name }) => e.temp(name, graph.dims.get(name)!));
  const values = new Map(inputs.map((input) => [input.name, input]));
  const places = new Map<Node, Places>();
  for (const node of graph.nodes) {
    const at: Places = {
      x(i) {
        const name = node.inputs[i];
        const constant = graph.constants.get(name);
        if (!constant) return values.get(name)!;
        if (isExact(constant)) return e.constant(name, constant);
        throw new LrpError("unsupported", {
          where: whereIs(node),
          expected: "integers up to 2^24 beside computed ones",
          received: `larger ones in '${name}'`,
        });
      },
      y: (i) => values.get(node.outputs[i])!,
    };
    places.set(node, at);
    e.budget.where = whereIs(node);
    for (const [i, y] of ways.get(node)!.run(e, at).entries()) values.set(node.outputs[i], y);
  }
  return { inputs, values, places };
}
