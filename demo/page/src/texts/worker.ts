import "relprop/operators";
import { Tokenizer } from "@huggingface/tokenizers";
import { defaultComposite, load, type Model } from "relprop";
import { encodeText, mergeSubwords, type TokenizerFile, textInputs, withoutPadding } from "relprop/text";
import { answerWith, refused } from "../answering.ts";
import type { Calls } from "./protocol.ts";

/** The only state: the network, and what makes ids of a text. */
let model: Model | undefined;
let tokenizer: { readonly made: Tokenizer; readonly file: TokenizerFile } | undefined;

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
    tokenizer = { made: new Tokenizer({ added_tokens: [], ...file }, {}), file: file as TokenizerFile };
  },

  async explain({ text, target, composite }) {
    if (!model) throw refused("the page", "a network", "none", "Open an .onnx file.");
    if (!tokenizer) throw refused("the page", "a tokenizer", "none", "Open the tokenizer.json of the network.");
    const given = encodeText(tokenizer.made, tokenizer.file, text);
    const { inputs: tensors, ids } = textInputs(model.inputs, given);
    const start = performance.now();
    const explanation = model.explain(tensors, { target, ...(composite && { composite }) });
    const ms = performance.now() - start;
    const { inputs, shares, output, targets, notes, stability } = explanation;
    const { tokens, relevance, special } = withoutPadding(given, inputs[ids].data);
    return {
      ...mergeSubwords(tokens, relevance, { style: given.style, special }),
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
