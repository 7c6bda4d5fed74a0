import type { Option } from "./option.ts";

/** Where in an output of several axes, and which axes are samples, channels and classes. */
export const axesOptions = {
  position: {
    kind: "places",
    value: "Y,X",
    group: "axes",
    help:
      "the place of the target in an output of several axes: row and column of a segmentation, or the step of a " +
      "sequence; a negative number counts from the end",
  },
  area: {
    kind: "text",
    value: "all|FILE.npy|Y0,X0,Y1,X1",
    group: "axes",
    example: "0,0,32,32",
    help:
      "in place of --position: the sum of the target over all places, over those where FILE is 1, or over a box (Y1 " +
      "and X1 are excluded)",
  },
  index: {
    kind: "indices",
    value: "C,Y,X",
    group: "axes",
    example: "3,40,64",
    help: "in place of --target: one number of the output, by its index along every axis but that of the samples",
  },
  "class-axis": {
    kind: "axis",
    value: "N",
    group: "axes",
    help: "the axis of the output that has the classes; it counts from the end if it is negative",
  },
  batch: {
    kind: "axes",
    value: "none|INPUT:N[,..]",
    group: "axes",
    help:
      "the axis of an input that counts the samples (x:1), or none if no axis does (x:none); for files that do not say " +
      "it, or say it wrongly",
  },
  "channel-axis": {
    kind: "text",
    value: "WHERE",
    group: "axes",
    choices: ["first", "last"],
    help: "where the channels are among the axes of one sample of the input",
  },
} as const satisfies Record<string, Option>;
