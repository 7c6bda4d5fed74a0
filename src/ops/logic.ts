import type { Operands } from "../graph/graph.ts";
import { aligned } from "./aligned.ts";
import { zerosLike } from "./arithmetic.ts";
import { inferBroadcast, zipConstants, zipHost } from "./broadcast.ts";
import { type Op, NONE, type None, type Way } from "./op.ts";
import { noRule } from "./says.ts";

const WHY = "inputs have no shares in a truth value";

/** What becomes of relevance at a row whose output is true or false. */
export const TRUTH = noRule(WHY);

/** The way of such a row. Its gradient is 0 for every computed input. */
export const truth = (inputs: Operands, run: Way["run"]): Way => ({
  kind: "none",
  why: WHY,
  isFlat: true,
  vjp: (e, at) => inputs.map((input, i) => (input && !input.constant ? zerosLike(e, at.x(i)) : undefined)),
  run,
});

/** A row whose output is boolean: f of numbers that are 1 for true and 0 for false where they are booleans. */
function logic(type: string, takes: string, f: (a: number, b: number) => number): Op<None> {
  return {
    type,
    family: "other",
    summary: TRUTH,
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
    node: ({ inputs, outputs: [{ name, dims }] }) =>
      truth(inputs, (e, at) => [
        zipHost(
          e,
          f,
          name,
          inputs.map((_, i) => at.x(i)),
          dims,
        ),
      ]),
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
