import { checkPixels, MAX_PIXELS, type Plane } from "./pixels.ts";

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

/** A part of a picture, in pixels. */
export interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface Wanted {
  /** "triangle" is Pillow's BILINEAR, "box" averages areas. */
  readonly filter?: keyof typeof filters;
  readonly area?: Area;
  readonly maxPixels?: number;
}

/**
 * A plane at another size, equal to Pillow's `resize` (and torchvision's on Pillow images) in every pixel: the filter
 * grows with the reduction (antialiasing), rows are resampled before columns, and both round to 8 bits.
 *
 * Nothing but what is wanted is made, and how much that is is judged first.
 *
 * @throws LrpError code "memory"
 */
export function resize(plane: Plane, width: number, height: number, wanted: Wanted = {}): Plane {
  const { filter = "triangle", area = { left: 0, top: 0, width, height }, maxPixels = MAX_PIXELS } = wanted;
  checkPixels("picture", area.width, area.height, maxPixels, " after resizing");
  checkPixels("picture", area.width, plane.height, maxPixels, " after its rows are resized");
  const across = taps(plane.width, width, area.left, area.width, filters[filter]);
  const down = taps(plane.height, height, area.top, area.height, filters[filter]);
  const first = down[0].first;
  const end = down.reduce((most, row) => Math.max(most, row.first + row.weights.length), first);
  const rows = plane.data.subarray(first * plane.width, end * plane.width);
  const wide = resample(rows, across, end - first, [plane.width, 1], [area.width, 1]);
  const below = down.map((row) => ({ ...row, first: row.first - first }));
  const data = resample(wide, below, area.width, [1, area.width], [1, area.width]);
  return { data, width: area.width, height: area.height };
}

/** Of so many target positions from `start` on. */
function taps(from: number, to: number, start: number, count: number, { support, weight }: Filter): Taps {
  const ratio = from / to;
  const stretch = Math.max(1, ratio);
  return Array.from({ length: count }, (_, i) => {
    const centre = (start + i + 0.5) * ratio;
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
