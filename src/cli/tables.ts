import { methods, metrics } from "../evaluate/index.ts";
import { composites, lrnModes, rules } from "../entries/index.ts";
import type { Streams } from "./command.ts";
import { definition } from "./layout.ts";
import { dashed } from "./option.ts";
import { type Arguments, options } from "./options.ts";

const LEFT = 24;

/** `relprop rules`: what the core's tables of rules say. */
export async function printRules(_: Arguments, { out }: Streams): Promise<void> {
  const linear = rules.map(described);
  const lrn = Object.entries(lrnModes).map(([name, { summary }]) => definition(name, summary, LEFT));
  out(`Rules for layers\n\n${linear.join("\n")}\nRules for LRN (--lrn)\n\n${lrn.join("")}`);
}

/** `relprop composites`: what the core's table of composites says. */
export async function printComposites(_: Arguments, { out }: Streams): Promise<void> {
  out(
    composites
      .map(({ name, summary, parameters }) => definition(name, `${summary}${takes(parameters)}`, LEFT))
      .join(""),
  );
}

/** `relprop methods`: what the table of methods says. */
export async function printMethods(_: Arguments, { out }: Streams): Promise<void> {
  out(methods.map(described).join("\n"));
}

/** `relprop metrics`: what the table of metrics says. */
export async function printMetrics(_: Arguments, { out }: Streams): Promise<void> {
  const better = { higher: ", higher is better", lower: ", lower is better", neither: "" };
  const lines = metrics.map(
    ({ name, summary, range, better: which, source }) =>
      definition(name, summary, LEFT) + definition("", `${range}${better[which]}`, LEFT) + definition("", source, LEFT),
  );
  out(lines.join("\n"));
}

function described({ name, equation, summary, source, parameters }: (typeof rules | typeof methods)[number]): string {
  return (
    definition(name, summary, LEFT) +
    definition("", equation, LEFT) +
    definition("", `${source}${takes(parameters)}`, LEFT)
  );
}

/** Those that the command line has: `stabilizer` and `bias` are for composites of one's own. */
function takes(parameters: readonly string[]): string {
  const given = parameters.map(dashed).filter((name) => Object.hasOwn(options, name));
  return given.length > 0 ? ` [${given.map((name) => `--${name}`).join(" ")}]` : "";
}
