/* What is compared: every composite, and every other method. */
import { composites } from "../../../dist/index.js";
import { methods } from "../../../dist/evaluate/index.js";

/** Those for attention and recurrent cells, which none of these networks has: transformers.mjs measures them. */
const APART = ["recurrentGamma", "attnLrp", "cpLrp", "attnLrpGamma", "attentionRollout", "gradientTimesAttention"];
const isHere = ({ name }) => !APART.includes(name);

const list = (numbers) => numbers.join("/");

/**
 * The methods as `--methods` takes them for a network, the library's default first.
 *
 * @param network its inputs' bounds, how its sums are passed, and the side of occlusion's window
 * @returns label by name, in the same order for every network
 */
export function methodsOf({ low, high, sum, window }) {
  const fields = (row) => [
    ...(row.required?.includes("low") ? [`low=${list(low)}`, `high=${list(high)}`] : []),
    ...(sum !== undefined && row.parameters.includes("sum") ? [`sum=${sum}`] : []),
    ...(row.name === "occlusion" ? [`window=${window}`, `strides=${window / 2}`] : []),
  ];
  return new Map(
    [...composites, ...methods].filter(isHere).map((row) => [row.name, [row.name, ...fields(row)].join(":")]),
  );
}

/** Composites that a caller may use without saying anything else, and that are LRP: what a default is chosen from. */
export const candidates = composites
  .filter(isHere)
  .filter(({ required, unknown, start }) => !required && !unknown && !start)
  .map(({ name }) => name);
