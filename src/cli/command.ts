import type { Arguments, OptionName } from "./options.ts";

/** Where a command writes, and how wide that is. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly columns?: number;
  /** Whether `err` is a terminal, where a line can be rewritten. */
  readonly live?: boolean;
}

/** A row of the table of commands. */
export interface Command {
  readonly name: string;
  /** Names of the positional arguments. */
  readonly takes: readonly string[];
  /** What it does, as the help of relprop and its own begin: "runs a network". */
  readonly summary: string;
  /** What the help says between usage and options, one paragraph each. */
  readonly about: readonly string[];
  readonly options: readonly OptionName[];
  /** Options that must be given. */
  readonly needs?: readonly OptionName[];
  readonly examples: readonly (readonly [what: string, line: string])[];
  readonly run: (given: Arguments, streams: Streams) => Promise<void>;
}
