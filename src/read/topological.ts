import type { Problem } from "../base/problems.ts";
import { type Node, readsOf, whereIs } from "../graph/graph.ts";

/** Orders nodes so that each comes after what it reads; those are `stuck` that wait for what nobody computes. */
export function topological(
  nodes: readonly Node[],
  known: ReadonlySet<string>,
  outer: (name: string) => boolean,
): {
  readonly ordered: readonly Node[];
  readonly stuck: readonly { readonly node: Node; readonly problem: Problem }[];
} {
  const ready = new Set(known);
  const ordered = new Set<Node>();
  const isMissing = (name: string) => name !== "" && !ready.has(name) && !outer(name);
  // Each node waits for one of the values that it misses at a time, so that a file in the worst order takes no longer.
  const waiting = new Map<string, { node: Node; at: number }[]>();
  for (const first of nodes) {
    const open = [{ node: first, at: 0 }];
    for (let next = open.pop(); next; next = open.pop()) {
      const { node } = next;
      // What was there when it was looked at is there still.
      let { at } = next;
      const reads = readsOf(node);
      while (at < reads.length && !isMissing(reads[at])) at++;
      if (at < reads.length) {
        const others = waiting.get(reads[at]);
        if (others) others.push({ node, at });
        else waiting.set(reads[at], [{ node, at }]);
        continue;
      }
      ordered.add(node);
      for (const output of node.outputs) {
        ready.add(output);
        for (const reader of waiting.get(output) ?? []) open.push(reader);
        waiting.delete(output);
      }
    }
  }
  const stuck = nodes
    .filter((node) => !ordered.has(node))
    .map((node) => {
      const missing = readsOf(node)
        .filter(isMissing)
        .map((name) => `'${name}'`);
      const issue = {
        where: whereIs(node),
        problem: `no node that can run before it computes ${missing.join(", ")}`,
        fix: "The graph has a gap or a cycle.",
      };
      return { node, problem: { code: "invalid-model", issue } as const };
    });
  return { ordered: [...ordered], stuck };
}
