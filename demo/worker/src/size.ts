import { Refusal } from "./refusal.ts";

/** The largest picture, 1280 x 720 for instance: decoding takes up to 40 bytes a pixel, and an isolate has 128 MB. */
export const MAX_PIXELS = 2 ** 20;

/** To be called with what a header declares, before anything is allocated by it. */
export function checkSize(width: number, height: number): void {
  if (width < 1 || height < 1) throw new Error("it has no pixels");
  if (width * height > MAX_PIXELS)
    throw new Refusal(
      422,
      "pixels",
      `picture: expected at most ${MAX_PIXELS} pixels, got ${width} x ${height}. Make it smaller.`,
    );
}
