import type { Option } from "./option.ts";

/** A text as input. */
export const textOptions = {
  text: {
    kind: "text",
    value: "TEXT",
    group: "text",
    example: '"a hidden gem"',
    help: "the text that is the input; --tokenizer makes ids of it",
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
    help: "explain what makes --text similar to this text: the target is this text's embedding, divided by its length",
  },
  pooling: {
    kind: "text",
    value: "HOW",
    group: "similar",
    choices: ["mean", "cls"],
    help: "with --similar-to: how the vectors of the tokens become one, if the network does not do it (mean or cls)",
  },
  "next-token": {
    kind: "text",
    value: "TOKEN",
    group: "similar",
    example: "argmax",
    help:
      "explain the score of this token as the next one after the text. TOKEN is a text, a token as the vocabulary spells " +
      "it, or argmax: the one that the network chooses",
  },
} as const satisfies Record<string, Option>;
