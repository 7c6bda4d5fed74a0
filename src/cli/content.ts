import { usage } from "../base/error.ts";
import type { Pixels } from "../entries/index.ts";
import { decodeImage } from "../entries/image.ts";
import { CONVERT, formatOf, READ } from "../picture/decode/decode.ts";
import { fileKind } from "./file-kind.ts";
import type { NpyTensor } from "../read/npy.ts";
import { holdsArray, readArray } from "../read/npz.ts";

/** What is prepared for the network, or numbers, which are taken as they are. */
export type Content = { readonly picture: Pixels } | { readonly numbers: NpyTensor };

interface ContentOptions {
  readonly maxPixels?: number;
  /** The name of the network's input, which one of several arrays may have. */
  readonly input?: string;
}

/** @throws LrpError code "usage" for what is neither, and what is damaged; "memory" for too many pixels */
export function contentOf(bytes: Uint8Array, name: string, { maxPixels, input }: ContentOptions): Content {
  if (holdsArray(bytes)) return { numbers: readArray(bytes, name, input) };
  const format = formatOf(bytes);
  if (format?.decode) return { picture: decodeImage(bytes, { name, maxPixels }) };
  const { name: received, fix } = format
    ? { ...format, fix: CONVERT }
    : (fileKind(bytes) ?? { name: "unknown content" });
  throw usage(`file '${name}'`, `${READ}, or a .npy or .npz array`, received, fix);
}
