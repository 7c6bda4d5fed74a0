import { distance } from "../base/distance.ts";

/** Up to `count` candidates that `name` may be a misspelling or a part of, the nearest first. */
export function nearest(name: string, candidates: readonly string[], count = 3): string[] {
  const wanted = name.toLowerCase();
  return candidates
    .map((candidate) => ({ candidate, far: apart(wanted, candidate.toLowerCase()) }))
    .filter(({ far }) => far <= Math.max(2, wanted.length / 3))
    .sort((a, b) => a.far - b.far)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** "Did you mean ...?", or undefined when nothing is near. */
export function didYouMean(name: string, candidates: readonly string[]): string | undefined {
  const near = nearest(name, candidates);
  return near.length > 0 ? `Did you mean ${near.map((n) => `'${n}'`).join(" or ")}?` : undefined;
}

/** How far apart two words are; next to nothing when one is in the other. */
function apart(a: string, b: string): number {
  return a.length > 2 && b.includes(a) ? (b.length - a.length) / b.length : distance(a, b);
}
