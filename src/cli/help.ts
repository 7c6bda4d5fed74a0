import type { Command } from "./command.ts";
import { columns, definition, wrap } from "./layout.ts";
import type { Option } from "./option.ts";
import { options } from "./options.ts";

const WIDTH = 100;
const LEFT = 26;

const groups: readonly (readonly [Option["group"], string])[] = [
  ["explain", "What to compute"],
  ["axes", "Outputs and inputs of several axes"],
  ["evaluate", "What to measure"],
  ["rules", "Rules"],
  ["method", "Other methods"],
  ["picture", "Preparing a picture"],
  ["model", "The model"],
  ["output", "Output"],
];

/** `relprop --help` */
export function overview(commands: readonly Command[]): string {
  const list = columns(commands.map((command) => [usage(command), command.summary]));
  return `relprop explains what a neural network looked at, by Layer-wise Relevance Propagation.

Usage
${list}
Try
  relprop explain model.onnx photo.jpg --preset torchvision --show --out heat.png
  relprop help explain          all options, with examples
  relprop --version

Exit codes: 0 done, 2 something to correct (one message on stderr, no file written), 1 a fault of relprop.
`;
}

/** `relprop help COMMAND` */
export function help(command: Command): string {
  const paragraphs = [`${command.summary[0].toUpperCase()}${command.summary.slice(1)}.`, ...command.about];
  const about = paragraphs.map((text) => `${wrap(text, WIDTH).join("\n")}\n`).join("\n");
  const tables = groups.flatMap(([group, title]) => {
    const rows = command.options.filter((name) => options[name].group === group);
    return rows.length > 0 ? [`${title}\n${rows.map(row).join("")}`] : [];
  });
  const examples = command.examples.map(([what, line]) => `  ${what}:\n    ${line}\n`).join("");
  return [`Usage: relprop ${usage(command)}\n`, about, ...tables, ...(examples ? [`Examples\n${examples}`] : [])].join(
    "\n",
  );
}

function usage({ name, takes, options: taken }: Command): string {
  return [name, ...takes, ...(taken.length > 0 ? ["[options]"] : [])].join(" ");
}

function row(name: keyof typeof options): string {
  const { value, help: text, choices = [] } = options[name] as Option;
  const listed = choices.every((choice) => text.includes(choice)) ? "" : ` (${choices.join(", ")})`;
  return definition(`  --${name}${value ? ` ${value}` : ""}`, `${text}${listed}`, LEFT, WIDTH);
}
