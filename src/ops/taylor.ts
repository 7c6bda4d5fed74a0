import { demand } from "../base/complaint.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import { type Dims, size } from "../base/tensor.ts";
import type { Call, Op } from "./op.ts";

/**
 * A layer of neurons with any differentiable non-linearity, described by functions of one neuron.
 * A neuron k reads some inputs x = (x_1 … x_n); its relevance is shared by the terms of its expansion:
 *
 *   z_ik = zeroOrder_ik · g(reference) + ∂g/∂x_i(at) · (x_i − reference_i),   R_i = Σ_k z_ik / Σ_j z_jk · R_k
 *
 * Source: Binder et al. 2016 (arXiv 1604.00825), section 2 (generic non-linear neuron) and 3 (where the slopes are
 * taken at x).
 */
export interface TaylorNeurons {
  /** Shape of the output, from the input's; both without the batch axis. */
  outputDims(dims: Dims): Dims;
  /** Row-major positions of the inputs that neuron k reads. */
  inputs(k: number, dims: Dims): readonly number[];
  /** g: the value of neuron k, from the numbers it reads. */
  value(x: readonly number[], k: number): number;
  /** ∂g/∂x_i for each number it reads. */
  partials(x: readonly number[], k: number): readonly number[];
  /** The point to expand at; the origin unless given. */
  reference?(x: readonly number[], k: number): readonly number[];
  /** Where the slopes are taken: at the reference (default), or at the input, as the rule for LRN does. */
  readonly slopesAt?: "reference" | "input";
  /** How the zero-order term is shared: "even" (default), or as these shares, which add up to 1. */
  readonly zeroOrder?: "even" | ((x: readonly number[], k: number) => readonly number[]);
}

/** The messages z_ik of neuron k. */
function terms(neurons: TaylorNeurons, x: readonly number[], k: number): number[] {
  const reference = neurons.reference?.(x, k) ?? x.map(() => 0);
  const zero = neurons.value(reference, k);
  const slopes = neurons.partials(neurons.slopesAt === "input" ? x : reference, k);
  const { zeroOrder = "even" } = neurons;
  const shares = zeroOrder === "even" ? x.map(() => 1 / x.length) : zeroOrder(x, k);
  return x.map((v, i) => shares[i] * zero + slopes[i] * (v - reference[i]));
}

function perSample(call: Call<TaylorNeurons>) {
  const [n, ...dims] = call.inputs[0]!.dims;
  return { n, dims, inputs: size(dims), outputs: size(call.outputs[0].dims.slice(1)) };
}

/** The row behind `taylor(…)` of the layer descriptors; no ONNX operator has this name. */
export const taylorLayer: Op<TaylorNeurons> = {
  type: "TaylorNeurons",
  family: "taylor",
  summary: "own rule: first-order Taylor expansion of the caller's function",
  attributes(read) {
    const neurons = read.beyond("neurons") as TaylorNeurons | undefined;
    demand(neurons, "unsupported", "an operator of ONNX", "TaylorNeurons");
    return neurons;
  },
  infer([x], neurons) {
    demand(x && x.dims.length >= 2, "shape", "an input with a batch axis", `rank ${x?.dims.length}`);
    return { dims: [[x.dims[0], ...neurons.outputDims(x.dims.slice(1))]] };
  },
  forward(e: Emitter, call: Call<TaylorNeurons>): readonly Value[] {
    const neurons = call.attributes;
    const { n, dims, inputs, outputs } = perSample(call);
    const y = e.temp(call.outputs[0].name, call.outputs[0].dims);
    e.host(call.node.name, [e.as(call.x(0), "first"), y], (x, out) => {
      for (let s = 0; s < n; s++) {
        for (let k = 0; k < outputs; k++) {
          out[s * outputs + k] = neurons.value(
            neurons.inputs(k, dims).map((i) => x[s * inputs + i]),
            k,
          );
        }
      }
    });
    return [y];
  },
  relevance: {
    kind: "own",
    conserves: () => true,
    rules: {
      taylor(e, call, r, ledger) {
        const neurons = call.attributes;
        const { n, dims, inputs, outputs } = perSample(call);
        const out = e.temp(`${call.node.name}:relevance`, call.inputs[0]!.dims);
        e.host(
          call.node.name,
          [e.as(call.x(0), "first"), e.as(r, "first"), out, ledger],
          (x, received, to, absorbed) => {
            const sums = new Float64Array(n * inputs);
            const columns = new Float64Array(absorbed.buffer, absorbed.byteOffset, 3);
            for (let s = 0; s < n; s++) {
              for (let k = 0; k < outputs; k++) {
                const at = neurons.inputs(k, dims);
                const z = terms(
                  neurons,
                  at.map((i) => x[s * inputs + i]),
                  k,
                );
                const total = z.reduce((a, b) => a + b, 0);
                // A neuron whose terms cancel out has nothing to share by.
                if (total === 0) columns[2] += received[s * outputs + k];
                else
                  at.forEach((i, j) => {
                    sums[s * inputs + i] += (z[j] / total) * received[s * outputs + k];
                  });
              }
            }
            to.set(sums);
          },
        );
        return out;
      },
    },
  },
};
