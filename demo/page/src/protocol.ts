import type { Chosen, ExplainOptions, LedgerRow, Picture, Pixels, Preparation, PresetName, Tensor } from "relprop";
import type { TriedPreset } from "relprop/image";
import type { Tell } from "./calls.ts";

/** A network, as the page needs to know it. */
export interface Opened {
  readonly name: string;
  readonly classes?: readonly string[];
  /** How many scores it gives, if its file says it. */
  readonly scores?: number;
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
  /** The node whose channels are shown; without it, the last one that has places and channels. */
  readonly layer?: string;
}

/** One explanation, drawn. */
export interface RelevanceMap {
  readonly relevance: Tensor;
  readonly picture: Picture;
  readonly sum: number;
  /** Largest |R| of a pixel, channels summed. */
  readonly largest: number;
  /** Whether it says nothing. */
  readonly exploded: boolean;
  readonly ms: number;
}

/**
 * A row of the ledger that is more than handing on, with the relevance that arrives there as a picture, if it can be
 * one.
 */
export interface Layer extends LedgerRow {
  readonly picture?: Picture;
  /** How many channels it has, if relevance there has channels and places. */
  readonly channels?: number;
}

/** The channels of a layer with the most relevance. */
export interface Channels {
  readonly node: string;
  readonly count: number;
  readonly strongest: readonly { readonly index: number; readonly sum: number; readonly picture: Picture }[];
}

export interface Answer {
  /** What the network saw of the picture. */
  readonly seen: Picture;
  readonly scores: Float32Array;
  readonly target: Chosen;
  /** The relevance that starts at the output. */
  readonly begun: number;
  readonly map: RelevanceMap;
  /** From the output to the input. */
  readonly layers: readonly Layer[];
  readonly channels?: Channels;
  /** How many rows only hand relevance on. */
  readonly handedOn: number;
  readonly notes: readonly string[];
}

/** What the page asks of the worker. */
export interface Calls {
  load(given: { file: Blob; name: string; classes?: readonly string[] }, tell: Tell): Promise<Opened>;
  /** Answers how large the picture is, in words. */
  see(given: { file: Blob; name: string }, tell: Tell): Promise<string>;
  /** What the network says of the photo under each preset, the best guess first; nothing where it has no such answer. */
  tryPresets(given: null, tell: Tell): Promise<readonly TriedPreset[]>;
  explain(given: Question, tell: Tell): Promise<Answer>;
  /** The map alone: of the same picture, by other rules. */
  map(given: Question): Promise<RelevanceMap>;
}
