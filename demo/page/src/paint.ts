import type { Picture } from "relprop";

/** For, and against: seen on white and on black. */
const FOR = [232, 58, 50] as const;
const AGAINST = [52, 120, 246] as const;

/**
 * A heatmap of relprop (blue, white, red) as ink: white becomes transparent, so that any picture can lie under it, and
 * opacity is |relevance| / largest, times the gain where it is not yet full. The strip of a map that has exploded stays
 * black and yellow.
 */
export function inked({ data, width, height }: Picture, gain = 1): Picture {
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 4) {
    const isStrip = data[i + 2] === 0 && (data[i] === 0 || data[i + 1] === 204);
    out.set(isStrip ? data.subarray(i, i + 3) : data[i] === 255 ? FOR : AGAINST, i);
    out[i + 3] = isStrip ? 255 : gain * (255 - data[i + 1]);
  }
  return { data: out, width, height };
}

/** Draws a picture pixel by pixel; small ones stay crisp when they are enlarged. */
export function put(canvas: HTMLCanvasElement, { data, width, height }: Picture): void {
  Object.assign(canvas, { width, height });
  canvas.classList.toggle("crisp", Math.min(width, height) <= 64);
  canvas.getContext("2d")!.putImageData(new ImageData(data, width, height), 0, 0);
}
