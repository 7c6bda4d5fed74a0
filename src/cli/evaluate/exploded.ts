import type { Part } from "./part.ts";

/** A method, and of how many of the images its explanation has exploded. */
export interface Exploded {
  readonly method: string;
  readonly images: number;
  readonly of: number;
}

/** Counts them, part by part. */
export function explosions() {
  const counts = new Map<string, number>();
  return {
    add({ methods }: Part): void {
      for (const { method, amplified } of methods) if (amplified) counts.set(method, (counts.get(method) ?? 0) + 1);
    },
    of: (all: number): Exploded[] => [...counts].map(([method, images]) => ({ method, images, of: all })),
  };
}

export const explodedText = ({ method, images, of }: Exploded): string =>
  `Warning: ${method} has exploded on ${images} of ${of} images: relevance grew more than 1000-fold, so that its maps ` +
  `say nothing, and its numbers measure noise. The composites epsilonPlusFlat and epsilonPlus do not amplify; or give ` +
  `it a larger epsilon.`;
