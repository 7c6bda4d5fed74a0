import type { Graph, Port } from "../graph/graph.ts";
import { type AxesOptions, type Batch, channelsOf } from "../infer/axes.ts";
import { sizesNote } from "./report.ts";

/**
 * What the network takes, with what is known of the axes of each input, and what is worth knowing of them.
 * @param batch which axes count samples; undefined where only a call can tell
 */
export function portsOf(
  graph: Graph,
  batch: Batch | undefined,
  options: AxesOptions,
): { readonly ports: readonly Port[]; readonly notes: readonly string[] } {
  const described = graph.inputs.map((port) => {
    const batchAxis = batch?.inputs.get(port.name);
    return { port, batchAxis, ...channelsOf(graph, port, batchAxis, options) };
  });
  return {
    ports: described.map(({ port, batchAxis, channelAxis }) =>
      Object.freeze({ ...port, ...(batchAxis !== undefined && { batchAxis }), ...(channelAxis && { channelAxis }) }),
    ),
    notes: described.flatMap(({ port: { name, dims }, fromSizes }) => (fromSizes ? [sizesNote(name, dims)] : [])),
  };
}
