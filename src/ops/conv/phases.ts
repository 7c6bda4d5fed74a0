import { PANEL, roundUp } from "./panels.ts";
import type { Axis } from "./window.ts";

/*
 * The transpose of a strided convolution as convolutions without strides.
 */

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
