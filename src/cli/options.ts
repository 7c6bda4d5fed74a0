import { methods } from "../evaluate/index.ts";
import type { PresetName } from "../picture/image/preparation.ts";
import { colormaps, composites, defaultComposite, presets } from "../entries/index.ts";
import { optionNames, type ParameterRow, type Parameters, parameters } from "../rules/parameters.ts";

/** What the text after an option means; `parse` gives undefined for what it is not. */
export const kinds = {
  flag: { expected: "no value", parse: () => true },
  text: { expected: "a text", parse: (text: string) => text || undefined },
  names: {
    expected: "names joined by commas",
    parse: (text: string) => (/^[^,]+(,[^,]+)*$/.test(text) ? text.split(",") : undefined),
  },
  number: { expected: "a number", parse: toNumber },
  numbers: { expected: "a number, or several joined by commas", parse: toNumbers },
  count: { expected: "a whole number from 1 on", parse: (text: string) => toInteger(text, 1) },
  index: { expected: "a whole number from 0 on", parse: (text: string) => toInteger(text, 0) },
  side: {
    expected: "a number of pixels or 'exact'",
    parse: (text: string) => (text === "exact" ? text : toInteger(text, 1)),
  },
} as const;

export interface Option {
  readonly kind: keyof typeof kinds;
  /** How the value is called in the help; nothing for a flag. */
  readonly value?: string;
  readonly help: string;
  /** The only values. */
  readonly choices?: readonly string[];
  /** May be given several times. */
  readonly repeat?: true;
  readonly group: "rules" | "method" | "evaluate" | "explain" | "picture" | "output" | "other";
}

/** How values of a parameter are written. */
const written = {
  number: { kind: "number", value: "X" },
  bound: { kind: "numbers", value: "X[,X..]" },
  choice: { kind: "text", value: "NAME" },
  flag: { kind: "flag" },
} as const satisfies Record<ParameterRow["kind"], Pick<Option, "kind" | "value">>;

/** A parameter of a rule as an option. */
function optionOf({ kind, summary, choices, default: otherwise, beside }: ParameterRow): Option {
  const where = choices ? " ('relprop rules')" : beside ? ` (--${beside.name} ${beside.value})` : "";
  return {
    ...written[kind],
    group: "rules",
    choices,
    help: `${summary}${where}${otherwise === undefined ? "" : `; default ${otherwise}`}`,
  };
}

const parameterOptions = Object.fromEntries(optionNames.map((name) => [name, optionOf(parameters[name])])) as Readonly<
  Record<keyof Parameters, Option>
>;

/** Every option of every command. The parser, the checks and the help read this table. */
export const options = {
  composite: {
    kind: "text",
    value: "NAME",
    group: "rules",
    choices: composites.map(({ name }) => name),
    help: `which rule each layer gets ('relprop composites'); default ${defaultComposite}`,
  },
  composites: {
    kind: "names",
    value: "A[,B..]",
    group: "explain",
    help: "those on the sheet; default: all that this network and the options allow",
  },
  ...parameterOptions,
  unknown: {
    kind: "text",
    value: "HOW",
    group: "rules",
    choices: ["gradient"],
    help: "pass relevance by its gradient, which is not LRP, where no rule is known; otherwise that is an error",
  },

  method: {
    kind: "text",
    value: "NAME",
    group: "method",
    choices: methods.map(({ name }) => name),
    help: "another method in place of a composite ('relprop methods')",
  },
  steps: {
    kind: "count",
    value: "N",
    group: "method",
    help: "gradients on the way of integratedGradients; default 20",
  },
  baseline: {
    kind: "number",
    value: "X",
    group: "method",
    help: "where the way of integratedGradients begins; default 0",
  },
  samples: { kind: "count", value: "N", group: "method", help: "noisy inputs of smoothGrad; default 20" },
  noise: {
    kind: "number",
    value: "X",
    group: "method",
    help: "of smoothGrad, as a share of the input's range; default 0.1",
  },
  seed: {
    kind: "index",
    value: "N",
    group: "method",
    help:
      "of smoothGrad's noise; in evaluate of noise, orders, inputs nearby and resamples " +
      "(smoothGrad:seed=N is its own); default 0",
  },
  window: {
    kind: "numbers",
    value: "N[,N..]",
    group: "method",
    help: "sides of occlusion's window, along the last axes",
  },
  strides: {
    kind: "numbers",
    value: "N[,N..]",
    group: "method",
    help: "how far windows lie apart; default as --window",
  },
  fill: { kind: "number", value: "X", group: "method", help: "what occlusion puts in; default 0" },
  keep: { kind: "flag", group: "method", help: "occlusion keeps the window and fills the rest" },

  methods: {
    kind: "text",
    value: "LIST",
    group: "evaluate",
    help:
      "composites and other methods, joined by commas, each NAME or NAME:option=value:option=value " +
      "(paperEpsilon:lrn=identity; lists in it joined by /); the first is what others are compared with",
  },
  metrics: { kind: "text", value: "LIST", group: "evaluate", help: "joined by commas ('relprop metrics')" },
  images: { kind: "count", value: "N", group: "evaluate", help: "the first N images of the data; default all" },
  region: {
    kind: "count",
    value: "P",
    group: "evaluate",
    help: "P x P pixels are replaced together, best with a P that divides the sides; default 1",
  },
  step: {
    kind: "count",
    value: "K",
    group: "evaluate",
    help: "so many pixels or regions are replaced at a time; default 1",
  },
  flips: { kind: "count", value: "L", group: "evaluate", help: "how many times; default 100" },
  replacement: {
    kind: "text",
    value: "HOW",
    group: "evaluate",
    help:
      "noise (default; uniform in the input's own range, or noise:low=X:high=X), mean, blur:sigma=X, " +
      "linear, value:value=X",
  },
  score: {
    kind: "text",
    value: "WHICH",
    group: "evaluate",
    choices: ["logit", "probability"],
    help: "what is followed; default logit",
  },
  radius: {
    kind: "number",
    value: "R",
    group: "evaluate",
    help: "how far maxSensitivity and localLipschitz move an input, in the network's units",
  },
  pictures: {
    kind: "index",
    value: "N",
    group: "evaluate",
    help: "heatmaps of the first N images in the report; default 8",
  },
  shard: {
    kind: "text",
    value: "I/N",
    group: "evaluate",
    help: "only every Nth image from the Ith on, for several machines; 'relprop merge' joins their folders",
  },
  workers: {
    kind: "count",
    value: "N",
    group: "evaluate",
    help: "how many images at a time; default as many as there are processors",
  },

  target: { kind: "text", value: "CLASS", group: "explain", help: "argmax (default), a class index, or a class name" },
  against: {
    kind: "text",
    value: "CLASS",
    group: "explain",
    help:
      "what speaks for the target rather than for this class, for 'others' (their mean) or 'softmax' " +
      "(others by their probability)",
  },
  start: {
    kind: "text",
    value: "HOW",
    group: "explain",
    choices: ["logit", "one"],
    help:
      "relevance starts from the class' logit (default) or from 1 (default of gradients); with --against, " +
      "from weight times logit or from the weight",
  },
  at: {
    kind: "text",
    value: "VALUE",
    group: "explain",
    repeat: true,
    help:
      "relevance at this value of the graph too ('relprop inspect' names them): in --json as shape and " +
      "sum, beside every --out FILE.EXT as FILE.VALUE.EXT; repeatable",
  },
  sample: {
    kind: "index",
    value: "N",
    group: "explain",
    help: "which sample of a .npy batch is summarised and drawn; default 0",
  },
  dims: {
    kind: "numbers",
    value: "N,C,H,W",
    group: "explain",
    help: "shape of the input, where the model leaves more than the batch free",
  },
  top: { kind: "count", value: "N", group: "explain", help: "how many classes; default 5" },
  classes: {
    kind: "text",
    value: "FILE",
    group: "explain",
    help: "class names, one per line; a leading synset id (n01440764) is dropped",
  },

  preset: {
    kind: "text",
    value: "NAME",
    group: "picture",
    choices: Object.keys(presets) as PresetName[],
    help:
      "caffe: short side to 256, centre crop, BGR, minus (104, 117, 123). torchvision: same crop, RGB, " +
      "ImageNet mean and std. mobilenet: same crop, RGB, -1..1. unit: stretched, 0..1. raw: stretched, 0..255",
  },
  resize: {
    kind: "side",
    value: "N|exact",
    group: "picture",
    help: "short side in pixels, or stretched to the model's h x w",
  },
  crop: { kind: "flag", group: "picture", help: "cut the centre of the model's h x w" },
  channels: {
    kind: "text",
    value: "ORDER",
    group: "picture",
    choices: ["rgb", "bgr"],
    help: "order of the colour channels; default rgb",
  },
  scale: { kind: "number", value: "X", group: "picture", help: "factor on the 0..255 values, e.g. 1/255" },
  mean: { kind: "numbers", value: "X[,X..]", group: "picture", help: "subtracted after --scale, per channel" },
  std: { kind: "numbers", value: "X[,X..]", group: "picture", help: "divided by at the end, per channel" },

  out: {
    kind: "text",
    value: "FILE",
    group: "output",
    repeat: true,
    help:
      ".png: the heatmap, or the sheet. .npy: the relevance, float32 of the input's shape. Repeatable. Of " +
      "evaluate and merge: the report's folder",
  },
  show: { kind: "flag", group: "output", help: "draw the heatmap in the terminal (24-bit colours)" },
  colormap: {
    kind: "text",
    value: "NAME",
    group: "output",
    choices: colormaps,
    help: "default bwr: red for the class, blue against it",
  },
  over: { kind: "flag", group: "output", help: "draw over the input picture in pale grey" },
  columns: {
    kind: "count",
    value: "N",
    group: "output",
    help: "tiles in a row of the sheet; default: about as many as rows",
  },
  zoom: {
    kind: "count",
    value: "N",
    group: "output",
    help: "pixels per value in the .png; default: as many as fit 512",
  },
  json: { kind: "flag", group: "output", help: "print one JSON object and nothing else on stdout" },

  help: { kind: "flag", group: "other", help: "this text" },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof options;

type Parsed<O extends Option> = O extends { choices: readonly (infer Choice)[] }
  ? Choice
  : NonNullable<ReturnType<(typeof kinds)[O["kind"]]["parse"]>>;

/** The options that were given. */
export type Values = {
  readonly [K in OptionName]?: K extends keyof Parameters
    ? Parameters[K]
    : (typeof options)[K] extends { repeat: true }
      ? readonly Parsed<(typeof options)[K]>[]
      : Parsed<(typeof options)[K]>;
};

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

function toNumber(text: string): number | undefined {
  const [, above, below = "1"] = /^([^/]+)(?:\/([^/]+))?$/.exec(text) ?? [];
  if (above === undefined || above.trim() === "" || below.trim() === "") return undefined;
  const value = Number(above) / Number(below);
  return Number.isFinite(value) ? value : undefined;
}

function toNumbers(text: string): number | number[] | undefined {
  const list = text.split(",").map(toNumber);
  if (list.includes(undefined)) return undefined;
  return list.length === 1 ? list[0] : (list as number[]);
}

function toInteger(text: string, from: number): number | undefined {
  const value = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && Number.isSafeInteger(value) ? value : undefined;
}
