import type { Axes } from "../base/layout.ts";
import { printable } from "../base/printable.ts";
import type { Problem } from "../base/problems.ts";
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
  readonly attributes: object;
  /** Names of values; an input that is left out is "". */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Values around it that its bodies read, by what they are called there. */
  readonly captured?: ReadonlyMap<string, string>;
  /** What a canonizer did to get here, for people. */
  readonly note?: string;
  /** Where a canonizer found a scale and shift to be a change of units, which relevance passes: of what. */
  readonly units?: "input" | "activation";
  /** Of arithmetic of ids: the operand to which all relevance goes. */
  readonly ids?: number;
  /** Of a table: the inputs from which each of its ids is computed, where these are several. */
  readonly choosers?: readonly string[];
  /** Of a product of two computed values: the factor that only scales the other, where a canonizer has found one. */
  readonly gate?: 0 | 1;
}

/** Where the numbers of a constant are from that was made of others. */
export interface Source {
  /** The names of those. */
  readonly tables: readonly string[];
  /** Whether whole rows of them were chosen. */
  readonly chosen: boolean;
}

/** A graph inside a node: a branch, or what a loop repeats. */
export interface Body {
  readonly inputs: readonly string[];
  readonly outputs: readonly OutputPort[];
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Everything that is wrong in it. */
  readonly problems: readonly Problem[];
}

/** A network, in ONNX's vocabulary. Nodes stand in topological order. Nothing in it changes once it is made. */
export interface Graph {
  readonly opset: number;
  /** What a file says of itself, in words. */
  readonly metadata?: ReadonlyMap<string, string>;
  readonly inputs: readonly Port[];
  /** Those that can be computed. */
  readonly outputs: readonly OutputPort[];
  /** The names of the others, and why they cannot. */
  readonly refused: ReadonlyMap<string, readonly Problem[]>;
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
  /** Of the constants of floats that `infer` has made. */
  readonly sources?: ReadonlyMap<string, Source>;
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
  /** Of a sequence: the names of its tensors; null for an optional value that is none. */
  readonly items?: readonly string[] | null;
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

/** What must be there before a node runs. */
export const readsOf = ({ inputs, captured }: Node): readonly string[] =>
  captured ? [...inputs, ...captured.values()] : inputs;

/** Those of the nodes on which one of the values depends, in their order. */
export function behind(nodes: readonly Node[], values: readonly string[]): Node[] {
  const wanted = new Set(values);
  const found: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => name && wanted.has(name))) continue;
    for (const name of readsOf(node)) wanted.add(name);
    found.push(node);
  }
  return found.reverse();
}

/** The graph with these nodes, without those on which no output depends any more. */
export const withNodes = (graph: Graph, nodes: readonly Node[]): Graph => ({
  ...graph,
  nodes: behind(
    nodes,
    graph.outputs.map(({ name }) => name),
  ),
});

/** More reasons of one output than anybody reads. */
const MOST_REASONS = 100;

/** What is wrong with values, spread to whatever is computed from them. @param nodes in topological order */
export function spread(
  nodes: readonly Node[],
  wrong: ReadonlyMap<string, readonly Problem[]>,
): Map<string, readonly Problem[]> {
  const all = new Map(wrong);
  for (const node of nodes) {
    // A list is handed on as it is where there is but one, so that a deep network does not copy it.
    const lists = [
      ...new Set(readsOf(node).flatMap((name) => [all.get(name) ?? []].filter((list) => list.length > 0))),
    ];
    if (lists.length === 0) continue;
    const reasons = lists.length === 1 ? lists[0] : [...new Set(lists.flat())].slice(0, MOST_REASONS);
    for (const name of node.outputs) if (name !== "" && !all.has(name)) all.set(name, reasons);
  }
  return all;
}

/** Follows `aliases` to the value that is really computed. */
export function resolve({ aliases }: Pick<Graph, "aliases">, name: string): string {
  let at = name;
  for (let next = aliases.get(at); next !== undefined; next = aliases.get(at)) at = next;
  return at;
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
