import { type Point, SIDE, type Stroke } from "./strokes.ts";

/**
 * The ten digits as chains of cubic Bézier curves: start, then (control, control, end) for each curve; x, y in
 * hundredths of the pad.
 */
const chains: readonly (readonly (readonly number[])[])[] = [
  [[50, 12, 28, 13, 24, 36, 24, 52, 24, 72, 33, 88, 49, 88, 68, 88, 76, 70, 76, 49, 76, 30, 68, 12, 50, 12]],
  [[56, 12, 54, 38, 51, 62, 47, 88]],
  [[27, 31, 29, 10, 71, 6, 71, 31, 71, 50, 40, 68, 25, 86, 40, 80, 58, 88, 78, 85]],
  [[27, 24, 35, 11, 59, 8, 61, 23, 63, 36, 49, 45, 36, 48, 52, 45, 67, 53, 64, 68, 60, 87, 33, 94, 20, 82]],
  [
    [33, 13, 31, 30, 28, 42, 25, 53, 42, 57, 58, 55, 78, 52],
    [68, 15, 66, 40, 63, 66, 61, 88],
  ],
  [[72, 13, 60, 15, 49, 15, 37, 15, 35, 26, 33, 36, 31, 45, 50, 37, 74, 46, 71, 67, 68, 89, 38, 92, 23, 80]],
  [[63, 12, 41, 23, 27, 48, 27, 67, 27, 93, 71, 94, 71, 70, 71, 50, 38, 51, 29, 71]],
  [[24, 20, 25, 16, 27, 12, 31, 13, 45, 17, 59, 17, 73, 14, 76, 18, 65, 35, 60, 47, 54, 61, 50, 74, 46, 89]],
  [[66, 26, 66, 8, 30, 9, 32, 31, 36, 47, 70, 54, 70, 72, 68, 94, 28, 93, 30, 73, 32, 53, 66, 46, 66, 26]],
  [[70, 30, 63, 9, 30, 13, 30, 34, 30, 54, 66, 53, 70, 30, 70, 50, 66, 70, 60, 89]],
];
const STEPS = 12;

function traced(chain: readonly number[]): Stroke {
  const at = (i: number): Point => [(chain[2 * i] * SIDE) / 100, (chain[2 * i + 1] * SIDE) / 100];
  const points: Point[] = [at(0)];
  for (let i = 0; 2 * i + 2 < chain.length; i += 3) {
    const [a, b, c, d] = [at(i), at(i + 1), at(i + 2), at(i + 3)];
    for (let step = 1; step <= STEPS; step++) {
      const t = step / STEPS;
      const s = 1 - t;
      const along = (k: 0 | 1) => s ** 3 * a[k] + 3 * s * s * t * b[k] + 3 * s * t * t * c[k] + t ** 3 * d[k];
      points.push([along(0), along(1)]);
    }
  }
  return points;
}

/** Strokes of the digits 0 to 9, for those who do not draw. */
export const digits: readonly (readonly Stroke[])[] = chains.map((strokes) => strokes.map(traced));
