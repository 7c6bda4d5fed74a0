/** Of writing. */
export type Direction = "ltr" | "rtl";

/** Letters that are written from right to left. */
const RIGHT = /[\p{scx=Hebrew}\p{scx=Arabic}\p{scx=Syriac}\p{scx=Thaana}\p{scx=Nko}\p{scx=Adlam}\p{scx=Samaritan}]/u;

/** The direction of the first letter; undefined where there is none. */
export function directionOf(text: string): Direction | undefined {
  const letter = /\p{L}/u.exec(text)?.[0];
  return letter === undefined ? undefined : RIGHT.test(letter) ? "rtl" : "ltr";
}

/** What a word brings into a line: a direction, digits, which go on as the letters before them, or nothing. */
export type Side = Direction | "digits" | undefined;

export const sideOf = (word: string): Side => directionOf(word) ?? (/\p{Nd}/u.test(word) ? "digits" : undefined);

/**
 * The words of a line in the order in which they stand, from the left: the Unicode bidirectional algorithm for whole
 * words. Runs of words against the direction of the text are turned; a word of no side goes with its neighbours, if
 * both agree, else with the text.
 *
 * @returns indices of words
 */
export function inSight(words: readonly Side[], base: Direction): number[] {
  let last = base;
  const known = words.map((side) => (side === "digits" ? last : side && (last = side)));
  const before = known.map(
    (_, i) =>
      known
        .slice(0, i + 1)
        .reverse()
        .find(Boolean) ?? base,
  );
  const after = known.map((_, i) => known.slice(i).find(Boolean) ?? base);
  const sides = before.map((side, i) => (side === after[i] ? side : base));
  const runs: number[][] = [];
  for (const [i, side] of sides.entries()) {
    if (i > 0 && sides[i - 1] === side) runs[runs.length - 1].push(i);
    else runs.push([i]);
  }
  const turned = runs.map((run) => (sides[run[0]] === "rtl" ? run.reverse() : run));
  return (base === "rtl" ? turned.reverse() : turned).flat();
}
