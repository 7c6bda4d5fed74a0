import { LrpError } from "../../base/error.ts";
import type { Port } from "../../graph/graph.ts";
import { shapeText, type Tensor } from "../../base/tensor.ts";
import { type Picture, type Pixels, type Plane, picture, planes } from "./pixels.ts";
import { type Preparation, type PresetName, preparation } from "./preparation.ts";
import { resize } from "./resize.ts";

const IMAGENET: Port["dims"] = [1, 3, 224, 224];

/**
 * A picture as a network's input, f32[1, c, h, w]: resized, cropped, its channels ordered, and scaled by
 * value = (pixel * scale - mean) / std.
 *
 * Resizing and cropping equal Pillow's and torchvision's pixel by pixel: bilinear with antialiasing, the long side
 * rounded down, the crop's corner rounded half to even. Transparent parts show white; a grey model (c = 1) sees the
 * luma of a colour picture, a colour model sees a grey picture three times. Where h or w is free, the picture keeps
 * the size that resizing gave it.
 *
 * @param image grey, grey + alpha, RGB or RGBA
 * @param preset a name of `presets`, or its fields
 * @param dims the model's input, `[n, c, h, w]`; n is taken as 1
 * @throws LrpError code "usage" when the preparation or the picture is not valid or does not lead to h x w;
 *   code "shape" when the model does not take pictures.
 * @example
 * const input = preprocess({ data, width: 640, height: 480 }, "torchvision", model.inputs[0].dims);
 * const { output } = model.predict(input);
 */
export function preprocess(image: Pixels, preset: PresetName | Preparation, dims: Port["dims"] = IMAGENET): Tensor {
  const steps = preparation(preset);
  const seen = visible(image, steps, dims);
  const ordered = steps.channels === "bgr" ? [...seen].reverse() : seen;
  const area = ordered[0].data.length;
  const data = new Float32Array(ordered.length * area);
  const mean = perChannel("mean", steps.mean ?? 0, ordered.length);
  const std = perChannel("std", steps.std ?? 1, ordered.length);
  ordered.forEach((plane, k) => {
    for (let i = 0; i < area; i++) data[k * area + i] = (plane.data[i] * (steps.scale ?? 1) - mean[k]) / std[k];
  });
  return { data, dims: [1, ordered.length, ordered[0].height, ordered[0].width] };
}

/**
 * The part of a picture that the network sees, before its channels are ordered and scaled: to draw a heatmap over.
 * Takes the same arguments as `preprocess` and throws the same errors.
 *
 * @example
 * const over = viewed(photo, "caffe", model.inputs[0].dims);
 * const drawn = heatmap(explanation.relevance, { over, scale: 2 });
 */
export function viewed(image: Pixels, preset: PresetName | Preparation, dims: Port["dims"] = IMAGENET): Picture {
  return picture(visible(image, preparation(preset), dims));
}

function visible(image: Pixels, steps: Preparation, dims: Port["dims"]): Plane[] {
  const [, c, h, w] = dims;
  if (dims.length !== 4 || (c !== 1 && c !== 3)) {
    throw new LrpError("shape", {
      where: "the model's input",
      expected: "[n, c, h, w] with 1 (grey) or 3 (colour) channels to make it from a picture",
      received: shapeText(dims, ""),
      fix: "Give the input as numbers instead.",
    });
  }
  return planes(image, c).map((plane) => framed(plane, steps, h, w));
}

function framed(plane: Plane, steps: Preparation, h: number | string, w: number | string): Plane {
  const resized = resizeTo(plane, steps.resize, h, w);
  const height = typeof h === "number" ? h : resized.height;
  const width = typeof w === "number" ? w : resized.width;
  const equal = resized.width === width && resized.height === height;
  if (equal) return resized;
  if (steps.crop && resized.width >= width && resized.height >= height) return crop(resized, width, height);
  throw new LrpError("usage", {
    where: "picture",
    expected: `${width} x ${height} pixels${steps.crop ? " or more to crop from" : ""}, as the model's input`,
    received: `${resized.width} x ${resized.height}${steps.resize ? " after resizing" : ""}`,
    fix: steps.crop
      ? `Resize the short side to ${Math.max(width, height)} or more.`
      : `Resize it ("exact" stretches), crop it, or name a preset.`,
  });
}

function resizeTo(plane: Plane, to: Preparation["resize"], h: number | string, w: number | string): Plane {
  if (to === undefined) return plane;
  if (to === "exact")
    return resize(plane, typeof w === "number" ? w : plane.width, typeof h === "number" ? h : plane.height);
  const short = Math.min(plane.width, plane.height);
  const side = (length: number) => Math.trunc((to * length) / short);
  return resize(plane, side(plane.width), side(plane.height));
}

function crop(plane: Plane, width: number, height: number): Plane {
  const left = roundHalfToEven((plane.width - width) / 2);
  const top = roundHalfToEven((plane.height - height) / 2);
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    const start = (top + y) * plane.width + left;
    data.set(plane.data.subarray(start, start + width), y * width);
  }
  return { data, width, height };
}

/** As Python's `round`, which torchvision uses: 0.5 becomes 0, 1.5 becomes 2. */
function roundHalfToEven(x: number): number {
  return x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x);
}

function perChannel(name: string, given: number | readonly number[], count: number): readonly number[] {
  if (typeof given === "number") return new Array<number>(count).fill(given);
  if (given.length === 1) return perChannel(name, given[0], count);
  if (given.length === count) return given;
  throw new LrpError("usage", {
    where: `preset, field '${name}'`,
    expected: `1 number${count > 1 ? ` or ${count}` : ""}, as the model has ${count} channel${count > 1 ? "s" : ""}`,
    received: `${given.length}`,
  });
}
