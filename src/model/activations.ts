import { LrpError } from "../base/error.ts";
import type { Tensor } from "../base/tensor.ts";
import { type Graph, resolve, withNodes } from "../graph/graph.ts";
import type { Given } from "../infer/infer.ts";
import type { Plan } from "../plan/place.ts";
import { type Fitted, numbersOf, planOf } from "../run/fit.ts";

/** The part of a graph that computes these values, which are its outputs. @throws LrpError "usage" for other names */
function partOf(graph: Graph, names: readonly string[]): Graph {
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

/** The numbers of values inside the network. @param planned makes a plan of a part of its graph */
export function activationsOf(
  fitted: Fitted,
  given: ReadonlyMap<string, Required<Given>>,
  names: readonly string[],
  planned: (part: Graph) => Plan,
): Readonly<Record<string, Tensor>> {
  const { session, graph } = fitted;
  const plan = planOf(fitted, JSON.stringify(["activations", ...names]), () => planned(partOf(graph, names)));
  session.forward(plan, numbersOf(fitted, given));
  const tensorOf = (name: string): Tensor => {
    const value = plan.program.outputs.get(resolve(graph, name))!;
    return { data: session.read(plan, value).slice(), dims: value.dims };
  };
  return Object.fromEntries(names.map((name) => [name, tensorOf(name)]));
}
