import type { Emitter, Use } from "../../program/emitter.ts";
import type { Geometry } from "./geometry.ts";
import { type Channels, PANEL, type Sweep, roundUp, TILE } from "./panels.ts";
import type { Axis } from "./window.ts";
import { LISTED } from "./lists.ts";
import { tilesOf } from "./winograd.ts";

/*
 * When one way of computing a convolution is taken rather than another: every constant here was measured.
 */

/** How much faster tiles are than the direct kernel, measured. */
const tileGain = (kernel: number) => (kernel === 3 ? 2.4 : 1.8);

/** Whether the kernel of Winograd's tiles can do it. */
function tilesFit(h: Axis, w: Axis, inputs: number, outputs: number): boolean {
  const square = h.kernel === w.kernel && (h.kernel === 3 || h.kernel === 5);
  return square && [h, w].every((a) => a.stride === 1 && a.dilation === 1) && inputs % 4 === 0 && outputs % 4 === 0;
}

/**
 * Whether Winograd's tiles are used. They pay, with 36 products for 16 outputs of a 3x3 window or 4 of a 5x5, unless
 * whole tiles, six at a time, and weights to transform cost more than that.
 */
function usesTiles(
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

/**
 * Whether Winograd's tiles are used forward, and whether they are used back, where rounding to the largest of a tile
 * does no harm.
 */
export const tiledForward = ({ winograd }: Emitter, { n, c, m, group, h, w }: Geometry) =>
  usesTiles(winograd, { h, w, n, oh: h.out, ow: w.out, inputs: c / group, outputs: m / group });
export const tiledBack = ({ winograd }: Emitter, { n, c, m, group, h, w }: Geometry) =>
  usesTiles(winograd, { h, w, n, oh: h.length, ow: w.length, inputs: m / group, outputs: c / group });

/** Whether x⁺ and x⁻ go through a convolution side by side, as twice the channels: where one half fills no panel. */
export const paysHalves = (channels: number, group: number) => group === 1 && channels < PANEL;

/** Whether lists of what is not 0 do better on the way back than rows do: where no two windows overlap. */
export const paysLists = ({ c, group, h, w }: Geometry) => group === 1 && h.kernel * w.kernel === 1 && c >= 24;

/**
 * Up to which share of live neurons it pays to go neuron by neuron: measured, a live neuron costs about as much as 1.6
 * of a whole convolution, and a start as much as 90 of its inputs.
 */
export function sparseLimit({ c, group, h, w }: Geometry, tiled: boolean): number {
  const inputs = (h.kernel * w.kernel * c) / group;
  return ((tiled ? 0.6 / tileGain(h.kernel) : 0.6) * inputs) / (inputs + 90);
}

/**
 * Up to which share of numbers other than 0 it pays to list them. Measured, in ns: a product of panels takes 1 / 27,
 * one from a list 1 / 21 (1 / 13 where the weights of several taps do not fit the first cache), for whole lots of 32
 * outputs; listing a number 0.7, and a list that begins 12.
 */
export function listLimit({ inputs, outputs }: Channels, { rows, columns, tiled }: Sweep): number {
  const [taps, gain] = [rows * columns, tiled ? tileGain(rows) : 1];
  const lots = Math.ceil(outputs / 32);
  const whole = (inputs * outputs) / (27 * gain);
  const around = (0.7 * inputs) / taps + 12 * lots * Math.ceil(inputs / LISTED);
  const limit = (whole - around) / ((inputs * 32 * lots) / (taps === 1 ? 21 : 13));
  return limit < 0.05 ? 0 : limit;
}
