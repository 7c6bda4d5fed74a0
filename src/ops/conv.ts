import type { Emitter, Value } from "../step.ts";
import { type Constant, size } from "../tensor.ts";
import { type BiasMap, type Call, type Linear, mapOf, type Op, type Operands, require, type WeightMap } from "./op.ts";
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

const TILE = 6;
const PANEL = 8;
const roundUp = (count: number, to: number) => Math.ceil(count / to) * to;

/** Taps along one axis that meet one phase of a strided input: in the order in which the transposed map reads them. */
interface Phase {
  /** Kernel positions, by ascending position in s. */
  readonly taps: readonly number[];
  /** Where in s the first output of the phase begins to read; may be negative. */
  readonly start: number;
  readonly step: number;
  /** Outputs are at first, first + stride, … */
  readonly first: number;
  readonly count: number;
}

/**
 * The transposed map of a convolution with stride t is t convolutions with stride 1, one for each phase of the input position.
 *
 *   input i meets kernel position k at output o where i + before = o · t + k · dilation
 */
function phasesOf(axis: Axis): Phase[] {
  return Array.from({ length: Math.min(axis.stride, axis.length) }, (_, first) => {
    const count = Math.ceil((axis.length - first) / axis.stride);
    const hits = Array.from({ length: axis.kernel }, (_, k) => k)
      .map((k) => ({ k, o: (first + axis.before - k * axis.dilation) / axis.stride }))
      .filter(({ o }) => Number.isInteger(o))
      .reverse();
    return { taps: hits.map((hit) => hit.k), start: hits[0]?.o ?? 0, step: hits.length > 1 ? hits[1].o - hits[0].o : 1, first, count };
  });
}

/** Weights of one group in panels of 8 outputs: [ceil(outputs / 8)][taps][inputs][8]. */
function packPanels(to: Float32Array, outputs: number, taps: number, inputs: number, at: (o: number, tap: number, i: number) => number): void {
  to.fill(0);
  for (let o = 0; o < outputs; o++) {
    const panel = (o >> 3) * taps * inputs * PANEL + (o & 7);
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0; i < inputs; i++) to[panel + (tap * inputs + i) * PANEL] = at(o, tap, i);
    }
  }
}

/** x with zeros around it (a negative pad cuts off), channels last. */
function padded(e: Emitter, x: Value, n: number, h: number, w: number, c: number, pads: readonly [number, number, number, number]): { value: Value; width: number; height: number } {
  const [top, bottom, left, right] = pads;
  const height = h + top + bottom;
  const width = w + left + right;
  if (pads.every((p) => p === 0)) return { value: x, width, height };
  const value = e.scratch(`${x.name}:padded`, n * height * width * c);
  e.fill(value, 0);
  const [cutTop, cutLeft] = [Math.max(0, -top), Math.max(0, -left)];
  e.copy(x, value, [{
    dims: [n, Math.min(h - cutTop, height - Math.max(0, top)), Math.min(w - cutLeft, width - Math.max(0, left)), c],
    from: (cutTop * w + cutLeft) * c, fromStrides: [h * w * c, w * c, c, 1],
    to: (Math.max(0, top) * width + Math.max(0, left)) * c, toStrides: [height * width * c, width * c, c, 1],
  }]);
  return { value, width, height };
}

/** One stride-1-or-more convolution over an image that is already padded, written wherever the table says. */
interface Pass {
  readonly x: Value;
  readonly xOffset: number;
  readonly y: Value;
  readonly yOffset: number;
  readonly n: number;
  readonly oh: number;
  readonly ow: number;
  readonly xStrides: readonly [image: number, row: number, pixel: number];
  readonly yStrides: readonly [image: number, row: number, pixel: number];
  readonly rows: number;
  readonly columns: number;
  readonly tapRow: number;
  readonly tapColumn: number;
}

function run(e: Emitter, name: string, p: Pass, g: { group: number; inputs: number; outputs: number; depthwise: boolean }, weights: (group: number) => Value, bias: (group: number) => Value): void {
  const pixels = p.n * p.oh * p.ow;
  const table = e.scratch(`${name}:table`, 2 * roundUp(pixels, TILE));
  e.emit("convTable", table, p.n, p.oh, p.ow, ...p.xStrides, ...p.yStrides);
  if (g.depthwise) {
    e.emit("depthwiseForward", { value: p.x, offset: p.xOffset }, weights(0), bias(0), { value: p.y, offset: p.yOffset }, table, pixels, g.outputs * g.group, p.rows, p.columns, p.tapRow, p.tapColumn);
    return;
  }
  // Neighbouring taps of an undilated row are neighbours in memory as well: the whole row is one run.
  const joined = g.group === 1 && p.tapColumn === g.inputs;
  const [columns, runLength] = joined ? [1, p.columns * g.inputs] : [p.columns, g.inputs];
  for (let i = 0; i < g.group; i++) {
    e.emit(
      "convForward", { value: p.x, offset: p.xOffset + i * g.inputs }, weights(i), bias(i), { value: p.y, offset: p.yOffset + i * g.outputs },
      table, pixels, g.outputs, p.rows, columns, runLength, p.tapRow, p.tapColumn,
    );
  }
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

function convZ(e: Emitter, call: Call<ConvAttributes>, [x]: readonly Value[], map: WeightMap, biasMap: BiasMap | undefined): Value {
  const { n, c, m, group, h, w, depthwise } = geometry(call);
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims, "last");
  const image = padded(e, x, n, h.length, w.length, c, [h.before, Math.max(0, h.after), w.before, Math.max(0, w.after)]);
  const [inputs, outputs] = [c / group, m / group];
  const { name, data } = weightsOf(call);
  const f = mapOf(map);
  const taps = h.kernel * w.kernel;
  run(
    e, call.node.name,
    {
      x: image.value, xOffset: 0, y, yOffset: 0, n, oh: h.out, ow: w.out,
      xStrides: [image.height * image.width * c, h.stride * image.width * c, w.stride * c], yStrides: [h.out * w.out * m, w.out * m, m],
      rows: h.kernel, columns: w.kernel, tapRow: h.dilation * image.width * c, tapColumn: w.dilation * c,
    },
    { group, inputs, outputs, depthwise },
    (g) => depthwise
      ? e.weight(name, data, `depthwise ${map}`, [taps, c], (to) => {
          for (let o = 0; o < c; o++) for (let tap = 0; tap < taps; tap++) to[tap * c + o] = f(data[o * taps + tap]);
        })
      : e.weight(name, data, `panels ${map} ${g}`, [roundUp(outputs, PANEL) * taps * inputs], (to) =>
          packPanels(to, outputs, taps, inputs, (o, tap, i) => f(data[((g * outputs + o) * inputs + i) * taps + tap]))),
    (g) => biasValue(e, call, biasMap, g, depthwise ? m : outputs),
  );
  return y;
}

function convVjp(e: Emitter, call: Call<ConvAttributes>, s: Value, map: WeightMap): readonly Value[] {
  const { n, c, m, group, h, w, depthwise } = geometry(call);
  const out = e.temp(`${call.node.name}:vjp`, call.inputs[0]!.dims, "last");
  const [rows, columns] = [phasesOf(h), phasesOf(w)];
  // One padded copy of s serves all phases.
  const reach = (phases: readonly Phase[], length: number): [number, number] => {
    const used = phases.filter((p) => p.taps.length > 0);
    const first = Math.min(0, ...used.map((p) => p.start));
    const last = Math.max(length - 1, ...used.map((p) => p.start + (p.taps.length - 1) * p.step + p.count - 1));
    return [-first, last - (length - 1)];
  };
  const [top, bottom] = reach(rows, h.out);
  const [left, right] = reach(columns, w.out);
  const image = padded(e, s, n, h.out, w.out, m, [top, bottom, left, right]);
  const [inputs, outputs] = [m / group, c / group];
  const { name, data } = weightsOf(call);
  const f = mapOf(map);
  const taps = h.kernel * w.kernel;
  if (rows.some((p) => p.taps.length === 0) || columns.some((p) => p.taps.length === 0)) e.fill(out, 0);
  for (const row of rows) {
    for (const column of columns) {
      const [kh, kw] = [row.taps.length, column.taps.length];
      if (kh === 0 || kw === 0) continue;
      const tapAt = (tap: number) => row.taps[Math.floor(tap / kw)] * w.kernel + column.taps[tap % kw];
      const phase = `${row.first},${column.first}`;
      run(
        e, call.node.name,
        {
          x: image.value, xOffset: ((row.start + top) * image.width + column.start + left) * m,
          y: out, yOffset: (row.first * w.length + column.first) * c, n, oh: row.count, ow: column.count,
          xStrides: [image.height * image.width * m, image.width * m, m], yStrides: [h.length * w.length * c, h.stride * w.length * c, w.stride * c],
          rows: kh, columns: kw, tapRow: row.step * image.width * m, tapColumn: column.step * m,
        },
        { group, inputs, outputs, depthwise },
        (g) => depthwise
          ? e.weight(name, data, `transposed depthwise ${map} ${phase}`, [kh * kw, c], (to) => {
              for (let o = 0; o < c; o++) for (let tap = 0; tap < kh * kw; tap++) to[tap * c + o] = f(data[o * taps + tapAt(tap)]);
            })
          : e.weight(name, data, `transposed panels ${map} ${g} ${phase}`, [roundUp(outputs, PANEL) * kh * kw * inputs], (to) =>
              packPanels(to, outputs, kh * kw, inputs, (o, tap, i) => f(data[((g * inputs + i) * outputs + o) * taps + tapAt(tap)]))),
        () => zeros(e, call, roundUp(depthwise ? c : outputs, PANEL)),
      );
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
    require(x.dims.length === w.dims.length && x.dims.length >= 3, "shape", "input and weight of the same rank, 3 or more", `ranks ${x.dims.length} and ${w.dims.length}`);
    require(x.dims.length <= 4, "unsupported", "one or two spatial axes", `${x.dims.length - 2}`);
    const [m, inputs, ...kernel] = w.dims;
    require(Number.isInteger(a.group) && a.group >= 1 && m % a.group === 0 && x.dims[1] === inputs * a.group, "shape", `an input of ${inputs} · ${a.group} channels and a multiple of ${a.group} outputs`, `${x.dims[1]} channels and ${m} outputs`);
    require(!a.window.kernel || a.window.kernel.join() === kernel.join(), "invalid-model", `kernel_shape [${kernel}] as the weight has it`, `[${a.window.kernel}]`);
    require(!b || size(b.dims) === m, "shape", `${m} biases`, `${b && size(b.dims)}`);
    const axes = windowAxes(x.dims.slice(2), a.window, kernel);
    return { dims: [[x.dims[0], m, ...axes.map((axis) => axis.out)]], attributes: { ...a, plane: asPlane(axes) } };
  },
  forward: (e, call) => [convZ(e, call, [e.as(call.x(0), "last")], [1, 1], [1, 1])],
  relevance: linear,
};

/** A convolution's weight and bias with every output channel scaled and shifted, or every input channel (unpadded windows only). */
export function scaledConv(inputs: Operands, { group }: ConvAttributes, along: "outputs" | "inputs", scale: (channel: number) => number, shift: (channel: number) => number): { weight: Constant; bias: Constant } {
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
