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
export function phasesOf({ length, kernel, stride, dilation, before, out }: Axis): Phase[] {
  const all = Math.min(stride, length);
  const hits = new Map<number, { k: number; o: number }[]>();
  // Of far more phases than taps most have none, and are left out: `together` takes all or none of them.
  if (all <= PANEL * kernel) for (let first = 0; first < all; first++) hits.set(first, []);
  for (let k = kernel - 1; k >= 0; k--) {
    const from = k * dilation - before;
    const first = ((from % stride) + stride) % stride;
    const o = (first - from) / stride;
    // Outputs that there are not would only be read as the zeros beside them.
    const last = o + Math.ceil((length - first) / stride) - 1;
    if (first >= length || last < 0 || o >= out) continue;
    const others = hits.get(first);
    if (others) others.push({ k, o });
    else hits.set(first, [{ k, o }]);
  }
  return [...hits].map(([first, list]) => ({
    taps: [list.map(({ k }) => k)],
    width: list.length,
    start: list[0]?.o ?? 0,
    step: list.length > 1 ? list[1].o - list[0].o : 1,
    first,
    count: Math.ceil((length - first) / stride),
  }));
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
