import type { Ref, Value } from "../../program/step.ts";
import type { Emitter, Use } from "../../program/emitter.ts";
import type { Axis } from "./window.ts";

/*
 * How a convolution is laid out for its kernels: panels of weights, padded images, and the phases of a strided
 * transpose.
 */

const TILE = 6;
export const PANEL = 8;
export const roundUp = (count: number, to: number) => Math.ceil(count / to) * to;

/** Taps along one axis that meet one phase of a strided input, or several neighbouring phases at once. */
export interface Phase {
  /** For each phase the kernel position at each of `width` places in s, ascending; −1: none. */
  readonly taps: readonly (readonly number[])[];
  readonly width: number;
  /** Where in s the first output begins to read; may be negative. */
  readonly start: number;
  readonly step: number;
  /** Outputs are at first, first + stride, … */
  readonly first: number;
  readonly count: number;
}

/**
 * The transposed map of a convolution with stride t is t convolutions with stride 1, one for each phase of the input
 * position.
 *
 *   input i meets kernel position k at output o where i + before = o · t + k · dilation
 */
export function phasesOf(axis: Axis): Phase[] {
  return Array.from({ length: Math.min(axis.stride, axis.length) }, (_, first) => {
    const count = Math.ceil((axis.length - first) / axis.stride);
    const hits = Array.from({ length: axis.kernel }, (_, k) => k)
      .map((k) => ({ k, o: (first + axis.before - k * axis.dilation) / axis.stride }))
      .filter(({ o }) => Number.isInteger(o))
      .reverse();
    const step = hits.length > 1 ? hits[1].o - hits[0].o : 1;
    return { taps: [hits.map((hit) => hit.k)], width: hits.length, start: hits[0]?.o ?? 0, step, first, count };
  });
}

/**
 * All phases of one axis as one convolution whose outputs are channels of neighbouring positions, where that fills
 * panels better: the first layer of a network has 3 channels and a panel has 8.
 */
export function together(phases: readonly Phase[], channels: number): readonly Phase[] {
  const [first] = phases;
  const start = phases.reduce((least, p) => Math.min(least, p.start), first.start);
  const width = phases.reduce((most, p) => Math.max(most, p.start + p.width), first.start + first.width) - start;
  const apart = phases.reduce((work, p) => work + roundUp(channels, PANEL) * p.width, 0);
  const regular = phases.every((p) => p.step === 1 && p.count === first.count);
  if (!regular || roundUp(channels * phases.length, PANEL) * width >= apart) return phases;
  const taps = phases.map((p) => Array.from({ length: width }, (_, q) => p.taps[0][q - (p.start - start)] ?? -1));
  return [{ taps, width, start, step: 1, first: 0, count: first.count }];
}

/** Weights of one group in panels of 8 outputs: [ceil(outputs / 8)][taps][inputs][8]. */
function packPanels(
  to: Float32Array,
  outputs: number,
  taps: number,
  inputs: number,
  at: (o: number, tap: number, i: number) => number,
): void {
  to.fill(0);
  for (let o = 0; o < outputs; o++) {
    const panel = (o >> 3) * taps * inputs * PANEL + (o & 7);
    for (let tap = 0; tap < taps; tap++) {
      for (let i = 0; i < inputs; i++) to[panel + (tap * inputs + i) * PANEL] = at(o, tap, i);
    }
  }
}

/** Outputs along one side of a Winograd tile, which reads six inputs. */
export const tileSide = (kernel: number) => 7 - kernel;

/** How much faster tiles are than the direct kernel, measured. */
export const tileGain = (kernel: number) => (kernel === 3 ? 2.4 : 1.8);

function tilesOf(n: number, oh: number, ow: number, kernel: number): number {
  return n * Math.ceil(oh / tileSide(kernel)) * Math.ceil(ow / tileSide(kernel));
}

/** Whether the kernel of Winograd's tiles can do it. */
function tilesFit(h: Axis, w: Axis, inputs: number, outputs: number): boolean {
  const square = h.kernel === w.kernel && (h.kernel === 3 || h.kernel === 5);
  return square && [h, w].every((a) => a.stride === 1 && a.dilation === 1) && inputs % 4 === 0 && outputs % 4 === 0;
}

/**
 * Whether Winograd's tiles are used. They pay, with 36 products for 16 outputs of a 3x3 window or 4 of a 5x5, unless
 * whole tiles, six at a time, and weights to transform cost more than that.
 */
export function usesTiles(
  use: Use,
  {
    h,
    w,
    n,
    oh,
    ow,
    inputs,
    outputs,
  }: Record<"h" | "w", Axis> & Record<"n" | "oh" | "ow" | "inputs" | "outputs", number>,
): boolean {
  if (use === "never" || !tilesFit(h, w, inputs, outputs)) return false;
  if (use === "always") return true;
  if (inputs < 16 || outputs < 16) return false;
  // In multiply-adds for each pair of channels; transforming a pair's weights costs about as much as 100.
  const direct = h.kernel ** 2 * roundUp(n * oh * ow, TILE);
  const tiled = 36 * roundUp(tilesOf(n, oh, ow, h.kernel), TILE) + 100;
  return tiled < 0.8 * direct;
}

/** x with zeros around it (a negative pad cuts off), channels last. */
export function padded(
  e: Emitter,
  x: Value,
  n: number,
  h: number,
  w: number,
  c: number,
  pads: readonly [number, number, number, number],
): { value: Value; width: number; height: number } {
  const [top, bottom, left, right] = pads;
  const height = h + top + bottom;
  const width = w + left + right;
  if (pads.every((p) => p === 0)) return { value: x, width, height };
  const value = e.scratch(`${x.name}:padded`, n * height * width * c);
  e.fill(value, 0);
  const [cutTop, cutLeft] = [Math.max(0, -top), Math.max(0, -left)];
  e.copy(x, value, [
    {
      dims: [n, Math.min(h - cutTop, height - Math.max(0, top)), Math.min(w - cutLeft, width - Math.max(0, left)), c],
      from: (cutTop * w + cutLeft) * c,
      fromStrides: [h * w * c, w * c, c, 1],
      to: (Math.max(0, top) * width + Math.max(0, left)) * c,
      toStrides: [height * width * c, width * c, c, 1],
    },
  ]);
  return { value, width, height };
}

/** One convolution over an image that is already padded, written wherever the table says. */
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
  /** Whether Winograd's tiles do it; the image is then padded up to whole tiles. */
  readonly tiled: boolean;
}

/** How many channels each group reads and writes. */
interface Channels {
  readonly group: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly depthwise: boolean;
}

/** Where a convolution's weights come from: the number at each place, and a name for the whole. */
interface Weights {
  readonly name: string;
  readonly source: Float32Array;
  readonly variant: string;
  at(group: number, output: number, tap: number, input: number): number;
}

/** Emits a convolution. `bias` and `zeros` give one number for each output of a group, in whole panels. */
export function run(
  e: Emitter,
  node: string,
  p: Pass,
  g: Channels,
  w: Weights,
  bias: (group: number) => Value,
  zeros: Value,
): void {
  const dense = () => runDense(e, node, p, g, w, bias, zeros);
  if (g.group > 1) dense();
  else e.choose(p.x, listLimit(g, p), (share) => runLists(e, node, p, g, w, bias(0), share), dense);
}

function panelsOf(e: Emitter, taps: number, g: Channels, w: Weights, group: number): Value {
  const count = roundUp(g.outputs, PANEL) * taps * g.inputs;
  return e.weight(w.name, w.source, `panels ${w.variant} ${group}/${g.group}`, [count], (to) =>
    packPanels(to, g.outputs, taps, g.inputs, (o, tap, k) => w.at(group, o, tap, k)),
  );
}

/** Distances of images, rows and pixels of x, in units of so many numbers, and of y. */
function strides({ xStrides, yStrides }: Pass, unit = 1) {
  const [xImage, xRow, xPixel] = xStrides.map((distance) => distance / unit);
  const [yImage, yRow, yPixel] = yStrides;
  return { xImage, xRow, xPixel, yImage, yRow, yPixel };
}

function runDense(
  e: Emitter,
  node: string,
  p: Pass,
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
    const packed = e.weight(w.name, w.source, `depthwise ${w.variant}`, [taps, c], (to) => {
      for (let o = 0; o < c; o++) for (let tap = 0; tap < taps; tap++) to[tap * c + o] = w.at(o, 0, tap, 0);
    });
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

/** Channels of one list, as the kernel has them. */
const LISTED = 128;

/**
 * Up to which share of numbers other than 0 it pays to list them. Measured, in ns: a dense product takes 1 / 27, one
 * from a list 1 / 21 (1 / 13 where the weights of several taps do not fit the first cache), for whole lots of 32
 * outputs; listing a number 0.7, and a list that begins 12.
 */
function listLimit({ inputs, outputs }: Channels, { rows, columns, tiled }: Pass): number {
  const [taps, gain] = [rows * columns, tiled ? tileGain(rows) : 1];
  const lots = Math.ceil(outputs / 32);
  const dense = (inputs * outputs) / (27 * gain);
  const around = (0.7 * inputs) / taps + 12 * lots * Math.ceil(inputs / LISTED);
  const limit = (dense - around) / ((inputs * 32 * lots) / (taps === 1 ? 21 : 13));
  return limit < 0.05 ? 0 : limit;
}

function runLists(e: Emitter, node: string, p: Pass, g: Channels, w: Weights, bias: Value, share: number): void {
  const { inputs: c, outputs } = g;
  const pixels = p.n * p.oh * p.ow;
  const image = p.x.count / c;
  const starts = e.scratch(`${node}:starts`, Math.ceil(c / LISTED) * (image + 1));
  const lists = e.scratch(`${node}:lists`, 2 * Math.ceil(share * p.x.count) + 2);
  const table = e.scratch(`${node}:table`, 2 * roundUp(pixels, TILE));
  e.emit("listNonzero", { x: p.x, starts, lists, pixels: image, c });
  e.emit("convTable", { table, n: p.n, oh: p.oh, ow: p.ow, ...strides(p, c) });
  const packed = panelsOf(e, p.rows * p.columns, g, w, 0);
  const y = { value: p.y, offset: p.yOffset };
  const first = { value: starts, offset: p.xOffset / c };
  const sizes = {
    pixels,
    m: outputs,
    rows: p.rows,
    columns: p.columns,
    c,
    image,
    tapRow: p.tapRow / c,
    tapColumn: p.tapColumn / c,
  };
  e.emit("convListForward", { lists, starts: first, w: packed, b: bias, y, table, ...sizes });
}

/** Tiles that Winograd's kernel works on together. */
const SOME = 48;

function runTiled(
  e: Emitter,
  node: string,
  p: Pass,
  { inputs, outputs }: Channels,
  x: Ref,
  packed: Value,
  bias: Value,
  zeros: Value,
  y: Ref,
): void {
  const some = Math.min(SOME, roundUp(tilesOf(p.n, p.oh, p.ow, p.rows), TILE));
  const scratch = e.scratch(`${node}:tiles`, some * (36 * (inputs + PANEL) + 2) + 36 * PANEL * inputs + 1896);
  const { xImage, xRow, xPixel, yPixel } = strides(p);
  const sizes = { n: p.n, oh: p.oh, ow: p.ow, c: inputs, m: outputs, taps: p.rows, xImage, xRow, xPixel, yPixel, some };
  e.emit("winogradForward", { x, w: packed, b: bias, zeros, y, scratch, ...sizes });
}
