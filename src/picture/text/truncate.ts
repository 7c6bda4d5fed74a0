import { misuse } from "../../base/error.ts";
import type { TokenizerFile } from "./tokenizer-file.ts";

/** The first or the second text; undefined for tokens around them. */
export type Side = 0 | 1 | undefined;

/** How many tokens of the first and of the second text stay, of `counts`, where `most` may. */
const strategies: Readonly<Record<string, (counts: readonly number[], most: number) => readonly number[]>> = {
  /** The longer one is cut to what the shorter leaves, and both to half where that is more than half. */
  LongestFirst([a, b], most) {
    const [short, long] = [Math.min(a, b), Math.max(a, b)];
    const half = Math.floor(most / 2);
    const [less, more] = short <= half ? [short, Math.min(long, most - short)] : [half, most - half];
    return a <= b ? [less, more] : [more, less];
  },
  OnlyFirst: ([a, b], most) => [Math.min(a, most - b), b],
  OnlySecond: ([a, b], most) => [a, Math.min(b, most - a)],
};

/**
 * Which tokens stay, so that there are no more than the file says. Those around the texts do.
 *
 * @throws LrpError code "usage" for a strategy or direction that is not known, and if nothing of a text could stay
 */
export function truncated(sides: readonly Side[], truncation: TokenizerFile["truncation"], where: string): boolean[] {
  if (!truncation) return sides.map(() => true);
  const { max_length: most, strategy = "LongestFirst", direction = "Right" } = truncation;
  const isKnown = Object.hasOwn(strategies, strategy) && ["Left", "Right"].includes(direction);
  if (!isKnown || !Number.isInteger(most) || most < 0)
    throw misuse(where, "what its 'truncation' says is not known", "null there cuts nothing.");
  if (sides.length <= most) return sides.map(() => true);
  const countOf = (side: Side) => sides.filter((other) => other === side).length;
  const counts = [countOf(0), countOf(1)];
  const left = strategies[strategy](counts, most - countOf(undefined));
  if (left.some((count, side) => count < 0 || (count === 0 && counts[side] > 0)))
    throw misuse(where, `its 'truncation' to ${most} tokens would leave nothing of a text (${strategy})`);
  const seen = [0, 0];
  return sides.map((side) => {
    if (side === undefined) return true;
    const at = seen[side]++;
    return direction === "Left" ? at >= counts[side] - left[side] : at < left[side];
  });
}
