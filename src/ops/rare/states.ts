import { demand } from "../../base/complaint.ts";
import { shapeText, type Dims } from "../../base/tensor.ts";
import type { Operand } from "../../graph/graph.ts";
import type { ConvAttributes } from "../conv/geometry.ts";
import type { Op } from "../op.ts";
import { standsFor } from "../says.ts";
import { composed } from "./compose.ts";

/*
 * Layers of a sequence that give out a state, from which the next part of the sequence can go on.
 */

/** An input has these dims. */
function fits(what: string, given: Operand, dims: Dims): void {
  demand(given.dims.join() === dims.join(), "shape", `${what} ${shapeText(dims, "")}`, shapeText(given.dims, ""));
}

const ACTIVATIONS = ["none", "silu", "swish"];

/**
 * A convolution of each channel by itself with what came before, x / (1 + e^(−x)) behind it where that is asked for.
 * The state is the end of its input. Source: ONNX CausalConvWithState-27.
 */
const causalConv: Op<{ swish: boolean }> = composed<{ swish: boolean }>(
  {
    type: "CausalConvWithState",
    summary: standsFor("Conv and Swish"),
    takes: { 27: "input weight bias? past_state?" },
    outputs: 2,
    attributes(read) {
      const name = read.string("activation", "none");
      demand(ACTIVATIONS.includes(name), "invalid-model", `an activation ${ACTIVATIONS.join(", ")}`, name);
      return { swish: name !== "none" };
    },
  },
  (c, [x, weight, bias, past], { swish }, { outputs: [, present] }) => {
    demand(x.dims.length === 3, "shape", "an input of rank 3", `rank ${x.dims.length}`);
    demand(weight.dims.length === 3, "shape", "a weight of rank 3", `rank ${weight.dims.length}`);
    const [n, channels, length] = x.dims;
    const kernel = weight.dims[2];
    fits("a weight", weight, [channels, 1, Math.max(kernel, 1)]);
    const before = kernel - 1;
    if (past) fits("a past_state", past, [n, channels, before]);
    const pads = [0, 0, before, 0, 0, 0];
    const padded =
      before === 0
        ? x.name
        : past
          ? c.add("Concat", [past.name, x.name], { axis: 2 })
          : c.add("Pad", [x.name], { mode: "constant", pads, value: 0 });
    if (present) {
      const [start, end] = [length, length + before];
      c.add("Slice", [padded, c.ints([start]), c.ints([end]), c.ints([2])], {}, present);
    }
    const sides = { kernel: undefined, strides: undefined, dilations: undefined, pads: undefined };
    const attributes: ConvAttributes = { window: { ...sides, autoPad: "NOTSET", ceil: false }, group: channels };
    const y = c.add("Conv", [padded, weight.name, ...(bias ? [bias.name] : [])], attributes);
    return swish ? c.add("Swish", [y], { alpha: 1 }) : y;
  },
);

export const states = [causalConv] as const;
