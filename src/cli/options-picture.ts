import { colormaps, presets } from "../entries/index.ts";
import type { PresetName } from "../picture/image/preparation.ts";
import type { Option } from "./option.ts";

/** How pictures are prepared, and what is written. */
export const pictureOptions = {
  preset: {
    kind: "text",
    value: "NAME",
    group: "picture",
    choices: Object.keys(presets) as PresetName[],
    help:
      "caffe: --resize imagenet --crop, BGR, minus (104, 117, 123). torchvision: same crop, RGB, " +
      "ImageNet mean and std. mobilenet: same crop, RGB, -1..1. unit: stretched, 0..1. raw: stretched, 0..255",
  },
  resize: {
    kind: "side",
    value: "N|imagenet|exact",
    group: "picture",
    help:
      "short side in pixels; imagenet: 256, for larger inputs 8/7 of their longer side; exact: stretched to the " +
      "model's h x w",
  },
  crop: { kind: "flag", group: "picture", help: "cut the centre of the model's h x w" },
  channels: {
    kind: "text",
    value: "ORDER",
    group: "picture",
    choices: ["rgb", "bgr"],
    help: "order of the colour channels; default rgb",
  },
  scale: { kind: "number", value: "X", group: "picture", example: "1/255", help: "factor on the values 0 to 255" },
  mean: { kind: "numbers", value: "X[,X..]", group: "picture", help: "subtracted after --scale, per channel" },
  std: { kind: "numbers", value: "X[,X..]", group: "picture", help: "divided by at the end, per channel" },
  "max-pixels": {
    kind: "amount",
    value: "N",
    group: "picture",
    help: "the most pixels of a picture, which its header states, and of what resizing makes of it; default 1e8",
  },

  out: {
    kind: "text",
    value: "FILE",
    group: "output",
    repeat: true,
    example: "heat.png",
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
  smooth: {
    kind: "orNone",
    value: "PIXELS|none",
    group: "output",
    help: "spread each value of a heatmap by a Gaussian; default 2.5 at 224 pixels, none where a side is below 64",
  },
  cap: {
    kind: "orNone",
    value: "PERCENT|none",
    group: "output",
    help: "the percentile that has full colour; default 99.5, none (the largest) where a side is below 64",
  },
  layout: {
    kind: "text",
    value: "HOW",
    group: "output",
    choices: ["beside", "over", "map"],
    help:
      "how a .png is drawn: photo beside heatmap and legend (default for pictures), the heatmap over the photo, or " +
      "the bare map (default for .npy)",
  },
  zoom: {
    kind: "count",
    value: "N",
    group: "output",
    help: "pixels per value in the .png; default: as many as fit 512",
  },
  json: { kind: "flag", group: "output", help: "print one JSON object and nothing else on stdout" },
} as const satisfies Record<string, Option>;
