import { demand } from "../../base/complaint.ts";
import type { Operands } from "../../graph/graph.ts";
import type { Value } from "../../program/step.ts";
import type { Emitter } from "../../program/emitter.ts";
import { type Constant, size } from "../../base/tensor.ts";
import { parametersOf } from "./conv.ts";
import {
  biasValue,
  type ConvAttributes,
  denseVjp,
  denseZ,
  type Geometry,
  geometryOf,
  spread,
  tiledBack,
} from "./conv-dense.ts";
import { folded, unfolded } from "./volume.ts";
import { type BiasMap, type Call, type Linear, type Op, PLAIN, type Precision, type WeightMap } from "../op.ts";
import { asVolume, isStill, readWindow, type TransposedAttributes, transposedAxes } from "./window.ts";

type ConvTransposeAttributes = ConvAttributes & TransposedAttributes;

/** The convolution that is transposed: it goes from the output here, of c channels, to the input, of m. */
function geometry({ inputs, outputs, attributes }: Call<ConvTransposeAttributes>): Geometry {
  return geometryOf(attributes, inputs[0]!.dims[0], outputs[0].dims[1], inputs[0]!.dims[1]);
}

function transposeZ(
  e: Emitter,
  call: Call<ConvTransposeAttributes>,
  [x]: readonly Value[],
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
): Value {
  const { name, dims } = call.outputs[0];
  const y = e.temp(name, dims, "last");
  const site = geometry(call);
  // Where slices are added up, the bias is there before them.
  const inside = isStill(site.d) ? biasMap : undefined;
  folded(
    e,
    y,
    site,
    () => spread(e, biasValue(e, call, biasMap, 0, dims[1]), dims[1], y),
    (slices) => denseVjp(e, call, site, x, slices, map, inside, precision),
  );
  return y;
}

const linear: Linear<ConvTransposeAttributes> = {
  kind: "linear",
  layout: "last",
  data: () => [0],
  z: transposeZ,
  vjp(e, call, s, map, precision) {
    const out = e.temp(`${call.node.name}:vjp`, call.inputs[0]!.dims, "last");
    const site = geometry(call);
    denseZ(e, call, site, unfolded(e, s, site), out, map, undefined, precision);
    return [out];
  },
  bias: (call) => call.inputs[2]?.constant,
  approximates: (e, call) => tiledBack(e, geometry(call)),
};

/**
 * Transposed convolution with groups, strides, pads and dilations, over one, two or three spatial axes.
 *
 *   y[n, o, q] = b[o] + Σ_{i, p, k} x[n, i, p] · w[i, o, k]   over all p, k with p · stride − before + k · dilation = q
 *
 * Source: ONNX ConvTranspose-1, -11, -22.
 */
export const convTranspose: Op<ConvTransposeAttributes> = {
  type: "ConvTranspose",
  family: "convolution",
  summary: "any linear rule",
  attributes: (read) => ({
    window: readWindow(read, "convolution"),
    group: read.int("group", 1),
    outputPadding: read.ints("output_padding"),
    outputShape: read.ints("output_shape"),
  }),
  infer(inputs, a) {
    const { x, m, c, kernel } = parametersOf(inputs, a, (rows, width) => ({ m: width * a.group, c: rows }));
    demand(
      x.dims[1] === c && c % a.group === 0,
      "shape",
      `an input of ${c} channels, a multiple of ${a.group}`,
      `${x.dims[1]} channels`,
    );
    const axes = transposedAxes(x.dims.slice(2), { ...a.window, ...a }, kernel);
    return { dims: [[x.dims[0], m, ...axes.map((axis) => axis.length)]], attributes: { ...a, volume: asVolume(axes) } };
  },
  forward: (e, call) => [transposeZ(e, call, [e.as(call.x(0), "last")], PLAIN, PLAIN, "fast")],
  relevance: linear,
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
