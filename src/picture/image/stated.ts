import { LrpError } from "../../base/error.ts";
import type { Model } from "../../model/model.ts";
import type { Preparation } from "./preparation.ts";
import { sidesOf } from "./preprocess.ts";

/** What the pixels are that a file asks for; source: ONNX, docs/MetadataProps.md. Keys and values have no case. */
const FORMATS: Readonly<Record<string, Preparation>> = {
  gray8: {},
  rgb8: { channels: "rgb" },
  bgr8: { channels: "bgr" },
};
const RANGES: Readonly<Record<string, Preparation>> = {
  nominalrange_0_255: {},
  normalized_0_1: { scale: 1 / 255 },
  normalized_1_1: { scale: 1 / 127.5, mean: 1 },
  nominalrange_16_235: { scale: 219 / 255, mean: -16 },
};
const GAMMAS: Readonly<Record<string, Preparation>> = { srgb: {} };

/**
 * How a network's file says that its pictures are prepared: by the keys `Image.BitmapPixelFormat`,
 * `Image.NominalPixelRange` and `Image.ColorSpaceGamma` of its metadata. Of sizes these say nothing: the picture is
 * resized so that the centre that is cut out reaches from side to side.
 *
 * @returns undefined where the file says nothing of it
 * @throws LrpError code "unsupported" where the file asks for what `preprocess` cannot do
 * @example
 * const input = preprocess(photo, statedPreparation(model) ?? "torchvision", model.inputs[0]);
 */
export function statedPreparation({
  metadata,
  inputs: [port],
}: Pick<Model, "metadata" | "inputs">): Preparation | undefined {
  const said = new Map([...metadata].map(([key, value]) => [key.toLowerCase(), value]));
  const look = (key: string, rows: Readonly<Record<string, Preparation>>, otherwise?: string) => {
    const value = said.get(`image.${key.toLowerCase()}`) ?? otherwise;
    if (value === undefined || Object.hasOwn(rows, value.toLowerCase())) return value && rows[value.toLowerCase()];
    throw new LrpError("unsupported", {
      where: `the model's metadata 'Image.${key}'`,
      expected: Object.keys(rows).join(", "),
      received: `'${value}'`,
      fix: "Say how pictures are prepared, by a preset or its fields.",
    });
  };
  const [format, range] = [look("BitmapPixelFormat", FORMATS), look("NominalPixelRange", RANGES)];
  if (!format || !range) return undefined;
  look("ColorSpaceGamma", GAMMAS, "srgb");
  const sides = sidesOf(port).filter((d) => typeof d === "number");
  const fit = sides.length > 0 ? { resize: Math.max(...sides), crop: true } : {};
  return { ...fit, ...format, ...range };
}
