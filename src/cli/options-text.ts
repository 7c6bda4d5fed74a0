import type { Option } from "./option.ts";

/** A text as input. */
export const textOptions = {
  text: {
    kind: "text",
    value: "TEXT",
    group: "text",
    example: '"a hidden gem"',
    help: "the input is this text, of which --tokenizer makes ids",
  },
  "text-pair": {
    kind: "text",
    value: "TEXT",
    group: "text",
    example: '"and why"',
    help: "a second text, for networks that take two",
  },
  tokenizer: {
    kind: "text",
    value: "FILE",
    group: "text",
    example: "tokenizer.json",
    help: "the tokenizer.json of the network; it needs the package @huggingface/tokenizers",
  },
} as const satisfies Record<string, Option>;

/** What is asked of a text. */
export const textTargets = {
  "similar-to": {
    kind: "text",
    value: "TEXT",
    group: "similar",
    example: '"a great film"',
    help: "explain what makes --text similar to this text: the target is the embedding of that one, divided by its length",
  },
  pooling: {
    kind: "text",
    value: "HOW",
    group: "similar",
    choices: ["mean", "cls"],
    help: "with --similar-to: how a vector for each token becomes one (mean or cls), where the network does not do it",
  },
  "next-token": {
    kind: "text",
    value: "TOKEN",
    group: "similar",
    example: "argmax",
    help:
      "explain the score of this token behind the text, as text or as the vocabulary spells it, or of the one that the " +
      "network chooses (argmax)",
  },
} as const satisfies Record<string, Option>;
