import { LrpError } from "../error.ts";
import type { AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfo } from "../onnx/decode.ts";
import { ops } from "../ops/index.ts";
import { type AttributeReader, require } from "../ops/op.ts";
import { type Constant, type ElementType, firstNonFinite } from "../tensor.ts";
import { type Graph, type Node, type OutputPort, type Port, whereIs } from "./graph.ts";
import { Problems } from "./problems.ts";

/** The opsets that the operator table describes. */
export const OPSETS = { oldest: 7, newest: 22 } as const;

/** Unread attributes are a complaint, so that nothing in the file is ignored by accident. */
function reader(attributes: ReadonlyMap<string, AttributeProto>, opset: number): AttributeReader & { rest(): string[] } {
  const read = new Set<string>();
  const get = (name: string) => {
    read.add(name);
    return attributes.get(name);
  };
  return {
    opset,
    int: (name, otherwise) => get(name)?.i ?? (attributes.has(name) ? 0 : otherwise),
    float: (name, otherwise) => get(name)?.f ?? (attributes.has(name) ? 0 : otherwise),
    string: (name, otherwise) => get(name)?.s ?? otherwise,
    ints: (name) => get(name)?.ints,
    floats: (name) => get(name)?.floats,
    tensor(name) {
      const t = get(name)?.t;
      return t && constantOf(t);
    },
    graph: (name) => get(name)?.g,
    ignore: (...names) => names.forEach(get),
    rest: () => [...attributes.keys()].filter((name) => !read.has(name)),
  };
}

function constantOf(tensor: TensorProto): Constant {
  require(tensor.value, "unsupported", "float32, double, integer or boolean numbers inside the file", tensor.problem ??
    "nothing", "Convert the weights to float32 and save them in one file.");
  const { data } = tensor.value;
  // A single infinity is a bound that is not there; in a weight it is damage.
  require(firstNonFinite(data) < 0 ||
    (data.length === 1 &&
      !Number.isNaN(data[0])), "invalid-model", "finite numbers", "NaN or infinity", "The file is damaged, or its training diverged.");
  return tensor.value;
}

/** A node whose branches are chosen, and built, once its condition is known. */
export interface Branches {
  readonly then: GraphProto;
  readonly else: GraphProto;
}

function buildNode(proto: NodeProto, opset: number): Node {
  require(proto.domain === "" || proto.domain === "ai.onnx", "unsupported", "operators of ONNX's own domain", `domain '${proto.domain}'`);
  const row = ops.get(proto.type);
  if (proto.type === "If") {
    const [then, otherwise] = [proto.attributes.get("then_branch")?.g, proto.attributes.get("else_branch")?.g];
    require(then && otherwise, "invalid-model", "a then_branch and an else_branch", "fewer");
    return Object.freeze({
      name: proto.name,
      type: "If",
      inputs: proto.inputs,
      outputs: proto.outputs,
      attributes: { then, else: otherwise } satisfies Branches,
    });
  }
  require(row &&
    row.family !==
      "taylor", "unsupported", "an operator that relprop runs", proto.type, "Its README lists them; simplifying the model (onnx-simplifier) may remove this one.");
  const read = reader(proto.attributes, opset);
  const attributes = Object.freeze(row.attributes(read));
  const rest = read.rest();
  require(rest.length === 0, "unsupported", "attributes that relprop knows", rest.join(", "));
  return Object.freeze({ name: proto.name, type: proto.type, inputs: proto.inputs, outputs: proto.outputs, attributes });
}

/** ONNX's numbers for the element types that values may have while a network runs. */
const elementTypes: Readonly<Record<number, ElementType>> = { 1: "float32", 6: "int32", 7: "int64", 9: "bool" };

function elementType({ type }: ValueInfo): ElementType {
  require(elementTypes[type], "unsupported", "float32, int32, int64 or bool", `ONNX type ${type}`);
  return elementTypes[type];
}

function input(info: ValueInfo): Port {
  const type = elementType(info);
  require(info.dims, "unsupported", "an input whose rank is stated", "none");
  const dims = info.dims.map((d, i) => (typeof d === "number" && d > 0 ? d : d === "?" || typeof d === "number" ? `d${i}` : d));
  return Object.freeze({ name: info.name, type, dims: Object.freeze(dims) });
}

function output(info: ValueInfo): OutputPort {
  return Object.freeze({ name: info.name, type: info.type === 0 ? undefined : elementType(info), dims: info.dims ?? [] });
}

/** Orders nodes so that each comes after what it reads. */
function topological(nodes: readonly Node[], known: ReadonlySet<string>, outer: (name: string) => boolean): readonly Node[] {
  const ready = new Set(known);
  const ordered: Node[] = [];
  let waiting = [...nodes];
  while (waiting.length > 0) {
    const rest = waiting.filter((node) => {
      if (!node.inputs.every((name) => name === "" || ready.has(name) || outer(name))) return true;
      for (const name of node.outputs) ready.add(name);
      ordered.push(node);
      return false;
    });
    if (rest.length === waiting.length) {
      throw new LrpError(
        "invalid-model",
        rest.map((node) => ({
          where: whereIs(node),
          expected: "inputs that some node computes",
          received: node.inputs
            .filter((name) => name !== "" && !ready.has(name))
            .map((name) => `'${name}'`)
            .join(", "),
          fix: "The graph has a gap or a cycle.",
        })),
      );
    }
    waiting = rest;
  }
  return ordered;
}

/** Nodes and constants of a graph of the file; `outer` tells which values surround it. */
export function buildNodes(
  proto: GraphProto,
  opset: number,
  outer: (name: string) => boolean,
): { nodes: readonly Node[]; constants: Map<string, Constant> } {
  const problems = new Problems();
  const constants = new Map(
    problems.collect(
      proto.initializers,
      (t) => `initializer '${t.name}'`,
      (t) => [t.name, constantOf(t)] as const,
    ),
  );
  const nodes = problems.collect(proto.nodes, whereIs, (node) => buildNode(node, opset));
  problems.raise();
  const known = new Set([...constants.keys(), ...proto.inputs.map((i) => i.name)]);
  return { nodes: topological(nodes, known, outer), constants };
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
  const inputs = problems.collect(
    model.graph.inputs.filter((i) => !constants.has(i.name)),
    (i) => `input '${i.name}'`,
    input,
  );
  const outputs = problems.collect(model.graph.outputs, (o) => `output '${o.name}'`, output);
  problems.raise();
  if (model.graph.outputs.length === 0)
    throw new LrpError("invalid-model", { where: "the model", expected: "an output", received: "none" });
  return Object.freeze({ opset, inputs, outputs, nodes, constants, dims: new Map(), types: new Map(), aliases: new Map() });
}
