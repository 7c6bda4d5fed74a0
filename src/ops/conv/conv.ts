import { demand } from "../../base/complaint.ts";
import type { Operand, Operands } from "../../graph/graph.ts";
import type { Value } from "../../program/step.ts";
import type { Emitter } from "../../program/emitter.ts";
import { type Constant, type Dims, size } from "../../base/tensor.ts";
import { type BiasMap, type Call, known, type Linear, type Op, PLAIN, type Precision, type WeightMap } from "../op.ts";
import {
  biasValue,
  type ConvAttributes,
  denseVjp,
  denseZ,
  type Geometry,
  geometry,
  tiledBack,
  tiledForward,
  weightsOf,
} from "./conv-dense.ts";
import { tileGain } from "./conv-layout.ts";
import { folded, unfolded } from "./volume.ts";
import { asVolume, readWindow, windowAxes, windowSizes } from "./window.ts";

function convZ(
  e: Emitter,
  call: Call<ConvAttributes>,
  [image]: readonly Value[],
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
  where?: Value,
): Value {
  const site = geometry(call, map);
  const x = unfolded(e, image, site);
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims, "last");
  const dense = () => denseZ(e, call, site, x, y, map, biasMap, precision);
  if (!where || site.depthwise) dense();
  else
    e.choose(
      where,
      sparseLimit(site, precision === "fast" && tiledForward(e, site)),
      () => {
        e.emit("convRowsForward", {
          r: where,
          x,
          b: biasValue(e, call, biasMap, 0, site.m),
          y,
          ...byRows(e, call, map),
        });
      },
      dense,
    );
  return y;
}

/** What the kernels that go neuron by neuron take. */
function byRows(e: Emitter, call: Call<ConvAttributes>, map: WeightMap) {
  const { n, c, m, group, h, w } = geometry(call, map);
  const [taps, inputs] = [h.kernel * w.kernel, c / group];
  const { name, source, variant, at } = weightsOf(call, map);
  const weights = e.weight(name, source, `rows ${variant}`, [m * taps * inputs], (to) => {
    for (let o = 0; o < m; o++) {
      for (let i = 0; i < inputs; i++)
        for (let tap = 0; tap < taps; tap++) to[(o * taps + tap) * inputs + i] = at(o, i, tap);
    }
  });
  return {
    weights,
    scratch: e.scratch(`${call.node.name}:line`, taps * inputs + 2 * (m / group + 4)),
    ...{ n, h: h.length, w: w.length, c, oh: h.out, ow: w.out, m, ...windowSizes(h, w), group },
  };
}

/**
 * Up to which share of live neurons it pays to go neuron by neuron: measured, a live neuron costs about as much as 1.6
 * of a dense convolution, and a start as much as 90 of its inputs.
 */
function sparseLimit({ c, group, h, w }: Geometry, tiled: boolean): number {
  const inputs = (h.kernel * w.kernel * c) / group;
  return ((tiled ? 0.6 / tileGain(h.kernel) : 0.6) * inputs) / (inputs + 90);
}

function convVjp(
  e: Emitter,
  call: Call<ConvAttributes>,
  s: Value,
  map: WeightMap,
  precision: Precision,
): readonly Value[] {
  const [n, , ...spatial] = call.inputs[0]!.dims;
  const site = geometry(call, map);
  const out = e.temp(`${call.node.name}:vjp`, [n, site.c / site.d.kernel, ...spatial], "last");
  folded(
    e,
    out,
    site,
    () => e.fill(out, 0),
    (slices) => planeVjp(e, call, site, s, slices, map, precision),
  );
  return [out];
}

function planeVjp(
  e: Emitter,
  call: Call<ConvAttributes>,
  site: Geometry,
  s: Value,
  out: Value,
  map: WeightMap,
  precision: Precision,
): void {
  const dense = () => denseVjp(e, call, site, s, out, map, undefined, precision);
  // Where no two windows overlap, lists of what is not 0 do better than rows.
  const pointwise = site.group === 1 && site.h.kernel * site.w.kernel === 1 && site.c >= 24;
  if (site.depthwise) dense();
  else
    e.choose(
      s,
      pointwise ? 0 : sparseLimit(site, precision === "fast" && tiledBack(e, site)),
      () => {
        e.emit("convRowsVjp", { s, out, ...byRows(e, call, map), from: 0, rows: site.h.length });
      },
      dense,
    );
}

const linear: Linear<ConvAttributes> = {
  kind: "linear",
  layout: "last",
  data: () => [0],
  z: convZ,
  vjp: convVjp,
  // Where a panel is not filled by one half.
  halves: (call) => call.attributes.group === 1 && call.inputs[0]!.dims[1] < 8,
  bias: (call) => call.inputs[2]?.constant,
  approximates: (e, call) => tiledForward(e, geometry(call)),
};

/**
 * Input, kernel and channels of a convolution or its transpose; `sides` tells outputs m and inputs c by the weight's
 * first two axes.
 */
export function parametersOf(
  inputs: Operands,
  { group, window }: ConvAttributes,
  sides: (rows: number, width: number) => { m: number; c: number },
): { x: Operand; kernel: Dims; m: number; c: number } {
  const [x, w, b] = inputs;
  demand(x && w, "invalid-model", "an input and a weight", "none");
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
  family: "convolution",
  summary: "any linear rule",
  attributes: (read) => ({ window: readWindow(read, "convolution"), group: read.int("group", 1) }),
  infer(inputs, a) {
    const { x, m, c, kernel } = parametersOf(inputs, a, (rows, width) => ({ m: rows, c: width * a.group }));
    demand(
      x.dims[1] === c && m % a.group === 0,
      "shape",
      `an input of ${c / a.group} · ${a.group} channels and a multiple of ${a.group} outputs`,
      `${x.dims[1]} channels and ${m} outputs`,
    );
    const axes = windowAxes(x.dims.slice(2), a.window, kernel);
    return { dims: [[x.dims[0], m, ...axes.map((axis) => axis.out)]], attributes: { ...a, volume: asVolume(axes) } };
  },
  forward: (e, call) => [convZ(e, call, [e.as(call.x(0), "last")], PLAIN, PLAIN, "fast")],
  relevance: linear,
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
  const w = new Float32Array(weight.data.length);
  const b = new Float32Array(m);
  for (let o = 0; o < m; o++) {
    const first = Math.floor(o / (m / group)) * width;
    let sum = bias ? bias.data[o] : 0;
    if (along === "outputs") sum = sum * scale(o) + shift(o);
    for (let i = 0; i < width; i++) {
      for (let tap = 0; tap < taps; tap++) {
        const at = (o * width + i) * taps + tap;
        w[at] = weight.data[at] * scale(along === "outputs" ? o : first + i);
        if (along === "inputs") sum += weight.data[at] * shift(first + i);
      }
    }
    b[o] = sum;
  }
  return { weight: { ...weight, data: w }, bias: { type: "float32", dims: [m], data: b } };
}
