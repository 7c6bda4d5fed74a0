import type { Budget } from "../../base/budget.ts";
import { insist } from "../../base/complaint.ts";
import { type Finding, type Issue, LrpError } from "../../base/error.ts";
import type { GraphProto } from "./decode.ts";
import { attempt, type External, type TensorProto } from "./tensor.ts";

/**
 * Gives the whole content of a file beside the model, in which it keeps weights. It is asked once for every file.
 *
 * @param location the file's name as the model states it, which may be anything ("../../secret"): check it before
 * opening it
 */
export type ExternalData = (location: string) => Uint8Array | ArrayBuffer | Promise<Uint8Array | ArrayBuffer>;

/**
 * What is bytes, as a plain Uint8Array (of a Buffer, slice() would be a view); also of another realm, as sandboxes have
 * them.
 */
export function bytesOf(given: unknown): Uint8Array | undefined {
  const kind = Object.prototype.toString.call(given);
  if (kind === "[object ArrayBuffer]") return new Uint8Array(given as ArrayBuffer);
  if (kind !== "[object Uint8Array]") return undefined;
  const { buffer, byteOffset, byteLength } = given as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Every tensor of a graph, those of nodes and branches included. */
function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializers;
  for (const node of graph.nodes) {
    for (const { type, value } of node.attributes.values()) {
      if (type === "TENSOR") yield value as TensorProto;
      if (type === "GRAPH") yield* tensorsOf(value as GraphProto);
    }
  }
}

type Outside = TensorProto & { readonly external: External };

function usage(location: string, finding: Finding): Issue {
  return {
    where: `file '${location}', in which the model keeps weights`,
    ...finding,
    fix: "Give externalData: async (location) => …, which returns a Uint8Array or ArrayBuffer of the whole file.",
  };
}

/**
 * Fills in what lies in other files.
 * @throws LrpError "usage" that names every file when there is no `read`, or when it returns something else than bytes;
 * "memory"
 */
export async function readExternal(graph: GraphProto, read: ExternalData | undefined, budget: Budget): Promise<void> {
  const files = new Map<string, Outside[]>();
  for (const tensor of tensorsOf(graph)) {
    if (!tensor.external) continue;
    const { location } = tensor.external;
    const same = files.get(location);
    if (same) same.push(tensor as Outside);
    else files.set(location, [tensor as Outside]);
  }
  if (files.size > 0 && typeof read !== "function")
    throw new LrpError(
      "usage",
      [...files].map(([location, { length }]) =>
        usage(location, {
          problem: `it holds ${length} of the model's tensors, and load has no option 'externalData' to read them with`,
        }),
      ),
    );
  budget.where = "the model's weights";
  for (const tensor of [...files.values()].flat()) budget.take(tensor.external.bytes);
  // One file after the other, so that two of them are never held at once.
  for (const [location, tensors] of files) {
    const given: unknown = await read!(location);
    const file = bytesOf(given);
    if (!file)
      throw new LrpError(
        "usage",
        usage(location, { expected: "its bytes from option 'externalData' of load", received: String(given) }),
      );
    for (const tensor of tensors)
      Object.assign(
        tensor,
        attempt(() => ({ value: part(tensor.external, file) })),
      );
  }
}

function part({ location, offset, length, value }: External, file: Uint8Array) {
  insist(
    file.length - offset >= length,
    "invalid-model",
    `its numbers are ${length} bytes from byte ${offset} of '${location}' on, but that file has ${file.length} bytes`,
  );
  return value(file.subarray(offset, offset + length));
}
