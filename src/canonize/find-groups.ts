import type { Constant } from "../base/tensor.ts";
import { type Graph, type Node, producers, readers } from "../graph/graph.ts";
import type { Standard } from "../ops/standardize.ts";
import { affineOf } from "./origin.ts";

/*
 * GroupNormalization as PyTorch writes it: channels under dims with an axis of groups, InstanceNormalization of these,
 * the dims of before, and a scale and shift of each channel.
 */

/** Scales and shifts of channels behind a value, one after the other: the nodes, and what they are together. */
interface Behind {
  readonly nodes: readonly Node[];
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

function affineBehind(graph: Graph, next: (value: string) => Node | undefined, first: Node, channels: number): Behind {
  const scale = new Float64Array(channels).fill(1);
  const shift = new Float64Array(channels);
  const nodes: Node[] = [];
  // Behind a shift is what follows the normalization.
  for (let last = first; !shift.some((v) => v !== 0); last = nodes.at(-1)!) {
    const node = next(last.outputs[0]);
    const map = node && affineOf(graph, node);
    if (!map || (map.scale.length > 1 && map.axis !== 1)) break;
    nodes.push(node);
    for (let c = 0; c < channels; c++) {
      const [a, b] = [map.scale, map.shift].map((values) => values[values.length === 1 ? 0 : c]);
      scale[c] *= a;
      shift[c] = a * shift[c] + b;
    }
  }
  return { nodes, scale, shift };
}

/** Replaces each by one node, in place of the last. */
export function foldGroups(graph: Graph): Graph {
  const [by, count] = [producers(graph), readers(graph)];
  const readerOf = new Map(graph.nodes.flatMap((node) => node.inputs.map((name) => [name, node] as const)));
  const next = (value: string) => (count.get(value) === 1 ? readerOf.get(value) : undefined);
  const [constants, dims] = [new Map(graph.constants), new Map(graph.dims)];
  const instead = new Map<Node, Node | undefined>();
  for (const node of graph.nodes) {
    const [cut, back] = [by.get(node.inputs[0]), next(node.outputs[0])];
    const isCut = node.type === "InstanceNormalization" && cut?.type === "Reshape" && back?.type === "Reshape";
    if (!isCut || count.get(cut.outputs[0]) !== 1) continue;
    const whole = graph.dims.get(cut.inputs[0])!;
    const [n, channels, ...spatial] = whole;
    const [samples, groups] = graph.dims.get(node.inputs[0])!;
    const [weight, bias] = node.inputs.slice(1).map((name) => graph.constants.get(name)?.data);
    const isOfGroups =
      samples === n && channels % groups === 0 && graph.dims.get(back.outputs[0])!.join() === whole.join();
    if (!isOfGroups || !weight || !bias) continue;
    const { nodes, scale, shift } = affineBehind(graph, next, back, channels);
    const last = nodes.at(-1) ?? back;
    const parts = [cut, node, back, ...nodes];
    const parameter = [groups, channels / groups, ...spatial.map(() => 1)];
    const made = (of: (c: number, group: number) => number): Constant => ({
      type: "float32",
      dims: parameter,
      data: Float32Array.from(scale, (_, c) => of(c, Math.floor((c * groups) / channels))),
    });
    const { spread } = node.attributes as Standard;
    const split = [n, groups, channels / groups, ...spatial];
    const axes = split.map((_, axis) => axis).slice(2);
    const attributes: Standard = { spread, groups, split, axes, parameters: [parameter, parameter], further: [] };
    const names = [`${last.name}:scale`, `${last.name}:shift`];
    for (const [i, constant] of [
      made((c, group) => scale[c] * weight[group]),
      made((c, group) => scale[c] * bias[group] + shift[c]),
    ].entries()) {
      constants.set(names[i], constant);
      dims.set(names[i], constant.dims);
    }
    for (const part of parts) instead.set(part, undefined);
    instead.set(
      last,
      Object.freeze({
        name: last.name,
        type: "GroupNormalization",
        attributes,
        inputs: [cut.inputs[0], ...names],
        outputs: last.outputs,
        note: `folded from ${parts.length} nodes (${parts.map(({ type }) => type).join(", ")}): ${groups} groups`,
      }),
    );
  }
  const nodes = graph.nodes.flatMap((node) => (instead.has(node) ? (instead.get(node) ?? []) : node));
  return { ...graph, nodes, constants, dims };
}
