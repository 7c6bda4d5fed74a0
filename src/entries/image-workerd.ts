/*
 * The entry for Cloudflare workers, which compile no bytes.
 */
import jpeg from "./jpeg-turbo.wasm";
import webp from "./webp.wasm";
import type { Model } from "../model/model.ts";
import { type DecodeOptions, decodeWith } from "../picture/decode/decode.ts";
import { type ExplainedImage, type ExplainImageOptions, explainImageWith } from "../picture/explained/explain-image.ts";
import type { Picture, Pixels } from "../picture/image/pixels.ts";

const codecs = { jpeg: () => jpeg, webp: () => webp };

/** As `decodeImage` of image.ts. */
export function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Picture {
  return decodeWith(codecs, bytes, options);
}

/** As `explainImage` of image.ts. */
export function explainImage(
  model: Model,
  image: Uint8Array | Pixels,
  options: ExplainImageOptions = {},
): Promise<ExplainedImage> {
  return explainImageWith(codecs, model, image, options);
}

export * from "./image-api.ts";
