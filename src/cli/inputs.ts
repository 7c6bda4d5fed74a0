import { basename } from "node:path";
import { type LrpError, misuse, usage } from "../base/error.ts";
import { type Dims, shapeText, size } from "../base/tensor.ts";
import { kinds } from "../base/written.ts";
import type { Explanation, Input, Picture, Port } from "../entries/index.ts";
import { textInputs } from "../picture/text/index.ts";
import { rowNames } from "../picture/text/inputs.ts";
import { isUnstated } from "../run/input.ts";
import type { Streams } from "./command.ts";
import { isThere } from "./files.ts";
import { checkUnprepared, type Read, readFileFor } from "./input.ts";
import { listed } from "./layout.ts";
import { didYouMean } from "./nearest.ts";
import type { Opened } from "./open.ts";
import type { Values } from "./options.ts";
import type { TextInput } from "./text/read.ts";
import { tokensOf } from "./text/tokenizer.ts";

/** What a network runs on. */
export interface Inputs {
  readonly tensors: Input;
  /** Draw what the network sees of pictures, by the names of inputs. */
  readonly views: ReadonlyMap<string, () => Picture>;
  /** Where all came from, in a few words. */
  readonly text: string;
  /** The same in fewer. */
  readonly title: string;
  /** The text that is read, if one is. */
  readonly read?: TextInput;
}

/** A word after the model: of which input, if it says so, and a file or numbers. */
interface Word {
  readonly word: string;
  readonly port?: Port;
  readonly said: string;
}

/** An input's name may have a "=" in it, too: the longest name is meant. */
function wordOf(word: string, ports: readonly Port[]): Word {
  const [port] = ports.filter(({ name }) => word.startsWith(`${name}=`)).sort((a, b) => b.name.length - a.name.length);
  return { word, port, said: port ? word.slice(port.name.length + 1) : word };
}

/**
 * The inputs of a network from the words after the model: FILE where it has one, and NAME=FILE or NAME=NUMBERS, once for
 * each.
 *
 * @throws LrpError code "usage" for inputs that are missing, given twice or unknown, and as `readFileFor`
 */
export async function readInputs(
  words: readonly string[],
  opened: Opened,
  values: Values,
  streams: Streams,
): Promise<Inputs> {
  const ports = opened.model.inputs;
  const given = words.map((word) => wordOf(word, ports));
  const isText = [values.text, values["text-pair"], values.tokenizer].some((value) => value !== undefined);
  if (isText) return readText(given, opened, values, streams);
  const [only, ...more] = given;
  const isOne = ports.length === 1 && more.length === 0;
  const isFile = isOne && !only.port && (!only.word.includes("=") || (await isThere(only.word)));
  const each = isFile ? [{ ...only, port: ports[0] }] : given;
  const names = new Set(each.map(({ port }) => port?.name));
  if (each.length !== ports.length || names.size !== ports.length || names.has(undefined)) throw strange(ports, each);
  const read = new Map<string, Read>();
  for (const { port, said } of each) read.set(port!.name, await readOne(port!, said, isFile, opened, values, streams));
  const views = new Map([...read].flatMap(([name, { view }]) => (view ? [[name, view] as const] : [])));
  if (views.size === 0) checkUnprepared(words.join(" "), values);
  const all = [...read];
  return {
    tensors:
      ports.length === 1 ? all[0][1].tensor : Object.fromEntries(all.map(([name, { tensor }]) => [name, tensor])),
    views,
    text: isFile ? all[0][1].text : all.map(([name, { text }]) => `${name}: ${text}`).join("; "),
    title: isFile ? basename(only.word) : listed([...read.keys()]),
  };
}

/** @param isFile whether it is no numbers, whatever it looks like */
async function readOne(
  port: Port,
  said: string,
  isFile: boolean,
  opened: Opened,
  values: Values,
  streams: Streams,
): Promise<Read> {
  const numbers = isFile ? undefined : kinds.numbers.parse(said);
  if (numbers !== undefined) return fromNumbers(port, [numbers].flat());
  if (!isFile && !(await isThere(said)))
    throw misuse(
      `input '${port.name}'`,
      `'${said}' is no number, no list of numbers, and no file that is there`,
      `Write ${port.name}=3, ${port.name}=1,2,3 or ${port.name}=FILE.npy.`,
    );
  return readFileFor(port, said, opened, values, streams);
}

/** A text for the inputs that take it; others as words say. */
async function readText(words: readonly Word[], opened: Opened, values: Values, streams: Streams): Promise<Inputs> {
  const ports = opened.model.inputs;
  const given = new Map(words.flatMap(({ port, said }) => (port ? [[port.name, said] as const] : [])));
  if (given.size !== words.length) throw strange(ports, words, true);
  const text = await tokensOf({ tokenizer: opened.sidecar.tokenizer, ...values });
  const rows = [...given].map(([name, said]) => [name, rowNames.includes(said) ? said : null]);
  const { inputs, ids, empty } = textInputs(ports, text, { rows: Object.fromEntries(rows) });
  const all = new Map(Object.entries(inputs));
  const views = new Map<string, () => Picture>();
  const texts = [`${JSON.stringify(values.text)}, ${text.tokens.length} tokens`];
  for (const port of ports.filter(({ name }) => !all.has(name))) {
    const read = await readOne(port, given.get(port.name)!, false, opened, values, streams);
    all.set(port.name, read.tensor);
    if (read.view) views.set(port.name, read.view);
    texts.push(`${port.name}: ${read.text}`);
  }
  if (views.size === 0) checkUnprepared("--text", values);
  if (empty.length > 0) texts.push(`${empty.length} inputs of past keys and values are empty: ${listed(empty)}`);
  return {
    tensors: ports.length === 1 ? all.get(ids)! : Object.fromEntries(all),
    views,
    text: texts.join("; "),
    title: "text",
    read: { ...text, port: ids },
  };
}

/** @param isText whether inputs that no word names get a text */
function strange(ports: readonly Port[], words: readonly Word[], isText = false): LrpError {
  const fix = "VALUE is a file, or a number or several joined by commas.";
  if (ports.length === 1 && !isText)
    return usage("INPUT", `one file, or ${wantedOf(ports[0])}`, words.map(({ word }) => `'${word}'`).join(", "), fix);
  const names = ports.map(({ name }) => name);
  const times = (name: string) => words.filter(({ port }) => port?.name === name).length;
  const problems = [
    ...words.filter(({ port }) => !port).map(({ word }) => unnamed(word, names)),
    ...names.filter((name) => times(name) > 1).map((name) => `the input '${name}' is given ${times(name)} times`),
    ...names.filter((name) => times(name) === 0 && !isText).map((name) => `the input '${name}' is missing`),
  ];
  return misuse("INPUT", problems.join("; "), `The model takes ${listed(ports.map(wantedOf))}. ${fix}`);
}

function unnamed(word: string, names: readonly string[]): string {
  const name = word.includes("=") ? word.slice(0, word.indexOf("=")) : undefined;
  if (name === undefined) return `'${word}' does not say which input it is for`;
  const meant = didYouMean(name, names);
  return `the model has no input '${name}'${meant ? ` (${meant[0].toLowerCase()}${meant.slice(1)})` : ""}`;
}

const wantedOf = ({ name, dims, type }: Port) => `${name}=VALUE ${shapeText(dims, type)}`;

/** Numbers of an input: the last of its free axes is as long as they need, the others are 1. */
function fromNumbers(port: Port, numbers: readonly number[]): Read {
  const dims = dimsFor(port, numbers.length);
  const shown = numbers.length > 4 ? `${numbers.slice(0, 3).join(", ")}, …` : numbers.join(", ");
  return { tensor: { data: Float64Array.from(numbers), dims }, text: `${shown} as ${shapeText(dims, "")}` };
}

function dimsFor({ name, dims, type }: Port, count: number): Dims {
  const where = `input '${name}'`;
  const file = `Other shapes come from a file: ${name}=FILE.npy.`;
  if (isUnstated(dims))
    throw usage(where, "a file, since the model does not say how many axes it has", "numbers", file);
  const free = dims.reduce<number>((last, d, axis) => (typeof d === "string" ? axis : last), -1);
  const fixed = size(dims.filter((d) => typeof d === "number"));
  const sizes = dims.map((d, axis) => (typeof d === "number" ? d : axis === free ? count / fixed : 1));
  if (sizes.every(Number.isInteger) && size(sizes) === count) return sizes;
  const wanted = free < 0 ? `${fixed}` : fixed === 1 ? "one or more" : `a multiple of ${fixed}`;
  const fix = free < 0 ? file : `The last free axis follows from how many there are, others are 1. ${file}`;
  throw usage(where, `${wanted} numbers for ${shapeText(dims, type)}`, count, fix);
}

/** What the network sees of the picture whose relevance is drawn, if that is one. */
export function viewOf({ views }: Inputs, { relevance, inputs }: Explanation): (() => Picture) | undefined {
  const drawn = Object.keys(inputs).find((name) => inputs[name] === relevance);
  return drawn === undefined ? undefined : views.get(drawn);
}
