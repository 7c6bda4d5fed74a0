import type { Model } from "../model/model.ts";
import type { Picture, Pixels } from "../picture/image/pixels.ts";
import type { Preparation, PresetName } from "../picture/image/preparation.ts";
import type { SubwordStyle } from "../picture/text/index.ts";
import type { Input, InputTensor } from "../run/input.ts";
import type { Content } from "./content.ts";
import type { Query } from "./query.ts";

/** A picture as an input. */
export interface Prepared {
  readonly input: InputTensor;
  /** What the network sees of the picture. */
  readonly seen: Pixels;
  /** What else is worth knowing: it stands in the JSON of the answer as `seen`. */
  readonly facts?: object;
}

/** A text as an input. */
export interface Encoding {
  readonly input: Input;
  /** The input that takes the ids. */
  readonly port: string;
  readonly tokens: readonly string[];
  /** Which tokens frame or fill up the text. */
  readonly special: readonly boolean[];
  /** 0 for padding. */
  readonly mask: readonly number[];
  readonly style?: SubwordStyle;
}

/** A network that a service has. */
export interface Served {
  readonly model: Model;
  /** How its pictures are prepared, unless a query says it. Default: as the file's metadata says. */
  readonly preset?: PresetName | Preparation;
  /** Prepares pictures in place of a preset. What it throws is an answer if it is a `Refusal`. */
  readonly prepare?: (image: Pixels) => Prepared;
  /** Makes inputs of texts. */
  readonly encode?: (text: string, pair?: string) => Encoding;
}

/** Reads pictures: `decodeImage` of relprop/image. */
export type Decode = (bytes: Uint8Array, options: { readonly maxPixels: number }) => Picture;

/** How an engine reads pictures, and the most pixels that they may have. */
export interface Reading {
  readonly decode: Decode;
  readonly maxPixels: number;
}

/** In what form answers are written. */
export type Format = "json" | "png" | "html";

/** What is to be done for a request: data that can be sent from a thread to another. */
export interface Job {
  readonly action: "predict" | "explain";
  /** The name of the network. */
  readonly model: string;
  readonly body: Uint8Array<ArrayBuffer>;
  /** What Content-Type says of the body. */
  readonly type: string | null;
  readonly query: Query;
  /** Those that the client takes, the one that it wants most first. */
  readonly formats: readonly Format[];
}

/** What the network is given, and what it came from. */
export interface Given {
  readonly content: Content;
  readonly input: Input;
  /** What the network sees of a picture. */
  readonly seen?: Pixels;
  readonly facts?: object;
  readonly text?: Encoding;
}
