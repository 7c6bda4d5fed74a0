import type { Against } from "./against.ts";
import { digits } from "./digits.ts";
import type { State } from "./state.ts";
import { type Point, SIDE, type Stroke } from "./strokes.ts";

/** Parts of the page's address that say what is shown: names and values. */
export type View = Readonly<Record<string, string>>;

/** What the address asks for. */
export const asked = (): View => Object.fromEntries(new URLSearchParams(location.hash.slice(1)));

/** Writes the view into the address, without a step in the history. */
export function keep(view: Readonly<Record<string, string | undefined>>): void {
  const parts = Object.entries(view).filter((part): part is [string, string] => part[1] !== undefined);
  const hash = new URLSearchParams(parts).toString();
  history.replaceState(null, "", hash === "" ? location.pathname + location.search : `#${hash}`);
}

/** Steps of the pad's side, in two digits of base 36. */
const STEPS = 36 ** 2 - 1;
/** Points nearer than this, in pixels of the network, are not kept. */
const NEAR = 0.4;

const two = (value: number) =>
  Math.round((Math.min(Math.max(value, 0), SIDE) / SIDE) * STEPS)
    .toString(36)
    .padStart(2, "0");

function thinned(stroke: Stroke): Stroke {
  const kept: Point[] = [];
  for (const [i, point] of stroke.entries()) {
    const last = kept.at(-1);
    const isFar = !last || Math.hypot(point[0] - last[0], point[1] - last[1]) >= NEAR;
    if (isFar || i === stroke.length - 1) kept.push(point);
  }
  return kept;
}

/** Strokes as a word: four letters for each point, strokes apart by dots. */
const written = (strokes: readonly Stroke[]) =>
  strokes
    .map((stroke) =>
      thinned(stroke)
        .map(([x, y]) => two(x) + two(y))
        .join(""),
    )
    .join(".");

/** The strokes of such a word; undefined for any other. */
export function strokesOf(word: string): Stroke[] | undefined {
  if (!/^([0-9a-z]{4})+(\.([0-9a-z]{4})+)*$/.test(word)) return undefined;
  const place = (digits: string) => (Number.parseInt(digits, 36) / STEPS) * SIDE;
  return word
    .split(".")
    .map((stroke) => stroke.match(/.{4}/g)!.map((point): Point => [place(point.slice(0, 2)), place(point.slice(2))]));
}

/** What is shown, as far as it does not lie in files and is not what one sees at first. */
export function viewOf({ source, photo, strokes, target }: State, against: Against): Partial<View> {
  const digit = digits.indexOf(strokes);
  const drawing = strokes.length === 0 ? undefined : digit >= 0 ? `${digit}` : written(strokes);
  const seen = photo ? photo.name.replace(/\.jpg$/, "") : drawing;
  return {
    network: source?.demo === "digits" ? undefined : source?.demo,
    picture: seen === "3" ? undefined : seen,
    class: target === "argmax" ? undefined : `${target}`,
    against: against === undefined ? undefined : `${against}`,
  };
}
