export type { DecodeOptions } from "../picture/decode/decode.ts";
export {
  drawImage,
  type ExplainedImage,
  type ExplainImageOptions,
  type PictureLayout,
} from "../picture/explained/explain-image.ts";
export { type TriedPreset, tryPresets } from "../picture/explained/try-presets.ts";
export { imageSize, type Size } from "../picture/image/parts.ts";
