import { extname } from "node:path";
import { type Explanation, encodePng, heatmap, LrpError, type Picture, type Tensor } from "../entries/index.ts";
import { misuse } from "../base/error.ts";
import { drawImage, type PictureLayout } from "../entries/image.ts";
import { layoutOf } from "../base/layout.ts";
import { type TextRelevance, textHtml, textSvg } from "../picture/text/index.ts";
import { writeNpy } from "../read/npy.ts";
import { jsonLine } from "./layout.ts";
import type { Values } from "./options.ts";

/** A file to write: the input's relevance, or that of the value `at`. */
export interface OutFile {
  readonly path: string;
  readonly at?: string;
}

/** The picture is enlarged as far as it fits into a square of so many pixels. */
const FIT = 512;
const LARGEST = 8192;
/** Small pictures are enlarged in the terminal to about so many columns. */
const TERMINAL = 64;

/** Draws what the network sees of the picture that is explained, if it is one. */
export type View = (() => Picture) | undefined;

/** What is written: the relevance of the input, or of a value inside the network. */
interface Result extends Made {
  readonly relevance: Tensor;
}

/** What was found: also as the object of `--json`, and as a text, if the input is one. */
interface Made {
  readonly explanation: Explanation;
  readonly found: object;
  readonly text?: TextRelevance;
}

const writers: Readonly<Record<string, (result: Result, view: View, values: Values) => Promise<Uint8Array>>> = {
  ".png": async ({ explanation, relevance }, view, values) => {
    const layout = values.layout ?? (view && !values.over ? "beside" : "map");
    if (relevance === explanation.relevance && layout !== "map")
      return encodePng(laidOut(explanation, view, values, layout));
    return encodePng(draw(relevance, view, values, zoom(relevance, values)));
  },
  ".npy": async ({ relevance }) => writeNpy(relevance),
  ".json": async ({ found }) => bytesOf(jsonLine(found)),
  ".html": async ({ text }, _, { colormap }) => bytesOf(textHtml(text!, { colormap, page: true })),
  ".svg": async ({ text }, _, { colormap }) => bytesOf(textSvg(text!, { colormap })),
};
/** Of these there is one for each value of `--at`, too. */
const EACH = [".png", ".npy"];
/** These draw words. */
const TEXTS = [".html", ".svg"];

const bytesOf = (text: string) => new TextEncoder().encode(text);
const endingOf = (path: string) => extname(path).toLowerCase();

/** The heatmap with the photo and a legend. */
function laidOut(explanation: Explanation, view: View, values: Values, layout: PictureLayout): Picture {
  if (!view) throw misuse("option '--layout'", `'${layout}' needs a picture as input; numbers are drawn by 'map'`);
  if (values.over) throw misuse("option '--over'", `it cannot be combined with --layout ${layout}`);
  const { colormap, smooth, cap, sample } = values;
  const scale = values.zoom === undefined ? undefined : zoom(explanation.relevance, values);
  return drawImage(explanation, view(), { layout, colormap, smooth, cap, sample, scale });
}

/**
 * Every file that `--out` and `--at` ask for. Relevance at a value goes beside the input's: `--at conv1 --out r.npy`
 * writes r.npy and r.conv1.npy; what cannot stand in a file name becomes "_".
 *
 * @throws LrpError code "usage" for endings that are not known, for a text in place of which something else is the
 * input, and for two results in one file.
 */
export function outFiles({ out = [], at = [], text }: Values): OutFile[] {
  const where = "option '--out'";
  const unknown = out.filter((path) => !Object.hasOwn(writers, endingOf(path)));
  if (unknown.length > 0) {
    throw new LrpError(
      "usage",
      unknown.map((path) => ({
        where,
        expected: `a name that ends in ${Object.keys(writers).slice(0, -1).join(", ")} or ${Object.keys(writers).at(-1)}`,
        received: `'${path}'`,
      })),
    );
  }
  const drawing = text === undefined && out.find((path) => TEXTS.includes(endingOf(path)));
  if (drawing) throw misuse(where, `'${drawing}' shows a text, and there is no --text`, "A heatmap goes to FILE.png.");
  const files = out.flatMap((path) => [
    { path },
    ...(EACH.includes(endingOf(path)) ? at.map((value) => ({ path: beside(path, value), at: value })) : []),
  ]);
  const twice = files.find(({ path }, i) => files.findIndex((other) => other.path === path) < i);
  if (twice) throw misuse(where, `two results would be written to '${twice.path}'`);
  return files;
}

/** The contents of the files, by path. */
export async function contents(
  files: readonly OutFile[],
  result: Made,
  view: View,
  values: Values,
): Promise<Map<string, Uint8Array>> {
  const { explanation } = result;
  const made = new Map<string, Uint8Array>();
  for (const { path, at } of files) {
    const relevance = at === undefined ? explanation.relevance : explanation.at[at];
    made.set(path, await writers[endingOf(path)]({ ...result, relevance }, view, values));
  }
  return made;
}

/** The input's heatmap for a terminal of so many columns. */
export function terminalPicture(relevance: Tensor, view: View, values: Values): ReturnType<typeof heatmap> {
  return draw(relevance, view, values, fitting(relevance, TERMINAL));
}

/** A heatmap as the options want it, every value a square of `scale` pixels. */
export function draw(
  relevance: Tensor,
  view: View,
  { colormap, sample, over, smooth, cap }: Values,
  scale: number,
): ReturnType<typeof heatmap> {
  if (over && !view) throw misuse("option '--over'", "it needs a picture as input, and the input is numbers");
  return heatmap(relevance, { colormap, sample, scale, smooth, cap, over: over ? view?.() : undefined });
}

function zoom(relevance: Tensor, values: Values): number {
  const most = fitting(relevance, LARGEST);
  if (values.zoom === undefined) return fitting(relevance, FIT);
  if (values.zoom <= most) return values.zoom;
  throw new LrpError("usage", {
    where: "option '--zoom'",
    expected: `a number from 1 to ${most}, so that no side of the picture has more than ${LARGEST} pixels`,
    received: `${values.zoom}`,
  });
}

/** The largest scale at which relevance fits into a square of `side` pixels. */
export function fitting({ dims, batchAxis = 0, channelAxis }: Tensor, side: number): number {
  return Math.max(1, Math.floor(side / Math.max(...layoutOf({ dims, batchAxis, channelAxis }).places)));
}

function beside(path: string, value: string): string {
  const ending = extname(path);
  return `${path.slice(0, -ending.length)}.${value.replace(/[^\w.-]/g, "_")}${ending}`;
}
