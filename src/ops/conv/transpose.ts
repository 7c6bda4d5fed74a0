import { demand } from "../../base/complaint.ts";
import type { Operands } from "../../graph/graph.ts";
import { type Constant, size } from "../../base/tensor.ts";
import { parametersOf } from "./conv.ts";
import { tiledBack } from "./cost.ts";
import { type ConvAttributes, convolutionOf } from "./geometry.ts";
import { convolved, productsOf } from "./fold.ts";
import { zip } from "../arithmetic.ts";
import { biasValue, wholeVjp, wholeZ } from "./whole.ts";
import { folded, unfolded } from "./volume.ts";
import { type Linear, type Op, PLAIN, type Site, type Way } from "../op.ts";
import { asVolume, isStill, readWindow, type TransposedAttributes, transposedAxes } from "./window.ts";
import { LINEAR } from "../says.ts";

type ConvTransposeAttributes = ConvAttributes & TransposedAttributes;

/** The way of a convolution's transpose: the convolution goes from the output here to the input. */
function wayOf(site: Site<ConvTransposeAttributes>): Way {
  const [x, y] = [site.inputs[0]!, site.outputs[0]];
  const conv = convolutionOf(site, y.dims[1], x.dims[1]);
  const { plane, node, bias } = conv;
  // Where slices are added up, the bias comes after them.
  const sliced = !isStill(plane.d);
  const linear: Linear = {
    kind: "linear",
    layout: "last",
    data: [0],
    z(e, [given], map, biasMap, precision) {
      const z = e.temp(y.name, y.dims, "last");
      folded(e, z, plane, (slices) => wholeVjp(e, conv, given, slices, map, sliced ? undefined : biasMap, precision));
      if (!sliced || !biasMap || !bias) return z;
      const row = e.view(biasValue(e, conv, biasMap, 0, y.dims[1]), [y.dims[1], 1, 1, 1]);
      return zip(e, "addForward", z.name, z, row, z.dims);
    },
    vjp(e, s, map, precision) {
      const out = e.temp(`${node}:vjp`, x.dims, "last");
      wholeZ(e, conv, unfolded(e, s, plane), out, map, undefined, precision);
      return [out];
    },
    bias: bias?.constant,
    approximates: (e) => tiledBack(e, plane),
  };
  return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(0), "last")], PLAIN, PLAIN, "fast")] };
}

/**
 * Transposed convolution with groups, strides, pads and dilations, over one, two or three spatial axes.
 *
 *   y[n, o, q] = b[o] + Σ_{i, p, k} x[n, i, p] · w[i, o, k]   over all p, k with p · stride − before + k · dilation = q
 *
 * Source: ONNX ConvTranspose-1, -11, -22.
 */
export const convTranspose: Op<ConvTransposeAttributes> = {
  type: "ConvTranspose",
  takes: "X W B?",
  family: "convolution",
  summary: LINEAR,
  attributes: (read) => ({
    window: readWindow(read, "convolution"),
    group: read.int("group", 1),
    outputPadding: read.ints("output_padding"),
    outputShape: read.ints("output_shape"),
  }),
  infer(inputs, a) {
    const { x, m, c, kernel } = parametersOf(inputs, a, (rows, width) => ({ m: width * a.group, c: rows }));
    demand(x.dims[1] === c, "shape", `an input of ${c} channels, as the weight has it`, `${x.dims[1]}`);
    demand(c % a.group === 0, "shape", `a number of channels that is a multiple of ${a.group}, the group`, `${c}`);
    const axes = transposedAxes(x.dims.slice(2), { ...a.window, ...a }, kernel);
    const dims = [x.dims[0], m, ...axes.map((axis) => axis.length)];
    return { dims: [dims], attributes: { ...a, volume: asVolume(axes) }, work: productsOf(inputs, dims) };
  },
  fold: (given, a, [dims]) => convolved(given, a, dims, true),
  node: wayOf,
};

/** A transposed convolution's weight and bias with every output channel scaled and shifted. */
export function scaledConvTranspose(
  inputs: Operands,
  { group }: ConvAttributes,
  scale: (channel: number) => number,
  shift: (channel: number) => number,
): { weight: Constant; bias: Constant } {
  const [weight, bias] = [inputs[1]!.constant!, inputs[2]?.constant];
  const [c, width, ...kernel] = weight.dims;
  const taps = size(kernel);
  const channelOf = (at: number) => {
    const row = Math.floor(at / (width * taps));
    return Math.floor(row / (c / group)) * width + (Math.floor(at / taps) % width);
  };
  const b = Float32Array.from({ length: width * group }, (_, o) => (bias ? bias.data[o] : 0) * scale(o) + shift(o));
  return {
    weight: { ...weight, data: Float32Array.from(weight.data, (v, at) => v * scale(channelOf(at))) },
    bias: { type: "float32", dims: [b.length], data: b },
  };
}
