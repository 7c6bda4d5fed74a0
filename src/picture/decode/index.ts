export { type DecodeOptions, decodeImage } from "./decode.ts";
