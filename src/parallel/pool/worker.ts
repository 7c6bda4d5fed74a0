/*
 * What a worker of a pool runs: the file that `createWorker` starts, or imports.
 */
import { evaluate } from "../../evaluate/index.ts";
import { LrpError } from "../../base/error.ts";
import { loadEmbedded } from "../../model/embedded.ts";
import { loadWith } from "../../model/load.ts";
import type { Model } from "../../model/model.ts";
import { register } from "../../ops/index.ts";
import { rare } from "../../ops/rare/index.ts";
import { version } from "../../kernels.gen.ts";
import type { Network } from "../../read/network.ts";
import type { Explanation, Prediction } from "../../model/report.ts";
import { ownChannel } from "../workers.ts";
import type { Answer, Done, Order } from "./messages.ts";

register(rare);

const channel = ownChannel<Order, Answer>();
let model: Model | undefined;
let network: Network | undefined;

async function follow(order: Order): Promise<Done> {
  if (order.method === "predict") return model!.predict(order.input);
  if (order.method === "explain") return model!.explain(order.input, order.options);
  if (order.method === "evaluate")
    return evaluate(model!, order.input, { ...order.options, network: { source: network!, load: loadEmbedded } });
  if (order.version !== version)
    throw new LrpError("usage", {
      where: "the worker",
      expected: `relprop ${order.version}, the version of the page or program`,
      received: `relprop ${version}`,
      fix: "Bundle the file that createWorker starts again.",
    });
  network = order.network;
  model = await (order.module
    ? loadWith(Promise.resolve(order.module), network, order.options)
    : loadEmbedded(network, order.options));
  return model.inputs;
}

/** The arrays' buffers, each once. */
function buffersOf(value: Done): ArrayBuffer[] {
  if (Array.isArray(value) || "results" in value) return [];
  const { outputs, inputs = {}, shares = {}, at = {} } = value as Prediction & Partial<Explanation>;
  const tensors = [outputs, inputs, shares, at].flatMap((byName) => Object.values(byName));
  return [...new Set(tensors.map(({ data }) => data.buffer as ArrayBuffer))];
}

channel.onmessage = async ({ data }) => {
  try {
    const value = await follow(data);
    channel.postMessage({ value }, buffersOf(value));
  } catch (error) {
    if (error instanceof LrpError) channel.postMessage({ error: { code: error.code, issues: error.issues } });
    else channel.postMessage({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
