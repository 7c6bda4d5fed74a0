import type { Emitter } from "../../program/emitter.ts";
import type { Ref, Value } from "../../program/step.ts";
import { type Channels, PANEL, type Sweep, roundUp, strides, TILE } from "./panels.ts";

/** Outputs along one side of a Winograd tile, which reads six inputs. */
export const tileSide = (kernel: number) => 7 - kernel;

export function tilesOf(n: number, oh: number, ow: number, kernel: number): number {
  return n * Math.ceil(oh / tileSide(kernel)) * Math.ceil(ow / tileSide(kernel));
}

/** Tiles that Winograd's kernel works on together. */
const SOME = 48;

/** A convolution by Winograd's tiles. */
export function runTiled(
  e: Emitter,
  node: string,
  p: Sweep,
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
