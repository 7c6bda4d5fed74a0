import { LrpError } from "../../base/error.ts";
import type { Port } from "../../graph/graph.ts";
import type { Axes } from "../../base/layout.ts";
import { shapeText, type Tensor } from "../../base/tensor.ts";
import {
  channelCount,
  checkPixels,
  MAX_PIXELS,
  type Picture,
  type Pixels,
  type Plane,
  picture,
  planes,
} from "./pixels.ts";
import { type Preparation, type PresetName, preparation } from "./preparation.ts";
import { type Area, resize } from "./resize.ts";

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
 *   code "shape" when the model does not take pictures; code "memory" when the picture, or what resizing would make of
 *   it, has more than `maxPixels`.
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

/** @internal How much of a picture the network sees, from 0 to 1. Takes the same arguments as `preprocess`. */
export function seenShare(image: Pixels, preset: PresetName | Preparation, to: PictureInput): number {
  const { dims, h, w } = frameOf(to);
  const { width, height, area } = placed(image, preparation(preset), dims[h], dims[w]);
  return (area.width * area.height) / (width * height);
}

/** @internal The rows and columns of what a picture is made for. @throws LrpError code "shape" where it is for none */
export function sidesOf(to: PictureInput): (number | string)[] {
  const { dims, h, w } = frameOf(to);
  return [dims[h], dims[w]];
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
    expected: "[n, c, h, w] with 1 (grey) or 3 (colour) channels, to be made from a picture",
    received: `${shapeText(dims, "")}${channelAxis === "last" ? ", channels last" : ""}`,
    fix:
      "Give the input as numbers instead. If its channels are last, pass model.inputs[0] in place of its dims, and " +
      "load the model with channelAxis: 'last' if it does not say so.",
    mentions: [{ text: "channelAxis: 'last'", option: "channelAxis", value: "last" }],
  });
}

function visible(image: Pixels, steps: Preparation, { dims, c, h: rows, w: columns }: Frame): Plane[] {
  const [h, w] = [dims[rows], dims[columns]];
  channelCount(image);
  const { maxPixels = MAX_PIXELS } = steps;
  checkPixels("picture", image.width, image.height, maxPixels);
  const { width, height, area } = placed(image, steps, h, w);
  checkPixels("picture", width, height, maxPixels, " after resizing");
  const whole = [image, area].every((one) => one.width === width && one.height === height);
  return planes(image, dims[c] as 1 | 3).map((plane) =>
    whole ? plane : resize(plane, width, height, { area, maxPixels }),
  );
}

/** The size after resizing, and the part of it that the network sees. */
interface Placed {
  readonly width: number;
  readonly height: number;
  readonly area: Area;
}

function placed(image: Pixels, steps: Preparation, h: number | string, w: number | string): Placed {
  const [width, height] = resizedTo(image, steps.resize, h, w);
  const seen = { width: typeof w === "number" ? w : width, height: typeof h === "number" ? h : height };
  const equal = width === seen.width && height === seen.height;
  const more = steps.crop ? " or more, to crop from" : "";
  if (!equal && !(steps.crop && width >= seen.width && height >= seen.height))
    throw new LrpError("usage", {
      where: "picture",
      expected: `${seen.width} x ${seen.height} pixels${more}, the size of the model's input`,
      received: `${width} x ${height}${steps.resize ? " after resizing" : ""}`,
      fix: steps.crop
        ? `Resize the short side to ${Math.max(seen.width, seen.height)} or more.`
        : `Resize it ("exact" stretches it), crop it, or name a preset.`,
    });
  const [left, top] = [width - seen.width, height - seen.height].map((rest) => roundHalfToEven(rest / 2));
  return { width, height, area: { ...seen, left, top } };
}

function resizedTo(
  { width, height }: Pixels,
  to: Preparation["resize"],
  h: number | string,
  w: number | string,
): readonly [width: number, height: number] {
  if (to === undefined) return [width, height];
  if (to === "exact") return [typeof w === "number" ? w : width, typeof h === "number" ? h : height];
  const short = Math.min(width, height);
  const side = to === "imagenet" ? imagenetSide([h, w].filter((d) => typeof d === "number")) : to;
  return [Math.trunc((side * width) / short), Math.trunc((side * height) / short)];
}

/** The short side from which the centre is cut; source: timm, `crop_pct` of 224 / 256. */
function imagenetSide(seen: readonly number[]): number {
  const longest = Math.max(0, ...seen);
  return longest <= 256 ? 256 : Math.floor((longest * 256) / 224);
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
