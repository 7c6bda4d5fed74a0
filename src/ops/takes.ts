import { demand } from "../base/complaint.ts";
import type { Node, Operands } from "../graph/graph.ts";
import type { ElementType } from "../base/tensor.ts";
import type { Op } from "./op.ts";

/*
 * How many inputs and outputs an operator has, and of which types.
 */

/** What `takes` says of one input. */
interface Slot {
  readonly name: string;
  /** Whether any number of inputs may stand there. */
  readonly many: boolean;
  readonly kind: string;
  readonly optional: boolean;
}

/** Inputs of one of these kinds have the same type in each node. */
const ALIKE = ["number", "any"];
const NUMBERS: readonly ElementType[] = ["float32", "int32", "int64"];
const TYPES: Readonly<Record<string, readonly ElementType[]>> = {
  float: ["float32"],
  int: ["int32", "int64"],
  bool: ["bool"],
  number: NUMBERS,
  any: [...NUMBERS, "bool"],
  // Of its own type.
  exponent: NUMBERS,
};

/** What is checked of a row. */
type Taking = Pick<Op<never>, "takes" | "outputs">;

function slotsOf({ takes = "X" }: Taking, opset: number): readonly Slot[] {
  const since = typeof takes === "string" ? [] : Object.keys(takes).filter((version) => Number(version) <= opset);
  const text = typeof takes === "string" ? takes : takes[Math.max(...since.map(Number))];
  demand(text !== undefined, "invalid-model", "a newer opset, which has this operator", `${opset}`);
  return [...text.matchAll(/(\w+)(\.\.\.)?(?::(\w+))?(\?)?/g)].map(([, name, many, kind = "float", optional]) => ({
    name,
    many: many !== undefined,
    kind,
    optional: optional !== undefined,
  }));
}

const counted = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
/** How many there are up to the last that is not left out. */
export const countOf = (names: readonly string[]): number =>
  names.reduce((end, name, i) => (name === "" ? end : i + 1), 0);

/** Every input and output of a node has its place in the row, and none that is needed is left out. */
export function checkCounts(row: Taking, opset: number, { inputs, outputs }: Pick<Node, "inputs" | "outputs">): void {
  const slots = slotsOf(row, opset);
  const most = slots.some(({ many }) => many) ? Infinity : slots.length;
  const names = slots.length > 0 ? ` (${slots.map(({ name }) => name).join(", ")})` : "";
  const count = countOf(inputs);
  demand(count <= most, "invalid-model", `at most ${counted(most, "input")}${names}`, `${count}`);
  slots.forEach(({ name, many, optional }, i) => {
    const given = inputs.slice(i, many ? undefined : i + 1);
    const isThere = given.length > 0 && !given.includes("");
    const gap = many && given.length > 0;
    demand(
      optional || isThere,
      "invalid-model",
      gap ? "inputs without a gap" : `an input '${name}'`,
      gap ? "one that is left out" : "none",
    );
  });
  const { outputs: made = 1 } = row;
  demand(countOf(outputs) <= made, "invalid-model", `at most ${counted(made, "output")}`, `${countOf(outputs)}`);
}

/** Every input is of a type that the row takes. */
export function checkTypes(row: Taking, opset: number, inputs: Operands): void {
  const slots = slotsOf(row, opset);
  const first = new Map<string, ElementType>();
  inputs.forEach((input, i) => {
    const slot = slots[Math.min(i, slots.length - 1)];
    // Before opset 13 what is left out may be an empty list.
    if (!input || !slot || (slot.optional && input.dims.includes(0))) return;
    const { type } = input;
    const types = TYPES[slot.kind];
    demand(types.includes(type), "invalid-model", `${slot.name} of type ${types.join(" or ")}`, type);
    const other = first.get(slot.kind) ?? type;
    demand(
      other === type || !ALIKE.includes(slot.kind),
      "invalid-model",
      `${slot.name} of type ${other}, as the input before it`,
      type,
    );
    first.set(slot.kind, other);
  });
}
