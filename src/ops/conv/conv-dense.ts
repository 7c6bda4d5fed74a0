import type { Value } from "../../program/step.ts";
import type { Emitter } from "../../program/emitter.ts";
import { size } from "../../base/tensor.ts";
import { type BiasMap, type Call, type Halves, mapOf, PLAIN, type Precision, type WeightMap } from "../op.ts";
import { padded, PANEL, type Phase, phasesOf, roundUp, run, tileSide, together, usesTiles } from "./conv-layout.ts";
import type { Axis, WindowAttributes } from "./window.ts";

/*
 * Convolution of whole images, forward and transposed, by panels of weights or Winograd's tiles.
 */

export interface ConvAttributes {
  readonly window: WindowAttributes;
  readonly group: number;
  readonly volume?: readonly [Axis, Axis, Axis];
}

/**
 * Sizes of one convolution over a plane: the names that kernels and formulas use. One over a volume is one over its
 * slices: every output depth is an image, and the window's taps along the depth are channels.
 */
export interface Geometry {
  readonly n: number;
  readonly c: number;
  readonly m: number;
  readonly group: number;
  readonly d: Axis;
  readonly h: Axis;
  readonly w: Axis;
  readonly depthwise: boolean;
}

const isHalves = (map: WeightMap): map is Halves => typeof map === "object" && "plus" in map;

/** @param channels @param m of the input and the output of the convolution */
export function geometryOf({ group, volume }: ConvAttributes, samples: number, channels: number, m: number): Geometry {
  const [d, h, w] = volume!;
  const c = channels * d.kernel;
  return { n: samples * d.out, c, m, group, d, h, w, depthwise: group === c && m === c && group > 1 };
}

/** @param map for an input of twice the channels, [x⁺, x⁻], where it says so */
export function geometry({ inputs, attributes }: Call<ConvAttributes>, map: WeightMap = PLAIN): Geometry {
  const [n, c] = inputs[0]!.dims;
  return geometryOf(attributes, n, c * (isHalves(map) ? 2 : 1), inputs[1]!.dims[0]);
}

/**
 * The weights under a map: a name for the whole, and the one number between output o and tap of input i of its group.
 */
export function weightsOf(call: Call<ConvAttributes>, map: WeightMap) {
  const { name, constant } = call.inputs[1]!;
  const [, inputs, ...kernel] = constant!.dims;
  const taps = size(kernel);
  const depth = call.attributes.volume![0].kernel;
  const source = constant!.data as Float32Array;
  const [plus, minus] = isHalves(map) ? [mapOf(map.plus), mapOf(map.minus)] : [mapOf(map), undefined];
  const variant = isHalves(map) ? `${map.plus}|${map.minus}` : `${map}`;
  const half = (o: number, i: number, tap: number) =>
    i < inputs ? plus(source[(o * inputs + i) * taps + tap]) : minus!(source[(o * inputs + i - inputs) * taps + tap]);
  const whole = (o: number, i: number, tap: number) => plus(source[(o * inputs + i) * taps + tap]);
  const at = minus ? half : whole;
  if (depth === 1) return { name, source, variant, at };
  const channels = minus ? 2 * inputs : inputs;
  return {
    name,
    source,
    variant: `${variant} of ${depth} slices`,
    at: (o: number, i: number, tap: number) => at(o, i % channels, Math.floor(i / channels) * (taps / depth) + tap),
  };
}

/** The bias of `outputs` neighbours: the channels of a group, again and again. */
export function biasValue(
  e: Emitter,
  call: Call<ConvAttributes>,
  map: BiasMap | undefined,
  group: number,
  outputs: number,
  channels = outputs,
): Value {
  const bias = map && call.inputs[2]?.constant;
  const count = roundUp(outputs, PANEL);
  if (!bias) return zeros(e, call, count);
  const source = bias.data as Float32Array;
  const f = mapOf(map);
  return e.weight(
    call.inputs[2]!.name,
    source,
    `bias ${map} ${group}/${outputs}${channels === outputs ? "" : ` of ${channels}`}`,
    [count],
    (to) => {
      to.fill(0);
      for (let o = 0; o < outputs; o++) to[o] = f(source[group * channels + (o % channels)]);
    },
  );
}

function zeros(e: Emitter, call: Call<ConvAttributes>, count: number): Value {
  const { name, constant } = call.inputs[1]!;
  return e.weight(`${name}:zeros`, constant!.data as Float32Array, `zeros ${count}`, [count], (to) => to.fill(0));
}

/** y = row, at every pixel of y's c channels. */
export function spread(e: Emitter, row: Value, c: number, y: Value): void {
  e.copy(row, y, [{ dims: [y.count / c, c], from: 0, fromStrides: [0, 1], to: 0, toStrides: [c, 1] }]);
}

/**
 * Whether Winograd's tiles are used forward, and whether they are used back, where rounding to the largest of a tile
 * does no harm.
 */
export const tiledForward = ({ winograd }: Emitter, { n, c, m, group, h, w }: Geometry) =>
  usesTiles(winograd, { h, w, n, oh: h.out, ow: w.out, inputs: c / group, outputs: m / group });
export const tiledBack = ({ winograd }: Emitter, { n, c, m, group, h, w }: Geometry) =>
  usesTiles(winograd, { h, w, n, oh: h.length, ow: w.length, inputs: m / group, outputs: c / group });

/** How far whole tiles reach beyond `length` outputs. */
const overhang = (length: number, kernel: number, tiled: boolean) =>
  tiled ? roundUp(length, tileSide(kernel)) - length : 0;

/** y = L(x; f(W)) + f(b) at every neuron. */
export function denseZ(
  e: Emitter,
  call: Call<ConvAttributes>,
  site: Geometry,
  x: Value,
  y: Value,
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
): void {
  const { n, c, m, group, h, w, depthwise } = site;
  const tiled = precision === "fast" && tiledForward(e, site);
  const [bottom, right] = [
    Math.max(0, h.after) + overhang(h.out, h.kernel, tiled),
    Math.max(0, w.after) + overhang(w.out, w.kernel, tiled),
  ];
  const image = padded(e, x, n, h.length, w.length, c, [h.before, bottom, w.before, right]);
  const [inputs, outputs] = [c / group, m / group];
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
  const { at, ...named } = weightsOf(call, map);
  const weights = { ...named, at: (g: number, o: number, tap: number, i: number) => at(g * outputs + o, i, tap) };
  const bias = (g: number) => biasValue(e, call, biasMap, g, depthwise ? m : outputs);
  run(
    e,
    call.node.name,
    pass,
    { group, inputs, outputs, depthwise },
    weights,
    bias,
    zeros(e, call, roundUp(outputs, PANEL)),
  );
}

/** out = Lᵀ(s; f(W)) + f(b) from every neuron; a bias of the transposed map has one number for each channel of out. */
export function denseVjp(
  e: Emitter,
  call: Call<ConvAttributes>,
  site: Geometry,
  s: Value,
  out: Value,
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
): void {
  const { n, c, m, group, h, w, depthwise } = site;
  const [rows, columns] = [phasesOf(h), group === 1 ? together(phasesOf(w), c) : phasesOf(w)];
  // One padded copy of s serves all phases.
  const reach = (phases: readonly Phase[], length: number): [number, number] => {
    const used = phases.filter((p) => p.width > 0);
    const first = used.reduce((least, p) => Math.min(least, p.start), 0);
    const last = used.reduce((most, p) => Math.max(most, p.start + (p.width - 1) * p.step + p.count - 1), length - 1);
    return [-first, last - (length - 1)];
  };
  const tiled = precision === "fast" && tiledBack(e, site);
  const [top, bottom] = reach(rows, h.out);
  const [left, right] = reach(columns, w.out);
  const image = padded(e, s, n, h.out, w.out, m, [
    top,
    bottom + overhang(h.length, h.kernel, tiled),
    left,
    right + overhang(w.length, w.kernel, tiled),
  ]);
  const [inputs, width] = [m / group, c / group];
  const { name, source, variant, at } = weightsOf(call, map);
  if ([...rows, ...columns].some((p) => p.width === 0)) {
    if (biasMap) spread(e, biasValue(e, call, biasMap, 0, c), c, out);
    else e.fill(out, 0);
  }
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
        source,
        variant: `transposed ${variant} taps ${row.taps[0]} x ${column.taps.join(" and ")}`,
        at(g: number, o: number, tap: number, i: number) {
          const k = column.taps[Math.floor(o / width)][tap % kw];
          const place = row.taps[0][Math.floor(tap / kw)] * w.kernel + k;
          return k < 0 ? 0 : at(g * inputs + i, o % width, place);
        },
      };
      const bias = (g: number) =>
        depthwise ? biasValue(e, call, biasMap, g, c) : biasValue(e, call, biasMap, g, outputs, width);
      const none = zeros(e, call, roundUp(depthwise ? c : outputs, PANEL));
      run(e, call.node.name, pass, { group, inputs, outputs, depthwise }, weights, bias, none);
    }
  }
}
