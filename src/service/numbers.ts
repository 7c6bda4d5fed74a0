import { LrpError } from "../base/error.ts";
import type { Port } from "../graph/graph.ts";
import type { Input, InputTensor } from "../run/input.ts";
import { Refusal } from "./refusal.ts";

/** What a body of JSON says: numbers, or a text. */
export type Told = { readonly input: Input } | { readonly text: string; readonly pair?: string };

const SHAPE =
  'an object { "inputs": { NAME: { "dims": […], "data": […] } } }, or { "text": "…" } for a network with a tokenizer';
/** Ours nests three deep; who reads more deeply nested lists may run out of stack. */
const DEEPEST = 8;

const refuse = (where: string, expected: string, received: string) =>
  new Refusal(422, "json", `${where}: expected ${expected}, got ${received}.`);

/**
 * What a body of JSON asks for.
 *
 * @throws Refusal 400 where it is no JSON, 422 where it says something else, or numbers that are none
 */
export function toldBy(bytes: Uint8Array, ports: readonly Port[]): Told {
  const told = parsed(bytes);
  if (!isObject(told)) throw refuse("body", SHAPE, kindOf(told));
  const { inputs, text, pair, ...stray } = told;
  const [other] = Object.keys(stray);
  if (other !== undefined || (inputs === undefined) === (text === undefined))
    throw refuse("body", SHAPE, `the keys ${Object.keys(told).join(", ") || "of none"}`);
  if (inputs !== undefined) {
    if (pair !== undefined) throw refuse("pair", "it beside text", "it beside inputs");
    return { input: tensorsOf(inputs, ports) };
  }
  if (typeof text !== "string") throw refuse("text", "a text", kindOf(text));
  if (pair !== undefined && typeof pair !== "string") throw refuse("pair", "a text", kindOf(pair));
  return { text, pair };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const kindOf = (value: unknown) =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "a list"
      : typeof value === "object"
        ? "an object"
        : `a ${typeof value}`;

function parsed(bytes: Uint8Array): unknown {
  if (depthOf(bytes) > DEEPEST) throw refuse("body", `lists and objects at most ${DEEPEST} deep`, "deeper ones");
  let text = "";
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return JSON.parse(text);
  } catch (error) {
    const [number] = /[[,:]\s*-?(NaN|Infinity)\b/.exec(text) ?? [];
    if (number) throw refuse("body", "finite numbers, which JSON has", `${number.slice(1).trim()}, which it has not`);
    throw new Refusal(400, "json", `body: expected JSON, got text that is none (${(error as Error).message}).`);
  }
}

/** How deep lists and objects nest, and at most one more than may be. */
function depthOf(bytes: Uint8Array): number {
  let [depth, most, quoted] = [0, 0, false];
  for (let i = 0; i < bytes.length && most <= DEEPEST; i++) {
    const byte = bytes[i];
    if (quoted) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) quoted = false;
    } else if (byte === 0x22) quoted = true;
    else if (byte === 0x5b || byte === 0x7b) most = Math.max(most, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return most;
}

function tensorsOf(given: unknown, ports: readonly Port[]): Input {
  const wanted = ports.map(({ name }) => name);
  if (!isObject(given)) throw refuse("inputs", `an object of ${wanted.join(", ")}`, kindOf(given));
  const names = Object.keys(given);
  if ([...names].sort().join() !== [...wanted].sort().join())
    throw refuse("inputs", wanted.join(", "), names.join(", ") || "none");
  const tensors = wanted.map((name) => [name, tensorOf(given[name], `input '${name}'`)] as const);
  return ports.length === 1 ? tensors[0][1] : Object.fromEntries(tensors);
}

function tensorOf(given: unknown, where: string): InputTensor {
  if (!isObject(given) || Object.keys(given).sort().join() !== "data,dims")
    throw refuse(where, 'an object { "dims": […], "data": […] }', isObject(given) ? "other keys" : kindOf(given));
  const { dims, data } = given;
  if (!Array.isArray(dims) || !dims.every((d) => Number.isSafeInteger(d) && d >= 0))
    throw refuse(where, "dims that are a list of whole numbers", "others");
  if (!Array.isArray(data)) throw refuse(where, "data that are a list of numbers", kindOf(data));
  const bad = data.findIndex((v) => !(typeof v === "number" && Number.isFinite(v)) && typeof v !== "boolean");
  if (bad >= 0) {
    const found = Array.isArray(data[bad]) ? "a list (data are one list, the last axis innermost)" : told(data[bad]);
    throw refuse(where, "finite numbers", `${found} at position ${bad}`);
  }
  return { dims, data: Float64Array.from(data as number[]) };
}

/** A number that is none: of more digits than there are, JSON makes infinity. */
const told = (value: unknown) => (typeof value === "number" ? `${value}` : kindOf(value));

/** An error about a file that is the body, and its status. */
export function inBody(error: unknown): unknown {
  if (!(error instanceof LrpError)) return error;
  const text = new LrpError(
    error.code,
    error.issues.map((issue) => ({ ...issue, where: issue.where.replace(/^(file 'body'|the picture)$/, "body") })),
  ).message;
  const large = error.code === "memory" && text.includes("pixels");
  return new Refusal(large ? 413 : 422, large ? "pixels" : error.code, text);
}
