import { demand, insist } from "../base/complaint.ts";
import { type Dims, size } from "../base/tensor.ts";
import type { Op, Site, Way } from "./op.ts";

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

/** The way of one node. */
function wayOf({ node, inputs: [input], outputs: [output], attributes: neurons }: Site<TaylorNeurons>): Way {
  const [n, ...dims] = input!.dims;
  const [inputs, outputs] = [size(dims), size(output.dims.slice(1))];
  return {
    kind: "own",
    run(e, at) {
      const y = e.temp(output.name, output.dims);
      e.host(node.name, [e.as(at.x(0), "first"), y], (x, out) => {
        for (let s = 0; s < n; s++) {
          for (let k = 0; k < outputs; k++) {
            const read = neurons.inputs(k, dims).map((i) => x[s * inputs + i]);
            out[s * outputs + k] = neurons.value(read, k);
          }
        }
      });
      return [y];
    },
    rules: {
      taylor: {
        conserves: true,
        back(e, at, r, ledger) {
          const out = e.temp(`${node.name}:relevance`, input!.dims);
          const args = [e.as(at.x(0), "first"), e.as(r, "first"), out, ledger];
          e.host(node.name, args, (x, received, to, absorbed) => {
            const sums = new Float64Array(n * inputs);
            const columns = new Float64Array(absorbed.buffer, absorbed.byteOffset, 3);
            for (let s = 0; s < n; s++) {
              for (let k = 0; k < outputs; k++) {
                const places = neurons.inputs(k, dims).map((i) => s * inputs + i);
                const read = places.map((place) => x[place]);
                const z = terms(neurons, read, k);
                const total = z.reduce((a, b) => a + b, 0);
                const share = received[s * outputs + k];
                // A neuron whose terms cancel out has nothing to share by.
                if (total === 0) columns[2] += share;
                else for (const [j, place] of places.entries()) sums[place] += (z[j] / total) * share;
              }
            }
            to.set(sums);
          });
          return [out];
        },
      },
    },
  };
}

/** The row behind `taylor(…)` of the layer descriptors; no ONNX operator has this name. */
export const taylorLayer: Op<TaylorNeurons> = {
  type: "TaylorNeurons",
  family: "taylor",
  summary: "It is shared by the first-order Taylor expansion of the caller's function.",
  attributes(read) {
    const neurons = read.beyond("neurons") as TaylorNeurons | undefined;
    insist(neurons, "unsupported", "TaylorNeurons is not an operator of ONNX");
    return neurons;
  },
  infer([x], neurons) {
    const { dims } = x!;
    demand(dims.length >= 2, "shape", "an input with a batch axis", `rank ${dims.length}`);
    return { dims: [[dims[0], ...neurons.outputDims(dims.slice(1))]] };
  },
  node: wayOf,
};
