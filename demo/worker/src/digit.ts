import { type Pixels, preprocess } from "relprop";
import { Refusal } from "relprop/service";

/** What the network is shown, and which square of the picture that was. */
export interface Digit {
  /** Grey, light on dark, as large as the network's input. */
  readonly pixels: Pixels;
  /** In pixels of the picture, which the square may reach beyond. */
  readonly left: number;
  readonly top: number;
  readonly side: number;
  /** Whether the picture was dark on light. */
  readonly inverted: boolean;
}

interface Plane {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Large pictures are first made so small along their short side: that averages noise away. */
const WORKING = 224;
/** Fainter than this share of the darkest stroke is paper and its shadows; from the other on it is all ink. */
const [PAPER, INK] = [0.3, 0.8];
/**
 * In the pictures that the network was trained with, a digit of 28 x 28 is 20 high or wide, its centre of mass in the
 * middle.
 */
const MARGIN = 28 / 20;
/** Less contrast than this, of 255, is an empty picture. */
const CONTRAST = 24;

/**
 * Finds the digit in a picture of one digit on an even background, and shows it as the network's training pictures do:
 * light on black, of their size, in the middle. A picture of the network's own size is taken as it is, and inverted if
 * it is dark on light.
 *
 * Light and dark are told apart by the background, which is the median of the picture's border.
 *
 * @param size of the network's input, which is square
 * @throws Refusal 422 when the picture is empty
 */
export function digitOf(image: Pixels, size: number): Digit {
  const plane = grey(image);
  const { width, height } = plane;
  const { ink, inverted } = inkOf(plane);
  if (image.width === size && image.height === size)
    return {
      pixels: bytes({ ...plane, data: inverted ? plane.data.map((v) => 255 - v) : plane.data }),
      left: 0,
      top: 0,
      side: size,
      inverted,
    };
  const { x, y, length } = placeOf(ink);
  const side = Math.max(1, Math.round(length * MARGIN));
  const [left, top] = [Math.round(x - side / 2), Math.round(y - side / 2)];
  const square = preprocess(bytes(cut(ink, left, top, side)), { resize: "exact" }, [1, 1, size, size]);
  // Thin strokes pale when they are made smaller.
  const most = square.data.reduce((a, b) => Math.max(a, b));
  const pixels = bytes({ data: square.data.map((v) => (255 * v) / most), width: size, height: size });
  const [across, down] = [image.width / width, image.height / height];
  return {
    pixels,
    left: Math.round(left * across),
    top: Math.round(top * down),
    side: Math.round(side * across),
    inverted,
  };
}

/** Luma over white, 0 to 255. */
function grey(image: Pixels): Plane {
  const steps = Math.min(image.width, image.height) > WORKING ? { resize: WORKING } : {};
  const { data, dims } = preprocess(image, steps, [1, 1, "h", "w"]);
  return { data, width: dims[3], height: dims[2] };
}

/** How much of a stroke each pixel is, 0 to 255. */
function inkOf({ data, width, height }: Plane): { readonly ink: Plane; readonly inverted: boolean } {
  const border = data
    .filter((_, i) => i < width || i >= data.length - width || i % width === 0 || i % width === width - 1)
    .sort();
  const background = border[border.length >> 1];
  const [least, most] = [data.reduce((a, b) => Math.min(a, b)), data.reduce((a, b) => Math.max(a, b))];
  const inverted = background - least > most - background;
  const contrast = inverted ? background - least : most - background;
  if (contrast < CONTRAST)
    throw new Refusal(422, "empty", `picture: expected a digit, got one shade (contrast ${contrast} of 255).`);
  const share = (v: number) => (inverted ? background - v : v - background) / contrast;
  const ink = data.map((v) => 255 * Math.min(1, Math.max(0, (share(v) - PAPER) / (INK - PAPER))));
  return { ink: { data: ink, width, height }, inverted };
}

/** The centre of mass, and the longer side of the box around all ink. */
function placeOf({ data, width }: Plane): { readonly x: number; readonly y: number; readonly length: number } {
  let [mass, x, y, left, right, top, bottom] = [0, 0, 0, Infinity, 0, Infinity, 0];
  data.forEach((v, i) => {
    if (v === 0) return;
    const [column, row] = [i % width, Math.floor(i / width)];
    mass += v;
    x += v * (column + 0.5);
    y += v * (row + 0.5);
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
  });
  return { x: x / mass, y: y / mass, length: 1 + Math.max(right - left, bottom - top) };
}

/** A square of a plane, black where it reaches beyond. */
function cut({ data, width, height }: Plane, left: number, top: number, side: number): Plane {
  const square = new Float32Array(side * side);
  for (let row = Math.max(0, -top); row < Math.min(side, height - top); row++)
    for (let column = Math.max(0, -left); column < Math.min(side, width - left); column++)
      square[row * side + column] = data[(top + row) * width + left + column];
  return { data: square, width: side, height: side };
}

function bytes({ data, width, height }: Plane): Pixels {
  return { data: new Uint8Array(data.map((v) => Math.round(v))), width, height };
}
