import { LrpError } from "../../base/error.ts";

/** How a picture becomes a network's input. Every field may be left out. */
export interface Preparation {
  /**
   * Length of the short side in pixels, the aspect ratio kept; `"imagenet"` is 256 for inputs up to 256 x 256, and 8/7
   * of the longer side for larger ones (299: 341), as torchvision and timm do; `"exact"` stretches to the model's h x w.
   * Default: not resized.
   */
  readonly resize?: number | "imagenet" | "exact";
  /** Whether the centre of the model's h x w is cut out. Default: false. */
  readonly crop?: boolean;
  /** Order of the colour channels. Default: "rgb". */
  readonly channels?: "rgb" | "bgr";
  /** Factor on the 0..255 values. Default: 1. */
  readonly scale?: number;
  /** Subtracted after `scale`: one number, or one per channel in the order of `channels`. Default: 0. */
  readonly mean?: number | readonly number[];
  /** Divided by at the end: one number, or one per channel in the order of `channels`. Default: 1. */
  readonly std?: number | readonly number[];
  /** The most pixels of the picture, and of what resizing makes of it. Default: 100 million. */
  readonly maxPixels?: number;
}

/** The usual preparations by name: value = (pixel * scale - mean) / std. */
export const presets = Object.freeze({
  caffe: { resize: "imagenet", crop: true, channels: "bgr", mean: [104, 117, 123] },
  torchvision: {
    resize: "imagenet",
    crop: true,
    scale: 1 / 255,
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  mobilenet: { resize: "imagenet", crop: true, scale: 1 / 127.5, mean: 1 },
  unit: { resize: "exact", scale: 1 / 255 },
  raw: { resize: "exact" },
} as const satisfies Record<string, Preparation>);

export type PresetName = keyof typeof presets;

const MAX_SIDE = 16384;
const within = (side: number) => side >= 1 && side <= MAX_SIDE;
const finite = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v);
const oneOrMore = (v: unknown, fits: (x: unknown) => boolean) =>
  Array.isArray(v) ? v.length > 0 && v.every(fits) : fits(v);

const fields: Readonly<Record<keyof Preparation, { expected: string; fits: (v: unknown) => boolean }>> = {
  resize: {
    expected: `a number of pixels from 1 to ${MAX_SIDE}, "imagenet" or "exact"`,
    fits: (v) => v === "imagenet" || v === "exact" || (Number.isInteger(v) && within(v as number)),
  },
  crop: { expected: "true or false", fits: (v) => typeof v === "boolean" },
  channels: { expected: `"rgb" or "bgr"`, fits: (v) => v === "rgb" || v === "bgr" },
  scale: { expected: "a number other than 0", fits: (v) => finite(v) && v !== 0 },
  mean: { expected: "a number, or one for each channel", fits: (v) => oneOrMore(v, finite) },
  std: {
    expected: "a number other than 0, or one for each channel",
    fits: (v) => oneOrMore(v, (x) => finite(x) && x !== 0),
  },
  maxPixels: { expected: "a number of pixels, at least 1", fits: (v) => finite(v) && v >= 1 },
};

/**
 * A preparation from a preset's name or from its fields, checked.
 *
 * @param where how errors name the place it came from
 * @throws LrpError code "usage" when the preset, a field or a value is not known, listing every wrong field.
 */
export function preparation(given: PresetName | Preparation, where = "preset"): Preparation {
  if (typeof given === "string" && Object.hasOwn(presets, given)) return presets[given];
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new LrpError("usage", {
      where,
      expected: `one of ${Object.keys(presets).join(", ")}, or an object of fields`,
      received: quote(given),
    });
  }
  const issues = Object.entries(given).flatMap(([name, value]) => {
    if (!Object.hasOwn(fields, name)) {
      return {
        where,
        problem: `there is no field '${name}'`,
        fix: `The fields are ${Object.keys(fields).join(", ")}.`,
      };
    }
    const { expected, fits } = fields[name as keyof Preparation];
    return value === undefined || fits(value)
      ? []
      : { where: `${where}, field '${name}'`, expected, received: quote(value) };
  });
  if (issues.length > 0) throw new LrpError("usage", issues);
  return given;
}

const quote = (value: unknown) => JSON.stringify(value) ?? String(value);
