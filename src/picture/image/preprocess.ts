import { LrpError } from "../../base/error.ts";
import type { Port } from "../../graph/graph.ts";
import type { Axes } from "../../base/layout.ts";
import { shapeText, type Tensor } from "../../base/tensor.ts";
import { type Picture, type Pixels, type Plane, picture, planes } from "./pixels.ts";
import { type Preparation, type PresetName, preparation } from "./preparation.ts";
import { resize } from "./resize.ts";

/** What a picture is made for: an input of a model, or its dims, [n, c, h, w]. */
export type PictureInput = Port["dims"] | Pick<Port, "dims" | "batchAxis" | "channelAxis">;

const IMAGENET: Port["dims"] = [1, 3, 224, 224];

/**
 * A picture as a network's input, f32[1, c, h, w], or as that input lies: resized, cropped, its channels ordered, and
 * scaled by value = (pixel * scale - mean) / std.
 *
 * Resizing and cropping equal Pillow's and torchvision's pixel by pixel: bilinear with antialiasing, the long side
 * rounded down, the crop's corner rounded half to even. Transparent parts show white; a grey model (c = 1) sees the
 * luma of a colour picture, a colour model sees a grey picture three times. Where h or w is free, the picture keeps
 * the size that resizing gave it.
 *
 * @param image grey, grey + alpha, RGB or RGBA
 * @param preset a name of `presets`, or its fields
 * @param to the model's input, which says where channels are; or dims `[n, c, h, w]`; n is taken as 1
 * @throws LrpError code "usage" when the preparation or the picture is not valid or does not lead to h x w;
 *   code "shape" when the model does not take pictures.
 * @example
 * const input = preprocess({ data, width: 640, height: 480 }, "torchvision", model.inputs[0]);
 * const { output } = model.predict(input);
 */
export function preprocess(image: Pixels, preset: PresetName | Preparation, to: PictureInput = IMAGENET): Tensor {
  const steps = preparation(preset);
  const frame = frameOf(to);
  const seen = visible(image, steps, frame);
  const ordered = steps.channels === "bgr" ? [...seen].reverse() : seen;
  const area = ordered[0].data.length;
  const [{ height, width }] = ordered;
  const sizes = { [frame.c]: ordered.length, [frame.h]: height, [frame.w]: width };
  const dims = frame.dims.map((_, axis) => sizes[axis] ?? 1);
  // What is not channels stands in rows.
  const [channel, pixel] = frame.c > frame.h ? [1, ordered.length] : [area, 1];
  const data = new Float32Array(ordered.length * area);
  const mean = perChannel("mean", steps.mean ?? 0, ordered.length);
  const std = perChannel("std", steps.std ?? 1, ordered.length);
  ordered.forEach((plane, k) => {
    for (let i = 0; i < area; i++) {
      data[k * channel + i * pixel] = (plane.data[i] * (steps.scale ?? 1) - mean[k]) / std[k];
    }
  });
  return { data, dims, ...frame.axes };
}

/**
 * The part of a picture that the network sees, before its channels are ordered and scaled: to draw a heatmap over.
 * Takes the same arguments as `preprocess` and throws the same errors.
 *
 * @example
 * const over = viewed(photo, "caffe", model.inputs[0]);
 * const drawn = heatmap(explanation.relevance, { over, scale: 2 });
 */
export function viewed(image: Pixels, preset: PresetName | Preparation, to: PictureInput = IMAGENET): Picture {
  return picture(visible(image, preparation(preset), frameOf(to)));
}

/** Which axes of an input are channels, rows and columns. */
interface Frame {
  readonly dims: Port["dims"];
  readonly c: number;
  readonly h: number;
  readonly w: number;
  readonly axes: Axes;
}

function frameOf(to: PictureInput): Frame {
  const { dims, ...given } = "dims" in to ? to : { dims: to };
  const { batchAxis, channelAxis } = given as Axes;
  const own = [...dims.keys()].filter((axis) => axis !== (batchAxis === undefined ? 0 : batchAxis));
  const [c, h, w] = channelAxis === "last" ? [own[2], own[0], own[1]] : own;
  if (own.length === 3 && (dims[c] === 1 || dims[c] === 3))
    return {
      dims,
      c,
      h,
      w,
      axes: { ...(batchAxis !== undefined && { batchAxis }), ...(channelAxis && { channelAxis }) },
    };
  throw new LrpError("shape", {
    where: "the model's input",
    expected: "[n, c, h, w] with 1 (grey) or 3 (colour) channels to make it from a picture",
    received: `${shapeText(dims, "")}${channelAxis === "last" ? ", channels last" : ""}`,
    fix:
      "Give the input as numbers instead; or where channels are last, model.inputs[0] in the place of its dims, " +
      "loaded with channelAxis: 'last' if it does not say so.",
  });
}

function visible(image: Pixels, steps: Preparation, { dims, c, h: rows, w: columns }: Frame): Plane[] {
  const [h, w] = [dims[rows], dims[columns]];
  return planes(image, dims[c] as 1 | 3).map((plane) => framed(plane, steps, h, w));
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
