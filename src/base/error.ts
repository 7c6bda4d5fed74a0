/**
 * Who has to act: `not-onnx`, `invalid-model`: the file; `unsupported`, `memory`: relprop's limits; `shape`, `rule`,
 * `usage`: the call; `undefined`: nobody, a measure has no value for these numbers.
 */
export type Code = "not-onnx" | "unsupported" | "invalid-model" | "shape" | "rule" | "memory" | "usage" | "undefined";

/** An option that a text names in the library's words, so that a program with other words can say it in its own. */
export interface Mention {
  /** As it stands in the text. */
  readonly text: string;
  readonly option: string;
  readonly value?: string;
}

/** What is wrong: what was expected and what came instead, or a sentence of its own without its full stop. */
export type Finding =
  | { readonly expected: string; readonly received: string; readonly problem?: undefined }
  | { readonly problem: string; readonly expected?: undefined; readonly received?: undefined };

/** One problem: where it is, what is wrong there, and what to do about it. */
export type Issue = Finding & {
  readonly where: string;
  readonly fix?: string;
  /** Options that these texts name other than by "option 'NAME'". */
  readonly mentions?: readonly Mention[];
};

/**
 * The one error class of relprop. `code` is stable API, the text is not.
 * `issues` holds every problem that was found, so that a model is judged in one go.
 *
 * @example
 * const error = new LrpError("usage", { where: "option 'target'", expected: "a class from 0 to 9", received: "12" });
 * error.message; // "option 'target': expected a class from 0 to 9, got 12."
 */
export class LrpError extends Error {
  readonly code: Code;
  readonly issues: readonly Issue[];

  constructor(code: Code, issues: Issue | readonly Issue[]) {
    const list = Array.isArray(issues) ? (issues as readonly Issue[]) : [issues as Issue];
    super(list.map(sentence).join("\n"));
    this.name = "LrpError";
    this.code = code;
    this.issues = list;
  }
}

/** @internal The grammar of messages: `<where>: expected <expected>, got <received>. <fix>`, or `<where>: <problem>. <fix>` */
export function sentence({ where, fix, ...finding }: Issue): string {
  // The message of another error, which may be what was received, may end in its own full stop.
  return `${where}: ${said(finding).replace(/\.$/, "")}.${fix ? ` ${fix}` : ""}`;
}

/** @internal What is wrong, in words. */
export const said = ({ expected, received, problem }: Finding): string =>
  problem ?? `expected ${expected}, got ${received}`;

/** @internal A value as messages show it, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === "string") return `'${value}'`;
  if (typeof value === "function") return "a function";
  if (Array.isArray(value) && value.length > 8) return `a list of ${value.length}`;
  if (Array.isArray(value)) return `[${Array.from(value, inList).join(", ")}]`;
  return typeof value === "object" && value !== null ? Object.prototype.toString.call(value) : String(value);
}

const inList = (value: unknown) => (Array.isArray(value) ? "a list" : shown(value));

/** @internal The error for what a caller has to change. */
export function usage(
  where: string,
  expected: string,
  received: unknown,
  fix?: string,
  mentions?: readonly Mention[],
): LrpError {
  return new LrpError("usage", { where, expected, received: String(received), fix, mentions });
}

/** @internal The same, where a sentence says it better than a comparison. */
export const misuse = (where: string, problem: string, fix?: string, mentions?: readonly Mention[]): LrpError =>
  new LrpError("usage", { where, problem, fix, mentions });

/** @internal The error for an option that does not exist. */
export const noOption = (where: string, name: string, known: readonly string[]): LrpError =>
  misuse(
    where,
    `there is no option '${name}'`,
    known.length === 1 ? `The only option is ${known[0]}.` : `The options are ${known.join(", ")}.`,
  );

/** @internal The error for a measure that these numbers have no value of. */
export function undefinedFor(where: string, expected: string, received: unknown): LrpError {
  return new LrpError("undefined", { where, expected, received: String(received) });
}

/** For what cannot happen unless relprop itself is wrong. */
export function assert(condition: unknown, text: string): asserts condition {
  if (!condition) throw new Error(`relprop is at fault: ${text}`);
}
