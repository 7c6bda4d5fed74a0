import { LrpError, type Model, type Pixels } from "../entries/index.ts";
import { type TriedPreset, tryPresets } from "../entries/image.ts";
import { columns } from "./layout.ts";

/** Presets that nothing speaks for but what the network says under each, the best guess first. */
export type Guess = readonly TriedPreset[];

/** @returns undefined where nothing can be guessed: the output is no row of scores, or no preset fits */
export function guessed(model: Model, picture: Pixels): Guess | undefined {
  try {
    return tryPresets(model, picture);
  } catch (error) {
    if (error instanceof LrpError) return undefined;
    throw error;
  }
}

/** What is said of a guess. @param sidecar where it can be said better */
export function guessText([best, ...others]: Guess, sidecar: string): string {
  const rows = [
    ["  preset", "probability", "class", "dependence on the picture"],
    ...[best, ...others].map(({ preset, index, name, probability, bits }) => [
      `  ${preset}`,
      `${(100 * probability).toFixed(1)} %`,
      `${index}${name === undefined ? "" : ` ${name}`}`,
      `${bits.toFixed(1)} bits`,
    ]),
  ];
  return (
    `relprop: nothing says how pictures are prepared for this model. ${best.preset} is a guess: with it the answer ` +
    `depends most on the picture.\n${columns(rows, [1, 3], "")}  Give --preset, or say it in ${sidecar}.\n`
  );
}
