import { misuse, usage } from "../../base/error.ts";
import { shapeText } from "../../base/tensor.ts";
import type { InputTensor, Port } from "../../entries/index.ts";
import { isUnstated } from "../../run/input.ts";
import { listed } from "../layout.ts";
import type { Encoded } from "./encode.ts";

/** What a text gives to inputs of these names. */
const rows: Readonly<Record<string, (text: Encoded) => readonly number[]>> = {
  input_ids: ({ ids }) => ids,
  attention_mask: ({ mask }) => mask,
  token_type_ids: ({ types }) => types,
  position_ids: ({ mask }) => {
    let next = 0;
    return mask.map((on) => (on ? next++ : 0));
  },
};
const rowNames: readonly string[] = Object.keys(rows);

/** Inputs that are there for what was computed before; a text alone has nothing before it. */
const PAST = /past|cache/i;
const FLOATS = ["float32", "float16", "bfloat16", "float64"];

interface Matched {
  readonly tensors: ReadonlyMap<string, InputTensor>;
  /** The input of the ids. */
  readonly ids: string;
  /** Inputs of what was computed before: empty. */
  readonly empty: readonly string[];
}

/**
 * Gives a text to the inputs of a network by their names.
 *
 * @param given inputs that the user gives: as one of `rowNames`, or as anything else, which is not looked at
 * @throws LrpError code "usage" for inputs of other names, and if none takes the ids
 */
export function matched(text: Encoded, ports: readonly Port[], given: ReadonlyMap<string, string>): Matched {
  const left = ports.filter(({ name }) => !given.has(name) || rowNames.includes(given.get(name)!));
  const sources = left.map((port) => ({ port, row: given.get(port.name) ?? rowOf(port.name) }));
  const past = sources.filter(({ port, row }) => row === undefined && isPast(port));
  const strange = sources.filter(({ port, row }) => row === undefined && !isPast(port));
  if (strange.length > 0) throw unmatched(strange.map(({ port }) => port));
  const ids = sources.filter(({ row }) => row === "input_ids");
  if (ids.length !== 1)
    throw usage("option '--text'", "one input that takes the ids", listed(ids.map(({ port }) => port.name)) || "none");
  return {
    tensors: new Map([
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
    `inputs of the model beside --text`,
    `inputs of the names ${rowNames.join(", ")}, which a text gives`,
    listed(ports.map(({ name, dims, type }) => `'${name}' ${shapeText(dims, type)}`)),
    `Say which of them it is, as in ${ports[0].name}=${rowNames[0]}, or give it as ${ports[0].name}=VALUE.`,
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
  const fix = `Give it as ${name}=FILE.npy.`;
  throw misuse(`input '${name}'`, `it has no single free axis that could be empty: ${shapeText(dims, type)}`, fix);
}
