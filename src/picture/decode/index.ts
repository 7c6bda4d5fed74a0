export {
  drawImage,
  type ExplainedImage,
  type ExplainImageOptions,
  explainImage,
  type PictureLayout,
} from "../explained/explain-image.ts";
export { type DecodeOptions, decodeImage } from "./decode.ts";
export { imageSize } from "../image/parts.ts";
