import { Complaint } from "../base/complaint.ts";
import { reduceTo, total } from "./arithmetic.ts";
import type { Op, Places } from "./op.ts";
import { type Part, type Run, runParts, slopesOfParts } from "./parts.ts";

/** Nodes that together compute each number from the one at the same place of a single value, in their order. */
export interface Cone {
  readonly parts: readonly Part[];
}

/**
 * An activation that is spelled out: y_i = f(x_i), whatever nodes compute f. Its first input is x, the others are their
 * constants. Canonization makes it; no file has it.
 */
export const cone: Op<Cone> = {
  type: "Cone",
  family: "activation",
  summary: "It passes unchanged. A Cone is an activation that a file spells out in other operators.",
  takes: "X constants...",
  attributes() {
    throw new Complaint("unsupported", { problem: "Cone is not an operator of ONNX" });
  },
  node({ node, attributes: { parts } }) {
    // What a program's forward pass has computed is what its way back reads.
    const runs = new WeakMap<Places, Run>();
    return {
      kind: "pass",
      data: 0,
      run(e, at) {
        const run = runParts(e, parts, at);
        runs.set(at, run);
        return [run.y];
      },
      vjp(e, at, r) {
        const x = at.x(0);
        const slopes = slopesOfParts(e, parts, runs.get(at)!, r, [0]).get(0)!;
        if (slopes.length > 0) return reduceTo(e, total(e, `${node.name}:vjp`, slopes), x);
        const none = e.temp(`${node.name}:vjp`, x.dims, x.layout);
        e.fill(none, 0);
        return none;
      },
    };
  },
};
