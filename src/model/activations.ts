import { LrpError } from "../base/error.ts";
import { type Graph, resolve, withNodes } from "../graph/graph.ts";

/** The part of a graph that computes these values, which are its outputs. @throws LrpError "usage" for other names */
export function partOf(graph: Graph, names: readonly string[]): Graph {
  const known = [...graph.inputs.map(({ name }) => name), ...graph.nodes.flatMap(({ outputs }) => outputs)];
  const outputs = names.map((given) => {
    const name = resolve(graph, given);
    if (known.includes(name)) return { name, dims: graph.dims.get(name)! };
    throw new LrpError("usage", {
      where: "the names of activations",
      expected: "values that the network computes",
      received: `'${given}'`,
      fix: "inspect() lists them all; values inside folded layers no longer exist.",
    });
  });
  return withNodes({ ...graph, outputs }, graph.nodes);
}
