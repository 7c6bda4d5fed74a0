import { LrpError } from "../error.ts";
import { type Operand, type Operands, require } from "../ops/op.ts";
import { ops } from "../ops/index.ts";
import type { Constant, Dims } from "../tensor.ts";
import { type Branches, buildNodes } from "./build.ts";
import { type Graph, type Node, whereIs } from "./graph.ts";
import { Problems } from "./problems.ts";

/** What is known while the graph is walked through. */
interface State {
  readonly opset: number;
  readonly constants: Map<string, Constant>;
  readonly dims: Map<string, Dims>;
  readonly nodes: Node[];
  readonly problems: Problems;
}

function operands(node: Node, state: State): Operands | undefined {
  const list: (Operand | undefined)[] = [];
  for (const name of node.inputs) {
    if (name === "") {
      list.push(undefined);
      continue;
    }
    const dims = state.dims.get(name);
    // Unless the node that computes it was complained of already, it is an output that no row describes.
    require(dims || state.problems.any, "unsupported", "inputs that relprop computes", `'${name}', a further output of the node before`);
    if (!dims) return undefined;
    list.push({ name, dims, constant: state.constants.get(name) });
  }
  return list;
}

/** The chosen branch of an If, its values renamed so that they cannot collide. */
function inlined(node: Node, state: State): readonly Node[] {
  const condition = state.constants.get(node.inputs[0]);
  require(condition, "unsupported", "a condition that is known while loading", "one that is computed from the input");
  const branches = node.attributes as Branches;
  const branch = condition.data[0] ? branches.then : branches.else;
  const { nodes, constants } = buildNodes(branch, state.opset, (name) => state.dims.has(name));
  const own = new Set([...constants.keys(), ...nodes.flatMap((n) => n.outputs)]);
  const rename = (name: string) => (own.has(name) ? `${node.name}/${name}` : name);
  for (const [name, value] of constants) {
    state.constants.set(rename(name), value);
    state.dims.set(rename(name), value.dims);
  }
  return [
    ...nodes.map((n) => ({ ...n, name: `${node.name}/${n.name}`, inputs: n.inputs.map(rename), outputs: n.outputs.map(rename) })),
    ...node.outputs.map((output, i) => ({
      name: `${node.name}:${i}`,
      type: "Identity",
      attributes: {},
      inputs: [rename(branch.outputs[i].name)],
      outputs: [output],
    })),
  ];
}

function visit(node: Node, state: State): void {
  if (node.type === "If") {
    for (const inner of inlined(node, state)) attempt(inner, state);
    return;
  }
  const inputs = operands(node, state);
  if (!inputs) return;
  const row = ops.get(node.type)!;
  const { dims, attributes = node.attributes } = row.infer(inputs, node.attributes);
  dims.forEach((d, i) => {
    require(d.every((v) => Number.isSafeInteger(v) && v > 0), "shape", "output dims ≥ 1", `[${d}]`);
    if (node.outputs[i]) state.dims.set(node.outputs[i], Object.freeze(d));
  });
  const constant = row.shapeOnly || inputs.every((x) => !x || x.constant);
  if (constant) {
    require(row.fold, "unsupported", "an input that depends on the network's", "constants only");
    row
      .fold(
        inputs.map((x) => x?.constant),
        attributes,
        dims,
      )
      .forEach((value, i) => {
        state.constants.set(node.outputs[i], Object.freeze(value));
      });
    return;
  }
  require(row.forward, "unsupported", "constants only", "an input that depends on the network's");
  state.nodes.push(Object.freeze({ ...node, attributes: Object.freeze(attributes) }));
}

function attempt(node: Node, state: State): void {
  state.problems.attempt(whereIs(node), () => visit(node, state));
}

/**
 * Fills in the dims of every value for one shape of the input, and folds what depends only on constants and shapes.
 * @throws LrpError listing every node whose inputs do not fit
 */
export function infer(graph: Graph, inputDims: Dims): Graph {
  const state: State = { opset: graph.opset, constants: new Map(graph.constants), dims: new Map(), nodes: [], problems: new Problems() };
  for (const [name, value] of graph.constants) state.dims.set(name, value.dims);
  state.dims.set(graph.inputs[0].name, inputDims);
  for (const node of graph.nodes) attempt(node, state);
  state.problems.raise();
  const computed = new Set(state.nodes.flatMap((node) => node.outputs));
  for (const { name } of graph.outputs) {
    if (!computed.has(name))
      throw new LrpError("invalid-model", {
        where: `output '${name}'`,
        expected: "a value that is computed from the input",
        received: state.constants.has(name) ? "a constant" : "none of this name",
      });
  }
  // Values that nobody reads any more would be computed for nothing.
  const wanted = new Set(graph.outputs.map((o) => o.name));
  const nodes = state.nodes
    .reverse()
    .filter((node) => {
      const used = node.outputs.some((name) => wanted.has(name));
      if (used) for (const name of node.inputs) wanted.add(name);
      return used;
    })
    .reverse();
  const constants = new Map([...state.constants].filter(([name]) => wanted.has(name)));
  return Object.freeze({ ...graph, nodes, constants, dims: state.dims });
}
