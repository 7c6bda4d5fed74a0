import { LrpError, usage } from "../../base/error.ts";
import type { Tensor } from "../../base/tensor.ts";
import { type Graph, whereIs } from "../../graph/graph.ts";
import { version } from "../../kernels.gen.ts";
import type { LoadOptions } from "../../model/options.ts";
import { type Input, type InputTensor, isTensor } from "../../run/input.ts";
import type { Answer, Order } from "./messages.ts";

/** What else there is to do where a worker cannot help. */
export const WITHOUT = "Load from 'relprop', and call explain() or predict().";

/** A copy that can be sent. @throws LrpError "usage" where there can be none */
export function copied<T>(value: T, where: string): T {
  try {
    // Of a view, structuredClone copies the whole buffer.
    const array = ArrayBuffer.isView(value) && !(value instanceof DataView);
    return array ? (Uint8Array.prototype.slice.call(value) as unknown as T) : structuredClone(value);
  } catch (error) {
    throw usage(where, "data that can be sent to a worker", (error as Error).message);
  }
}

/** A copy of an input: whoever gave it may write to it while the copy waits for a worker. */
export function copyOf(input: Input): Input {
  if (typeof input !== "object" || input === null) return input;
  if (!isTensor(input))
    return Object.fromEntries(
      Object.entries(input as Record<string, InputTensor>).map(([name, tensor]) => [name, copyOf(tensor)]),
    ) as Input;
  const { data, dims } = input as InputTensor;
  const { batchAxis, channelAxis } = input as Tensor;
  return {
    data: copied(data, "the input's data"),
    dims: copied(dims, "the input's dims"),
    ...(batchAxis !== undefined && { batchAxis }),
    ...(channelAxis && { channelAxis }),
  };
}

/** The error that a worker answers. @throws what only a fault of relprop is */
export function errorOf(answer: Answer, prefix = ""): LrpError | undefined {
  if ("value" in answer) return undefined;
  if ("fault" in answer) throw new Error(`${prefix}in a worker: ${answer.fault}`);
  const { code, issues } = answer.error;
  return new LrpError(
    code,
    issues.map((issue) => ({ ...issue, where: prefix + issue.where })),
  );
}

/** What a worker answers. @throws LrpError as it says, and what only a fault of relprop is */
export function valueOf<T>(answer: Answer): T {
  const error = errorOf(answer);
  if (error) throw error;
  return (answer as { value: unknown }).value as T;
}

/** The order to load a network, whose files have been read. @param where the options are from */
export function loadOrder(
  graph: Graph,
  { createWorker, externalData, ...options }: LoadOptions,
  where: string,
): Extract<Order, { readonly method: "load" }> {
  const code = graph.nodes.find(({ type }) => type === "TaylorNeurons");
  if (code)
    throw new LrpError("unsupported", {
      where: whereIs(code),
      problem: "it holds functions, which cannot be sent to a worker",
      fix: WITHOUT,
    });
  return { method: "load", version, network: { graph }, options: copied(options, where) };
}
