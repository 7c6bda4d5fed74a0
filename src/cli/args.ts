import { parseArgs } from "node:util";
import { type Issue, LrpError } from "../entries/index.ts";
import { didYouMean } from "./nearest.ts";
import { kinds, type Option } from "./option.ts";
import { type OptionName, options, type Values } from "./options.ts";

export interface Arguments {
  readonly positionals: readonly string[];
  readonly values: Values;
}

const table: Readonly<Record<string, Option>> = options;

/**
 * The words after a command, sorted into positionals and checked values of the options that the command knows.
 *
 * @throws LrpError code "usage" with every wrong option at once.
 * @example
 * parse(["model.onnx", "--low", "-1"], ["low"]); // { positionals: ["model.onnx"], values: { low: -1 } }
 */
export function parse(words: readonly string[], known: readonly OptionName[]): Arguments {
  const config = Object.fromEntries(known.map((name) => [name, { type: typeOf(name), multiple: true }] as const));
  const { positionals, tokens } = parseArgs({
    args: joinNegative(
      words.map((word) => (word === "-h" ? "--help" : word)),
      known,
    ),
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = tokens.filter((token) => token.kind === "option");
  const results = given.map((token) => read(known, token));
  const issues = [
    ...results.flatMap(({ issue }) => issue ?? []),
    ...repeated(
      given.map(({ name }) => name),
      known,
    ),
  ];
  if (issues.length > 0) throw new LrpError("usage", issues);
  const values: Record<string, unknown> = {};
  for (const { name, value } of results) {
    values[name] = table[name].repeat ? [...((values[name] as unknown[]) ?? []), value] : value;
  }
  return { positionals, values };
}

/** `--low -1` becomes `--low=-1`, which `parseArgs` would take for an option of the name 1. */
function joinNegative(words: readonly string[], known: readonly OptionName[]): string[] {
  const out: string[] = [];
  for (const word of words) {
    const last = out.at(-1) ?? "";
    const takesValue = last.startsWith("--") && known.some((name) => last === `--${name}` && typeOf(name) === "string");
    if (takesValue && /^-\.?\d/.test(word)) out[out.length - 1] = `${last}=${word}`;
    else out.push(word);
  }
  return out;
}

function typeOf(name: OptionName): "boolean" | "string" {
  return table[name].kind === "flag" ? "boolean" : "string";
}

interface Token {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string;
  readonly inlineValue?: boolean;
}

function read(known: readonly OptionName[], token: Token): { name: string; value?: unknown; issue?: Issue } {
  const { name, rawName, value: text = "" } = token;
  const where = `option '${rawName}'`;
  if (!(known as readonly string[]).includes(name)) {
    const received = Object.hasOwn(options, name) ? "one of other commands" : "an unknown one";
    return {
      name,
      issue: {
        where,
        expected: "an option of this command",
        received,
        fix: didYouMean(
          rawName,
          known.map((k) => `--${k}`),
        ),
      },
    };
  }
  const { kind, choices } = table[name];
  const expected = choices ? `one of ${choices.join(", ")}` : kinds[kind].expected;
  const absent = token.value === undefined || (!token.inlineValue && text.startsWith("-"));
  if (absent !== (kind === "flag"))
    return { name, issue: { where, expected, received: text === "" ? "nothing" : `'${text}'` } };
  const value = kinds[kind].parse(text);
  if (value !== undefined && (!choices || choices.includes(value as string))) return { name, value };
  return { name, issue: { where, expected, received: `'${text}'`, fix: choices && didYouMean(text, choices) } };
}

function repeated(given: readonly string[], known: readonly OptionName[]): Issue[] {
  return known
    .filter((name) => !table[name].repeat && given.filter((g) => g === name).length > 1)
    .map((name) => ({
      where: `option '--${name}'`,
      expected: "it once",
      received: `it ${given.filter((g) => g === name).length} times`,
    }));
}
