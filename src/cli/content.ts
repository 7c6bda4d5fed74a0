import { usage } from "../base/error.ts";
import type { Pixels, Tensor } from "../entries/index.ts";
import { CONVERT, decodeImage, formatOf } from "../picture/decode/decode.ts";
import { fileKind } from "./file-kind.ts";
import { isNpy, readNpy } from "./npy.ts";

/** What is prepared for the network, or numbers, which are taken as they are. */
export type Content = { readonly picture: Pixels } | { readonly numbers: Tensor };

/** @throws LrpError code "usage" for what is neither, and what is damaged; "memory" for too many pixels */
export function contentOf(bytes: Uint8Array, name: string, maxPixels: number | undefined): Content {
  if (isNpy(bytes)) return { numbers: readNpy(bytes, name) };
  const format = formatOf(bytes);
  if (format?.decode) return { picture: decodeImage(bytes, { name, maxPixels }) };
  const { name: received, fix } = format
    ? { ...format, fix: CONVERT }
    : (fileKind(bytes) ?? { name: "unknown content" });
  throw usage(`file '${name}'`, "a .png or .jpg picture, or a .npy array", received, fix);
}
