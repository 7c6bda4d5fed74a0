import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { heatmap, load, preprocess, viewed } from "../../src/entries/index.ts";
import { decodeImage, drawImage, explainImage } from "../../src/entries/image.ts";
import type { Picture } from "../../src/picture/image/pixels.ts";
import { root } from "../readme.ts";

const file = (name: string) => new Uint8Array(readFileSync(join(root, "demo", name)));
const at = ({ data, width }: Picture, x: number, y: number) =>
  Array.from(data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3));

describe("a photo that is explained", () => {
  test("is what decode, preprocess, explain and heatmap give, drawn beside the photo", async () => {
    using model = await load(file("digits.onnx"), { classes: "0 1 2 3 4 5 6 7 8 9".split(" ") });
    const { explanation, picture, png } = await explainImage(model, file("three.png"), { preset: "unit", target: 3 });
    const pixels = decodeImage(file("three.png"));
    const own = model.explain(preprocess(pixels, "unit", model.inputs[0]), { target: 3 });
    expect(explanation.relevance).toEqual(own.relevance);
    const seen = viewed(pixels, "unit", model.inputs[0]);
    expect(picture).toEqual(drawImage(own, seen));
    expect(decodeImage(png)).toEqual(picture);
    // Two tiles of 8 x 28 pixels with gaps of 12: the digit on the left, the map over it on the right.
    expect(picture.width).toBe(2 * 224 + 3 * 12);
    const over = heatmap(own.relevance, { over: seen, scale: 8 });
    for (const [x, y] of [
      [0, 0],
      [100, 60],
      [223, 223],
      [120, 170],
    ]) {
      const grey = seen.data[4 * (Math.floor(y / 8) * 28 + Math.floor(x / 8))];
      expect(at(picture, 12 + x, 12 + y)).toEqual([grey, grey, grey]);
      expect(at(picture, 12 + 224 + 12 + x, 12 + y)).toEqual(at(over, x, y));
    }
    // The legend's bar goes from blue over white to red.
    const bar = picture.height - 6 - 11 - 4 - 10;
    expect(at(picture, 12, bar)).toEqual([0, 0, 255]);
    expect(at(picture, picture.width - 13, bar)).toEqual([255, 0, 0]);
  });

  test("over the photo, or as the bare map", async () => {
    using model = await load(file("digits.onnx"));
    const options = { preset: "unit", composite: "epsilon", scale: 3, colormap: "seismic" } as const;
    const over = await explainImage(model, file("three.png"), { ...options, layout: "over" });
    expect(over.picture.width).toBe(Math.max(112, 84) + 2 * 12);
    const map = await explainImage(model, decodeImage(file("three.png")), { ...options, layout: "map" });
    expect(map.picture).toEqual(heatmap(map.explanation.relevance, { scale: 3, colormap: "seismic" }));
  });

  test.each([
    ["options that are none", null, /explainImage: expected an object of options, got null/],
    [
      "no preset",
      undefined,
      /option 'preset': it is missing, and the file does not say how pictures are prepared for this model/,
    ],
    [
      "another layout",
      { preset: "unit", layout: "above" },
      /option 'layout': expected one of beside, over, map, got 'above'/,
    ],
    ["an option that is none", { preset: "unit", smoth: 2 }, /there is no option 'smoth'/],
  ])("refused: %s", async (_name, options, says) => {
    using model = await load(file("digits.onnx"));
    await expect(explainImage(model, file("three.png"), options as never)).rejects.toThrow(says);
  });
});
