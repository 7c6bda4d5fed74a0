import type {
  Chosen,
  ExplainOptions,
  LedgerRow,
  LrnMode,
  Picture,
  Pixels,
  Preparation,
  PresetName,
  Tensor,
} from "relprop";
import type { TriedPreset } from "relprop/image";

/** A network, as the page needs to know it. */
export interface Opened {
  readonly name: string;
  readonly classes?: readonly string[];
  readonly dims: readonly (number | string)[];
  readonly parameters: number;
  readonly nodes: number;
  readonly lrn: boolean;
  readonly sums: boolean;
  readonly norms: boolean;
  readonly products: boolean;
  readonly attention: boolean;
  /** The composite that it has unless another is named. */
  readonly composite: string;
  /** How the file says that pictures are prepared. */
  readonly stated?: Preparation;
  /** Nodes that no rule of LRP fits. */
  readonly unruled: number;
  readonly ms: number;
}

/** What is to be explained, and how. */
export interface Question {
  /** A picture from the pad; else it is the file that was opened last. */
  readonly drawing?: Pixels;
  readonly preset: PresetName | Preparation;
  readonly options: ExplainOptions;
  /** One explanation for each; for networks without LRN one without a name. */
  readonly modes: readonly (LrnMode | undefined)[];
}

/** One explanation, drawn. */
export interface RelevanceMap {
  readonly mode?: LrnMode;
  readonly relevance: Tensor;
  readonly picture: Picture;
  readonly sum: number;
  /** Largest |R| of a pixel, channels summed. */
  readonly largest: number;
  readonly ms: number;
}

/**
 * A row of the ledger that is more than handing on, with the relevance that arrives there as a picture, if it can be
 * one.
 */
export interface Layer extends LedgerRow {
  readonly picture?: Picture;
}

export interface Answer {
  /** What the network saw of the picture. */
  readonly seen: Picture;
  readonly scores: Float32Array;
  readonly target: Chosen;
  /** The relevance that starts at the output. */
  readonly begun: number;
  readonly maps: readonly RelevanceMap[];
  /** Of the first map, from the output to the input. */
  readonly layers: readonly Layer[];
  /** How many rows only hand relevance on. */
  readonly handedOn: number;
  readonly notes: readonly string[];
  /** One of the maps says nothing: the first note says why, and what helps. */
  readonly exploded: boolean;
}

/** What the page asks of the worker. */
export interface Calls {
  load(given: { file: Blob; name: string; classes?: readonly string[] }): Promise<Opened>;
  /** Answers how large the picture is, in words. */
  see(given: { file: Blob; name: string }): Promise<string>;
  /** What the network says of the photo under each preset, the best guess first; nothing where it has no such answer. */
  tryPresets(given: null): Promise<readonly TriedPreset[]>;
  explain(given: Question): Promise<Answer>;
}
