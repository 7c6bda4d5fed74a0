import {
  symbolCircle,
  symbolCross,
  symbolDiamond,
  symbolSquare,
  symbolStar,
  symbolTriangle,
  type SymbolType,
  symbolWye,
} from "d3-shape";

/** Okabe and Ito 2008, without their yellow, which white swallows; those that differ most come first. */
export const colours: readonly string[] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const shapes: readonly SymbolType[] = [
  symbolCircle,
  symbolSquare,
  symbolTriangle,
  symbolDiamond,
  symbolCross,
  symbolStar,
  symbolWye,
];

export interface Look {
  readonly colour: string;
  readonly shape: SymbolType;
}

/** So many series look different. */
export const LOOKS = colours.length * shapes.length;

/** Colour and marker of a series: after each round of the colours, each has the next marker. */
export function lookOf(index: number): Look {
  const round = Math.floor(index / colours.length);
  return { colour: colours[index % colours.length], shape: shapes[(index + round) % shapes.length] };
}

/** A line without `points` has about so many markers. */
const FEW = 6;

/** Where a line has its markers: at all of a few values, else at evenly chosen ones, not the same for every series. */
export function markedValues(
  { x, points }: { readonly x: readonly number[]; readonly points?: boolean },
  series: number,
): number[] {
  const every = points ? 1 : Math.ceil(x.length / FEW);
  return [...x.keys()].filter((i) => i % every === series % every);
}
