import { encode } from "fast-png";
import { LrpError } from "../error.ts";
import type { Pixels } from "../image/pixels.ts";

/**
 * A picture as the bytes of a PNG file, without loss.
 *
 * @param picture RGBA, RGB, grey + alpha or grey
 * @throws LrpError code "usage" (as rejection) when `data` does not hold 1 to 4 values per pixel.
 * @example
 * await writeFile("heatmap.png", await encodePng(heatmap(explanation.relevance)));
 */
export async function encodePng(picture: Pixels): Promise<Uint8Array<ArrayBuffer>> {
  const { data, width, height } = picture;
  const channels = data.length / (width * height);
  if (![1, 2, 3, 4].includes(channels)) {
    throw new LrpError("usage", {
      where: "encodePng",
      expected: "1, 2, 3 or 4 values per pixel",
      received: `${data.length} values for ${width} x ${height} pixels`,
    });
  }
  return new Uint8Array(encode({ data, width, height, channels, depth: 8 }));
}
