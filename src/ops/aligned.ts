import { size } from "../base/tensor.ts";
import { type Op, NONE, type None } from "./op.ts";

export interface Alignment {
  /** Along which axis of the first operand the axes of the second begin; left out, they are the last. */
  readonly axis?: number;
}

/**
 * Until opset 6 a second operand of fewer axes need not have the last ones of the first: an attribute says which.
 * @param otherwise the axis where there is no attribute for it
 * Source: ONNX Add-6, PRelu-6
 */
export function aligned(row: Op<None>, otherwise?: number): Op<Alignment> {
  return {
    ...row,
    attributes(read) {
      if (read.opset > 6) return NONE;
      read.ignore("broadcast");
      return { axis: otherwise ?? read.int("axis", NaN) };
    },
    instead(inputs, { axis = NaN }, node, budget) {
      const [x, second] = inputs;
      const [rank, own] = [x!.dims.length, second!.dims.length];
      const behind = rank - own - (axis < 0 ? axis + rank : axis);
      if (!(behind > 0) || size(second!.dims) === 1) return row.instead?.(inputs, NONE, node, budget);
      const name = `${node.outputs[0]}:aligned`;
      const axes = Array.from({ length: behind }, (_, i) => own + i);
      return [
        { name, type: "Unsqueeze", attributes: { axes }, inputs: [node.inputs[1]], outputs: [name] },
        { ...node, attributes: NONE, inputs: [node.inputs[0], name] },
      ];
    },
  };
}
