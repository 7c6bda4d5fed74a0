export type { DecodeOptions } from "../picture/decode/decode.ts";
export {
  drawImage,
  type ExplainedImage,
  type ExplainImageOptions,
  type PictureLayout,
} from "../picture/explained/explain-image.ts";
export { imageSize, type Size } from "../picture/image/parts.ts";
