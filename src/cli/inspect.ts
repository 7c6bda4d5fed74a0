import { basename } from "node:path";
import { shapeText } from "../base/tensor.ts";
import {
  defaultComposite,
  type Inspection,
  LrpError,
  type Model,
  type Needs,
  type OutputPort,
  type Port,
  type Shapes,
} from "../entries/index.ts";
import { sentence } from "../base/error.ts";
import type { Streams } from "./command.ts";
import { bytesText, definition, jsonLine, workText } from "./layout.ts";
import { open } from "./open.ts";
import { counted, fullLines, groupLines } from "./operators.ts";
import { type Arguments, rulesIn, type Values } from "./options.ts";
import { inOwnWords, issueInOwnWords } from "./words.ts";

const LEFT = 13;
const WIDTH = 80;

/** All that is known of a network. */
interface Found {
  readonly path: string;
  readonly size: number;
  readonly model: Model;
  readonly inspection: Inspection;
  /** What an explanation takes, or why there is none. */
  readonly needs?: Needs | LrpError;
  readonly values: Values;
}

export async function inspect({ positionals: [path], values }: Arguments, { out }: Streams): Promise<void> {
  const { model, bytes } = await open(path, values);
  const inspection = attempt(model, () =>
    model.inspect({ ...rulesIn(values), output: values.output, dims: shapesOf(values) }),
  );
  const needs = needsOf(model, inspection, values);
  if (values.json) {
    const { inputs, outputs } = model;
    const { text: _, ...found } = inspection;
    return out(jsonLine({ model: path, inputs, outputs, ...(!(needs instanceof LrpError) && needs), ...found }));
  }
  const { nodes, notes } = inspection;
  const list = values.full
    ? fullLines(
        nodes,
        model.inputs.map(({ name }) => name),
      )
    : `${groupLines(nodes)}\n--full lists every operator, with the names that --at takes.\n`;
  const remarks = notes.map((note) => row("note", inOwnWords(note))).join("");
  out(`${header({ path, size: bytes.length, model, inspection, needs, values })}\n${list}${remarks && `\n${remarks}`}`);
}

/** The dims of the only input, or of inputs by name. */
function shapesOf({ dims = [] }: Values): Shapes | undefined {
  const named = dims.filter(({ input }) => input !== undefined);
  if (named.length > 0) return Object.fromEntries(named.map(({ input, sizes }) => [input, sizes]));
  return dims[0]?.sizes;
}

/** What `action` gives; an error about sizes that are missing has an example of them. */
function attempt<T>({ inputs }: Model, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const isDims = error instanceof LrpError && error.issues[0].where === "option 'dims'";
    if (!isDims) throw error;
    const words = inputs.map(({ name, dims }, i) => {
      const sizes = dims.map((d, axis) => (typeof d === "number" ? d : axis === 0 ? 1 : 16));
      return `--dims ${inputs.length > 1 || i > 0 ? `${name}:` : ""}${sizes}`;
    });
    const [issue, ...more] = error.issues;
    throw new LrpError(error.code, [{ ...issue, fix: `For example: ${words.join(" ")}` }, ...more]);
  }
}

/** What an explanation takes; where operators have no rule, one that passes them by their gradient. */
function needsOf(model: Model, { explainable }: Inspection, values: Values): Needs | LrpError | undefined {
  if (explainable === "no") return undefined;
  const { output } = values;
  const options = {
    ...rulesIn(values),
    output,
    ...(explainable === "partly" && { unknown: "gradient" as const }),
  };
  try {
    return model.needs(shapesOf(values), options);
  } catch (error) {
    if (error instanceof LrpError) return error;
    throw error;
  }
}

const row = (term: string, text: string, space?: RegExp) => definition(term, text, LEFT, WIDTH, space);

function header({ path, size, model, inspection, needs, values }: Found): string {
  const { nodes, parameters } = inspection;
  const { composite } = values;
  const rows = [
    ["model", `${basename(path)}, ${bytesText(size)}`],
    ...model.inputs.map((port) => ["input", inputText(port)]),
    ...model.outputs.map((port) => ["output", portText(port)]),
    ["operators", `${nodes.length}: ${counted(nodes.map(({ type }) => type))}`],
    ["parameters", `${parameters}`],
    [
      "composite",
      composite
        ? `${composite}, as --composite says`
        : inspection.composite === defaultComposite
          ? `${defaultComposite}, the default: the most faithful of those without parameters`
          : `${inspection.composite}, the default of such a network`,
    ],
    ...(needs ? [["memory", needsText(needs)]] : []),
    ["explainable", explainableText(inspection, values)],
  ];
  return rows.map(([term, text]) => row(term, text, term === "operators" ? / (?=\d)/ : undefined)).join("");
}

const portText = ({ name, type, dims }: OutputPort) => `${name}  ${shapeText(dims, type)}`;

function inputText(port: Port): string {
  const { batchAxis, channelAxis } = port;
  const samples = batchAxis === null ? ", one sample" : batchAxis ? `, samples along axis ${batchAxis}` : "";
  return `${portText(port)}${samples}${channelAxis ? `, channels ${channelAxis}` : ""}`;
}

function needsText(needs: Needs | LrpError): string {
  if (needs instanceof LrpError) return needs.issues.map((issue) => sentence(issueInOwnWords(issue))).join(" ");
  return `${bytesText(needs.memory)} for an explanation, which takes ${workText(needs.work)}`;
}

function explainableText({ explainable, nodes }: Inspection, { unknown }: Values): string {
  if (explainable === "yes") return "yes";
  if (explainable === "no")
    return "no: the inputs only choose among other numbers, so that no relevance reaches them; predict takes it";
  if (unknown) return "partly: operators without a rule pass relevance by their gradient, as --unknown says";
  const without = nodes.filter(({ rule }) => rule === "none").length;
  return (
    `partly: ${without} of ${nodes.length} operators have no rule; 'relprop explain' passes relevance by their ` +
    "gradient with --unknown gradient, and refuses without"
  );
}
