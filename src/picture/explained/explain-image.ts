import { misuse, shown, usage } from "../../base/error.ts";
import type { Model } from "../../model/model.ts";
import type { ExplainOptions } from "../../model/options.ts";
import type { Explanation } from "../../model/report.ts";
import type { Codecs } from "../decode/codec.ts";
import { type DecodeOptions, decodeWith } from "../decode/decode.ts";
import { type Heatmap, type HeatmapOptions, heatmap } from "../heatmap/heatmap.ts";
import { encodePng } from "../heatmap/png.ts";
import type { Picture, Pixels } from "../image/pixels.ts";
import type { Preparation, PresetName } from "../image/preparation.ts";
import { preprocess, viewed } from "../image/preprocess.ts";
import { contactSheet } from "../plots/sheet.ts";
import { statedPreparation } from "../image/stated.ts";
import { legend } from "./legend.ts";

/** Photo and heatmap side by side, the heatmap over the photo, or the bare map. */
export type PictureLayout = "beside" | "over" | "map";

/** How a photo is explained and drawn. */
export interface ExplainImageOptions
  extends ExplainOptions,
    Omit<HeatmapOptions, "over" | "sample">,
    Pick<DecodeOptions, "maxPixels"> {
  /** How the network wants its pictures: a name of `presets`, or its fields. Default: what the model's file says. */
  readonly preset?: PresetName | Preparation;
  /** Default "beside". */
  readonly layout?: PictureLayout;
}

/** What `explainImage` returns. */
export interface ExplainedImage {
  readonly explanation: Explanation;
  readonly picture: Picture;
  /** The picture as a PNG file. */
  readonly png: Uint8Array<ArrayBuffer>;
}

/** Pictures of one width, one below the other. */
function stacked(pictures: readonly Picture[]): Picture {
  const height = pictures.reduce((sum, p) => sum + p.height, 0);
  const data = new Uint8ClampedArray(4 * pictures[0].width * height);
  let at = 0;
  for (const picture of pictures) {
    data.set(picture.data, at);
    at += picture.data.length;
  }
  return { data, width: pictures[0].width, height };
}

/** What is explained, in a few words. */
function about({ targets }: Explanation, sample: number): string {
  const [{ index, name, position, area, score }, ...others] = targets[sample];
  const where = position ? ` at ${position.join(", ")}` : area ? ` over ${area} places` : "";
  const against = others.length > 0 ? " against others" : "";
  return `class ${index}${name === undefined ? "" : ` ${name}`}${where}${against}, logit ${Number(score.toPrecision(4))}`;
}

/** What has to be said of the heatmap: that it says nothing, and how it was made, if not from the numbers as they are. */
function remarks({ stability }: Explanation, { smooth, capped }: Heatmap): string[] {
  const warning = stability.verdict === "amplified" ? ["Warning: relevance has exploded; this map says nothing."] : [];
  const parts = [
    ...(smooth > 0 ? [`smoothed by ${Number(smooth.toPrecision(2))} pixels`] : []),
    ...(capped > 0 ? [`${capped} values are beyond full colour`] : []),
  ];
  return [...warning, ...(parts.length > 0 ? [parts.join("; ")] : [])];
}

/**
 * Draws an explanation of a photo as people want to see it: the photo, the heatmap over it, and a legend.
 *
 * @param seen what the network saw of the photo: what `viewed` returns
 */
export function drawImage(
  explanation: Explanation,
  seen: Pixels,
  options: Omit<HeatmapOptions, "over"> & { readonly layout?: PictureLayout } = {},
): Picture {
  const { layout = "beside", scale, ...rest } = options;
  if (!["beside", "over", "map"].includes(layout))
    throw usage("option 'layout'", "one of beside, over, map", shown(layout));
  if (layout === "map") return heatmap(explanation.relevance, { scale, ...rest });
  // Small pictures are enlarged, so that there is room for the legend.
  const factor = scale ?? Math.max(1, Math.ceil(224 / seen.width));
  const map = heatmap(explanation.relevance, { ...rest, over: seen, scale: factor });
  const tiles = [
    ...(layout === "beside" ? [{ label: "what the network saw", picture: seen }] : []),
    { label: about(explanation, options.sample ?? 0), picture: map },
  ];
  const sheet = contactSheet(tiles, { columns: tiles.length });
  return stacked([
    sheet,
    legend(sheet.width, options.colormap ?? "bwr", { full: map.full, lines: remarks(explanation, map) }),
  ]);
}

/** As `explainImage` of entries/image.ts, by these decoders. */
export async function explainImageWith(
  codecs: Codecs,
  model: Model,
  image: Uint8Array | Pixels,
  options: ExplainImageOptions,
): Promise<ExplainedImage> {
  if (typeof options !== "object" || options === null)
    throw usage("explainImage", "an object of options", shown(options));
  const { preset = statedPreparation(model), layout, colormap, scale, smooth, cap, maxPixels, ...others } = options;
  const pixels = "width" in image ? image : decodeWith(codecs, image, { maxPixels });
  if (preset === undefined)
    throw misuse(
      "option 'preset'",
      "it is missing, and the file does not say how pictures are prepared for this model",
      "tryPresets() shows what the model predicts under each preset.",
    );
  const [port] = model.inputs;
  const explanation = model.explain(preprocess(pixels, preset, port), others);
  const picture = drawImage(explanation, viewed(pixels, preset, port), { layout, colormap, scale, smooth, cap });
  return { explanation, picture, png: await encodePng(picture) };
}
