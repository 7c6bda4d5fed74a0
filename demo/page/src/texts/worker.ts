import "relprop/operators";
import { Tokenizer } from "@huggingface/tokenizers";
import { defaultComposite, load, type Model, type Port } from "relprop";
import { mergeSubwords } from "relprop/text";
import { answerWith, refused } from "../answering.ts";
import type { Calls } from "./protocol.ts";

/** The only state: the network, and what makes ids of a text. */
let model: Model | undefined;
let tokenizer: Tokenizer | undefined;
/** What stands for words that it does not know. */
let unknown: { readonly token: string; readonly id: number } | undefined;

interface Encoded {
  readonly tokens: readonly string[];
  readonly ids: readonly number[];
  readonly types: readonly number[];
}

/** What a text gives to inputs of these names. */
const rows: Readonly<Record<string, (text: Encoded) => readonly number[]>> = {
  input_ids: ({ ids }) => ids,
  attention_mask: ({ ids }) => ids.map(() => 1),
  token_type_ids: ({ types }) => types,
  position_ids: ({ ids }) => ids.map((_, i) => i),
};

function encoded(by: Tokenizer, text: string): Encoded {
  const { tokens, ids, token_type_ids } = by.encode(text, { return_token_type_ids: true });
  // Of a word that is not in a vocabulary of whole words there is no id.
  const missing = ids.findIndex((id) => typeof id !== "number");
  if (missing >= 0 && unknown === undefined)
    throw refused("the tokenizer", "a token for unknown words", "none", `It does not know '${tokens[missing]}'.`);
  const known = ids.map((id, i) => (typeof id === "number" ? { token: tokens[i], id } : unknown!));
  return {
    tokens: known.map(({ token }) => token),
    ids: known.map(({ id }) => id),
    types: token_type_ids ?? ids.map(() => 0),
  };
}

function inputsOf(ports: readonly Port[], text: Encoded) {
  const strange = ports.filter(({ name }) => !(name in rows)).map(({ name }) => `'${name}'`);
  const names = Object.keys(rows);
  if (strange.length > 0 || !ports.some(({ name }) => name === "input_ids"))
    throw refused(
      "the network",
      `inputs of the names ${names.join(", ")}`,
      strange.join(", ") || "no input_ids",
      "The command line takes others: relprop explain MODEL --text TEXT --tokenizer FILE.",
    );
  const of = ({ name, dims }: Port) => {
    const data = rows[name](text);
    return { data: Float64Array.from(data), dims: dims.length === 1 ? [data.length] : [1, data.length] };
  };
  return Object.fromEntries(ports.map((port) => [port.name, of(port)]));
}

/** A text of eight tokens: a description needs numbers for free sizes. */
const someDims = ({ inputs }: Model) =>
  Object.fromEntries(
    inputs.map(({ name, dims }) => [name, dims.map((d, axis) => (typeof d === "number" ? d : axis === 0 ? 1 : 8))]),
  );

const sum = (data: ArrayLike<number>) => Array.from(data).reduce((total, r) => total + r, 0);

const calls: Calls = {
  async load({ file, name }) {
    const bytes = await file.arrayBuffer();
    const start = performance.now();
    const loaded = await load(bytes);
    const ms = performance.now() - start;
    model?.dispose();
    model = loaded;
    const { nodes, parameters, composite = defaultComposite } = loaded.inspect({ dims: someDims(loaded) });
    return { name, parameters, nodes: nodes.length, composite, ms };
  },

  async read({ tokenizer: file }) {
    const made = new Tokenizer({ added_tokens: [], ...file }, {});
    const { unk_token } = (file as { model: { unk_token?: string } }).model;
    tokenizer = made;
    const id = unk_token === undefined ? undefined : made.token_to_id(unk_token);
    unknown = id === undefined ? undefined : { token: unk_token!, id };
  },

  async explain({ text, target }) {
    if (!model) throw refused("the page", "a network", "none", "Open an .onnx file.");
    if (!tokenizer) throw refused("the page", "a tokenizer", "none", "Open the tokenizer.json of the network.");
    const given = encoded(tokenizer, text);
    const start = performance.now();
    const { inputs, shares, output, targets, notes, stability } = model.explain(inputsOf(model.inputs, given), {
      target,
    });
    const ms = performance.now() - start;
    return {
      ...mergeSubwords(given.tokens, inputs.input_ids.data),
      scores: Float32Array.from(output.data as ArrayLike<number>, Number),
      target: targets[0][0],
      shares: Object.values(shares).reduce((total, { data }) => total + sum(data), 0),
      notes,
      exploded: stability.verdict === "amplified",
      ms,
    };
  },
};

answerWith(calls);
