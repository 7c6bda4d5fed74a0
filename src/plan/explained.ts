import { isFloat } from "../base/tensor.ts";
import { type Start, startsOf } from "../canonize/find-start.ts";
import type { Graph } from "../graph/graph.ts";
import { isOpen, type Ways } from "../ops/ways.ts";

/** An output, with the value from which its relevance starts. */
export interface Explained extends Start {
  readonly output: string;
}

/** The value whose axes say what is a sample and what a class: the output, or the scores that have chosen it. */
export const scoredBy = ({ output, from, chooses }: Explained): string => (chooses ? from : output);

/** Whether relevance of a value gets to an input, with a rule at every node that it may meet ("open"), or without. */
type Reach = "open" | "blocked";

/** Of every value that depends on an input other than for what is chosen. */
function reachOf(graph: Graph, ways: Ways): ReadonlyMap<string, Reach> {
  const reach = new Map<string, Reach>(graph.inputs.map(({ name }) => [name, "open"]));
  for (const node of graph.nodes) {
    const way = ways.get(node)!;
    const from = node.inputs.flatMap((name, i) => (isOpen(way, i, "signal") ? (reach.get(name) ?? []) : []));
    if (from.length === 0) continue;
    const passes = way.kind !== "none" && !from.includes("blocked");
    for (const name of node.outputs) reach.set(name, passes ? "open" : "blocked");
  }
  return reach;
}

/** Every output with its start, and the one that is explained unless another is asked for. */
export interface Outputs {
  readonly main: Explained;
  readonly all: ReadonlyMap<string, Explained>;
}

/**
 * By default the first output of float numbers is explained that relevance can pass; where there is none, the first of
 * integers whose scores it can. Behind these come those that some node has no rule for, in the same order.
 */
export function explainedOutputs(graph: Graph, ways: Ways): Outputs {
  const reach = reachOf(graph, ways);
  const all = Array.from(startsOf(graph), ([output, start]): Explained => Object.freeze({ output, ...start }));
  const rank = ({ from, chooses }: Explained) => {
    const reached = reach.get(from);
    if (!reached || !isFloat(graph.types.get(from))) return 4;
    return (reached === "open" ? 0 : 2) + (chooses ? 1 : 0);
  };
  const main = all.reduce((best, next) => (rank(next) < rank(best) ? next : best));
  return Object.freeze({ main, all: new Map(all.map((e) => [e.output, e])) });
}
