import type { Arguments, OptionName } from "./options.ts";

/** Where a command writes, and how wide that is. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly columns?: number;
  /** Which of them are terminals, where lines can be rewritten and pictures drawn. */
  readonly terminals?: { readonly out: boolean; readonly err: boolean };
  /** Does work that Ctrl-C aborts by the signal, instead of ending the process. */
  readonly interruptible?: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
  /** Does work that any demand to end aborts by the signal, SIGTERM too: it ends when it has tidied up. */
  readonly stoppable?: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
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
  /** An option in whose presence the last positional argument may be missing. */
  readonly instead?: OptionName;
  /** Options that must be given. */
  readonly needs?: readonly OptionName[];
  readonly examples: readonly (readonly [what: string, line: string])[];
  readonly run: (given: Arguments, streams: Streams) => Promise<void>;
}
