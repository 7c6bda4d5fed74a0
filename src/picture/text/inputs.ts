import { misuse, usage } from "../../base/error.ts";
import { shapeText } from "../../base/tensor.ts";
import type { Port } from "../../graph/graph.ts";
import { type InputTensor, isUnstated } from "../../run/input.ts";
import type { EncodedText } from "./encode.ts";

/** What a text gives to inputs of these names. */
const rows: Readonly<Record<string, (text: EncodedText) => readonly number[]>> = {
  input_ids: ({ ids }) => ids,
  attention_mask: ({ mask }) => mask,
  token_type_ids: ({ types }) => types,
  position_ids: ({ mask }) => {
    let next = 0;
    return mask.map((on) => (on ? next++ : 0));
  },
};
/** @internal */
export const rowNames: readonly string[] = Object.keys(rows);

/** Inputs that are there for what was computed before; a text alone has nothing before it. */
const PAST = /past|cache/i;
const FLOATS = ["float32", "float16", "bfloat16", "float64"];

export interface TextInputs {
  /** What the network runs on, by the names of its inputs. */
  readonly inputs: Readonly<Record<string, InputTensor>>;
  /** The input of the ids, whose relevance is that of the tokens. */
  readonly ids: string;
  /** Inputs of what was computed before: empty. */
  readonly empty: readonly string[];
}

export interface TextInputOptions {
  /** What inputs of other names take, such as `{ tokens: "input_ids" }`; null: you give this input yourself. */
  readonly rows?: Readonly<Record<string, string | null>>;
}

/**
 * Gives a text to the inputs of a network by their names: `input_ids`, `attention_mask`, `token_type_ids`,
 * `position_ids`. Inputs of past keys and values are empty.
 *
 * @param ports `inputs` of a model
 * @throws LrpError code "usage" for inputs of other names, if none takes the ids, and for a text of another length than
 * the network takes
 * @example
 * const { inputs, ids } = textInputs(model.inputs, text);
 * const relevance = model.explain(inputs).inputs[ids].data;
 */
export function textInputs(
  ports: readonly Port[],
  text: EncodedText,
  { rows: given = {} }: TextInputOptions = {},
): TextInputs {
  const unknown = Object.entries(given).find(([name, row]) => {
    return !ports.some((port) => port.name === name) || !(row === null || rowNames.includes(row));
  });
  if (unknown)
    throw usage("option 'rows'", `names of inputs, each with ${rowNames.join(", ")} or null`, `${unknown.join(": ")}`);
  const left = ports.filter(({ name }) => given[name] !== null);
  const sources = left.map((port) => ({ port, row: given[port.name] ?? rowOf(port.name) }));
  const past = sources.filter(({ port, row }) => row === undefined && isPast(port));
  const strange = sources.filter(({ port, row }) => row === undefined && !isPast(port));
  if (strange.length > 0) throw unmatched(strange.map(({ port }) => port));
  const ids = sources.filter(({ row }) => row === "input_ids");
  if (ids.length !== 1)
    throw usage(
      "the inputs of the model",
      "one that takes the ids",
      ids.map(({ port }) => port.name).join(", ") || "none",
    );
  return {
    inputs: Object.fromEntries([
      ...sources.flatMap(({ port, row }) => (row ? [[port.name, tensorOf(port, rows[row](text))] as const] : [])),
      ...past.map(({ port }) => [port.name, emptyOf(port)] as const),
    ]),
    ids: ids[0].port.name,
    empty: past.map(({ port }) => port.name),
  };
}

/** Exporters of TensorFlow add the number of the output. */
function rowOf(name: string): string | undefined {
  const plain = name.replace(/:0$/, "");
  return rowNames.includes(plain) ? plain : undefined;
}

const unmatched = (ports: readonly Port[]) =>
  usage(
    "the inputs of the model",
    `inputs of the names ${rowNames.join(", ")}, which a text gives`,
    ports.map(({ name, dims, type }) => `'${name}' ${shapeText(dims, type)}`).join(", "),
    `Say what they take: rows { "${ports[0].name}": "${rowNames[0]}" }; on the command line ${ports[0].name}=${rowNames[0]}, or ${ports[0].name}=VALUE.`,
  );

function tensorOf({ name, dims, type }: Port, data: readonly number[]): InputTensor {
  const rank = isUnstated(dims) ? 2 : dims.length;
  const sizes = rank === 2 ? [1, data.length] : [data.length];
  const fits = rank === 1 || rank === 2;
  if (fits && sizes.every((size, i) => typeof dims[i] !== "number" || dims[i] === size || isUnstated(dims)))
    return { data: Float64Array.from(data), dims: sizes };
  throw usage(
    `input '${name}'`,
    fits ? `a text of ${dims[rank - 1]} tokens` : "the shape [batch, tokens], as that of a text",
    fits ? `one of ${data.length}` : shapeText(dims, type),
    fits ? "The tokenizer's file says how texts are cut and filled up: 'truncation' and 'padding'." : undefined,
  );
}

const isPast = ({ name, type }: Port): boolean => PAST.test(name) && (FLOATS.includes(type) || type === "bool");

/** No past at all: an axis of free length that does not count samples has none. The switch for it is off. */
function emptyOf({ name, dims, type }: Port): InputTensor {
  if (type === "bool" && dims.length <= 1) return { data: new Uint8Array(1), dims: dims.length === 1 ? [1] : [] };
  const sizes = dims.map((d, i) => (typeof d === "number" ? d : i === 0 || /batch/i.test(d) ? 1 : 0));
  if (sizes.filter((size) => size === 0).length === 1) return { data: new Float32Array(0), dims: sizes };
  const fix = `Give it yourself: rows { "${name}": null }, or ${name}=FILE.npy on the command line.`;
  throw misuse(`input '${name}'`, `it has no single free axis that could be empty: ${shapeText(dims, type)}`, fix);
}
