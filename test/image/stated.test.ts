import { describe, expect, test } from "vitest";
import { explainImage, tryPresets } from "../../src/entries/image.ts";
import {
  dense,
  flatten,
  load,
  preprocess,
  presets,
  relu,
  sequential,
  statedPreparation,
} from "../../src/entries/index.ts";
import { field, onnx, utf8 } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { noise } from "./pictures.ts";

/** A network for pictures of that size, whose file says this of itself. */
function saying(
  said: Readonly<Record<string, string>>,
  [c, h, w]: readonly (number | string)[] = [3, 5, 7],
): Uint8Array {
  const file = onnx({
    inputs: { x: [1, c, h, w] },
    outputs: { y: [1, c, h, w] },
    nodes: [{ type: "Relu", inputs: ["x"], outputs: ["y"] }],
  });
  const more = Object.entries(said).flatMap(([key, value]) =>
    field(14, [...field(1, utf8(key)), ...field(2, utf8(value))]),
  );
  return Uint8Array.from([...file, ...more]);
}
const keys = (format: string, range: string) => ({
  "Image.BitmapPixelFormat": format,
  "Image.NominalPixelRange": range,
});

describe("what a file says of its pictures", () => {
  const fit = { resize: 7, crop: true };
  test.each([
    [keys("Rgb8", "NominalRange_0_255"), { ...fit, channels: "rgb" }],
    [keys("Bgr8", "Normalized_0_1"), { ...fit, channels: "bgr", scale: 1 / 255 }],
    [keys("Gray8", "Normalized_1_1"), { ...fit, scale: 1 / 127.5, mean: 1 }],
    [keys("RGB8", "nominalrange_16_235"), { ...fit, channels: "rgb", scale: 219 / 255, mean: -16 }],
    [
      { ...keys("Rgb8", "Normalized_0_1"), "image.colorspacegamma": "sRGB" },
      { ...fit, channels: "rgb", scale: 1 / 255 },
    ],
    [{ "Image.BitmapPixelFormat": "Rgb8" }, undefined],
    [{ "Image.NominalPixelRange": "Normalized_0_1" }, undefined],
    [{ __proto__x: "Rgb8", names: "{0: 'cat'}" }, undefined],
    [{}, undefined],
  ])("%j", async (said, expected) => {
    using model = await load(saying(said));
    expect(new Map(model.metadata)).toEqual(new Map(Object.entries(said)));
    expect(statedPreparation(model)).toEqual(expected);
  });

  test("16 to 235 is where black and white go, and the centre reaches from side to side", async () => {
    using model = await load(saying(keys("Bgr8", "NominalRange_16_235"), [3, 4, 4]));
    const halves = {
      data: Uint8Array.from({ length: 3 * 32 }, (_, i) => (i < 48 ? [0, 255, 51][i % 3] : 9)),
      width: 4,
      height: 8,
    };
    const { data } = preprocess(halves, statedPreparation(model)!, model.inputs[0]);
    const [blue, green, red] = [0, 16, 32].map((at) => data[at]);
    expect([red, green, blue]).toEqual([16, 235, expect.closeTo(16 + 51 * (219 / 255), 4)]);
  });

  test("sides that are free are kept", async () => {
    using model = await load(saying(keys("Rgb8", "Normalized_0_1"), [3, "h", "w"]));
    expect(statedPreparation(model)).toEqual({ channels: "rgb", scale: 1 / 255 });
  });

  test.each([
    [keys("Rgba8", "Normalized_0_1"), "'Image.BitmapPixelFormat': expected gray8, rgb8, bgr8, got 'Rgba8'."],
    [keys("Rgb8", "0..1"), "'Image.NominalPixelRange': expected nominalrange_0_255, normalized_0_1,"],
    [{ ...keys("Rgb8", "Normalized_0_1"), "Image.ColorSpaceGamma": "Linear" }, "expected srgb, got 'Linear'."],
    [keys("constructor", "Normalized_0_1"), "got 'constructor'."],
  ])("%j is refused", async (said, message) => {
    using model = await load(saying(said));
    expect(() => statedPreparation(model)).toThrow(message);
  });

  test("is what explainImage takes, unless it is told otherwise", async () => {
    const said = keys("Bgr8", "Normalized_1_1");
    const [image, target] = [noise(7, 7, 3), { index: [1, 2, 3] }];
    using model = await load(saying(said));
    const { explanation } = await explainImage(model, image, { target });
    const input = preprocess(
      image,
      { resize: 7, crop: true, channels: "bgr", scale: 1 / 127.5, mean: 1 },
      model.inputs[0],
    );
    expect(explanation.relevance).toEqual(model.explain(input, { target }).relevance);
    const other = await explainImage(model, image, { target, preset: "raw" });
    expect(other.explanation.relevance).not.toEqual(explanation.relevance);
    using silent = await load(saying({}));
    await expect(explainImage(silent, image, { target })).rejects.toThrow(
      "option 'preset': it is missing, and the file does not say how pictures are prepared for this model.",
    );
  });
});

describe("what a network says under each preset", () => {
  const [h, w, classes] = [6, 7, 5];
  const weight = { dims: [classes, 3 * h * w], data: numbers(classes * 3 * h * w, 3).map((v) => v / 40) };
  const photo = noise(40, 30, 3);
  const softmax = (scores: Float32Array) => {
    const powers = [...scores].map(Math.exp);
    return powers.map((p) => p / powers.reduce((a, b) => a + b));
  };

  test("is its softmax, and how many bits that is from an even grey; the most come first", async () => {
    using model = await load(sequential({ input: [3, h, w] }, [relu(), flatten(), dense({ weight })]), {
      classes: ["a", "b", "c", "d", "e"],
    });
    const tried = tryPresets(model, photo);
    expect(tried.map(({ preset }) => preset).sort()).toEqual(Object.keys(presets).sort());
    expect(tried.map(({ bits }) => bits)).toEqual(tried.map(({ bits }) => bits).sort((a, b) => b - a));
    const grey = { ...photo, data: new Uint8Array(40 * 30 * 3).fill(128) };
    for (const { preset, index, name, probability, bits } of tried) {
      const [p, g] = [photo, grey].map((one) =>
        softmax(model.predict(preprocess(one, preset, model.inputs[0])).output.data),
      );
      expect([index, name, probability]).toEqual([
        p.indexOf(Math.max(...p)),
        "abcde"[index],
        expect.closeTo(p[index], 6),
      ]);
      expect(bits).toBeCloseTo(
        p.reduce((sum, v, k) => sum + v * Math.log2(v / g[k]), 0),
        4,
      );
    }
  });

  test("an output that is no row of scores is refused, and a network for no pictures", async () => {
    using map = await load(saying({}));
    expect(() => tryPresets(map, photo)).toThrow("the model's output: expected one score for each of several classes");
    using vector = await load(sequential({ input: [4] }, [relu()]));
    expect(() => tryPresets(vector, photo)).toThrow("1 (grey) or 3 (colour) channels");
  });
});
