import {
  type AttributeValue,
  type Handle,
  network,
  type Network,
  type NetworkInput,
  type NodeInput,
  op,
  type Tensor,
} from "../../src/entries/index.ts";
import type { Attribute, FileGraph, FileTensor } from "../onnx-writer.ts";

/*
 * What a test writes as a file, described in code instead.
 */

function tensorOf({ dims, data }: FileTensor): Tensor {
  if (data instanceof Float32Array) return { dims, data };
  const type = typeof (data as readonly unknown[])[0] === "boolean" ? "bool" : "int64";
  return { dims, data: Float32Array.from(data as readonly number[], Number), type };
}

/** A file's floats have 32 bits. */
function valueOf(attribute: Attribute): AttributeValue {
  if (typeof attribute !== "object" || Array.isArray(attribute))
    return attribute as number | string | readonly number[];
  if ("float" in attribute) return Math.fround(attribute.float);
  if ("floats" in attribute) return attribute.floats.map(Math.fround);
  if ("tensor" in attribute) return tensorOf(attribute.tensor);
  throw new Error("a graph, or raw fields, have no description in code");
}

const mapped = <T, R>(record: Readonly<Record<string, T>>, f: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, f(value)]));

export function described({ nodes, initializers = {}, inputs = {}, outputs }: FileGraph): Network {
  return network({
    inputs: inputs as Readonly<Record<string, NetworkInput>>,
    build(g, given) {
      const values = new Map<string, NodeInput>(Object.entries({ ...mapped(initializers, tensorOf), ...given }));
      for (const { type, inputs: from, outputs: to, attributes = {}, name = to[0] } of nodes) {
        const made = g.outputs(
          to,
          op(type, { ...mapped(attributes, valueOf), name }),
          ...from.map((x) => values.get(x)),
        );
        for (const [i, value] of made.entries()) values.set(to[i], value);
      }
      return Object.fromEntries(Object.keys(outputs).map((name) => [name, values.get(name) as Handle]));
    },
  });
}
