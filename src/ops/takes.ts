import { demand, insist } from "../base/complaint.ts";
import type { Node, Operands } from "../graph/graph.ts";
import { type ElementType, isFloat, isInteger } from "../base/tensor.ts";
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

/** What may stand in a place of each kind, in words, and whether a type is one of those. */
const KINDS: Readonly<Record<string, readonly [words: string, has: (type: ElementType) => boolean]>> = {
  float: ["a floating-point type", isFloat],
  integer: ["an integer type", isInteger],
  unsigned: ["an unsigned integer type", (type) => type.startsWith("uint")],
  // Of scikit-learn's tables.
  feature: ["type float32, float64, int32 or int64", (type) => ["float32", "float64", "int32", "int64"].includes(type)],
  // Of axes, sizes and positions.
  int: ["type int32 or int64", (type) => type === "int32" || type === "int64"],
  bool: ["type bool", (type) => type === "bool"],
  number: ["a type of numbers", (type) => type !== "bool"],
  any: ["any type", () => true],
  // Of values that have nothing to do with each other.
  each: ["any type", () => true],
};
/** All inputs of one kind have the same type in a node, unless they are of these. */
const APART = ["int", "bool", "each"];

/** What is checked of a row. */
type Taking = Pick<Op<never>, "takes" | "outputs">;

function slotsOf({ takes = "X" }: Taking, opset: number): readonly Slot[] {
  const since = typeof takes === "string" ? [] : Object.keys(takes).filter((version) => Number(version) <= opset);
  const text = typeof takes === "string" ? takes : takes[Math.max(...since.map(Number))];
  insist(text !== undefined, "invalid-model", `opset ${opset} does not have this operator, only newer ones do`);
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
    insist(isThere || optional || !many || given.length === 0, "invalid-model", "an input between others is left out");
    demand(isThere || optional, "invalid-model", `an input '${name}'`, "none");
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
    const [words, has] = KINDS[slot.kind.replace(/\d$/, "")];
    demand(has(type), "invalid-model", `${slot.name} of ${words}`, type);
    const other = first.get(slot.kind) ?? type;
    demand(
      other === type || APART.includes(slot.kind),
      "invalid-model",
      `${slot.name} of type ${other}, as the input before it`,
      type,
    );
    first.set(slot.kind, other);
  });
}
