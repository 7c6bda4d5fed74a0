import { type Constant, type Dims, isFloat, size, strides } from "../base/tensor.ts";
import type { Graph, Node, Source } from "../graph/graph.ts";
import type { GatherAttributes, SliceAttributes } from "../ops/layout.ts";
import type { Counted, TableAttributes } from "../ops/table.ts";
import { JOINING, type Origin, originsOf } from "./origin.ts";

/*
 * Tables that are added: their rows are chosen by no input, such as those of positions, but stand beside those that an
 * input of ids has chosen. What is added so is no bias: it keeps its share, which is told apart by place.
 */

/** Which number of an input each place of a value belongs to. */
interface Rows extends Counted {
  readonly input: string;
  /** Whether ids have become rows of a table on the way. */
  readonly embedded: boolean;
}

/** These keep axes where they are, beyond those that work element by element. */
const KEEPING = new Set([...JOINING, "Softmax", "LayerNormalization", "RMSNormalization", "CumSum", "Mod"]);
const RENAMING = new Set(["Reshape", "Flatten", "Squeeze", "Unsqueeze"]);

/**
 * The steps along the axes that the same numbers have under other dims; undefined where such an axis is made of several
 * that do not follow each other.
 */
function regrouped(from: Dims, steps: readonly number[], to: Dims): number[] | undefined {
  // Without numbers there is nothing to follow.
  if (size(from) === 0 || size(from) !== size(to)) return undefined;
  const out = to.map(() => 0);
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    const [first, begin] = [i, j];
    let [before, after] = [from[i++] ?? 1, to[j++] ?? 1];
    while (before !== after) {
      if (before < after) before *= from[i++];
      else after *= to[j++];
    }
    const axes = [...from.keys()].slice(first, i).filter((axis) => from[axis] > 1);
    const follows = axes.every((axis, k) => k === 0 || steps[axes[k - 1]] === steps[axis] * from[axis]);
    if (!follows) return undefined;
    let step = steps[axes.at(-1)!] ?? 0;
    for (let axis = Math.min(j, to.length) - 1; axis >= begin; step *= to[axis--]) if (to[axis] > 1) out[axis] = step;
  }
  return out;
}

/** Follows one node. @param of what is known of its inputs */
function rowsBehind(graph: Graph, node: Node, of: readonly (Rows | undefined)[]): Rows | undefined {
  const { type, inputs, outputs, attributes } = node;
  const to = graph.dims.get(outputs[0])!;
  const dimsOf = (i: number) => graph.dims.get(inputs[i])!;
  const [data, second] = of;
  const moved = (rows: Rows | undefined, steps: (rows: Rows) => readonly number[] | undefined) => {
    const found = rows && steps(rows);
    return found && { ...rows, steps: found };
  };
  if (type === "Gather") {
    const { axis, shape } = attributes as GatherAttributes;
    const isTable = graph.constants.has(inputs[0]) && isFloat(graph.types.get(inputs[0]) ?? "float32");
    if (!isTable || !second) return undefined;
    const steps = [...dimsOf(0).map(() => 0)];
    steps.splice(axis, 1, ...second.steps.slice(0, shape!.length));
    return { ...second, steps, embedded: true };
  }
  if (type === "Transpose") {
    const { perm } = attributes as { readonly perm: readonly number[] };
    return moved(data, ({ steps }) => perm.map((axis) => steps[axis]));
  }
  if (RENAMING.has(type)) return moved(data, ({ steps }) => regrouped(dimsOf(0), steps, to));
  if (type === "Slice") {
    const { ranges } = attributes as SliceAttributes;
    const from = data && ranges!.reduce((sum, { start }, axis) => sum + start * data.steps[axis], data.offset);
    return data && { ...data, offset: from!, steps: data.steps.map((step, axis) => step * ranges![axis].step) };
  }
  if (type === "MatMul" || type === "Gemm") {
    const isLayer = graph.constants.has(inputs[1]) && dimsOf(0).length === to.length;
    return isLayer
      ? moved(data, ({ steps }) => steps.map((step, axis) => (axis < to.length - 1 ? step : 0)))
      : undefined;
  }
  if (!KEEPING.has(type)) return undefined;
  const known = of.flatMap((rows, i) => (rows && dimsOf(i).join() === to.join() ? [rows] : []));
  // Where several inputs choose, rows are counted by the first.
  const place = ({ input, embedded }: Rows) =>
    graph.inputs.findIndex(({ name }) => name === input) - (embedded ? graph.inputs.length : 0);
  return known.length > 0 ? known.reduce((a, b) => (place(b) < place(a) ? b : a)) : undefined;
}

/** Which number of an input each place of a value belongs to, where that can be said. */
function rowsOf(graph: Graph): ReadonlyMap<string, Rows> {
  const rows = new Map<string, Rows>();
  for (const { name } of graph.inputs)
    rows.set(name, { input: name, offset: 0, steps: strides(graph.dims.get(name)!), embedded: false });
  for (const node of graph.nodes) {
    const of = node.inputs.map((name) => rows.get(name));
    const found = of.some(Boolean) && rowsBehind(graph, node, of);
    if (found) rows.set(node.outputs[0], found);
  }
  return rows;
}

/**
 * Whether a constant is a table: it has a row for each place of the input, or one that was chosen, other than behind a
 * linear layer, whose bias it is.
 */
function isTable({ dims }: Constant, { steps }: Rows, source: Source | undefined, origin: Origin): boolean {
  const lead = steps.length - dims.length;
  const own = [...dims.keys()].filter((axis) => steps[axis + lead] !== 0);
  return own.some((axis) => dims[axis] > 1) || (own.length > 0 && source?.chosen === true && origin !== "layer");
}

/** What shares are called: as the table; where it is added for several inputs, with the name of the others. */
class Names {
  readonly #inputs = new Map<string, string>();

  nameOf(tables: readonly string[], input: string): string {
    const name = tables.join(" + ");
    const first = this.#inputs.get(name) ?? input;
    this.#inputs.set(name, first);
    return first === input ? name : `${name} (${input})`;
  }
}

/** Tables that are added become nodes, whose relevance is told apart. */
export function findTables(graph: Graph): Graph {
  const rows = rowsOf(graph);
  if (![...rows.values()].some(({ embedded }) => embedded)) return graph;
  const origins = originsOf(graph);
  const dims = new Map(graph.dims);
  const names = new Names();
  const nodes = graph.nodes.flatMap((node) => {
    const to = graph.dims.get(node.outputs[0])!;
    const x = node.inputs.find((name) => rows.get(name)?.embedded && graph.dims.get(name)!.join() === to.join());
    if (x === undefined || (node.type !== "Add" && node.type !== "Sum")) return [node];
    const { input, offset, steps } = rows.get(x)!;
    const tables: Node[] = [];
    const inputs = node.inputs.map((name, i) => {
      const constant = graph.constants.get(name);
      const source = graph.sources?.get(name);
      if (!constant || !isTable(constant, rows.get(x)!, source, origins.get(x)!)) return name;
      const share = names.nameOf(source?.tables ?? [name], input);
      const output = `${node.name}:rows${i}`;
      const attributes = { name: share, input, like: graph.dims.get(input)!, offset, steps } satisfies TableAttributes;
      const note = `rows of '${share}', which no input chooses: their relevance is its share`;
      dims.set(output, to);
      tables.push(Object.freeze({ name: output, type: "Table", attributes, inputs: [name], outputs: [output], note }));
      return output;
    });
    return tables.length > 0 ? [...tables, Object.freeze({ ...node, inputs })] : [node];
  });
  return { ...graph, nodes, dims };
}
