import { demand } from "../base/complaint.ts";
import type { ElementType } from "../base/tensor.ts";
import { inferBroadcast, NONE, type None, zipConstants, zipHost } from "./broadcast.ts";
import type { Op } from "./op.ts";

const WHY = "true or false is nothing that inputs have shares in";

/**
 * A row whose output is boolean: what it takes, and f, of numbers that are 1 for true and 0 for false where they are
 * booleans.
 */
function logic(type: string, takes: readonly ElementType[], f: (a: number, b: number) => number, arity = 2): Op<None> {
  return {
    type,
    family: "other",
    summary: `no rule: ${WHY}`,
    anyType: true,
    attributes: () => NONE,
    infer(inputs) {
      demand(inputs.length === arity, "invalid-model", `inputs: ${arity}`, `${inputs.length}`);
      const { dims } = inferBroadcast(inputs);
      const types = inputs.map((x) => x!.type);
      const fits = takes.includes(types[0]) && types.every((t) => t === types[0]);
      demand(fits, "invalid-model", `inputs of one type out of ${takes.join(", ")}`, types.join(" and "));
      return { dims, types: ["bool"] };
    },
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

const NUMBERS: readonly ElementType[] = ["float32", "int32", "int64"];
const BOOL: readonly ElementType[] = ["bool"];

/** Sources: ONNX Equal-19, Greater-13, GreaterOrEqual-16, Less-13, LessOrEqual-16, And-7, Or-7, Xor-7, Not-1. */
export const logics = [
  logic("Equal", [...NUMBERS, ...BOOL], (a, b) => Number(a === b)),
  logic("Greater", NUMBERS, (a, b) => Number(a > b)),
  logic("GreaterOrEqual", NUMBERS, (a, b) => Number(a >= b)),
  logic("Less", NUMBERS, (a, b) => Number(a < b)),
  logic("LessOrEqual", NUMBERS, (a, b) => Number(a <= b)),
  logic("And", BOOL, (a, b) => a && b),
  logic("Or", BOOL, (a, b) => a || b),
  logic("Xor", BOOL, (a, b) => Number(a !== b)),
  logic("Not", BOOL, (a) => 1 - a, 1),
] as const;
