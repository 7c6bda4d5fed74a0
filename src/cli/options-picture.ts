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
      "caffe: --resize imagenet --crop, BGR, minus (104, 117, 123). torchvision: the same crop, RGB, mean and std of " +
      "ImageNet. mobilenet: the same crop, RGB, -1 to 1. unit: stretched, 0 to 1. raw: stretched, 0 to 255",
  },
  resize: {
    kind: "side",
    value: "N|imagenet|exact",
    group: "picture",
    help:
      "the short side in pixels; imagenet: 256, for larger inputs 8/7 of their longer side; exact: stretched to the " +
      "model's h x w",
  },
  crop: { kind: "flag", group: "picture", help: "cut out the centre, of the model's h x w" },
  channels: {
    kind: "text",
    value: "ORDER",
    group: "picture",
    choices: ["rgb", "bgr"],
    help: "the order of the colour channels; default rgb",
  },
  scale: {
    kind: "number",
    value: "X",
    group: "picture",
    example: "1/255",
    help: "the factor that multiplies the values 0 to 255",
  },
  mean: {
    kind: "numbers",
    value: "X[,X..]",
    group: "picture",
    help: "the number that is subtracted after --scale, for each channel",
  },
  std: { kind: "numbers", value: "X[,X..]", group: "picture", help: "the divisor at the end, for each channel" },
  "max-pixels": {
    kind: "amount",
    value: "N",
    group: "picture",
    help: "the most pixels that a picture may have, by its header and after resizing; default 1e8 (serve: 2^24)",
    helpOf: { serve: "the most pixels that a picture may have, by its header and after resizing; default 2^24" },
  },

  out: {
    kind: "text",
    value: "FILE",
    group: "output",
    repeat: true,
    example: "heat.png",
    help:
      "where results go. explain: FILE.png gets the heatmap, FILE.npy the relevance (float32, in the input's shape), " +
      "FILE.html or FILE.svg a text with its relevance, FILE.json what --json prints; repeatable. sheet: FILE.png gets " +
      "the sheet. evaluate and merge: a folder gets the report",
    helpOf: {
      explain:
        "where results go: FILE.png gets the heatmap, FILE.npy the relevance (float32, in the input's shape), FILE.html " +
        "or FILE.svg a text with its relevance, FILE.json what --json prints; repeatable",
      sheet: "the file that gets the sheet; its name ends in .png",
      evaluate: "the folder that gets the report and the result of each image",
      merge: "the folder that gets the report",
    },
  },
  show: { kind: "flag", group: "output", help: "draw the heatmap, or the text, in the terminal, in 24-bit colours" },
  colormap: {
    kind: "text",
    value: "NAME",
    group: "output",
    choices: colormaps,
    help: "the colours of the heatmap; default bwr: red for the class, blue against it",
  },
  over: { kind: "flag", group: "output", help: "draw the heatmap over the picture, in pale grey" },
  columns: {
    kind: "count",
    value: "N",
    group: "output",
    help: "how many tiles a row of the sheet has; default: about as many as there are rows",
  },
  smooth: {
    kind: "orNone",
    value: "PIXELS|none",
    group: "output",
    help:
      "spread each value of a heatmap by a Gaussian of so many pixels; default 2.5 at 224 pixels, none where a side is " +
      "below 64",
  },
  cap: {
    kind: "orNone",
    value: "PERCENT|none",
    group: "output",
    help: "the percentile of |R| that has full colour; default 99.5, none (the largest) where a side is below 64",
  },
  layout: {
    kind: "text",
    value: "HOW",
    group: "output",
    choices: ["beside", "over", "map"],
    help:
      "how a .png is drawn: the photo beside the heatmap and a legend (default for pictures), the heatmap over the " +
      "photo, or the bare map (default for .npy)",
  },
  zoom: {
    kind: "count",
    value: "N",
    group: "output",
    help: "how many pixels wide each value is in the .png; default: as many as fit into 512",
  },
  json: { kind: "flag", group: "output", help: "print one JSON object and nothing else on stdout" },
} as const satisfies Record<string, Option>;
