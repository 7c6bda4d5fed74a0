import type { Part } from "./part.ts";

/** A method, and of how many of the images its explanation has exploded. */
interface Exploded {
  readonly method: string;
  readonly images: number;
  readonly of: number;
}

export function explodedOf(parts: readonly Part[]): Exploded[] {
  const counts = new Map<string, number>();
  for (const { methods } of parts)
    for (const { method, amplified } of methods) if (amplified) counts.set(method, (counts.get(method) ?? 0) + 1);
  return [...counts].map(([method, images]) => ({ method, images, of: parts.length }));
}

export const explodedText = ({ method, images, of }: Exploded): string =>
  `Warning: ${method} has exploded on ${images} of ${of} images: relevance grew more than 1000-fold, so that its maps ` +
  `say nothing, and its numbers measure noise. The composites epsilonPlusFlat and epsilonPlus do not amplify; or give ` +
  `it a larger epsilon.`;
