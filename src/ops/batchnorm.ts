import type { Emitter, Value } from "../step.ts";
import { zip } from "./arithmetic.ts";
import { type Affine, type Call, known, type Op, type Operands, require } from "./op.ts";

interface BatchNormAttributes {
  readonly epsilon: number;
}

/** scale_c = gamma_c / √(var_c + ε), shift_c = beta_c − mean_c · scale_c */
function affine(inputs: Operands, { epsilon }: BatchNormAttributes): Affine {
  const [gamma, beta, mean, variance] = inputs.slice(1).map((x) => x!.constant!.data);
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon));
  return { data: 0, axis: 1, scale, shift: Float64Array.from(beta, (b, c) => b - mean[c] * scale[c]) };
}

/** Scale and shift as weights that broadcast over the axes after the channel. */
function parameters(e: Emitter, call: Call<BatchNormAttributes>): { scale: Value; shift: Value } {
  const rank = call.inputs[0]!.dims.length;
  const values = affine(call.inputs, call.attributes);
  const source = call.inputs[1]!.constant!.data as Float32Array;
  const dims = [values.scale.length, ...new Array<number>(Math.max(0, rank - 2)).fill(1)];
  const weight = (what: "scale" | "shift") =>
    e.weight(`${call.node.name}:${what}`, source, `${what} of ${call.node.name}`, dims, (to) => to.set(values[what]));
  return { scale: weight("scale"), shift: weight("shift") };
}

/**
 * Batch normalization with the statistics of training.
 *
 *   y = gamma · (x − mean) / √(var + ε) + beta
 *
 * The canonizer folds it into a neighbouring linear layer; where none is, relevance passes. Source: ONNX BatchNormalization-15.
 */
export const batchNormalization: Op<BatchNormAttributes> = {
  type: "BatchNormalization",
  family: "normalization",
  summary: "folded into its linear neighbour; where there is none, pass",
  attributes(read) {
    require(read.int("training_mode", 0) === 0, "unsupported", "training_mode = 0", "1", "Export the network in inference mode.");
    read.ignore("momentum", "spatial");
    return { epsilon: read.float("epsilon", 1e-5) };
  },
  infer(inputs, { epsilon }) {
    const [x, ...rest] = inputs;
    require(x && inputs.length === 5 && rest.every((p) => p), "invalid-model", "five inputs", `${inputs.length}`);
    require(x.dims.length >= 2, "shape", "an input of rank 2 or more", `rank ${x.dims.length}`);
    for (let i = 1; i < 5; i++) known(inputs, i, "parameters");
    require(rest.every((p) => p!.constant!.data.length === x.dims[1]), "shape", `${x.dims[1]} numbers in each parameter`, rest
      .map((p) => p!.constant!.data.length)
      .join(", "));
    require(rest[3]!.constant!.data.every((v) => v + epsilon > 0), "invalid-model", "a variance ≥ 0", "a negative one");
    return { dims: [x.dims] };
  },
  forward(e, call) {
    const { scale, shift } = parameters(e, call);
    const scaled = zip(e, "mulForward", `${call.node.name}:scaled`, call.x(0), scale, call.outputs[0].dims);
    return [zip(e, "addForward", call.outputs[0].name, scaled, shift, call.outputs[0].dims)];
  },
  relevance: { kind: "pass", vjp: (e, call, r) => zip(e, "mulForward", `${call.node.name}:vjp`, r, parameters(e, call).scale, r.dims) },
  affine,
};
