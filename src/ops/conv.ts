import type { Emitter, Value } from "../step.ts";
import { type Constant, size } from "../tensor.ts";
import {
  type BiasMap,
  type Call,
  known,
  type Linear,
  type Op,
  type Operands,
  PLAIN,
  type Precision,
  require,
  type WeightMap,
} from "./op.ts";
import { biasValue, type ConvAttributes, denseVjp, denseZ, type Geometry, geometry, payBack, pays, weightsOf } from "./conv-dense.ts";
import { tileGain } from "./conv-layout.ts";
import { asPlane, readWindow, windowAxes, windowSizes } from "./window.ts";

function convZ(
  e: Emitter,
  call: Call<ConvAttributes>,
  [x]: readonly Value[],
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
  where?: Value,
): Value {
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims, "last");
  const dense = () => denseZ(e, call, x, y, map, biasMap, precision);
  const site = geometry(call, map);
  if (!where || site.depthwise) dense();
  else
    e.choose(
      where,
      sparseLimit(site, e.winograd && precision === "fast" && pays(site)),
      () => {
        const { rows, scratch, sizes } = byRows(e, call, map);
        e.emit("convRowsForward", where, x, rows, biasValue(e, call, biasMap, 0, site.m), y, scratch, ...sizes);
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
  const rows = e.weight(name, source, `rows ${variant}`, [m * taps * inputs], (to) => {
    for (let o = 0; o < m; o++) {
      for (let i = 0; i < inputs; i++) for (let tap = 0; tap < taps; tap++) to[(o * taps + tap) * inputs + i] = at(o, i, tap);
    }
  });
  return {
    rows,
    scratch: e.scratch(`${call.node.name}:line`, taps * inputs + 2 * (m / group + 4)),
    sizes: [n, h.length, w.length, c, h.out, w.out, m, ...windowSizes(h, w), group] as const,
  };
}

/**
 * Up to which share of live neurons it pays to go neuron by neuron: measured, a live neuron costs about as much as 1.6 of a dense
 * convolution, and a start as much as 90 of its inputs.
 */
function sparseLimit({ c, group, h, w }: Geometry, tiled: boolean): number {
  const inputs = (h.kernel * w.kernel * c) / group;
  return ((tiled ? 0.6 / tileGain(h.kernel) : 0.6) * inputs) / (inputs + 90);
}

function convVjp(e: Emitter, call: Call<ConvAttributes>, s: Value, map: WeightMap, precision: Precision): readonly Value[] {
  const [n, , ...spatial] = call.inputs[0]!.dims;
  const out = e.temp(`${call.node.name}:vjp`, [n, geometry(call, map).c, ...spatial], "last");
  const dense = () => denseVjp(e, call, s, out, map, precision);
  const site = geometry(call, map);
  // Where no two windows overlap, lists of what is not 0 do better than rows.
  const pointwise = site.group === 1 && site.h.kernel * site.w.kernel === 1 && site.c >= 24;
  if (site.depthwise || pointwise) dense();
  else
    e.choose(
      s,
      sparseLimit(site, e.winograd && precision === "fast" && payBack(site)),
      () => {
        const { rows, scratch, sizes } = byRows(e, call, map);
        e.emit("convRowsVjp", s, rows, out, scratch, ...sizes, 0, site.h.length);
      },
      dense,
    );
  return [out];
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
  approximates: (call) => pays(geometry(call)),
};

/**
 * Convolution with groups, strides, pads and dilations, over one or two spatial axes.
 *
 *   y[n, o, p] = b[o] + Σ_{i, k} x[n, i, p · stride − before + k · dilation] · w[o, i, k]
 *
 * Source: ONNX Conv-11.
 */
export const conv: Op<ConvAttributes> = {
  type: "Conv",
  family: "convolution",
  summary: "any linear rule",
  attributes: (read) => ({ window: readWindow(read), group: read.int("group", 1) }),
  infer(inputs, a) {
    const [x, w, b] = inputs;
    require(x && w, "invalid-model", "an input and a weight", "none");
    known(inputs, 1, "a weight");
    known(inputs, 2, "a bias");
    require(x.dims.length === w.dims.length &&
      x.dims.length >= 3, "shape", "input and weight of the same rank, 3 or more", `ranks ${x.dims.length} and ${w.dims.length}`);
    require(x.dims.length <= 4, "unsupported", "one or two spatial axes", `${x.dims.length - 2}`);
    const [m, width, ...kernel] = w.dims;
    require(Number.isInteger(a.group) &&
      a.group >= 1 &&
      m % a.group === 0 &&
      x.dims[1] ===
        width *
          a.group, "shape", `an input of ${width} · ${a.group} channels and a multiple of ${a.group} outputs`, `${x.dims[1]} channels and ${m} outputs`);
    require(!a.window.kernel ||
      a.window.kernel.join() === kernel.join(), "invalid-model", `kernel_shape [${kernel}] as the weight has it`, `[${a.window.kernel}]`);
    require(!b || size(b.dims) === m, "shape", `${m} biases`, `${b && size(b.dims)}`);
    const axes = windowAxes(x.dims.slice(2), a.window, kernel);
    return { dims: [[x.dims[0], m, ...axes.map((axis) => axis.out)]], attributes: { ...a, plane: asPlane(axes) } };
  },
  forward: (e, call) => [convZ(e, call, [e.as(call.x(0), "last")], PLAIN, PLAIN, "fast")],
  relevance: linear,
};

/** A convolution's weight and bias with every output channel scaled and shifted, or every input channel (unpadded windows only). */
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
