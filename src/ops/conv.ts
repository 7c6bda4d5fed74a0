import type { Emitter, Value } from "../step.ts";
import { type Constant, size } from "../tensor.ts";
import {
  type BiasMap,
  type Call,
  type Linear,
  mapOf,
  type Op,
  type Operands,
  PLAIN,
  type Precision,
  require,
  type WeightMap,
} from "./op.ts";
import { padded, PANEL, type Phase, phasesOf, roundUp, run, tilesPay, together } from "./conv-layout.ts";
import { type Axis, asPlane, readWindow, type WindowAttributes, windowAxes } from "./window.ts";

export interface ConvAttributes {
  readonly window: WindowAttributes;
  readonly group: number;
  readonly plane?: readonly [Axis, Axis];
}

/** Sizes of one convolution: the names that kernels and formulas use. */
interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly m: number;
  readonly group: number;
  readonly h: Axis;
  readonly w: Axis;
  readonly depthwise: boolean;
}

function geometry(call: Call<ConvAttributes>): Geometry {
  const [n, c] = call.inputs[0]!.dims;
  const m = call.inputs[1]!.dims[0];
  const { group, plane } = call.attributes;
  return { n, c, m, group, h: plane![0], w: plane![1], depthwise: group === c && m === c && group > 1 };
}

function weightsOf(call: Call<ConvAttributes>): { name: string; data: Float32Array } {
  return { name: call.inputs[1]!.name, data: call.inputs[1]!.constant!.data as Float32Array };
}

function biasValue(e: Emitter, call: Call<ConvAttributes>, map: BiasMap | undefined, group: number, outputs: number): Value {
  const bias = map && call.inputs[2]?.constant;
  const count = roundUp(outputs, PANEL);
  if (!bias) return zeros(e, call, count);
  const source = bias.data as Float32Array;
  const f = mapOf(map);
  return e.weight(call.inputs[2]!.name, source, `bias ${map} ${group}/${outputs}`, [count], (to) => {
    to.fill(0);
    for (let o = 0; o < outputs; o++) to[o] = f(source[group * outputs + o]);
  });
}

function zeros(e: Emitter, call: Call<ConvAttributes>, count: number): Value {
  const weights = weightsOf(call);
  return e.weight(`${weights.name}:zeros`, weights.data, `zeros ${count}`, [count], (to) => to.fill(0));
}

/** Whether Winograd's tiles pay forward, and whether they pay back. */
const pays = ({ n, c, m, group, h, w }: Geometry) => group === 1 && tilesPay(h, w, n, h.out, w.out, c, m);
const payBack = ({ n, c, m, group, h, w }: Geometry) => group === 1 && tilesPay(h, w, n, h.length, w.length, m, c);

/** How far whole tiles reach beyond `length` outputs. */
const overhang = (length: number, tiled: boolean) => (tiled ? roundUp(length, 4) - length : 0);

function convZ(
  e: Emitter,
  call: Call<ConvAttributes>,
  [x]: readonly Value[],
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
): Value {
  const { n, c, m, group, h, w, depthwise } = geometry(call);
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims, "last");
  const tiled = e.winograd && precision === "fast" && pays(geometry(call));
  const [bottom, right] = [Math.max(0, h.after) + overhang(h.out, tiled), Math.max(0, w.after) + overhang(w.out, tiled)];
  const image = padded(e, x, n, h.length, w.length, c, [h.before, bottom, w.before, right]);
  const [inputs, outputs] = [c / group, m / group];
  const { name, data } = weightsOf(call);
  const f = mapOf(map);
  const taps = h.kernel * w.kernel;
  const pass = {
    x: image.value,
    xOffset: 0,
    y,
    yOffset: 0,
    n,
    oh: h.out,
    ow: w.out,
    tiled,
    xStrides: [image.height * image.width * c, h.stride * image.width * c, w.stride * c],
    yStrides: [h.out * w.out * m, w.out * m, m],
    rows: h.kernel,
    columns: w.kernel,
    tapRow: h.dilation * image.width * c,
    tapColumn: w.dilation * c,
  } as const;
  const weights = {
    name,
    source: data,
    variant: `${map}`,
    at: (g: number, o: number, tap: number, i: number) => f(data[((g * outputs + o) * inputs + i) * taps + tap]),
  };
  const bias = (g: number) => biasValue(e, call, biasMap, g, depthwise ? m : outputs);
  run(e, call.node.name, pass, { group, inputs, outputs, depthwise }, weights, bias, zeros(e, call, roundUp(outputs, PANEL)));
  return y;
}

function convVjp(e: Emitter, call: Call<ConvAttributes>, s: Value, map: WeightMap, precision: Precision): readonly Value[] {
  const { n, c, m, group, h, w, depthwise } = geometry(call);
  const out = e.temp(`${call.node.name}:vjp`, call.inputs[0]!.dims, "last");
  const [rows, columns] = [phasesOf(h), group === 1 ? together(phasesOf(w), c) : phasesOf(w)];
  // One padded copy of s serves all phases.
  const reach = (phases: readonly Phase[], length: number): [number, number] => {
    const used = phases.filter((p) => p.width > 0);
    const first = Math.min(0, ...used.map((p) => p.start));
    const last = Math.max(length - 1, ...used.map((p) => p.start + (p.width - 1) * p.step + p.count - 1));
    return [-first, last - (length - 1)];
  };
  const tiled = e.winograd && precision === "fast" && payBack(geometry(call));
  const [top, bottom] = reach(rows, h.out);
  const [left, right] = reach(columns, w.out);
  const image = padded(e, s, n, h.out, w.out, m, [top, bottom + overhang(h.length, tiled), left, right + overhang(w.length, tiled)]);
  const [inputs, width] = [m / group, c / group];
  const { name, data } = weightsOf(call);
  const f = mapOf(map);
  const taps = h.kernel * w.kernel;
  if ([...rows, ...columns].some((p) => p.width === 0)) e.fill(out, 0);
  for (const row of rows) {
    for (const column of columns) {
      const [kh, kw] = [row.width, column.width];
      if (kh === 0 || kw === 0) continue;
      // Positions that are worked on together are channels of one output.
      const outputs = width * column.taps.length;
      const pass = {
        x: image.value,
        xOffset: ((row.start + top) * image.width + column.start + left) * m,
        y: out,
        yOffset: (row.first * w.length + column.first) * c,
        n,
        oh: row.count,
        ow: column.count,
        tiled,
        xStrides: [image.height * image.width * m, image.width * m, m],
        yStrides: [h.length * w.length * c, h.stride * w.length * c, w.stride * c],
        rows: kh,
        columns: kw,
        tapRow: row.step * image.width * m,
        tapColumn: column.step * m,
      } as const;
      const weights = {
        // Equal taps of equal weights are packed alike, whichever convolution they belong to.
        name,
        source: data,
        variant: `transposed ${map} taps ${row.taps[0]} x ${column.taps.join(" and ")}`,
        at(g: number, o: number, tap: number, i: number) {
          const k = column.taps[Math.floor(o / width)][tap % kw];
          const place = row.taps[0][Math.floor(tap / kw)] * w.kernel + k;
          return k < 0 ? 0 : f(data[((g * inputs + i) * width + (o % width)) * taps + place]);
        },
      };
      const none = zeros(e, call, roundUp(depthwise ? c : outputs, PANEL));
      run(e, call.node.name, pass, { group, inputs, outputs, depthwise }, weights, () => none, none);
    }
  }
  return [out];
}

const linear: Linear<ConvAttributes> = {
  kind: "linear",
  layout: "last",
  data: () => [0],
  z: convZ,
  vjp: convVjp,
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
  infer([x, w, b], a) {
    require(x && w, "invalid-model", "an input and a weight", "none");
    require(w.constant, "unsupported", "a weight that is known while loading", "one that is computed from the input");
    require(!b || b.constant, "unsupported", "a bias that is known while loading", "one that is computed from the input");
    require(x.dims.length === w.dims.length &&
      x.dims.length >= 3, "shape", "input and weight of the same rank, 3 or more", `ranks ${x.dims.length} and ${w.dims.length}`);
    require(x.dims.length <= 4, "unsupported", "one or two spatial axes", `${x.dims.length - 2}`);
    const [m, inputs, ...kernel] = w.dims;
    require(Number.isInteger(a.group) &&
      a.group >= 1 &&
      m % a.group === 0 &&
      x.dims[1] ===
        inputs *
          a.group, "shape", `an input of ${inputs} · ${a.group} channels and a multiple of ${a.group} outputs`, `${x.dims[1]} channels and ${m} outputs`);
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
