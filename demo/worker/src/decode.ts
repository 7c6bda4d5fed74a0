import { LrpError, type Pixels } from "relprop";
import { decodeImage, imageSize } from "relprop/image";
import { Refusal } from "./refusal.ts";

/** The largest picture, 1280 x 720 for instance: decoding takes up to 40 bytes a pixel, and an isolate has 128 MB. */
export const MAX_PIXELS = 2 ** 20;

/** What files of each type begin with. */
const TYPES: Readonly<Record<string, readonly number[]>> = {
  "image/png": [0x89, 0x50],
  "image/jpeg": [0xff, 0xd8],
  "image/webp": [0x52, 0x49, 0x46, 0x46],
};

/** How the body is decoded. @throws Refusal 415 */
export function decoderOf(request: Request): (file: Uint8Array) => Pixels {
  const given = request.headers.get("content-type") ?? "none";
  const type = given.toLowerCase().split(";")[0].trim();
  const types = Object.keys(TYPES);
  if (!Object.hasOwn(TYPES, type))
    throw new Refusal(415, "type", `Content-Type: expected one of ${types.join(", ")}, got ${given}.`, {
      Accept: types.join(", "),
    });
  return (file) => {
    if (!TYPES[type].every((byte, i) => file[i] === byte))
      throw new Refusal(422, "image", `body: expected a picture of type ${type}, got other content.`);
    const { width, height } = imageSize(file) ?? { width: 0, height: 0 };
    if (width * height > MAX_PIXELS)
      throw new Refusal(
        422,
        "pixels",
        `picture: expected at most ${MAX_PIXELS} pixels, got ${width} x ${height}. Make it smaller.`,
      );
    try {
      return decodeImage(file, { maxPixels: MAX_PIXELS });
    } catch (error) {
      if (error instanceof LrpError) throw new Refusal(422, "image", error.message);
      throw error;
    }
  };
}
