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
