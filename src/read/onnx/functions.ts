import { LrpError } from "../../base/error.ts";
import { whereIs } from "../../graph/graph.ts";
import { type AttributeProto, type GraphProto, keyOf, type ModelProto, type NodeProto } from "./decode.ts";

/** A few functions that call each other ask for any number of nodes. */
const MOST_NODES = 2 ** 18;

/** How names and attributes that refer to a call's become those of the graph around it. */
interface Call {
  name(inner: string): string;
  attribute(name: string): AttributeProto | undefined;
}

function renamed(node: NodeProto, call: Call): NodeProto {
  const attributes = [...node.attributes].flatMap(([name, given]) => {
    const own = given.refers === undefined ? given : call.attribute(given.refers);
    if (!own) return [];
    return [
      [name, own.type === "GRAPH" ? { ...own, value: renamedGraph(own.value as GraphProto, call) } : own] as const,
    ];
  });
  const [inputs, outputs] = [node.inputs, node.outputs].map((names) => names.map(call.name));
  return { ...node, name: call.name(node.name), inputs, outputs, attributes: new Map(attributes) };
}

function renamedGraph({ nodes, initializers, inputs, outputs }: GraphProto, call: Call): GraphProto {
  const named = <T extends { readonly name: string }>(list: readonly T[]) =>
    list.map((one) => ({ ...one, name: call.name(one.name) }));
  return {
    nodes: nodes.map((node) => renamed(node, call)),
    initializers: named(initializers),
    inputs: named(inputs),
    outputs: named(outputs),
  };
}

/**
 * The graph of a model with the nodes of functions in the place of those that call them.
 * @throws LrpError for functions that call themselves, that are of another opset, and for too many nodes
 */
export function inlined({ graph, functions, ...model }: ModelProto): GraphProto {
  const opset = model.opset.get("");
  if (functions.size === 0) return graph;
  let count = 0;
  const refuse = (code: "invalid-model" | "unsupported", node: NodeProto, expected: string, received: string) =>
    new LrpError(code, { where: whereIs(node), expected, received });
  const expand = (node: NodeProto, within: readonly string[]): readonly NodeProto[] => {
    const key = keyOf(node);
    const called = functions.get(key);
    if (++count > MOST_NODES) throw refuse("unsupported", node, `at most ${MOST_NODES} nodes`, "more");
    if (!called) {
      const attributes = [...node.attributes].map(
        ([name, given]) =>
          [
            name,
            given.type === "GRAPH" ? { ...given, value: whole(given.value as GraphProto, within) } : given,
          ] as const,
      );
      return [{ ...node, attributes: new Map(attributes) }];
    }
    if (within.includes(key)) throw refuse("invalid-model", node, "functions that do not call themselves", node.type);
    if (called.opset !== undefined && called.opset !== opset)
      throw refuse("unsupported", node, `a function of the model's opset, ${opset}`, `${called.opset}`);
    const prefix = `${node.outputs.find(Boolean)}/${node.type}/`;
    const names = new Map([
      ...called.outputs.flatMap((name, i) => (node.outputs[i] ? [[name, node.outputs[i]] as const] : [])),
      ...called.inputs.map((name, i) => [name, node.inputs[i] ?? ""] as const),
    ]);
    const call: Call = {
      name: (inner) => (inner === "" ? "" : (names.get(inner) ?? `${prefix}${inner}`)),
      attribute: (name) => node.attributes.get(name) ?? called.defaults.get(name),
    };
    return called.nodes.flatMap((inner) => expand(renamed(inner, call), [...within, key]));
  };
  const whole = (of: GraphProto, within: readonly string[]): GraphProto => ({
    ...of,
    nodes: of.nodes.flatMap((node) => expand(node, within)),
  });
  return whole(graph, []);
}
