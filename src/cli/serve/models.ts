import { basename } from "node:path";
import { misuse } from "../../base/error.ts";
import { loadOrder } from "../../parallel/pool/send.ts";
import { open as openNetwork } from "../../read/open.ts";
import { type About, aboutOf } from "../../service/engine.ts";
import type { Model } from "../../entries/index.ts";
import { besideModel } from "../beside.ts";
import { open } from "../open.ts";
import type { Values } from "../options.ts";
import { textInputs } from "../../picture/text/index.ts";
import { encoderOf, readTokenizer } from "../text/tokenizer.ts";
import type { Encoding } from "../../service/job.ts";
import type { Sent } from "./messages.ts";

/** A network that is to be served: what is said of it, and what threads get. */
interface Opened {
  readonly about: About;
  readonly sent: Sent;
}

/** What a network is called in a path: its file's name without the ending. */
const nameOf = (path: string) => basename(path).replace(/\.onnx$/i, "");

/**
 * The networks of files, each with its sidecar. Each is loaded once, so that what is wrong is said now.
 *
 * @throws LrpError as loading does, and code "usage" for two of one name
 */
export async function openAll(paths: readonly string[], values: Values): Promise<readonly Opened[]> {
  const names = paths.map(nameOf);
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice >= 0) {
    const first = paths[names.indexOf(names[twice])];
    throw misuse("MODEL", `'${first}' and '${paths[twice]}' would both be '${names[twice]}'`, "Rename one of them.");
  }
  const opened: Opened[] = [];
  for (const path of paths) opened.push(await openOne(path, values));
  return opened;
}

async function openOne(path: string, values: Values): Promise<Opened> {
  const { model, sidecar, bytes, memory } = await open(path, values);
  try {
    const { classes, preprocess: preset, tokenizer: beside } = sidecar;
    const tokenizer = beside === undefined ? undefined : await tokenizerAt(beside);
    const encode = tokenizer && encodingOf(model, await encoderOf(tokenizer.text, tokenizer.path));
    // Whether the network takes what the tokenizer makes does not depend on the text.
    encode?.("a");
    const given = { classes, ...memory };
    const graph = await openNetwork(bytes, { ...memory, externalData: besideModel(path) });
    const { network, options } = loadOrder(graph, given, "the options of relprop serve");
    const name = nameOf(path);
    return { about: aboutOf(name, { model, encode }), sent: { name, network, options, preset, tokenizer } };
  } finally {
    model.dispose();
  }
}

const tokenizerAt = async (path: string) => ({ path, text: await readTokenizer(path) });

/** What makes inputs of texts for a network. */
export function encodingOf(
  { inputs }: Model,
  encoder: Awaited<ReturnType<typeof encoderOf>>,
): (text: string, pair?: string) => Encoding {
  return (text, pair) => {
    const encoded = encoder(text, pair);
    const { inputs: tensors, ids } = textInputs(inputs, encoded);
    const input = inputs.length === 1 ? tensors[ids] : tensors;
    const { tokens, special, mask, style } = encoded;
    return { input, port: ids, tokens, special, mask, style };
  };
}
