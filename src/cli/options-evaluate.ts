import type { Option } from "./option.ts";

/** What only `evaluate` takes. */
export const evaluateOptions = {
  methods: {
    kind: "text",
    value: "LIST",
    group: "evaluate",
    example: "epsilonPlus,gradient",
    help:
      "composites and other methods, joined by commas, each NAME or NAME:option=value:option=value " +
      "(paperEpsilon:lrn=identity; lists in it joined by /); the first is what others are compared with",
  },
  metrics: {
    kind: "text",
    value: "LIST",
    group: "evaluate",
    example: "relevanceGain,gini",
    help: "metrics, joined by commas ('relprop metrics' lists them)",
  },
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
    example: "mean",
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
    example: "1/2",
    help: "only every Nth image from the Ith on, for several machines; 'relprop merge' joins their folders",
  },
  workers: {
    kind: "count",
    value: "N",
    group: "evaluate",
    help: "how many images at a time; default as many as there are processors",
  },
} as const satisfies Record<string, Option>;
