import { demand } from "../../../base/complaint.ts";
import { isFloat } from "../../../base/tensor.ts";
import { conv } from "../../conv/conv.ts";
import type { ConvAttributes } from "../../conv/geometry.ts";
import { gemm } from "../../gemm.ts";
import type { AttributeReader, Op } from "../../op.ts";
import { type Composition, composed } from "../compose.ts";
import { standsFor } from "../../says.ts";

const SUMMARY = standsFor("layer and the activation");

/** An activation behind a layer: a row, and its attributes. */
type Activation = readonly [type: string, attributes: object];

/** By onnxruntime's names, and what its parameters are; those that are left out are NaN. */
const ACTIVATIONS: Readonly<Record<string, (a: number, b: number) => Activation>> = {
  Relu: () => ["Relu", { a: 0, b: 0 }],
  Tanh: () => ["Tanh", { a: 0, b: 0 }],
  Sigmoid: () => ["Sigmoid", { a: 0, b: 0 }],
  LeakyRelu: (alpha) => ["LeakyRelu", { a: 1, b: Number.isNaN(alpha) ? 0.01 : alpha }],
  Clip: (low, high) => ["Clip", { a: low, b: high }],
  HardSigmoid: (alpha, beta) => [
    "HardSigmoid",
    { alpha: Number.isNaN(alpha) ? 0.2 : alpha, beta: Number.isNaN(beta) ? 0.5 : beta },
  ],
};

/** @param parameters in the order of the activation's own attributes */
function activationOf(name: string, parameters: readonly number[]): Activation | undefined {
  if (name === "") return undefined;
  demand(
    Object.hasOwn(ACTIVATIONS, name),
    "unsupported",
    `an activation of ${Object.keys(ACTIVATIONS).join(", ")}`,
    name,
  );
  const [a = Number.NaN, b = Number.NaN] = parameters;
  return ACTIVATIONS[name](a, b);
}

const activated = (c: Composition, x: string, activation: Activation | undefined) =>
  activation ? c.add(activation[0], [x], activation[1]) : x;

interface FusedConv {
  readonly conv: ConvAttributes;
  readonly activation: Activation | undefined;
}

const readConv = (read: AttributeReader): FusedConv => ({
  conv: conv.attributes(read),
  activation: activationOf(read.string("activation", ""), read.floats("activation_params") ?? []),
});

/** A convolution, with what is added to it and an activation behind. @param last whether channels are the last axis */
const convolution = (type: string, takes: string, last: boolean): Op<FusedConv> =>
  composed<FusedConv>(
    { type: `com.microsoft.${type}`, summary: SUMMARY, takes, attributes: readConv },
    (c, [x, w, b, z], { conv: attributes, activation }) => {
      const axes = x.dims.map((_, i) => i);
      demand(axes.length >= 3, "shape", "an input of rank 3 or more", `rank ${axes.length}`);
      const turned = (name: string) => (last ? c.transpose(name, [0, axes.length - 1, ...axes.slice(1, -1)]) : name);
      const product = c.add("Conv", [turned(x.name), w.name, ...(b ? [b.name] : [])], attributes);
      const sum = z ? c.add("Add", [product, turned(z.name)]) : product;
      const y = activated(c, sum, activation);
      return last ? c.transpose(y, [0, ...axes.slice(2), 1]) : y;
    },
  );

interface FusedGemm {
  readonly gemm: object;
  readonly activation: Activation | undefined;
}

/** Gemm with an activation behind it. */
const fusedGemm: Op<FusedGemm> = composed<FusedGemm>(
  {
    type: "com.microsoft.FusedGemm",
    summary: SUMMARY,
    takes: "A B C?",
    attributes(read) {
      const given = ["activation_alpha", "activation_beta", "activation_gamma"].map((name) =>
        read.float(name, Number.NaN),
      );
      return { gemm: gemm.attributes(read), activation: activationOf(read.string("activation", ""), given) };
    },
  },
  (c, [a, b, bias], { gemm: attributes, activation }) =>
    activated(c, c.add("Gemm", [a.name, b.name, ...(bias ? [bias.name] : [])], attributes), activation),
);

/** How a factor of a product lies in its tensor. */
interface Turn {
  readonly rows: boolean;
  /** Whether the rows are its first axis, before those of the batch. */
  readonly batch: boolean;
}

interface FusedMatMul {
  readonly alpha: number;
  readonly turns: readonly [Turn, Turn];
}

/** alpha · A · B, where each factor may be transposed. */
const fusedMatMul = (type: string): Op<FusedMatMul> =>
  composed<FusedMatMul>(
    {
      type: `com.microsoft.${type}`,
      summary: SUMMARY,
      takes: "A B",
      attributes(read) {
        const turn = (side: string): Turn => ({
          rows: read.int(`trans${side}`, 0) === 1,
          batch: read.int(`transBatch${side}`, 0) === 1,
        });
        return { alpha: read.float("alpha", 1), turns: [turn("A"), turn("B")] };
      },
    },
    (c, factors, { alpha, turns }) => {
      const [a, b] = factors.map(({ name, dims }, i) => {
        const axes = dims.map((_, axis) => axis);
        const { rows, batch } = turns[i];
        demand(!batch || axes.length > 2, "shape", "a factor of rank 3 or more, as transBatch says", `${axes.length}`);
        const perm = batch ? [...axes.slice(1, -1), 0, axes.length - 1] : axes;
        // A vector is no matrix that could be turned.
        if (rows && axes.length > 1) perm.push(...perm.splice(-2).reverse());
        return c.transpose(name, perm);
      });
      const product = c.matMul(a, b);
      const { type } = factors[0];
      return alpha === 1 || !isFloat(type) ? product : c.add("Mul", [product, c.floats([alpha], [], type)]);
    },
  );

/** Sources: com.microsoft's FusedConv-1, NhwcConv-1, NhwcFusedConv-1, FusedGemm-1, FusedMatMul-1, TransposeMatMul-1. */
export const layers = [
  convolution("FusedConv", "X W B? Z?", false),
  convolution("NhwcConv", "X W B?", true),
  convolution("NhwcFusedConv", "X W B? Z?", true),
  fusedGemm,
  fusedMatMul("FusedMatMul"),
  fusedMatMul("TransposeMatMul"),
] as const;
