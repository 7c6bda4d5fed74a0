import { demand, insist } from "../base/complaint.ts";
import type { Body } from "../graph/graph.ts";
import { type Op, single } from "./op.ts";

interface Branches {
  readonly then?: Body;
  readonly otherwise?: Body;
}

/** The branch that a condition chooses, which must be known before the network runs. Source: ONNX If-25. */
export const branch: Op<Branches> = {
  type: "If",
  family: "other",
  summary: "The branch that the condition takes stands in its place.",
  takes: "cond:bool",
  outputs: Infinity,
  attributes(read) {
    const [then, otherwise] = [read.body("then_branch"), read.body("else_branch")];
    insist(then && otherwise, "invalid-model", "it lacks a then_branch or an else_branch");
    return { then, otherwise };
  },
  unroll(at, inputs, { then, otherwise }, { outputs }) {
    const counts = [then, otherwise].map((body) => body!.outputs.length);
    const fits = counts.every((count) => count === outputs.length);
    demand(fits, "invalid-model", `${outputs.length} outputs of each branch`, counts.join(" and "));
    const made = at.body(single(inputs, 0, "a condition") ? then! : otherwise!, []);
    for (const [i, name] of (made ?? []).entries()) at.add("Identity", [name], {}, outputs[i]);
  },
};
