import { demand, insist } from "../base/complaint.ts";
import type { Operand, Operands } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Dims, size } from "../base/tensor.ts";
import { zip } from "./arithmetic.ts";
import { type Affine, type AttributeReader, known, type Op } from "./op.ts";

export const INFERENCE = "Export the network in inference mode.";

/** Until opset 6 whoever does not ask for inference trains. */
export function checkInference(read: AttributeReader): void {
  const [name, idle] = read.opset < 7 ? ["is_test", 1] : ["training_mode", 0];
  const given = read.int(name, 0);
  demand(given === idle, "unsupported", `${name} = ${idle}`, `${given}`, INFERENCE);
}

interface BatchNormAttributes {
  readonly epsilon: number;
  /** Whether parameters differ from position to position, which they may until opset 8 (spatial = 0). */
  readonly perPosition?: boolean;
}

/** Dims of the parameters. Where there is no axis of channels, there is one channel. */
function parameterDims([, c = 1, ...spatial]: Dims, { perPosition }: BatchNormAttributes): Dims {
  return [c, ...(perPosition ? spatial : spatial.map(() => 1))];
}

/** scale_c = gamma_c / √(var_c + ε), shift_c = beta_c − mean_c · scale_c */
function coefficients(inputs: Operands, { epsilon }: BatchNormAttributes): Pick<Affine, "scale" | "shift"> {
  const [gamma, beta, mean, variance] = inputs.slice(1).map((x) => x!.constant!.data);
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(variance[c] + epsilon));
  return { scale, shift: Float64Array.from(beta, (b, c) => b - mean[c] * scale[c]) };
}

/**
 * Batch normalization with the statistics of training.
 *
 *   y = gamma · (x − mean) / √(var + ε) + beta
 *
 * The canonizer folds it into a neighbouring linear layer; where none is, relevance passes. Source: ONNX
 * BatchNormalization-15.
 */
export const batchNormalization: Op<BatchNormAttributes> = {
  type: "BatchNormalization",
  family: "normalization",
  summary: "The operator becomes part of the linear layer beside it. Where there is none, relevance passes unchanged.",
  takes: "X scale:float1 B:float1 input_mean:float2 input_var:float2",
  outputs: 5,
  attributes(read) {
    checkInference(read);
    read.ignore("momentum");
    return { epsilon: read.float("epsilon", 1e-5), perPosition: read.int("spatial", 1) === 0 };
  },
  // Until opset 13 there is no attribute: whoever asks for the running statistics trains.
  instead(_inputs, _a, { outputs }) {
    const [, ...statistics] = outputs.filter((name) => name !== "");
    const problem = `its further outputs (${statistics.length}) mean that it is in training mode`;
    insist(statistics.length === 0, "unsupported", problem, INFERENCE);
    return undefined;
  },
  infer(inputs, given) {
    const [x, ...rest] = inputs as readonly Operand[];
    demand(x.dims.length >= 1, "shape", "an input of rank 1 or more", "rank 0");
    for (let i = 1; i < 5; i++) known(inputs, i, "parameters");
    // MXNet writes spatial = 0 beside parameters of whole channels.
    const perChannel = rest[0].constant!.data.length === (x.dims[1] ?? 1);
    const a = { ...given, perPosition: given.perPosition && !perChannel };
    const count = size(parameterDims(x.dims, a));
    demand(
      rest.every((p) => p.constant!.data.length === count),
      "shape",
      `${count} numbers in each parameter`,
      rest.map((p) => p.constant!.data.length).join(", "),
    );
    demand(
      rest[3].constant!.data.every((v) => v + a.epsilon > 0),
      "invalid-model",
      "a variance ≥ 0",
      "a negative one",
    );
    return { dims: [x.dims], attributes: a };
  },
  node({ node, inputs, outputs: [{ name, dims }], attributes }) {
    const values = coefficients(inputs, attributes);
    const shape = parameterDims(dims, attributes);
    // As weights that broadcast over the axes after the channel.
    const weight = (e: Emitter, what: "scale" | "shift") =>
      e.weight(`${node.name}:${what}`, inputs[1]!.constant!, `${what} of ${node.name}`, shape, (to) =>
        to.set(values[what]),
      );
    return {
      kind: "pass",
      data: 0,
      run(e, at) {
        const [scale, shift] = [weight(e, "scale"), weight(e, "shift")];
        const scaled = zip(e, "mulForward", `${node.name}:scaled`, at.x(0), scale, dims);
        return [zip(e, "addForward", name, scaled, shift, dims)];
      },
      vjp: (e, _at, r) => zip(e, "mulForward", `${node.name}:vjp`, r, weight(e, "scale"), r.dims),
    };
  },
  affine(inputs, a) {
    const { dims } = inputs[0]!;
    return !a.perPosition ? { data: 0, axis: Math.min(1, dims.length - 1), ...coefficients(inputs, a) } : undefined;
  },
};
