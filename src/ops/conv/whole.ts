import type { Emitter } from "../../program/emitter.ts";
import type { Value } from "../../program/step.ts";
import { type BiasMap, mapOf, type Precision, type WeightMap } from "../op.ts";
import { listLimit, tiledBack, tiledForward } from "./cost.ts";
import { type Convolution, planeOf } from "./geometry.ts";
import { runLists } from "./lists.ts";
import { type Channels, padded, PANEL, type Sweep, roundUp, strides, TILE } from "./panels.ts";
import { type Phase, phasesOf, together } from "./phases.ts";
import { forwardWeights, panelsOf, transposedWeights, type Weights } from "./weights.ts";
import { runTiled, tileSide } from "./winograd.ts";

/*
 * Convolution of whole images, forward and transposed, by panels of weights, lists, or Winograd's tiles.
 */

/** The bias of `outputs` neighbours: the channels of a group, again and again. */
export function biasValue(
  e: Emitter,
  conv: Convolution,
  map: BiasMap | undefined,
  group: number,
  outputs: number,
  channels = outputs,
): Value {
  const bias = map && conv.bias?.constant;
  const count = roundUp(outputs, PANEL);
  if (!bias) return zeros(e, conv, count);
  const f = mapOf(map);
  return e.weight(
    conv.bias!.name,
    bias,
    `bias ${map} ${group}/${outputs}${channels === outputs ? "" : ` of ${channels}`}`,
    [count],
    (to) => {
      to.fill(0);
      const source = bias.data;
      for (let o = 0; o < outputs; o++) to[o] = f(source[group * channels + (o % channels)]);
    },
  );
}

function zeros(e: Emitter, { weight: { name, constant } }: Convolution, count: number): Value {
  return e.weight(`${name}:zeros`, constant!, `zeros ${count}`, [count], (to) => to.fill(0));
}

/** y = row, at every pixel of y's c channels. */
function spread(e: Emitter, row: Value, c: number, y: Value): void {
  e.copy(row, y, [{ dims: [y.count / c, c], from: 0, fromStrides: [0, 1], to: 0, toStrides: [c, 1] }]);
}

/** How far whole tiles reach beyond `length` outputs. */
const overhang = (length: number, kernel: number, tiled: boolean) =>
  tiled ? roundUp(length, tileSide(kernel)) - length : 0;

/** y = L(x; f(W)) + f(b) at every neuron. */
export function wholeZ(
  e: Emitter,
  conv: Convolution,
  x: Value,
  y: Value,
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
): void {
  const plane = planeOf(conv, map);
  const { n, c, m, group, h, w, depthwise } = plane;
  const tiled = precision === "fast" && tiledForward(e, plane);
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
  const weights = forwardWeights(conv, map, outputs);
  const bias = (g: number) => biasValue(e, conv, biasMap, g, depthwise ? m : outputs);
  runSweep(
    e,
    conv.node,
    pass,
    { group, inputs, outputs, depthwise },
    weights,
    bias,
    zeros(e, conv, roundUp(outputs, PANEL)),
  );
}

/** out = Lᵀ(s; f(W)) + f(b) from every neuron; a bias of the transposed map has one number for each channel of out. */
export function wholeVjp(
  e: Emitter,
  conv: Convolution,
  s: Value,
  out: Value,
  map: WeightMap,
  biasMap: BiasMap | undefined,
  precision: Precision,
): void {
  const plane = planeOf(conv, map);
  const { n, c, m, group, h, w, depthwise } = plane;
  const [rows, across] = [phasesOf(h), phasesOf(w)];
  const columns = group === 1 && across.length === Math.min(w.stride, w.length) ? together(across, c) : across;
  // One padded copy of s serves all phases.
  const reach = (phases: readonly Phase[], length: number): [number, number] => {
    const used = phases.filter((p) => p.width > 0);
    const first = used.reduce((least, p) => Math.min(least, p.start), 0);
    const last = used.reduce((most, p) => Math.max(most, p.start + (p.width - 1) * p.step + p.count - 1), length - 1);
    return [-first, last - (length - 1)];
  };
  const tiled = precision === "fast" && tiledBack(e, plane);
  const [top, bottom] = reach(rows, h.out);
  const [left, right] = reach(columns, w.out);
  const image = padded(e, s, n, h.out, w.out, m, [
    top,
    bottom + overhang(h.length, h.kernel, tiled),
    left,
    right + overhang(w.length, w.kernel, tiled),
  ]);
  const [inputs, width] = [m / group, c / group];
  const covered = (phases: readonly Phase[]) =>
    phases.reduce((sum, p) => sum + (p.width > 0 ? p.count * p.taps.length : 0), 0);
  if (covered(rows) < h.length || covered(columns) < w.length) {
    if (biasMap) spread(e, biasValue(e, conv, biasMap, 0, c), c, out);
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
      const weights = transposedWeights(conv, map, inputs, row, column);
      const bias = (g: number) =>
        depthwise ? biasValue(e, conv, biasMap, g, c) : biasValue(e, conv, biasMap, g, outputs, width);
      const none = zeros(e, conv, roundUp(depthwise ? c : outputs, PANEL));
      runSweep(e, conv.node, pass, { group, inputs, outputs, depthwise }, weights, bias, none);
    }
  }
}

/** Emits a convolution. `bias` and `zeros` give one number for each output of a group, in whole panels. */
function runSweep(...args: Parameters<typeof runPanels>): void {
  const [e, node, p, g, w, bias] = args;
  const panels = () => runPanels(...args);
  if (g.group > 1) panels();
  else e.choose(p.x, listLimit(g, p), (share) => runLists(e, node, p, g, w, bias(0), share), panels);
}

function runPanels(
  e: Emitter,
  node: string,
  p: Sweep,
  g: Channels,
  w: Weights,
  bias: (group: number) => Value,
  zeros: Value,
): void {
  const pixels = p.n * p.oh * p.ow;
  const taps = p.rows * p.columns;
  const table = e.scratch(`${node}:table`, 2 * roundUp(pixels, TILE));
  const { n, oh, ow, rows, tapRow, tapColumn } = p;
  if (!p.tiled) e.emit("convTable", { table, n, oh, ow, ...strides(p) });
  const place = (group: number) =>
    [
      { value: p.x, offset: p.xOffset + group * g.inputs },
      { value: p.y, offset: p.yOffset + group * g.outputs },
    ] as const;
  if (g.depthwise) {
    const c = g.group;
    const arranged = w.arranged(0, c, { lanes: 1, panel: 1, tap: c, input: 1 });
    const packed = e.weight(w.name, w.source, `depthwise ${w.variant}`, [taps, c], arranged);
    const [x, y] = place(0);
    e.emit("depthwiseForward", {
      x,
      w: packed,
      b: bias(0),
      y,
      table,
      pixels,
      c,
      rows,
      columns: p.columns,
      tapRow,
      tapColumn,
    });
    return;
  }
  // Neighbouring taps of an undilated row are neighbours in memory as well: the whole row is one run.
  const joined = g.group === 1 && p.tapColumn === g.inputs;
  const [columns, run] = joined ? [1, p.columns * g.inputs] : [p.columns, g.inputs];
  for (let i = 0; i < g.group; i++) {
    const packed = panelsOf(e, taps, g, w, i);
    const [x, y] = place(i);
    if (p.tiled) runTiled(e, node, p, g, x, packed, bias(i), zeros, y);
    else {
      const sizes = { pixels, m: g.outputs, rows, columns, run, tapRow, tapColumn };
      e.emit("convForward", { x, w: packed, b: bias(i), y, table, ...sizes });
    }
  }
}
