import { LrpError } from "../entries/index.ts";
import { version } from "../kernels.gen.ts";
import { parse } from "./args.ts";
import type { Command, Streams } from "./command.ts";
import { commands } from "./commands.ts";
import { errorText } from "./errors.ts";
import { help, overview } from "./help.ts";
import { didYouMean } from "./nearest.ts";

/**
 * The command line: does what the words after `relprop` say.
 *
 * @returns the exit code: 0 done, 2 a foreseen error (told on `err` in at most 12 lines). Faults of relprop are thrown.
 */
export async function run(words: readonly string[], streams: Streams): Promise<0 | 2> {
  try {
    await dispatch(words, streams);
    return 0;
  } catch (error) {
    if (!(error instanceof LrpError)) throw error;
    streams.err(errorText(error));
    return 2;
  }
}

async function dispatch([first, ...rest]: readonly string[], streams: Streams): Promise<void> {
  if (first === "--version") return streams.out(`${version}\n`);
  if (first === "--help" || first === "-h" || (first === "help" && rest.length === 0))
    return streams.out(overview(commands));
  if (first === "help") return streams.out(help(find(rest[0])));
  const command = find(first);
  const given = parse(rest, [...command.options, "help"]);
  if (given.values.help) return streams.out(help(command));
  checkCount(command, given.positionals);
  return command.run(given, streams);
}

function find(name: string | undefined): Command {
  const command = commands.find((row) => row.name === name);
  if (command) return command;
  const names = commands.map((row) => row.name);
  throw new LrpError("usage", {
    where: "command",
    expected: `one of ${names.join(", ")}`,
    received: name === undefined ? "nothing" : `'${name}'`,
    fix: didYouMean(name ?? "", names) ?? "See 'relprop --help'.",
  });
}

/**
 * @throws LrpError code "usage" unless there are as many arguments as the command takes; more where its last ends in
 * "…"
 */
export function checkCount({ name, takes }: Command, positionals: readonly string[]): void {
  const many = takes.at(-1)?.endsWith("…");
  if (positionals.length === takes.length || (many && positionals.length > takes.length)) return;
  throw new LrpError("usage", {
    where: `command '${name}'`,
    expected: takes.join(" and ") || "no arguments",
    received: positionals.map((word) => `'${word}'`).join(", ") || "nothing",
    fix: `See 'relprop help ${name}'.`,
  });
}
