import type { Operands } from "../graph/graph.ts";
import { aligned } from "./aligned.ts";
import { inferBroadcast, zipConstants, zipHost } from "./broadcast.ts";
import { type Op, NONE, type None, type Ruleless } from "./op.ts";
import { noRule } from "./says.ts";

const WHY = "inputs have no shares in a truth value";

/** The gradient of what only is true or false: 0 for every computed input. */
export const flat = (inputs: Operands): Pick<Ruleless, "isFlat" | "vjp"> => ({
  isFlat: true,
  vjp: (e) =>
    inputs.map((input) => {
      if (!input || input.constant) return undefined;
      const zeros = e.temp(`${input.name}:flat`, input.dims);
      e.fill(zeros, 0);
      return zeros;
    }),
});

/** A row whose output is boolean: f of numbers that are 1 for true and 0 for false where they are booleans. */
function logic(type: string, takes: string, f: (a: number, b: number) => number): Op<None> {
  return {
    type,
    family: "other",
    summary: noRule(WHY),
    takes,
    anyType: true,
    attributes: () => NONE,
    infer: (inputs) => ({ ...inferBroadcast(inputs), types: ["bool"] }),
    fold: (inputs) => [
      zipConstants(
        f,
        inputs.map((x) => x!),
        "bool",
      ),
    ],
    node: ({ inputs, outputs: [{ name, dims }] }) => ({
      kind: "none",
      why: WHY,
      ...flat(inputs),
      run: (e, at) => [
        zipHost(
          e,
          f,
          name,
          inputs.map((_, i) => at.x(i)),
          dims,
        ),
      ],
    }),
    nonnegative: () => true,
  };
}

const NUMBERS = "A:number B:number";
const BOOL = "A:bool B:bool";

/** Sources: ONNX Equal-19, Greater-13, GreaterOrEqual-16, Less-13, LessOrEqual-16, And-7, Or-7, Xor-7, Not-1. */
export const logics = [
  aligned(logic("Equal", "A:any B:any", (a, b) => Number(a === b))),
  aligned(logic("Greater", NUMBERS, (a, b) => Number(a > b))),
  aligned(logic("GreaterOrEqual", NUMBERS, (a, b) => Number(a >= b))),
  aligned(logic("Less", NUMBERS, (a, b) => Number(a < b))),
  aligned(logic("LessOrEqual", NUMBERS, (a, b) => Number(a <= b))),
  aligned(logic("And", BOOL, (a, b) => a && b)),
  aligned(logic("Or", BOOL, (a, b) => a || b)),
  aligned(logic("Xor", BOOL, (a, b) => Number(a !== b))),
  logic("Not", "X:bool", (a) => 1 - a),
] as const;
