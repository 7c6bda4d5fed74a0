import { demand } from "../../../base/complaint.ts";
import type { Operand } from "../../../graph/graph.ts";
import { type Op, NONE, type None } from "../../op.ts";
import { type Composition, composed } from "../compose.ts";
import { standsFor } from "../../says.ts";

/** What composites read of every operator here. */
const SUMMARY = standsFor("operators");

/** x + bias, where there is a bias. */
export function biased(c: Composition, x: string, bias: Operand | undefined): string {
  return bias ? c.add("Add", [x, bias.name]) : x;
}

/** gelu(x + bias), by erf or by tanh. */
const gelu = (type: string, takes: string, approximate: "none" | "tanh"): Op<None> =>
  composed<None>({ type: `com.microsoft.${type}`, summary: SUMMARY, takes, attributes: () => NONE }, (c, [x, bias]) =>
    c.add("Gelu", [biased(c, x.name, bias)], { approximate }),
  );

/** x / (1 + e^(−α x)) */
const quickGelu: Op<{ alpha: number }> = composed<{ alpha: number }>(
  {
    type: "com.microsoft.QuickGelu",
    summary: SUMMARY,
    takes: "X",
    attributes: (read) => ({ alpha: read.float("alpha", 1.702) }),
  },
  (c, [x], a) => c.add("Swish", [x.name], a),
);

/** u · gelu(v) of the two halves u and v of x + bias. */
const splitGelu: Op<None> = composed<None>(
  { type: "com.microsoft.BiasSplitGelu", summary: SUMMARY, takes: "X bias", attributes: () => NONE },
  (c, [x, bias]) => {
    const width = x.dims.at(-1) ?? 0;
    demand(width % 2 === 0 && x.dims.length > 0, "shape", "an even number of columns", `${width}`);
    const sum = biased(c, x.name, bias);
    const half = (start: number) =>
      c.add("Slice", [sum], { starts: [start], ends: [start + width / 2], axes: [x.dims.length - 1] });
    return c.add("Mul", [half(0), c.add("Gelu", [half(width / 2)], { approximate: "none" })]);
  },
);

/** Sources: com.microsoft's Gelu-1, BiasGelu-1, FastGelu-1, QuickGelu-1, BiasSplitGelu-1. */
export const activations = [
  gelu("Gelu", "X", "none"),
  gelu("BiasGelu", "A B", "none"),
  gelu("FastGelu", "X bias?", "tanh"),
  quickGelu,
  splitGelu,
] as const;
