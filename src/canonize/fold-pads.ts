import type { Budget } from "../base/budget.ts";
import { type Graph, type Node, operandsOf, producers, withNodes } from "../graph/graph.ts";
import type { ConvAttributes } from "../ops/conv/geometry.ts";
import { windowAxes } from "../ops/conv/window.ts";
import { ops } from "../ops/index.ts";
import type { PadAttributes } from "../ops/layout.ts";
import type { Dims } from "../base/tensor.ts";
import { RENAMING, renamedAxis } from "./origin.ts";

/** Zeros around a picture. */
interface Border {
  /** The value without them. */
  readonly inside: string;
  /** How many there are before and behind it, on every axis of the value with them. */
  readonly pads: readonly (readonly [before: number, after: number])[];
  /** Nodes between the zeros and the layer that only name or order axes, with the dims that they make without zeros. */
  readonly turns: readonly { readonly node: Node; readonly dims: Dims }[];
}

const NONE = [0, 0] as const;
const isNone = ([before, after]: readonly [number, number]) => before === 0 && after === 0;

/** The same zeros behind a node that names or orders axes; undefined where they are no border any more. */
function turned(graph: Graph, node: Node, { pads, ...border }: Border): Border | undefined {
  const [from, to] = [graph.dims.get(node.inputs[0])!, graph.dims.get(node.outputs[0])!];
  const { perm } = node.attributes as { perm?: readonly number[] };
  const places = pads.map((p, axis) => (perm ? perm.indexOf(axis) : isNone(p) ? -1 : renamedAxis(from, to, axis)));
  if (places.includes(undefined)) return undefined;
  const after = to.map((_, axis) => (places.includes(axis) ? pads[places.indexOf(axis)] : NONE));
  const dims = to.map((d, axis) => d - after[axis][0] - after[axis][1]);
  return { ...border, pads: after, turns: [...border.turns, { node, dims }] };
}

/** What a node puts zeros around, and how many: before it on every axis, then behind it. */
type Zeros = readonly [inside: string, pads: readonly number[]];

function zerosOf({ constants, dims }: Graph, { type, inputs, outputs, attributes }: Node): Zeros | undefined {
  if (type === "Pad") {
    const { mode, value, pads } = attributes as PadAttributes;
    return mode === "constant" && value === 0 && pads!.every((p) => p >= 0) ? [inputs[0], pads!] : undefined;
  }
  const [at, ...others] = inputs.flatMap((name, i) => (constants.has(name) ? [] : [i]));
  const isZero = (name: string) => constants.get(name)?.data.every((v) => v === 0);
  if (others.length > 0 || !inputs.every((name, i) => i === at || isZero(name))) return undefined;
  const { axis } = attributes as { readonly axis: number };
  const long = (names: readonly string[]) => names.reduce((sum, name) => sum + dims.get(name)![axis], 0);
  const only = (count: number) => dims.get(outputs[0])!.map((_, i) => (i === axis ? count : 0));
  return [inputs[at], [...only(long(inputs.slice(0, at))), ...only(long(inputs.slice(at + 1)))]];
}

/** Those zeros, and those that there are within already. */
function padded([inside, pads]: Zeros, within?: Border): Border {
  const rank = pads.length / 2;
  const sum = pads.slice(0, rank).map((before, axis) => {
    const [first, last] = within?.pads[axis] ?? NONE;
    return [first + before, last + pads[rank + axis]] as const;
  });
  return { inside: within?.inside ?? inside, turns: within?.turns ?? [], pads: sum };
}

function borderOf(graph: Graph, by: ReadonlyMap<string, Node>, value: string): Border | undefined {
  // From the layer back: nodes that name or order axes, and zeros.
  const path: (Node | Zeros)[] = [];
  for (let node = by.get(value); node; ) {
    const isPadding = node.type === "Pad" || node.type === "Concat";
    if (!isPadding && ![...RENAMING, "Transpose"].includes(node.type)) break;
    const step = isPadding ? zerosOf(graph, node) : node;
    if (!step) break;
    path.push(step);
    node = by.get("type" in step ? step.inputs[0] : step[0]);
  }
  return path.reduceRight<Border | undefined>(
    (border, step) => ("type" in step ? border && turned(graph, step, border) : padded(step, border)),
    undefined,
  );
}

/**
 * Zeros that a Pad or a Concat puts around a picture become pads of the convolution that reads it, also through a
 * Transpose or a Reshape: what rules say of padding is the same in every spelling.
 */
export function foldPads(graph: Graph, budget: Budget): Graph {
  const by = producers(graph);
  const dims = new Map(graph.dims);
  const current: Graph = { ...graph, dims };
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const border = node.type === "Conv" ? borderOf(graph, by, node.inputs[0]) : undefined;
    if (!border?.pads.slice(0, 2).every(isNone)) return [node];
    let value = border.inside;
    const turns = border.turns.map((turn) => {
      const output = `${turn.node.outputs[0]}/${node.name}`;
      dims.set(output, turn.dims);
      const type = turn.node.type === "Transpose" ? "Transpose" : "Reshape";
      const made = { ...turn.node, type, name: `${turn.node.name}/${node.name}`, inputs: [value], outputs: [output] };
      value = output;
      return Object.freeze(made);
    });
    const attributes = node.attributes as ConvAttributes;
    const [, , ...spatial] = graph.dims.get(node.inputs[0])!;
    const own = windowAxes(spatial, attributes.window, graph.dims.get(node.inputs[1])!.slice(2));
    const outer = border.pads.slice(2);
    const pads = [
      ...own.map((axis, i) => axis.before + outer[i][0]),
      ...own.map((axis, i) => axis.after + outer[i][1]),
    ];
    const given = { ...attributes, window: { ...attributes.window, pads, autoPad: "NOTSET" } };
    const note = `${node.note ? `${node.note}; ` : ""}zeros folded in`;
    const folded = { ...node, inputs: [value, ...node.inputs.slice(1)], note };
    const inferred = ops.get("Conv")!.infer!(operandsOf(current, folded), given, budget);
    return [...turns, Object.freeze({ ...folded, attributes: Object.freeze(inferred.attributes) })];
  });
  return withNodes(current, nodes);
}
