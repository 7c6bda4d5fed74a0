/** A place on the pad, in pixels of the network's 28 x 28 input. */
export type Point = readonly [x: number, y: number];
export type Stroke = readonly Point[];

export const SIDE = 28;
/** Radius of the brush. */
export const BRUSH = 1.25;
/** Longest side of the ink. */
const EXTENT = 20;
/** A dot is not blown up to a disc of the whole height. */
const MOST = 3;

/**
 * Strokes as the network was shown its digits: white on black, 20 pixels long, centred by mass, with soft edges.
 *
 * @returns 28 x 28 grey values, row by row from the top
 */
export function ink(strokes: readonly Stroke[]): Uint8Array<ArrayBuffer> {
  if (strokes.length === 0) return new Uint8Array(SIDE * SIDE);
  const place = placement(strokes);
  return paint(strokes.map((stroke) => stroke.map((point) => placed(point, place))));
}

/** Where strokes of the pad come to lie in the network's picture: factor · place + shift. */
export interface Placement {
  readonly factor: number;
  readonly shift: Point;
}

const placed = ([x, y]: Point, { factor, shift }: Placement): Point => [x * factor + shift[0], y * factor + shift[1]];

/** As large as the network's digits, their mass in the middle. */
export function placement(strokes: readonly Stroke[]): Placement {
  const fitted = fit(strokes.flat());
  const [cx, cy] = centreOfMass(paint(strokes.map((stroke) => stroke.map((point) => placed(point, fitted)))));
  const [x, y] = fitted.shift;
  return { factor: fitted.factor, shift: [x + SIDE / 2 - cx, y + SIDE / 2 - cy] };
}

function fit(points: readonly Point[]): Placement {
  const [left, right, top, bottom] = [0, 1].flatMap((k) => {
    const along = points.map((p) => p[k]);
    return [Math.min(...along), Math.max(...along)];
  });
  const factor = Math.min(MOST, (EXTENT - 2 * BRUSH) / Math.max(right - left, bottom - top, 1e-3));
  return { factor, shift: [(SIDE - (left + right) * factor) / 2, (SIDE - (top + bottom) * factor) / 2] };
}

function centreOfMass(grey: Uint8Array): Point {
  let [mass, x, y] = [0, 0, 0];
  grey.forEach((value, i) => {
    mass += value;
    x += value * ((i % SIDE) + 0.5);
    y += value * (Math.floor(i / SIDE) + 0.5);
  });
  return [x / mass, y / mass];
}

function paint(strokes: readonly Stroke[]): Uint8Array<ArrayBuffer> {
  const grey = new Uint8Array(SIDE * SIDE);
  for (const stroke of strokes)
    for (const [i, point] of stroke.entries()) paintLine(grey, stroke[Math.max(0, i - 1)], point);
  return grey;
}

/** Each pixel gets the share of it that the brush covers, as far as the distance of its middle from the line tells. */
function paintLine(grey: Uint8Array, [ax, ay]: Point, [bx, by]: Point): void {
  const reach = BRUSH + 0.5;
  const [first, last] = [
    Math.max(0, Math.floor(Math.min(ay, by) - reach)),
    Math.min(SIDE - 1, Math.ceil(Math.max(ay, by) + reach)),
  ];
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  for (let row = first; row <= last; row++) {
    for (let column = 0; column < SIDE; column++) {
      const [x, y] = [column + 0.5 - ax, row + 0.5 - ay];
      const t = length > 0 ? Math.min(1, Math.max(0, (x * (bx - ax) + y * (by - ay)) / length)) : 0;
      const distance = Math.hypot(x - t * (bx - ax), y - t * (by - ay));
      const covered = Math.round(255 * Math.min(1, Math.max(0, reach - distance)));
      const at = row * SIDE + column;
      if (covered > grey[at]) grey[at] = covered;
    }
  }
}
