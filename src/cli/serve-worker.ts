/*
 * What a thread of `relprop serve` runs: it decodes, computes and draws, so that the thread that listens never waits.
 */
import { LrpError } from "../base/error.ts";
import { decodeImage } from "../entries/image.ts";
import { loadEmbedded } from "../model/embedded.ts";
import { register } from "../ops/index.ts";
import { rare } from "../ops/rare/index.ts";
import type { Answer } from "../parallel/pool/messages.ts";
import { ownChannel } from "../parallel/workers.ts";
import { type Engine, engineOf } from "../service/engine.ts";
import type { Served } from "../service/job.ts";
import type { Order, Sent } from "./serve/messages.ts";
import { encodingOf } from "./serve/models.ts";
import { encoderOf } from "./text/tokenizer.ts";

register(rare);

const channel = ownChannel<Order, Answer>();
let engine: Engine | undefined;

async function servedOf({ network, options, preset, tokenizer }: Sent): Promise<Served> {
  const model = await loadEmbedded(network, options);
  const encode = tokenizer && encodingOf(model, await encoderOf(tokenizer.text, tokenizer.path));
  return { model, preset, encode };
}

async function follow(order: Order): Promise<unknown> {
  if (order.method === "do") return engine!.run(order.job, new AbortController().signal);
  const models: Record<string, Served> = {};
  for (const sent of order.models) models[sent.name] = await servedOf(sent);
  engine = engineOf(models, { decode: decodeImage, maxPixels: order.maxPixels });
  return [];
}

channel.onmessage = async ({ data }) => {
  try {
    channel.postMessage({ value: await follow(data) });
  } catch (error) {
    if (error instanceof LrpError) channel.postMessage({ error: { code: error.code, issues: error.issues } });
    else channel.postMessage({ fault: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
};
