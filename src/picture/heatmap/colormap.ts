import { LrpError } from "../../base/error.ts";

/** A colour, 0xrrggbb, at a normalised relevance from -1 (against) over 0 to 1 (for); linear in between. */
type Node = readonly [relevance: number, colour: number];

type Rgb = readonly [r: number, g: number, b: number];

/** Colours at equal distances from 0 to 1. */
const rising = (...colours: readonly number[]): readonly Node[] =>
  colours.map((colour, i) => [i / (colours.length - 1), colour] as const);

/** Colours at equal distances from −1 to 1. */
const diverging = (...colours: readonly number[]): readonly Node[] =>
  colours.map((colour, i) => [(2 * i) / (colours.length - 1) - 1, colour] as const);

const RD_BU = [
  0x67001f, 0xb2182b, 0xd6604d, 0xf4a582, 0xfddbc7, 0xf7f7f7, 0xd1e5f0, 0x92c5de, 0x4393c3, 0x2166ac, 0x053061,
];

/**
 * Colour maps of the LRP literature, with zennit's names and colours, and some that everybody knows, with matplotlib's.
 * Most have a neutral middle. `hot`, `viridis`, `magma` and `turbo` rise from 0, for relevance that is never negative:
 * what is below 0 has the colour of 0.
 */
const table: Readonly<Record<string, readonly Node[]>> = {
  bwr: [
    [-1, 0x0000ff],
    [0, 0xffffff],
    [1, 0xff0000],
  ],
  seismic: [
    [-1, 0x0000d0],
    [0, 0xd0d0d0],
    [1, 0xd00000],
  ],
  coldnhot: [
    [-1, 0x00ffff],
    [-1 / 2, 0x0000ff],
    [0, 0x000000],
    [1 / 3, 0xff0000],
    [2 / 3, 0xffff00],
    [1, 0xffffff],
  ],
  hot: [
    [0, 0x000000],
    [1 / 3, 0xff0000],
    [2 / 3, 0xffff00],
    [1, 0xffffff],
  ],
  coolio: [
    [-1, 0x00d0d0],
    [0, 0xd0d0d0],
    [1, 0xd000d0],
  ],
  coleus: [
    [-1, 0x00d000],
    [0, 0xd0d0d0],
    [1, 0xd000d0],
  ],
  france: [
    [-1, 0x0055a4],
    [0, 0xffffff],
    [1, 0xef4135],
  ],
  RdBu: diverging(...RD_BU),
  RdBu_r: diverging(...[...RD_BU].reverse()),
  viridis: rising(0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89, 0x35b779, 0x6ece58, 0xb5de2b, 0xfde725),
  magma: rising(0x000004, 0x180f3d, 0x440f76, 0x721f81, 0x9e2f7f, 0xcd4071, 0xf1605d, 0xfd9668, 0xfeca8d, 0xfcfdbf),
  turbo: rising(0x30123b, 0x4662d7, 0x36aaf9, 0x1ae4b6, 0x72fe5e, 0xc8ef34, 0xfaba39, 0xf66b19, 0xca2a04, 0x7a0403),
};

/** The names that `heatmap` knows. */
export const colormaps: readonly string[] = Object.freeze(Object.keys(table));

/** Whether a colour map of that name rises from 0. */
export const isRising = (name: string): boolean => table[name][0][0] === 0;

/**
 * A colour map by name, as a function from normalised relevance in [-1, 1] to red, green and blue in 0..255 (not
 * rounded).
 *
 * @throws LrpError code "usage" when there is no such map.
 * @example
 * colormap("bwr")(0.5); // [255, 127.5, 127.5]
 */
export function colormap(name: string): (relevance: number) => Rgb {
  if (!Object.hasOwn(table, name)) {
    throw new LrpError("usage", {
      where: "option 'colormap'",
      expected: `one of ${colormaps.join(", ")}`,
      received: `'${name}'`,
    });
  }
  const nodes = table[name].map(([at, colour]) => ({
    at,
    rgb: [colour >> 16, (colour >> 8) & 255, colour & 255] as const,
  }));
  return (relevance) => {
    const right = Math.max(
      1,
      nodes.findIndex(({ at }) => relevance <= at),
    );
    const [a, b] = [nodes[right - 1], nodes[right]];
    const t = Math.max(0, (relevance - a.at) / (b.at - a.at));
    return [0, 1, 2].map((k) => a.rgb[k] + t * (b.rgb[k] - a.rgb[k])) as unknown as Rgb;
  };
}
