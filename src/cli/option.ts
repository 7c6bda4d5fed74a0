import { kinds, type Written } from "../base/written.ts";

/** What the command line calls a parameter of the library, and the other way round. */
export const dashed = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
export const undashed = (name: string): string => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());

export interface Option extends Written {
  /** How the value is called in the help; nothing for a flag. */
  readonly value?: string;
  readonly help: string;
  /** The help of a command in which the option means something of its own. */
  readonly helpOf?: Readonly<Record<string, string>>;
  /** A value for messages, where that of the kind does not fit. */
  readonly example?: string;
  /** May be given several times. */
  readonly repeat?: true;
  readonly group:
    | "rules"
    | "method"
    | "evaluate"
    | "queue"
    | "explain"
    | "axes"
    | "text"
    | "similar"
    | "picture"
    | "model"
    | "work"
    | "output"
    | "other";
}

/** A value that an option takes. */
export const optionExample = ({ kind, choices, example }: Option): string =>
  example ?? choices?.[0] ?? kinds[kind].example;
