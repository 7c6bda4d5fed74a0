/**
 * Pictures in, explanations out. The decoders of JPEG and WebP are inside.
 *
 * @module relprop/image
 */
// As index.ts does: where binaries come from is said by an entry for each way.
import { jpeg, webp } from "../codecs.gen.ts";
import type { Model } from "../model/model.ts";
import { type DecodeOptions, decodeWith } from "../picture/decode/decode.ts";
import { type ExplainedImage, type ExplainImageOptions, explainImageWith } from "../picture/explained/explain-image.ts";
import type { Picture, Pixels } from "../picture/image/pixels.ts";
import { compileTextNow } from "../run/wasm.ts";

/** Compiles at the first picture, and once. */
function compiled(code: string): () => WebAssembly.Module {
  let module: WebAssembly.Module | undefined;
  return () => (module ??= compileTextNow(code));
}
const codecs = { jpeg: compiled(jpeg), webp: compiled(webp) };

/**
 * Reads the pixels of a PNG, JPEG or WebP file as RGBA. The content says which of them it is. The pixels are those of
 * libjpeg-turbo and libwebp. 16 bits are rounded to 8. Photos are turned upright as their EXIF orientation says. An
 * animated WebP is refused. Of an animated PNG, the result is the picture that is shown where animations are not
 * supported.
 *
 * The number of pixels is read from the header and checked before anything is decoded. Parts that are no pixels, such
 * as profiles and texts, are skipped and never unpacked.
 *
 * @throws LrpError code "memory" when the picture has more than `maxPixels`, "usage" when the file is broken or of
 *   another format.
 * @example
 * const input = preprocess(decodeImage(await readFile("photo.jpg")), "torchvision", model.inputs[0]);
 */
export function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Picture {
  return decodeWith(codecs, bytes, options);
}

/**
 * Explains what a network saw in a photo, and draws it.
 *
 * @param image the bytes of a PNG, JPEG or WebP file, or pixels
 * @throws LrpError as `decodeImage`, `preprocess`, `explain` and `heatmap`
 * @example
 * const { explanation, png } = await explainImage(model, await readFile("cat.jpg"), { preset: "torchvision" });
 * await writeFile("cat.heatmap.png", png);
 */
export function explainImage(
  model: Model,
  image: Uint8Array | Pixels,
  options: ExplainImageOptions = {},
): Promise<ExplainedImage> {
  return explainImageWith(codecs, model, image, options);
}

export * from "./image-api.ts";
