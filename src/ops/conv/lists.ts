import type { Emitter } from "../../program/emitter.ts";
import type { Value } from "../../program/step.ts";
import { type Channels, type Sweep, roundUp, strides, TILE } from "./panels.ts";
import { panelsOf, type Weights } from "./weights.ts";

/** Channels of one list, as the kernel has them. */
export const LISTED = 128;

/** A convolution of what is not 0: a list for each pixel. */
export function runLists(
  e: Emitter,
  node: string,
  p: Sweep,
  g: Channels,
  w: Weights,
  bias: Value,
  share: number,
): void {
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
