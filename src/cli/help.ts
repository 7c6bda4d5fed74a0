import type { Command } from "./command.ts";
import { columns, definition, wrap } from "./layout.ts";
import type { Option } from "./option.ts";
import { options } from "./options.ts";

const WIDTH = 80;
const LEFT = 24;

export const groups: readonly (readonly [Option["group"], string])[] = [
  ["explain", "What to compute"],
  ["axes", "Outputs and inputs of several axes"],
  ["evaluate", "What to measure"],
  ["queue", "Work on several machines"],
  ["rules", "Rules"],
  ["method", "Other methods"],
  ["text", "A text as input"],
  ["similar", "What is asked of a text"],
  ["picture", "Preparing a picture"],
  ["model", "The model"],
  ["work", "Where and how it works"],
  ["output", "Output"],
];

/** `relprop --help`: it fits a screen of 24 lines. */
export function overview(commands: readonly Command[]): string {
  const list = columns(commands.map((command) => [usage(command), command.summary]));
  return `relprop draws which parts of its input the decision of a neural network (.onnx)
rests on, by Layer-wise Relevance Propagation.

${list}
  relprop explain model.onnx photo.jpg --preset torchvision --out heat.png
  relprop help explain      all options of a command, with examples
  relprop --version

Exit codes: 0: done. 1: a fault of relprop. 2: you have to correct something; a
message on stderr says what, and no file is written. 130: interrupted.
`;
}

/** `relprop help COMMAND` */
export function help(command: Command): string {
  const paragraphs = [`${command.summary[0].toUpperCase()}${command.summary.slice(1)}.`, ...command.about];
  const about = paragraphs.map((text) => `${wrap(text, WIDTH).join("\n")}\n`).join("\n");
  const tables = groups.flatMap(([group, title]) => {
    const rows = command.options.filter((name) => options[name].group === group);
    return rows.length > 0 ? [`${title}\n${rows.map((name) => row(name, command)).join("")}`] : [];
  });
  const examples = command.examples.map(([what, line]) => `  ${what}:\n${shellLine(line)}`).join("");
  const line = [usage(command), ...(command.options.length > 0 ? ["[options]"] : [])].join(" ");
  return [`Usage: relprop ${line}\n`, about, ...tables, ...(examples ? [`Examples\n${examples}`] : [])].join("\n");
}

export const usage = ({ name, takes }: Command) => [name, ...takes].join(" ");

/** A line for a shell, continued where it is long. */
const shellLine = (line: string) => `    ${wrap(line, WIDTH - 8, / (?=--)/).join(" \\\n      ")}\n`;

/** What an option does, and which values it takes. @param command whose help it is; of all commands unless given */
export function described({ help: all, helpOf, choices = [] }: Option, command?: Command): string {
  const text = (command && helpOf?.[command.name]) ?? all;
  const listed = choices.every((choice) => text.includes(choice)) ? "" : ` (${choices.join(", ")})`;
  return `${text}${listed}`;
}

function row(name: keyof typeof options, command: Command): string {
  const { value } = options[name] as Option;
  return definition(`  --${name}${value ? ` ${value}` : ""}`, described(options[name], command), LEFT, WIDTH);
}
