import { LrpError } from "../entries/index.ts";
import { version } from "../kernels.gen.ts";
import { parse } from "./args.ts";
import type { Command, Streams } from "./command.ts";
import { commands } from "./commands.ts";
import { errorText } from "./errors.ts";
import { help, overview } from "./help.ts";
import { listed } from "./layout.ts";
import { didYouMean } from "./nearest.ts";
import type { Arguments } from "./options.ts";
import { Interrupted } from "./progress.ts";

/**
 * The command line: does what the words after `relprop` say.
 *
 * @returns the exit code: 0 done, 2 a foreseen error (told on `err` in at most 12 lines), 130 interrupted. Faults of
 * relprop are thrown.
 */
export async function run(words: readonly string[], streams: Streams): Promise<0 | 2 | 130> {
  try {
    await dispatch(words, streams);
    return 0;
  } catch (error) {
    if (error instanceof Interrupted) {
      streams.err(`relprop: ${error.message}\n`);
      return 130;
    }
    if (!(error instanceof LrpError)) throw error;
    streams.err(errorText(error));
    return 2;
  }
}

async function dispatch([first, ...rest]: readonly string[], streams: Streams): Promise<void> {
  if (first === "--version") return streams.out(`${version}\n`);
  if (first === undefined || first === "--help" || first === "-h" || (first === "help" && rest.length === 0))
    return streams.out(overview(commands));
  if (first === "help") return streams.out(help(find(rest[0])));
  const command = find(first);
  const given = parse(rest, command);
  if (given.values.help) return streams.out(help(command));
  checkGiven(command, given);
  return command.run(given, streams);
}

function find(name: string): Command {
  const command = commands.find((row) => row.name === name);
  if (command) return command;
  throw new LrpError("usage", { where: `'${name}'`, problem: "there is no such command", fix: otherwise(name) });
}

function otherwise(name: string): string {
  if (name.startsWith("-")) return "Options come after a command: relprop COMMAND … --option.";
  if (name.endsWith(".onnx")) return `A command comes first: relprop explain ${name} INPUT.`;
  const names = commands.map((row) => row.name);
  return didYouMean(name, names) ?? `There are ${listed(names)}.`;
}

/**
 * @throws LrpError code "usage" unless there are as many arguments as the command takes, more where its last ends in
 * "…", and the options that it needs
 */
export function checkGiven(
  { name, takes, instead, needs = [], examples }: Command,
  { positionals, values }: Arguments,
): void {
  const where = `command '${name}'`;
  const least = takes.slice(0, instead && values[instead] !== undefined ? -1 : undefined);
  const missing = [
    ...least.slice(positionals.length).map((word) => word.replace("…", "")),
    ...needs.filter((option) => values[option] === undefined).map((option) => `--${option}`),
  ];
  if (missing.length > 0) {
    const problem = `${listed(missing)} ${missing.length > 1 ? "are" : "is"} missing`;
    throw new LrpError("usage", { where, problem, fix: `For example: ${examples[0][1]}` });
  }
  if (positionals.length === takes.length || takes.at(-1)?.endsWith("…")) return;
  const got = listed(positionals.map((word) => `'${word}'`));
  const problem = takes.length > 0 ? `it takes only ${listed(takes)}, but got ${got}` : "it takes no arguments";
  throw new LrpError("usage", { where, problem, fix: `See 'relprop help ${name}'.` });
}
