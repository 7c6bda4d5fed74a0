import { type Graph, type Node, producers, readers } from "../graph/graph.ts";

/** A graph, with what is asked of it again and again. */
export interface Known {
  readonly graph: Graph;
  readonly by: ReadonlyMap<string, Node>;
  readonly count: ReadonlyMap<string, number>;
  readonly placeOf: ReadonlyMap<Node, number>;
  /** Where a value is read once: the node that reads it. */
  readonly readerOf: ReadonlyMap<string, Node>;
  /** What a node reads, if it may be taken in on the way back. */
  readonly before: (node: Node) => readonly string[] | undefined;
}

/** @param before as in `Known`; asked once for each node */
export const knownOf = (graph: Graph, before: (graph: Graph, node: Node) => readonly string[] | undefined): Known => ({
  graph,
  before: oncePerNode((node) => before(graph, node)),
  by: producers(graph),
  count: readers(graph),
  placeOf: new Map(graph.nodes.map((node, i) => [node, i])),
  readerOf: new Map(graph.nodes.flatMap((node) => node.inputs.map((name) => [name, node] as const))),
});

function oncePerNode<T>(f: (node: Node) => T): (node: Node) => T {
  const known = new Map<Node, T>();
  return (node) => {
    if (!known.has(node)) known.set(node, f(node));
    return known.get(node)!;
  };
}

/** The nodes that other folds stand for already. */
export type Taken = Pick<ReadonlyMap<Node, unknown>, "has">;

/** The one node that reads a value, where nothing else does and no other fold has taken it. */
export function onlyReader({ count, readerOf }: Known, value: string, taken: Taken): Node | undefined {
  const reader = count.get(value) === 1 ? readerOf.get(value) : undefined;
  return reader && !taken.has(reader) ? reader : undefined;
}

/**
 * Nodes before one, taken in from the latest on, each time that all of them are computed from a single value. It ends at
 * a value that something outside reads, which must stay.
 * @param most how many nodes may be taken in
 */
export function* singleSources(
  { by, count, placeOf, before }: Known,
  last: Node,
  most: number,
): Generator<{ readonly source: string; readonly inside: ReadonlySet<Node> }> {
  const inside = new Set<Node>();
  const open = new Set<string>();
  // How often each value is read from inside.
  const reads = new Map<string, number>();
  const place = (name: string) => placeOf.get(by.get(name)!) ?? -1;
  for (let node: Node | undefined = last; node && inside.size < most; ) {
    const names = before(node);
    if (!names) return;
    inside.add(node);
    for (const name of node.outputs) open.delete(name);
    for (const name of names) {
      open.add(name);
      reads.set(name, (reads.get(name) ?? 0) + 1);
    }
    const latest = [...open].reduce((a, b) => (place(b) > place(a) ? b : a));
    if (open.size === 1) yield { source: latest, inside };
    if (count.get(latest) !== reads.get(latest)) return;
    node = by.get(latest);
  }
}
