import type { Option } from "./option.ts";

/** What only `evaluate` takes. */
export const evaluateOptions = {
  methods: {
    kind: "text",
    value: "LIST",
    group: "evaluate",
    example: "epsilonPlus,gradient",
    help:
      "composites and other methods, joined by commas, each as NAME or NAME:option=value:option=value, such as " +
      "paperEpsilon:lrn=identity (join several numbers by /). The first method is compared with each of the others",
  },
  metrics: {
    kind: "text",
    value: "LIST",
    group: "evaluate",
    example: "relevanceGain,gini",
    help: "metrics, joined by commas ('relprop metrics' lists them)",
  },
  images: { kind: "count", value: "N", group: "evaluate", help: "measure only the first N images of the data" },
  region: {
    kind: "count",
    value: "P",
    group: "evaluate",
    help: "replace regions of P x P pixels; it is best if P divides the sides of the image; default 1",
  },
  step: {
    kind: "count",
    value: "K",
    group: "evaluate",
    help: "how many regions are replaced at a time; default 1",
  },
  flips: { kind: "count", value: "L", group: "evaluate", help: "how many times regions are replaced; default 100" },
  replacement: {
    kind: "text",
    value: "HOW",
    group: "evaluate",
    example: "mean",
    help:
      "what pixels are replaced by: noise (default; uniform in the input's own range, or noise:low=X:high=X), mean, " +
      "blur:sigma=X, linear, or value:value=X",
  },
  score: {
    kind: "text",
    value: "WHICH",
    group: "evaluate",
    choices: ["logit", "probability"],
    help: "which score is followed; default logit",
  },
  radius: {
    kind: "number",
    value: "R",
    group: "evaluate",
    help: "how far maxSensitivity and localLipschitz move each number of an input, in the network's units",
  },
  pictures: {
    kind: "index",
    value: "N",
    group: "evaluate",
    help: "how many images, from the first, have heatmaps in the report; default 8",
  },
  shard: {
    kind: "text",
    value: "I/N",
    group: "evaluate",
    example: "1/2",
    help:
      "measure every Nth image from the Ith on, so that N machines share the work; " +
      "'relprop merge' joins their folders",
  },
  shards: {
    kind: "count",
    value: "N",
    group: "evaluate",
    help:
      "the same as --shard I/N, with the I that SLURM (SLURM_ARRAY_TASK_ID, from 1) or Kubernetes " +
      "(JOB_COMPLETION_INDEX, from 0) gives to each task of an array",
  },
} as const satisfies Record<string, Option>;
