import { demand } from "../base/complaint.ts";
import { LrpError } from "../base/error.ts";
import { type Attributes, attributesOf, constantOf, reader } from "./attributes.ts";
import type { GraphProto, ModelProto, NodeProto, ValueInfo } from "./onnx/decode.ts";
import { ops } from "../ops/index.ts";
import { checkCounts, countOf } from "../ops/takes.ts";
import { type Constant, type ElementType, typeName } from "../base/tensor.ts";
import { type Graph, type Node, type OutputPort, type Port, UNSTATED, whereIs } from "../graph/graph.ts";
import { Problems } from "../base/problems.ts";

/** The opsets that the operator table describes. */
export const OPSETS = { oldest: 7, newest: 22 } as const;

/** How an If is judged, which has no row. */
export const IF = { takes: "cond:bool", outputs: Infinity } as const;

/** A node whose branches are chosen, and built, once its condition is known. */
export interface Branches {
  readonly then: GraphProto;
  readonly else: GraphProto;
}

function buildNode(proto: NodeProto, opset: number): Node {
  demand(
    proto.domain === "" || proto.domain === "ai.onnx",
    "unsupported",
    "operators of ONNX's own domain",
    `domain '${proto.domain}'`,
  );
  const row = ops.get(proto.type);
  const { attributes } = proto;
  const given: Attributes = { names: [...attributes.keys()], find: (name) => attributes.get(name) };
  if (proto.type === "If") {
    const read = reader(given, opset);
    const [then, otherwise] = ["then_branch", "else_branch"].map((name) => read.graph(name) as GraphProto | undefined);
    read.check();
    demand(then && otherwise, "invalid-model", "a then_branch and an else_branch", "fewer");
    checkCounts(IF, opset, proto);
    const made = [then, otherwise].map((branch) => branch.outputs.length);
    const count = proto.outputs.length;
    demand(
      made.every((n) => n === count),
      "invalid-model",
      `branches of ${count} outputs`,
      made.join(" and "),
    );
    return Object.freeze({
      name: proto.name,
      type: "If",
      inputs: proto.inputs,
      outputs: proto.outputs,
      attributes: { then, else: otherwise } satisfies Branches,
    });
  }
  const fix = "Its README lists them; simplifying the model (onnx-simplifier) may remove this one.";
  demand(row, "unsupported", "an operator that relprop runs", proto.type, fix);
  const { name, type, outputs } = proto;
  const node = { name, type, outputs, attributes: attributesOf(row, given, opset) };
  checkCounts(row, opset, proto);
  return Object.freeze({ ...node, inputs: proto.inputs.slice(0, countOf(proto.inputs)) });
}

/** ONNX's numbers for the element types that values may have while a network runs. */
const elementTypes: Readonly<Record<number, ElementType>> = { 1: "float32", 6: "int32", 7: "int64", 9: "bool" };

function elementType({ type }: ValueInfo): ElementType {
  demand(elementTypes[type], "unsupported", "float32, int32, int64 or bool", typeName(type));
  return elementTypes[type];
}

function input(info: ValueInfo): Port {
  const type = elementType(info);
  const dims = (info.dims ?? [UNSTATED]).map((d, i) => {
    if (typeof d === "number") return d > 0 ? d : `d${i}`;
    return d === "?" || (info.dims && d === UNSTATED) ? `d${i}` : d;
  });
  return Object.freeze({ name: info.name, type, dims: Object.freeze(dims) });
}

function output(info: ValueInfo): OutputPort {
  return Object.freeze({
    name: info.name,
    type: info.type === 0 ? undefined : elementType(info),
    dims: info.dims ?? [],
  });
}

/** Orders nodes so that each comes after what it reads. */
function topological(
  nodes: readonly Node[],
  known: ReadonlySet<string>,
  outer: (name: string) => boolean,
): readonly Node[] {
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
      while (at < node.inputs.length && !isMissing(node.inputs[at])) at++;
      if (at < node.inputs.length) {
        const others = waiting.get(node.inputs[at]);
        if (others) others.push({ node, at });
        else waiting.set(node.inputs[at], [{ node, at }]);
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
  const rest = nodes.filter((node) => !ordered.has(node));
  if (rest.length > 0)
    throw new LrpError(
      "invalid-model",
      rest.map((node) => ({
        where: whereIs(node),
        expected: "inputs that some node computes",
        received: node.inputs
          .filter(isMissing)
          .map((name) => `'${name}'`)
          .join(", "),
        fix: "The graph has a gap or a cycle.",
      })),
    );
  return [...ordered];
}

/** What a node reads; its branches see the values around them. */
function readsOf({ inputs, attributes }: NodeProto): readonly string[] {
  const graphs = [...attributes.values()].flatMap(({ type, value }) => (type === "GRAPH" ? [value as GraphProto] : []));
  const inner = graphs.map(({ nodes, outputs }) => [...nodes.flatMap(readsOf), ...outputs.map(({ name }) => name)]);
  return [...inputs, ...inner.flat()];
}

/** What the outputs depend on: the names, and the nodes among them. */
function needed({ nodes, outputs }: GraphProto): { names: ReadonlySet<string>; nodes: ReadonlySet<NodeProto> } {
  const makers = new Map(nodes.flatMap((node) => node.outputs.filter(Boolean).map((name) => [name, node] as const)));
  const found = { names: new Set(outputs.map(({ name }) => name)), nodes: new Set<NodeProto>() };
  // A set that grows while it is walked through.
  for (const name of found.names) {
    const node = makers.get(name);
    if (!node || found.nodes.has(node)) continue;
    found.nodes.add(node);
    for (const read of readsOf(node)) found.names.add(read);
  }
  return found;
}

/**
 * Nodes and constants of a graph of the file, as far as its outputs depend on them: others are not judged. `outer`
 * tells which values surround it.
 */
export function buildNodes(
  proto: GraphProto,
  opset: number,
  outer: (name: string) => boolean,
): { nodes: readonly Node[]; constants: Map<string, Constant> } {
  const problems = new Problems();
  const names = new Set<string>();
  const once = (name: string) => {
    demand(!names.has(name), "invalid-model", "names of its own for its values", `'${name}' again`);
    names.add(name);
  };
  const wanted = needed(proto);
  const constants = new Map(
    problems
      .collect(
        proto.initializers,
        (t) => `initializer '${t.name}'`,
        (t) => {
          once(t.name);
          return wanted.names.has(t.name) ? [[t.name, constantOf(t)] as const] : [];
        },
      )
      .flat(),
  );
  for (const { name } of proto.inputs) names.add(name);
  const nodes = problems.collect(proto.nodes, whereIs, (node) => {
    node.outputs.filter(Boolean).forEach(once);
    return wanted.nodes.has(node) ? [buildNode(node, opset)] : [];
  });
  problems.raise();
  const known = new Set([...constants.keys(), ...proto.inputs.map((i) => i.name)]);
  return { nodes: topological(nodes.flat(), known, outer), constants };
}

/**
 * The file's graph in relprop's terms; every node that is not supported is listed in one error.
 * @throws LrpError code "unsupported" or "invalid-model"
 */
export function build(model: ModelProto): Graph {
  const opset = model.opset.get("");
  if (opset === undefined || opset < OPSETS.oldest || opset > OPSETS.newest) {
    throw new LrpError("unsupported", {
      where: "the model",
      expected: `an opset from ${OPSETS.oldest} to ${OPSETS.newest}`,
      received: `${opset ?? "none"}`,
      fix: "Convert it with onnx.version_converter, or export it again.",
    });
  }
  const { nodes, constants } = buildNodes(model.graph, opset, () => false);
  const problems = new Problems();
  // Old files list their weights among the inputs.
  const weights = new Set(model.graph.initializers.map(({ name }) => name));
  const inputs = problems.collect(
    model.graph.inputs.filter((i) => !weights.has(i.name)),
    (i) => `input '${i.name}'`,
    input,
  );
  const outputs = problems.collect(model.graph.outputs, (o) => `output '${o.name}'`, output);
  problems.raise();
  if (model.graph.outputs.length === 0)
    throw new LrpError("invalid-model", { where: "the model", expected: "an output", received: "none" });
  return Object.freeze({
    opset,
    inputs,
    outputs,
    nodes,
    constants,
    dims: new Map(),
    types: new Map(),
    aliases: new Map(),
  });
}
