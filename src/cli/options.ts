import { methods } from "../evaluate/index.ts";
import { composites, defaultComposite } from "../entries/index.ts";
import type { kinds } from "../base/written.ts";
import { optionNames, type ParameterRow, type Parameters, parameters } from "../rules/parameters.ts";
import { dashed, type Option, undashed } from "./option.ts";
import { axesOptions } from "./options-axes.ts";
import { evaluateOptions } from "./options-evaluate.ts";
import { pictureOptions } from "./options-picture.ts";
import { queueOptions } from "./options-queue.ts";
import { textOptions, textTargets } from "./options-text.ts";
import { workOptions } from "./options-work.ts";

/** How values of a parameter are written. */
const written = {
  number: { kind: "number", value: "X" },
  bound: { kind: "numbers", value: "X[,X..]", example: "-1" },
  choice: { kind: "text", value: "NAME" },
  flag: { kind: "flag" },
} as const satisfies Record<ParameterRow["kind"], Pick<Option, "kind" | "value" | "example">>;

/** A parameter of a rule as an option. */
function optionOf({ kind, summary, choices, default: otherwise, beside }: ParameterRow): Option {
  const where = choices ? " ('relprop rules' says more)" : beside ? ` (--${beside.name} ${beside.value})` : "";
  return {
    ...written[kind],
    ...(otherwise !== undefined && { example: `${otherwise}` }),
    group: "rules",
    choices,
    help: `${summary}${where}${otherwise === undefined ? "" : `; default ${otherwise}`}`,
  };
}

type Dashed<Name extends string> = Name extends `${infer Letter}${infer Rest}`
  ? `${Letter extends Lowercase<Letter> ? Letter : `-${Lowercase<Letter>}`}${Dashed<Rest>}`
  : "";
/** Parameters by what the command line calls them. */
type ParameterOptions = { readonly [K in keyof Parameters as Dashed<K>]-?: Parameters[K] };

const parameterOptions = Object.fromEntries(
  optionNames.map((name) => [dashed(name), optionOf(parameters[name])]),
) as Readonly<Record<keyof ParameterOptions, Option>>;

/** Every option of every command. The parser, the checks and the help read this table. */
export const options = {
  composite: {
    kind: "text",
    value: "NAME",
    group: "rules",
    choices: composites.map(({ name }) => name),
    help: `the composite, which says which rule each layer gets ('relprop composites' lists all); default ${defaultComposite}, or what the network asks for`,
  },
  composites: {
    kind: "names",
    value: "A[,B..]",
    group: "explain",
    example: "epsilon,epsilonPlus",
    help: "the composites on the sheet; default: all that this network and the options allow",
  },
  ...parameterOptions,
  unknown: {
    kind: "text",
    value: "HOW",
    group: "rules",
    choices: ["gradient"],
    help: "gradient: where no rule is known, relevance passes by the gradient, which is not LRP; without it, that is an error",
  },

  method: {
    kind: "text",
    value: "NAME",
    group: "method",
    choices: methods.map(({ name }) => name),
    help: "another method in place of a composite ('relprop methods' says more)",
  },
  steps: {
    kind: "count",
    value: "N",
    group: "method",
    help: "how many gradients integratedGradients takes; default 20",
  },
  baseline: {
    kind: "number",
    value: "X",
    group: "method",
    help: "integratedGradients begins at an input that has this number everywhere; default 0",
  },
  samples: { kind: "count", value: "N", group: "method", help: "how many noisy inputs smoothGrad takes; default 20" },
  noise: {
    kind: "number",
    value: "X",
    group: "method",
    help: "the noise of smoothGrad, as a share of the input's range; default 0.1",
  },
  seed: {
    kind: "index",
    value: "N",
    group: "method",
    help: "the seed of smoothGrad's noise, and in evaluate of all random numbers; default 0",
    helpOf: {
      explain: "the seed of smoothGrad's noise; default 0",
      evaluate: "the seed of all random numbers; smoothGrad has a seed of its own (smoothGrad:seed=N); default 0",
    },
  },
  window: {
    kind: "numbers",
    value: "N[,N..]",
    group: "method",
    help: "the sides of occlusion's window, along the last axes",
  },
  strides: {
    kind: "numbers",
    value: "N[,N..]",
    group: "method",
    help: "how far occlusion's windows lie apart; default: as far as --window is long",
  },
  fill: { kind: "number", value: "X", group: "method", help: "the number that occlusion puts in; default 0" },
  keep: { kind: "flag", group: "method", help: "occlusion keeps the window and fills the rest" },

  ...evaluateOptions,
  ...queueOptions,

  target: {
    kind: "text",
    value: "CLASS",
    group: "explain",
    example: "3",
    help: "the class that is explained: argmax (default), an index, or a name",
  },
  output: {
    kind: "text",
    value: "NAME",
    group: "explain",
    example: "logits",
    help: "the output that is explained or listed; default: the first output of floating-point numbers",
  },
  outputs: {
    kind: "names",
    value: "A[,B..]",
    group: "explain",
    example: "/head/Concat_output_0",
    help: "end the network in these values inside the file, in place of its own outputs",
  },
  against: {
    kind: "text",
    value: "CLASS",
    group: "explain",
    example: "others",
    help:
      "explain what speaks for the target rather than for this class, for 'others' (their mean), or for 'softmax' " +
      "(others by their probability)",
  },
  start: {
    kind: "text",
    value: "HOW",
    group: "explain",
    choices: ["logit", "one"],
    help:
      "where relevance starts: from the logit of the class (logit, the default), or from 1 (one, the default of " +
      "gradients). With --against, it starts from weight times logit, or from the weight",
  },
  at: {
    kind: "text",
    value: "VALUE",
    group: "explain",
    repeat: true,
    example: "conv1",
    help:
      "also compute the relevance of this value: a value of the graph, an input, or a table that is added ('relprop " +
      "inspect --full' lists them). --json has its shape and sum, and FILE.VALUE.EXT beside every --out FILE.npy and " +
      "FILE.png has its numbers or picture; repeatable",
  },
  sample: {
    kind: "index",
    value: "N",
    group: "explain",
    help: "which sample of a batch is summarised and drawn; default 0",
  },
  dims: {
    kind: "dims",
    value: "[INPUT:]N,C,H,W",
    group: "explain",
    repeat: true,
    help:
      "the shape of the input, if the model leaves more free than the number of samples; repeat it for each of several " +
      "inputs, with its name",
  },
  full: { kind: "flag", group: "output", help: "list every operator by itself, with the names of values" },
  top: { kind: "count", value: "N", group: "explain", help: "how many classes are listed; default 5" },
  classes: {
    kind: "text",
    value: "FILE",
    group: "explain",
    example: "words.txt",
    help:
      "a file of class names, one per line; a synset id before a name (n01440764) is dropped. Or the tokenizer.json of a " +
      "network that gives tokens",
  },

  ...axesOptions,
  ...textOptions,
  ...textTargets,
  ...pictureOptions,

  "max-memory": {
    kind: "bytes",
    value: "BYTES",
    group: "model",
    help: "the most memory that the model may have, also as 512MB or 2GB; default 4 GiB",
  },
  "max-work": {
    kind: "amount",
    value: "N",
    group: "model",
    help: "the most multiply-adds that one sample may take; default 1e12",
  },
  weights: {
    kind: "text",
    value: "HOW",
    group: "model",
    choices: ["kept", "repacked"],
    help:
      "kept (default): weights stay in memory in every form in which a rule reads them. repacked: these are made anew " +
      "for each layer, which takes less memory and several times as long",
  },

  ...workOptions,

  help: { kind: "flag", group: "other", help: "print the help of the command" },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof options;

type Parsed<O extends Pick<Option, "kind">> = O extends { choices: readonly (infer Choice)[] }
  ? Choice
  : NonNullable<ReturnType<(typeof kinds)[O["kind"]]["parse"]>>;

/** The options that were given. */
export type Values = {
  readonly [K in OptionName]?: K extends keyof ParameterOptions
    ? ParameterOptions[K]
    : (typeof options)[K] extends { repeat: true }
      ? readonly Parsed<(typeof options)[K]>[]
      : Parsed<(typeof options)[K]>;
};

/** The words after a command. */
export interface Arguments {
  readonly positionals: readonly string[];
  readonly values: Values;
}

/** The names of a group, in the table's order. */
export function inGroup(group: Option["group"]): OptionName[] {
  return (Object.keys(options) as OptionName[]).filter((name) => options[name].group === group);
}

/** Those of the given options that are of a group. */
export function givenIn(values: Values, group: Option["group"]): Values {
  return Object.fromEntries(
    inGroup(group).flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  );
}

/** Those that say which rules are taken, by what the library calls them. */
export function rulesIn(values: Values): Pick<Values, "composite" | "unknown"> & Parameters {
  return Object.fromEntries(Object.entries(givenIn(values, "rules")).map(([name, value]) => [undashed(name), value]));
}
