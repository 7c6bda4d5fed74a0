import { parseArgs } from "node:util";
import { readValue, wanted } from "../base/written.ts";
import { type Issue, LrpError } from "../entries/index.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { listed } from "./layout.ts";
import { didYouMean } from "./nearest.ts";
import { type Option, optionExample } from "./option.ts";
import { type Arguments, type OptionName, options } from "./options.ts";

type Known = Pick<Command, "name" | "options">;

const table: Readonly<Record<string, Option>> = options;

/**
 * The words after a command, sorted into positionals and checked values of the options that the command knows.
 *
 * @throws LrpError code "usage" with every wrong option at once.
 * @example
 * parse(["model.onnx", "--low", "-1"], { name: "explain", options: ["low"] });
 * // { positionals: ["model.onnx"], values: { low: -1 } }
 */
export function parse(words: readonly string[], command: Known): Arguments {
  const known: readonly OptionName[] = [...command.options, "help"];
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
  const results = given.map((token) =>
    known.includes(token.name as OptionName)
      ? read(command, token)
      : { name: token.name, value: undefined, issue: strange(command, token) },
  );
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

/** An option that the command does not take: whose it is, or what may be meant. */
function strange({ name: command, options: own }: Known, { name, rawName }: Token): Issue {
  const where = `option '${rawName}'`;
  const owners = commands.filter(({ options }) => options.some((option) => option === name));
  if (owners.length > 0) {
    const list = listed(owners.map((owner) => `'relprop ${owner.name}'`));
    return { where, problem: `it belongs to ${list}, and 'relprop ${command}' does not take it` };
  }
  const names = own.map((option) => `--${option}`);
  const short = rawName.startsWith("--") ? [] : names.filter((option) => option[2] === name);
  const fix =
    short.length > 0
      ? `Options have no short names: ${short.join(", ")}.`
      : (didYouMean(rawName, names) ?? help(command));
  return { where, problem: `'relprop ${command}' has no such option`, fix };
}

const help = (command: string) => `'relprop help ${command}' lists its options.`;

function read({ options: own }: Known, token: Token): { name: string; value?: unknown; issue?: Issue } {
  const { name, rawName, value: text = "" } = token;
  const where = `option '${rawName}'`;
  const option = table[name];
  const absent = token.value === undefined || (!token.inlineValue && text.startsWith("-"));
  if (option.kind === "flag" && !absent)
    return { name, issue: { where, problem: `it takes no value, but has the value '${text}'` } };
  if (option.kind !== "flag" && absent) {
    const fix = `For example: --${name} ${optionExample(option)}.`;
    return { name, issue: { where, problem: `its value is missing: ${wanted(option)}`, fix } };
  }
  const value = readValue(option, text);
  if (value !== undefined) return { name, value };
  const fix = option.choices ? meantBy(name, text, own) : `For example: --${name} ${optionExample(option)}.`;
  return { name, issue: { where, expected: wanted(option), received: `'${text}'`, fix } };
}

/** What a value that is none of an option's may mean: a value of another option, or a misspelling. */
function meantBy(name: string, text: string, own: readonly OptionName[]): string | undefined {
  const other = own.find((option) => option !== name && table[option].choices?.includes(text));
  return other ? `Did you mean '--${other} ${text}'?` : didYouMean(text, table[name].choices!);
}

function repeated(given: readonly string[], known: readonly OptionName[]): Issue[] {
  return known.flatMap((name) => {
    const times = given.filter((g) => g === name).length;
    if (table[name].repeat || times < 2) return [];
    return [{ where: `option '--${name}'`, problem: `it may be given once, but is given ${times} times` }];
  });
}
