import type { Option } from "./option.ts";

/** Where in an output of several axes, and which axes are samples, channels and classes. */
export const axesOptions = {
  position: {
    kind: "indices",
    value: "Y,X",
    group: "axes",
    help: "where the target is in an output of several axes, such as that of a segmentation; T in a sequence",
  },
  area: {
    kind: "text",
    value: "all|FILE.npy|Y0,X0,Y1,X1",
    group: "axes",
    example: "0,0,32,32",
    help: "in place of --position: the sum over all places, over those where FILE is 1, or over a box (Y1, X1 excluded)",
  },
  index: {
    kind: "indices",
    value: "C,Y,X",
    group: "axes",
    example: "3,40,64",
    help: "one number of the output, in place of --target: its index along every axis but the samples'",
  },
  "class-axis": {
    kind: "axis",
    value: "N",
    group: "axes",
    help: "the axis of the output that has the classes; from the end, if negative",
  },
  batch: {
    kind: "axes",
    value: "none|INPUT:N[,..]",
    group: "axes",
    help: "which axis of an input counts samples (x:1; x:none for none), where the file says it wrongly or not at all",
  },
  "channel-axis": {
    kind: "text",
    value: "WHERE",
    group: "axes",
    choices: ["first", "last"],
    help: "where channels are among the axes of a sample of the input",
  },
} as const satisfies Record<string, Option>;
