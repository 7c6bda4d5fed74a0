import { demand } from "../base/complaint.ts";
import { axisOf, integers, type Op } from "./op.ts";
import { MOVES } from "./says.ts";

interface SplitAttributes {
  readonly axis: number;
  /** Lengths of the parts. */
  readonly split?: readonly number[];
  /** Of how many parts; the outputs', unless given. */
  readonly count?: number;
  /** Whether the last part may be shorter. */
  readonly uneven: boolean;
}

function equalParts(length: number, count: number, uneven: boolean): readonly number[] {
  const part = Math.ceil(length / count);
  demand(uneven || part * count === length, "shape", `an axis whose length is a multiple of ${count}`, `${length}`);
  return Array.from({ length: count }, (_, i) => Math.min(part, length - i * part));
}

/** Each output is a Slice of the input. Source: ONNX Split-18; before opset 13 the lengths are an attribute. */
export const split: Op<SplitAttributes> = {
  type: "Split",
  family: "route",
  summary: MOVES,
  takes: { 1: "input:any split:any1?", 2: "input:any", 13: "input:any split:int?" },
  outputs: Infinity,
  attributes: (read) => ({
    axis: read.int("axis", 0),
    split: read.opset < 13 ? read.ints("split") : undefined,
    count: (read.opset >= 18 && read.int("num_outputs", 0)) || undefined,
    uneven: read.opset >= 18,
  }),
  instead(inputs, a, { name, inputs: [input], outputs }) {
    const [x, given] = inputs;
    const fits = a.count === undefined || (a.count === outputs.length && !given);
    const received = `num_outputs ${a.count}${given ? " and lengths" : ""}`;
    demand(fits, "invalid-model", `num_outputs ${outputs.length} or a list of lengths`, received);
    const { dims } = x!;
    const axis = axisOf(a.axis, dims.length);
    const length = dims[axis];
    const lengths = a.split ?? integers(inputs, 1, "lengths") ?? equalParts(length, outputs.length, a.uneven);
    const total = lengths.reduce((sum, v) => sum + v, 0);
    demand(
      lengths.length === outputs.length && lengths.every((v) => v >= 0) && total === length,
      "shape",
      `${outputs.length} lengths that add up to ${length}`,
      `[${lengths}]`,
    );
    let end = 0;
    return lengths.flatMap((part, i) => {
      const start = end;
      end += part;
      const attributes = { starts: [start], ends: [end], axes: [axis] };
      const node = { name: `${name}:${i}`, type: "Slice", attributes, inputs: [input], outputs: [outputs[i]] };
      return outputs[i] === "" ? [] : [node];
    });
  },
};
