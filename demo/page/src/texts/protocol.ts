import type { Chosen } from "relprop";

/** A network of texts, as the page needs to know it. */
export interface Opened {
  readonly name: string;
  readonly parameters: number;
  readonly nodes: number;
  /** The composite of its explanations. */
  readonly composite: string;
  readonly ms: number;
}

export interface Answer {
  readonly words: readonly string[];
  readonly relevance: readonly number[];
  /** Whether the tokenizer has put it around the text, for each word. */
  readonly special: readonly boolean[];
  readonly scores: Float32Array;
  readonly target: Chosen;
  /** What tables that no id chooses from have received: positions. */
  readonly shares: number;
  readonly notes: readonly string[];
  /** The relevance says nothing: the first note says why, and what helps. */
  readonly exploded: boolean;
  readonly ms: number;
}

/** What the page asks of the worker. */
export interface Calls {
  load(given: { readonly file: Blob; readonly name: string }): Promise<Opened>;
  read(given: { readonly tokenizer: object }): Promise<void>;
  explain(given: {
    readonly text: string;
    readonly target: "argmax" | number;
    /** Left out: that of the network. */
    readonly composite?: string;
  }): Promise<Answer>;
}
