import type { Plane } from "./pixels.ts";

/**
 * A resampling filter: `weight` is 0 beyond `support`, in source pixels when enlarging, in target pixels when
 * shrinking.
 */
interface Filter {
  readonly support: number;
  readonly weight: (distance: number) => number;
}

const filters = {
  triangle: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
} satisfies Record<string, Filter>;

/** For every target position the first source position, and how much each source position from there on counts. */
type Taps = readonly { readonly first: number; readonly weights: Int32Array }[];

/** Pillow's fixed point for 8-bit pictures; with it results are equal to Pillow's to the last bit. */
const ONE = 2 ** 22;

/**
 * A plane at another size, equal to Pillow's `resize` (and torchvision's on Pillow images) in every pixel: the filter
 * grows with the reduction (antialiasing), rows are resampled before columns, and both round to 8 bits.
 *
 * @param filter "triangle" is Pillow's BILINEAR, "box" averages areas.
 */
export function resize(plane: Plane, width: number, height: number, filter: keyof typeof filters = "triangle"): Plane {
  const wide = resample(
    plane.data,
    taps(plane.width, width, filters[filter]),
    plane.height,
    [plane.width, 1],
    [width, 1],
  );
  const data = resample(wide, taps(plane.height, height, filters[filter]), width, [1, width], [1, width]);
  return { data, width, height };
}

function taps(from: number, to: number, { support, weight }: Filter): Taps {
  const ratio = from / to;
  const stretch = Math.max(1, ratio);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * ratio;
    const first = Math.max(0, Math.trunc(centre - support * stretch + 0.5));
    const end = Math.min(from, Math.trunc(centre + support * stretch + 0.5));
    const raw = Array.from({ length: end - first }, (_, k) => weight((first + k - centre + 0.5) / stretch));
    const sum = raw.reduce((total, w) => total + w, 0);
    return { first, weights: Int32Array.from(raw, (w) => Math.trunc((w / sum) * ONE + 0.5)) };
  });
}

/** Resamples `lines` lines; the steps are from line to line and along a line, in elements. */
function resample(
  from: Plane["data"],
  table: Taps,
  lines: number,
  [fromLine, fromStep]: readonly [number, number],
  [toLine, toStep]: readonly [number, number],
): Uint8ClampedArray {
  const out = new Uint8ClampedArray(lines * table.length);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < table.length; i++) {
      const { first, weights } = table[i];
      let sum = ONE / 2;
      for (let k = 0, at = line * fromLine + first * fromStep; k < weights.length; k++, at += fromStep) {
        sum += weights[k] * from[at];
      }
      out[line * toLine + i * toStep] = Math.floor(sum / ONE);
    }
  }
  return out;
}
