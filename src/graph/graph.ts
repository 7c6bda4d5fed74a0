import type { Axes } from "../base/layout.ts";
import { printable } from "../base/printable.ts";
import { type Constant, type Dims, type ElementType, shapeText } from "../base/tensor.ts";

/** In the place of all dims of an input: the file says nothing of them, not even how many there are. */
export const UNSTATED = "...";

/** What a caller must hand in; free dimensions are names, and `["..."]` is any number of them. */
export interface Port extends Axes {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly (number | string)[];
}

/** What comes out; a file need not say of what type. */
export type OutputPort = Omit<Port, "type"> & Partial<Pick<Port, "type">>;

/** One operator at one place. `attributes` are what the operator's row in the table made of them. */
export interface Node {
  readonly name: string;
  readonly type: string;
  readonly attributes: unknown;
  /** Names of values; an input that is left out is "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What a canonizer did to get here, for people. */
  readonly note?: string;
  /** Where a canonizer found a scale and shift to be a change of units, which relevance passes: of what. */
  readonly units?: "input" | "activation";
}

/** A network, in ONNX's vocabulary. Nodes stand in topological order. Nothing in it changes once it is made. */
export interface Graph {
  readonly opset: number;
  readonly inputs: readonly Port[];
  readonly outputs: readonly OutputPort[];
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Dims of every value, once `infer` has filled them in. */
  readonly dims: ReadonlyMap<string, Dims>;
  /** Element types of those that are not float32. */
  readonly types: ReadonlyMap<string, ElementType>;
  /** Names of values that a canonizer removed, and the value that stands for them. */
  readonly aliases: ReadonlyMap<string, string>;
}

/** An input or output as the graph knows it. */
export interface Operand {
  readonly name: string;
  readonly dims: Dims;
  readonly type: ElementType;
  readonly constant?: Constant;
}

/** Inputs that are left out are undefined. */
export type Operands = readonly (Operand | undefined)[];

/** What a node reads, as the graph knows it. */
export function operandsOf(graph: Graph, node: Node): Operands {
  return node.inputs.map((name) =>
    name === ""
      ? undefined
      : {
          name,
          dims: graph.dims.get(name)!,
          type: graph.types.get(name) ?? "float32",
          constant: graph.constants.get(name),
        },
  );
}

/** `node 'conv1' (Conv)`: how every message names a node. */
export function whereIs(node: { readonly name: string; readonly type: string }): string {
  return `node '${node.name}' (${node.type})`;
}

/** How often each value is read, graph outputs included. */
export function readers(graph: Graph): Map<string, number> {
  const count = new Map<string, number>();
  const add = (name: string) => count.set(name, (count.get(name) ?? 0) + 1);
  for (const node of graph.nodes) node.inputs.forEach(add);
  for (const output of graph.outputs) add(output.name);
  return count;
}

/** The node that computes each value. */
export function producers(graph: Graph): Map<string, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.filter(Boolean).map((name) => [name, node] as const)));
}

/** Those of the nodes on which one of the values depends, in their order. */
export function behind(nodes: readonly Node[], values: readonly string[]): Node[] {
  const wanted = new Set(values);
  const found: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => name && wanted.has(name))) continue;
    for (const name of node.inputs) wanted.add(name);
    found.push(node);
  }
  return found.reverse();
}

/** Follows `aliases` to the value that is really computed. */
export function resolve({ aliases }: Pick<Graph, "aliases">, name: string): string {
  let at = name;
  for (let next = aliases.get(at); next !== undefined; next = aliases.get(at)) at = next;
  return at;
}

const SQUASHING = new Set(["Softmax", "LogSoftmax", "Sigmoid"]);
const RESHAPING = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Dropout"]);

/** The value before a softmax, log-softmax or sigmoid at the end, and that node. */
export function logitsOf(graph: Graph, output: string): { start: string; skipped?: Node } {
  const by = producers(graph);
  for (let name = output; ; ) {
    const node = by.get(name);
    if (node && SQUASHING.has(node.type)) return { start: node.inputs[0], skipped: node };
    if (!node || !RESHAPING.has(node.type)) return { start: output };
    name = node.inputs[0];
  }
}

/** One line a node, for people, error reports and tests. */
export function printGraph(graph: Graph): string {
  const value = (name: string) => {
    if (name === "") return "-";
    const constant = graph.constants.get(name);
    return constant ? `${printable(name)}: ${shapeText(constant.dims, constant.type)}` : printable(name);
  };
  const lines = graph.inputs.map((port) => `input ${printable(port.name)}: ${shapeText(port.dims, port.type)}`);
  for (const node of graph.nodes) {
    const outputs = node.outputs
      .filter(Boolean)
      .map((name) => `${printable(name)}: ${shapeText(graph.dims.get(name) ?? ["?"], graph.types.get(name))}`);
    lines.push(
      `${outputs.join(", ")} = ` +
        `${node.type}(${node.inputs.map(value).join(", ")})${node.note ? `  # ${node.note}` : ""}`,
    );
  }
  return [...lines, ...graph.outputs.map((port) => `output ${printable(port.name)}`)].join("\n");
}
