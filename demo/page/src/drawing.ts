import { type Explanation, heatmap, type Inspection, type Tensor } from "relprop";
import type { Channels, RelevanceMap } from "./protocol.ts";

/** Of the values inside a large network, as many are drawn as have so many numbers together. */
const MOST_NUMBERS = 2 ** 24;
/** A longer vector is no picture. */
const LONGEST = 256;
/** So many channels are shown. */
const MOST_CHANNELS = 12;

export const HANDED_ON = ["pass", "route"];

/** A value inside the network that can be drawn. */
export interface Drawable {
  readonly node: string;
  readonly value: string;
  readonly dims: readonly number[];
}

/**
 * Where the network does more than hand relevance on, and relevance can be drawn; evenly chosen if there is too much.
 */
export function toDraw({ nodes }: Inspection): Drawable[] {
  const all = nodes
    .filter(({ rule }) => ![...HANDED_ON, "left out", "none"].includes(rule))
    .map(({ node, outputs: [{ name, dims }] }) => ({ node, value: name, dims, size: dims.reduce((a, b) => a * b, 1) }))
    .filter(({ dims: [, , ...space], size }) =>
      space.length === 0 ? size <= LONGEST : space.length <= 2 && space.some((d) => d > 1),
    );
  const step = Math.ceil(all.reduce((sum, { size }) => sum + size, 0) / MOST_NUMBERS);
  return all.filter((_, i) => i % step === 0);
}

/** Whether relevance there has channels, of which each is a map. */
export const hasChannels = ({ dims }: Drawable) => dims.length === 4 && dims[1] > 1;

const sumOf = (data: Float32Array | Float64Array) => {
  let sum = 0;
  for (const r of data) sum += r;
  return sum;
};

/** The channels with the largest |ΣR|, the largest first; those without relevance are left out. */
export function channelsOf(node: string, { data, dims }: Tensor): Channels {
  const [, count, height, width] = dims;
  const area = height * width;
  const all = Array.from({ length: count }, (_, index) => {
    const part = data.slice(index * area, (index + 1) * area);
    return { index, part, sum: sumOf(part) };
  });
  const strongest = all
    .filter(({ part }) => part.some((r) => r !== 0))
    .sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum))
    .slice(0, MOST_CHANNELS)
    .map(({ index, part, sum }) => ({ index, sum, picture: heatmap({ data: part, dims: [1, 1, height, width] }) }));
  return { node, count, strongest };
}

export function mapOf({ relevance, stability }: Explanation, ms: number): RelevanceMap {
  const { data, dims } = relevance;
  const area = dims[2] * dims[3];
  const pixels = new Float64Array(area);
  for (let i = 0; i < data.length; i++) pixels[i % area] += data[i];
  const largest = pixels.reduce((most, r) => Math.max(most, Math.abs(r)), 0);
  const exploded = stability.verdict === "amplified";
  return { relevance, picture: heatmap(relevance), sum: sumOf(pixels), largest, exploded, ms };
}
