import { scaledAsIs } from "../../base/packed.ts";
import { demand } from "../../base/complaint.ts";
import type { Operand, Operands } from "../../graph/graph.ts";
import { type Constant, type Dims, size } from "../../base/tensor.ts";
import { known, type Linear, type Op, PLAIN, type Site, type Way } from "../op.ts";
import { paysHalves, paysLists, sparseLimit, tiledBack, tiledForward } from "./cost.ts";
import { type ConvAttributes, convolutionOf, planeOf } from "./geometry.ts";
import { convolved, productsOf } from "./fold.ts";
import { byRows } from "./rows.ts";
import { biasValue, wholeVjp, wholeZ } from "./whole.ts";
import { folded, unfolded } from "./volume.ts";
import { asVolume, MOST_OVERLAP, overlap, readWindow, windowAxes } from "./window.ts";
import { LINEAR } from "../says.ts";

/** The way of a convolution. */
function wayOf(site: Site<ConvAttributes>): Way {
  const conv = convolutionOf(site, site.inputs[0]!.dims[1], site.inputs[1]!.dims[0]);
  const [x, y] = [site.inputs[0]!, site.outputs[0]];
  const linear: Linear = {
    kind: "linear",
    layout: "last",
    data: [0],
    z(e, [given], map, biasMap, precision, where) {
      const plane = planeOf(conv, map);
      const image = unfolded(e, given, plane);
      const z = e.temp(y.name, y.dims, "last");
      const whole = () => wholeZ(e, conv, image, z, map, biasMap, precision);
      if (!where || plane.depthwise) whole();
      else
        e.choose(
          where,
          sparseLimit(plane, precision === "fast" && tiledForward(e, plane)),
          () => {
            const b = biasValue(e, conv, biasMap, 0, plane.m);
            e.emit("convRowsForward", { r: where, x: image, b, y: z, ...byRows(e, conv, map) });
          },
          whole,
        );
      return z;
    },
    vjp(e, s, map, precision) {
      const plane = planeOf(conv, map);
      const [n, , ...spatial] = x.dims;
      const out = e.temp(`${conv.node}:vjp`, [n, plane.c / plane.d.kernel, ...spatial], "last");
      folded(e, out, plane, (slices) => {
        const whole = () => wholeVjp(e, conv, s, slices, map, undefined, precision);
        if (plane.depthwise || overlap([plane.h, plane.w]) > MOST_OVERLAP) whole();
        else
          e.choose(
            s,
            paysLists(plane) ? 0 : sparseLimit(plane, precision === "fast" && tiledBack(e, plane)),
            () => {
              e.emit("convRowsVjp", { s, out: slices, ...byRows(e, conv, map), from: 0, rows: plane.h.length });
            },
            whole,
          );
      });
      return [out];
    },
    halves: paysHalves(x.dims[1], site.attributes.group),
    bias: conv.bias?.constant,
    approximates: (e) => tiledForward(e, conv.plane),
  };
  return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(0), "last")], PLAIN, PLAIN, "fast")] };
}

/**
 * Input, kernel and channels of a convolution or its transpose; `sides` tells outputs m and inputs c by the weight's
 * first two axes.
 */
export function parametersOf(
  inputs: Operands,
  { group, window }: ConvAttributes,
  sides: (rows: number, width: number) => { m: number; c: number },
): { x: Operand; kernel: Dims; m: number; c: number } {
  const [x, w] = inputs as readonly Operand[];
  const [, , b] = inputs;
  known(inputs, 1, "a weight");
  known(inputs, 2, "a bias");
  demand(
    x.dims.length === w.dims.length && x.dims.length >= 3,
    "shape",
    "input and weight of the same rank, 3 or more",
    `ranks ${x.dims.length} and ${w.dims.length}`,
  );
  demand(Number.isInteger(group) && group >= 1, "invalid-model", "a group ≥ 1", `${group}`);
  const [rows, width, ...kernel] = w.dims;
  const { m, c } = sides(rows, width);
  demand(
    !window.kernel || window.kernel.join() === kernel.join(),
    "invalid-model",
    `kernel_shape [${kernel}] as the weight has it`,
    `[${window.kernel}]`,
  );
  demand(!b || size(b.dims) === m, "shape", `${m} biases`, `${b && size(b.dims)}`);
  return { x, kernel, m, c };
}

/**
 * Convolution with groups, strides, pads and dilations, over one, two or three spatial axes.
 *
 *   y[n, o, p] = b[o] + Σ_{i, k} x[n, i, p · stride − before + k · dilation] · w[o, i, k]
 *
 * Source: ONNX Conv-1, -11, -22.
 */
export const conv: Op<ConvAttributes> = {
  type: "Conv",
  takes: "X W B?",
  family: "convolution",
  summary: LINEAR,
  attributes: (read) => ({ window: readWindow(read, "convolution"), group: read.int("group", 1) }),
  infer(inputs, a) {
    const { x, m, c, kernel } = parametersOf(inputs, a, (rows, width) => ({ m: rows, c: width * a.group }));
    const groups = a.group > 1 ? ` (${a.group} groups of ${c / a.group})` : "";
    demand(x.dims[1] === c, "shape", `an input of ${c} channels, as the weight has it${groups}`, `${x.dims[1]}`);
    demand(m % a.group === 0, "shape", `a number of outputs that is a multiple of ${a.group}, the group`, `${m}`);
    const axes = windowAxes(x.dims.slice(2), a.window, kernel);
    const dims = [x.dims[0], m, ...axes.map((axis) => axis.out)];
    return { dims: [dims], attributes: { ...a, volume: asVolume(axes) }, work: productsOf(inputs, dims) };
  },
  fold: (given, a, [dims]) => convolved(given, a, dims, false),
  node: wayOf,
};

/**
 * A convolution's weight and bias with every output channel scaled and shifted, or every input channel (unpadded
 * windows only).
 */
export function scaledConv(
  inputs: Operands,
  { group }: ConvAttributes,
  along: "outputs" | "inputs",
  scale: (channel: number) => number,
  shift: (channel: number) => number,
): { weight: Constant; bias: Constant } {
  const [weight, bias] = [inputs[1]!.constant!, inputs[2]?.constant];
  const [m, width, ...kernel] = weight.dims;
  const taps = size(kernel);
  const asIs = along === "outputs" && scaledAsIs(weight, bias, "first", scale, shift);
  if (asIs) return asIs;
  const { data } = weight;
  const w = new Float32Array(data.length);
  const b = new Float32Array(m);
  for (let o = 0; o < m; o++) {
    const first = Math.floor(o / (m / group)) * width;
    let sum = bias ? bias.data[o] : 0;
    if (along === "outputs") sum = sum * scale(o) + shift(o);
    for (let i = 0; i < width; i++) {
      for (let tap = 0; tap < taps; tap++) {
        const at = (o * width + i) * taps + tap;
        w[at] = data[at] * scale(along === "outputs" ? o : first + i);
        if (along === "inputs") sum += data[at] * shift(first + i);
      }
    }
    b[o] = sum;
  }
  return { weight: { ...weight, data: w }, bias: { type: "float32", dims: [m], data: b } };
}
