import { isInteger } from "../base/tensor.ts";
import { type Graph, type Node, operandsOf } from "../graph/graph.ts";
import { reduceTo } from "./arithmetic.ts";
import { ops } from "./index.ts";
import { settleValue } from "./integers.ts";
import type { Affine, Passing, Routing, Way } from "./op.ts";

/** The way of every node of a graph. */
export type Ways = ReadonlyMap<Node, Way>;

/** The way back through a sum with a constant that is a change of units: ±x + c, or a mean of both. */
const unitsOf = ({ data, scale: [scale] }: Affine, name: string): Passing => ({
  kind: "pass",
  data,
  vjp(e, at, r) {
    const out = e.temp(`${name}:vjp`, r.dims, r.layout);
    e.emit("slopeForward", { x: r, y: out, count: r.count, a: scale, b: scale });
    return reduceTo(e, out, at.x(data));
  },
});

/** The way back through arithmetic of ids. */
const idsOf = (ids: number, count: number): Routing => ({
  kind: "route",
  steers: Array.from({ length: count }, (_, i) => i).filter((i) => i !== ids),
  vjp: (e, at, r) => Array.from({ length: count }, (_, i) => (i === ids ? reduceTo(e, r, at.x(i)) : undefined)),
});

/** How each node runs and how relevance goes back through it, decided once. @param graph as inferred */
export function waysOf(graph: Graph): Ways {
  const wayOf = (node: Node): Way => {
    const outputs = node.outputs
      .filter((name) => graph.dims.has(name))
      .map((name) => ({ name, dims: graph.dims.get(name)!, type: graph.types.get(name) ?? "float32" }));
    const row = ops.get(node.type)!;
    const inputs = operandsOf(graph, node);
    const way = row.node!({ node, attributes: node.attributes, inputs, outputs });
    const typeOf = (i: number) => graph.types.get(node.outputs[i]) ?? "float32";
    const run: Way["run"] =
      row.family === "route" || !outputs.some(({ type }) => isInteger(type))
        ? way.run
        : // Of what a node makes, only what has a name is asked for.
          (e, at) =>
            way
              .run(e, at)
              .slice(0, node.outputs.length)
              .map((y, i) => settleValue(e, y, typeOf(i), node));
    if (node.ids !== undefined) return Object.freeze({ run, ...idsOf(node.ids, node.inputs.length) });
    if (!node.units || way.kind === "pass") return Object.freeze({ ...way, run });
    return Object.freeze({ run, ...unitsOf(row.affine!(inputs, node.attributes)!, node.name) });
  };
  return new Map(graph.nodes.map((node) => [node, wayOf(node)]));
}

/** Whether relevance may go to an input: not to one that only says which or how, or that a rule of the way leaves out. */
export function isOpen(way: Way, input: number, rule?: string): boolean {
  if (way.kind === "pass") return input === way.data;
  const { steers = [] } = way.kind === "route" || way.kind === "own" ? way : {};
  const { skips = [] } = (way.kind === "own" && rule && way.rules[rule]) || {};
  return !steers.includes(input) && !skips.includes(input);
}
