import { demand, insist } from "../base/complaint.ts";
import { LrpError } from "../base/error.ts";
import { type Attributes, attributesOf, constantOf } from "./attributes.ts";
import type { GraphProto, ModelProto, NodeProto, ValueInfo } from "./onnx/decode.ts";
import { rowOf } from "../ops/index.ts";
import { topological } from "./topological.ts";
import { checkCounts, countOf } from "../ops/takes.ts";
import { type Constant, type ElementType, elementType, isTiny, typeName } from "../base/tensor.ts";
import {
  type Body,
  type Graph,
  type Node,
  type OutputPort,
  type Port,
  spread,
  UNSTATED,
  whereIs,
} from "../graph/graph.ts";
import { type Problem, Problems } from "../base/problems.ts";

/** The opsets that the operator table describes. */
export const OPSETS = { oldest: 1, newest: 27 } as const;

const UNKNOWN =
  "The reference lists those that it runs (docs/reference/operators.md); simplifying the model (onnx-simplifier) may " +
  "remove this one.";

/** The type of a node as the table has it: with its domain, unless that is ONNX's own. */
const operatorOf = ({ domain, type }: NodeProto) => (["", "ai.onnx"].includes(domain) ? type : `${domain}.${type}`);

/** What the nodes of one graph have in common. */
interface Within {
  readonly opset: number;
  /** Which values bodies of its nodes may read. */
  readonly scope: (name: string) => boolean;
  readonly problems: Problems;
}

/** The outputs: the first is made in any case, and has a name that no exporter gives where only others are named. */
function outputsOf({ outputs }: NodeProto): readonly string[] {
  const [first, ...others] = outputs;
  const named = others.find(Boolean);
  return first || !named ? outputs : [`the first beside ${named}`, ...others];
}

function buildNode(proto: NodeProto, { opset, scope, problems }: Within): Node {
  const type = operatorOf(proto);
  const { attributes, name } = proto;
  const bodies: Body[] = [];
  const given: Attributes = {
    names: [...attributes.keys()],
    find: (key) => attributes.get(key),
    body(graph) {
      const body = bodyOf(graph, opset, scope);
      bodies.push(body);
      return body;
    },
  };
  const row = rowOf(type, UNKNOWN);
  const node = { name, type, outputs: outputsOf(proto), attributes: attributesOf(row, given, opset) };
  checkCounts(row, opset, proto);
  // Of two branches one may be taken in which nothing is wrong.
  if (bodies.length > 0 && bodies.every((body) => body.problems.length > 0))
    problems.add(...bodies.flatMap((body) => body.problems));
  const inputs = proto.inputs.slice(0, countOf(proto.inputs));
  if (bodies.length === 0) return Object.freeze({ ...node, inputs });
  return Object.freeze({ ...node, inputs, captured: new Map(capturedBy(proto).map((own) => [own, own])) });
}

/** A graph inside a node. @param outer which values surround it */
function bodyOf(proto: GraphProto, opset: number, outer: (name: string) => boolean): Body {
  const problems = new Problems();
  const { nodes, constants, wrong } = judged(proto, opset, outer, problems);
  const inputs = proto.inputs.map(({ name }) => name);
  const made = new Set([...inputs, ...constants.keys(), ...wrong.keys(), ...nodes.flatMap((node) => node.outputs)]);
  const outputs = problems.collect(
    proto.outputs,
    ({ name }) => `output '${name}' inside a node`,
    (info) => {
      insist(made.has(info.name) || outer(info.name), "invalid-model", "no node computes it");
      return output(info);
    },
  );
  return Object.freeze({ inputs, outputs, nodes, constants, problems: problems.since(0) });
}

function typeOf({ type }: ValueInfo): ElementType {
  const known = elementType(type);
  demand(known && !isTiny(known), "unsupported", "integers, bool, or floats of 16 bits or more", typeName(type));
  return known;
}

function input(info: ValueInfo): Port {
  const type = typeOf(info);
  const dims = (info.dims ?? [UNSTATED]).map((d, i) => {
    if (typeof d === "number") return d > 0 ? d : `d${i}`;
    return d === "?" || (info.dims && d === UNSTATED) ? `d${i}` : d;
  });
  return Object.freeze({ name: info.name, type, dims: Object.freeze(dims) });
}

function output(info: ValueInfo): OutputPort {
  return Object.freeze({
    name: info.name,
    type: info.type === 0 ? undefined : typeOf(info),
    dims: info.dims ?? [],
  });
}

/** What the bodies of a node read of the values around them. */
function capturedBy({ attributes }: NodeProto): readonly string[] {
  return [...attributes.values()].flatMap(({ type, value }) => {
    if (type !== "GRAPH") return [];
    const { inputs, initializers, nodes, outputs } = value as GraphProto;
    const own = new Set([...inputs, ...initializers].map(({ name }) => name));
    for (const node of nodes) for (const name of node.outputs) own.add(name);
    return [...nodes.flatMap(wantedBy), ...outputs.map(({ name }) => name)].filter((name) => !own.has(name));
  });
}

const wantedBy = (node: NodeProto): readonly string[] => [...node.inputs, ...capturedBy(node)];

/** What the outputs depend on: the names, and the nodes among them. */
function needed({ nodes }: GraphProto, outputs: readonly { readonly name: string }[]): Needed {
  const makers = new Map(nodes.flatMap((node) => node.outputs.filter(Boolean).map((name) => [name, node] as const)));
  const found = { names: new Set(outputs.map(({ name }) => name)), nodes: new Set<NodeProto>() };
  // A set that grows while it is walked through.
  for (const name of found.names) {
    const node = makers.get(name);
    if (!node || found.nodes.has(node)) continue;
    found.nodes.add(node);
    for (const read of wantedBy(node)) found.names.add(read);
  }
  return found;
}

interface Needed {
  readonly names: ReadonlySet<string>;
  readonly nodes: ReadonlySet<NodeProto>;
}

/** What is wrong with values, by their names. */
type Wrong = Map<string, readonly Problem[]>;

/** A graph of the file, as far as its outputs depend on it: the rest is not judged. */
interface Judged {
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly constants: Map<string, Constant>;
  /** Values that cannot be computed, and why. */
  readonly wrong: ReadonlyMap<string, readonly Problem[]>;
}

/** @param outer which values surround the graph @param wrong inputs that cannot be given */
function judged(
  proto: GraphProto,
  opset: number,
  outer: (name: string) => boolean,
  problems: Problems,
  wrong: Wrong = new Map(),
): Judged {
  const attempt = <R>(where: string, makes: readonly string[], task: () => R): R | undefined => {
    const before = problems.count;
    const made = problems.attempt(where, task);
    if (problems.count > before) for (const name of makes) wrong.set(name, problems.since(before));
    return made;
  };
  const own = new Set([
    ...[...proto.inputs, ...proto.initializers].map(({ name }) => name),
    ...proto.nodes.flatMap((node) => node.outputs),
  ]);
  const within = { opset, scope: (name: string) => own.has(name) || outer(name), problems };
  const names = new Set<string>();
  const once = (name: string) => {
    insist(!names.has(name), "invalid-model", `the name '${name}' stands for another value already`);
    names.add(name);
  };
  const wanted = needed(proto, proto.outputs);
  const constants = new Map<string, Constant>();
  for (const t of proto.initializers)
    attempt(`initializer '${t.name}'`, [t.name], () => {
      once(t.name);
      if (wanted.names.has(t.name)) constants.set(t.name, constantOf(t));
    });
  for (const { name } of proto.inputs) names.add(name);
  const built = proto.nodes.flatMap((node) => {
    const makes = node.outputs.filter(Boolean);
    const made = attempt(whereIs({ ...node, type: operatorOf(node) }), makes, () => {
      makes.forEach(once);
      return wanted.nodes.has(node) && buildNode(node, within);
    });
    return made ? [made] : [];
  });
  const known = new Set([...constants.keys(), ...proto.inputs.map((i) => i.name), ...wrong.keys()]);
  const { ordered, stuck } = topological(built, known, outer);
  for (const { node, problem } of stuck) {
    problems.add(problem);
    for (const name of node.outputs) wrong.set(name, [problem]);
  }
  return { nodes: ordered, constants, wrong: spread(ordered, wrong) };
}

/**
 * The file's graph in relprop's terms, as far as it can be computed.
 * @throws LrpError code "unsupported" or "invalid-model" where no output can be: with everything that is wrong
 */
export function build(model: ModelProto): Graph {
  // A file of other domains' operators alone need not name ONNX's own.
  const opset = model.opset.get("") ?? OPSETS.newest;
  if (opset < OPSETS.oldest || opset > OPSETS.newest) {
    throw new LrpError("unsupported", {
      where: "the model",
      expected: `an opset from ${OPSETS.oldest} to ${OPSETS.newest}`,
      received: `${opset}`,
      fix: "Convert it with onnx.version_converter, or export it again.",
    });
  }
  const { graph } = model;
  if (graph.outputs.length === 0)
    throw new LrpError("invalid-model", { where: "the model", problem: "it has no outputs" });
  const problems = new Problems();
  const wrong: Wrong = new Map();
  // Old files list their weights among the inputs.
  const weights = new Set(graph.initializers.map(({ name }) => name));
  const inputs = graph.inputs.flatMap((info) => {
    if (weights.has(info.name)) return [];
    const before = problems.count;
    const port = problems.attempt(`input '${info.name}'`, () => input(info));
    if (port) return [port];
    wrong.set(info.name, problems.since(before));
    return [];
  });
  const { nodes, constants, wrong: unknown } = judged(graph, opset, () => false, problems, wrong);
  const refused: Wrong = new Map();
  const outputs = graph.outputs.flatMap((info) => {
    const before = problems.count;
    const port = problems.attempt(`output '${info.name}'`, () => output(info));
    const reasons = [...problems.since(before), ...(unknown.get(info.name) ?? [])];
    if (port && reasons.length === 0) return [port];
    refused.set(info.name, reasons);
    return [];
  });
  if (outputs.length === 0) problems.raise();
  // What only the others need is not judged any further.
  const read = needed(graph, outputs).names;
  return Object.freeze({
    opset,
    metadata: model.metadata,
    inputs,
    outputs,
    refused,
    nodes: nodes.filter((node) => node.outputs.some((name) => read.has(name))),
    constants: new Map([...constants].filter(([name]) => read.has(name))),
    dims: new Map(),
    types: new Map(),
    aliases: new Map(),
  });
}
