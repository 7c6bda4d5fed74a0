import { LrpError } from "../../base/error.ts";

/** A colour, 0xrrggbb, at a normalised relevance from -1 (against) over 0 to 1 (for); linear in between. */
type Node = readonly [relevance: number, colour: number];

type Rgb = readonly [r: number, g: number, b: number];

/**
 * Colour maps of the LRP literature, with zennit's names and colours. All but `hot` have a neutral middle;
 * `hot` rises from black to white, for relevance that is never negative.
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
    [-1, 0x000000],
    [-1 / 3, 0xff0000],
    [1 / 3, 0xffff00],
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
};

/** The names that `heatmap` knows. */
export const colormaps: readonly string[] = Object.freeze(Object.keys(table));

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
    const t = (relevance - a.at) / (b.at - a.at);
    return [0, 1, 2].map((k) => a.rgb[k] + t * (b.rgb[k] - a.rgb[k])) as unknown as Rgb;
  };
}
