import { encodePng, heatmap, type Port, type Preparation, type Tensor, viewed } from "../../entries/index.ts";
import { layoutOf } from "../../base/layout.ts";
import { picture } from "../../picture/image/pixels.ts";
import type { QueuedEvaluation } from "../../queue/index.ts";
import type { Sample } from "./dataset.ts";
import { pictureFile } from "./part.ts";

/** Numbers of an image as grey or colour, the smallest black and the largest white; nothing for what is no image. */
function seen({ data, dims }: Tensor, port: Port): Parameters<typeof encodePng>[0] | undefined {
  const { channels, axes, positionOf, count } = layoutOf({ ...port, dims });
  if (axes.length !== 2 || (channels !== 1 && channels !== 3)) return undefined;
  const [height, width] = axes;
  const low = data.reduce((a, b) => Math.min(a, b));
  const range = data.reduce((a, b) => Math.max(a, b)) - low || 1;
  const bytes = Uint8Array.from(data, (v) => Math.round((255 * (v - low)) / range));
  const plane = (c: number) => Uint8Array.from({ length: count }, (_, place) => bytes[positionOf(c, place)]);
  return picture(Array.from({ length: channels }, (_, c) => ({ data: plane(c), width, height })));
}

/** The pictures of one image: as the network sees it, where it is one, and the heatmap of each method, by file name. */
export async function picturesOf(
  image: number,
  { content }: Sample,
  { results }: QueuedEvaluation,
  steps: Preparation | undefined,
  port: Port,
): Promise<Map<string, Uint8Array>> {
  const input = "picture" in content ? viewed(content.picture, steps!, port) : seen(content.numbers, port);
  const files = new Map(input ? [[pictureFile(image, "input"), await encodePng(input)]] : []);
  for (const { method, relevance } of results)
    files.set(pictureFile(image, method), await encodePng(heatmap(relevance!)));
  return files;
}
