import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { LrpError } from "../../src/base/error.ts";
import type { Preparation, presets } from "../../src/picture/image/preparation.ts";
import { preprocess, viewed } from "../../src/picture/image/preprocess.ts";
import { noise } from "./pictures.ts";
import golden from "./resize_golden.json" with { type: "json" };

const dims = (c: number, h: number, w: number) => [1, c, h, w];
const RED_BLUE = { data: Uint8Array.of(255, 51, 0, 0, 102, 204), width: 2, height: 1 };

describe("resizing equals Pillow's in every pixel", () => {
  test.each(golden.exact)("$mode $from to $to", ({ from: [w, h], to: [ow, oh], mode, values }) => {
    const { data } = preprocess(noise(w, h, 3), { resize: "exact" }, dims(mode === "L" ? 1 : 3, oh, ow));
    expect(Array.from(data)).toEqual(values);
  });

  test.each(golden.cropped)(
    "$from: short side to $resize, centre $to",
    ({ from: [w, h], resize, to: [ow, oh], first, sha256 }) => {
      const { data } = preprocess(noise(w, h, 3), { resize, crop: true }, dims(3, oh, ow));
      expect([0, 1, 2].flatMap((k) => Array.from(data.subarray(k * ow * oh, k * ow * oh + 4)))).toEqual(first);
      expect(createHash("sha256").update(Uint8Array.from(data)).digest("hex")).toBe(sha256);
    },
  );
});

describe("presets", () => {
  test.each([
    [[32, 32], 256],
    [[227, 227], 256],
    [[256, 240], 256],
    [[299, 299], 341],
    [[300, 448], 512],
    [[384, "w"], 438],
    [["h", "w"], 256],
  ] as const)("an input of %j is cut from a short side of %i", ([h, w], resize) => {
    const [photo, to] = [noise(50, 40, 3), [1, 3, h, w]];
    expect(preprocess(photo, "caffe", to)).toEqual(
      preprocess(photo, { resize, crop: true, channels: "bgr", mean: [104, 117, 123] }, to),
    );
  });

  test.each([
    ["raw", [255, 0, 51, 102, 0, 204]],
    ["unit", [1, 0, 0.2, 0.4, 0, 0.8]],
    [{ scale: 1 / 127.5, mean: 1 }, [1, -1, -0.6, -0.2, -1, 0.6]],
    [{ channels: "bgr", mean: [104, 117, 123] }, [-104, 100, -66, -15, 132, -123]],
    [{ mean: [1, 2, 3], std: [2, 4, 8] }, [127, -0.5, 12.25, 25, -0.375, 25.125]],
  ] as const)("%j", (preset, expected) => {
    const { data, dims: got } = preprocess(RED_BLUE, preset, dims(3, 1, 2));
    expect(got).toEqual([1, 3, 1, 2]);
    expect(Array.from(data)).toEqual(expected.map((v) => expect.closeTo(v, 4)));
  });

  test("the photo presets crop 224 x 224 from a short side of 256", () => {
    const photo = noise(40, 30, 3);
    const seen = preprocess(photo, { resize: 256, crop: true });
    expect(seen.dims).toEqual([1, 3, 224, 224]);
    const at = 5 * 224 + 7;
    const rgb = [0, 1, 2].map((k) => seen.data[k * 224 * 224 + at]);
    const got = (name: keyof typeof presets) => [0, 1, 2].map((k) => preprocess(photo, name).data[k * 224 * 224 + at]);
    expect(got("caffe")).toEqual([rgb[2] - 104, rgb[1] - 117, rgb[0] - 123]);
    expect(got("mobilenet")).toEqual(rgb.map((v) => Math.fround(v / 127.5 - 1)));
    [0.485, 0.456, 0.406].forEach((mean, k) => {
      expect(got("torchvision")[k]).toBeCloseTo((rgb[k] / 255 - mean) / [0.229, 0.224, 0.225][k], 5);
    });
  });
});

describe("pictures", () => {
  test("grey, grey + alpha, RGB and RGBA are told apart by their length", () => {
    const input = (data: number[], c: number) =>
      Array.from(preprocess({ data: Uint8Array.from(data), width: 1, height: 1 }, {}, dims(c, 1, 1)).data);
    expect(input([7], 1)).toEqual([7]);
    expect(input([7], 3)).toEqual([7, 7, 7]);
    expect(input([7, 255], 3)).toEqual([7, 7, 7]);
    expect(input([10, 20, 30], 3)).toEqual([10, 20, 30]);
    expect(input([10, 20, 30, 255], 3)).toEqual([10, 20, 30]);
    expect(input([255, 0, 0], 1)).toEqual([76]);
    expect(input([10, 20, 30, 0], 3)).toEqual([255, 255, 255]);
    expect(input([0, 51], 1)).toEqual([204]);
  });

  test("what the network sees can be drawn", () => {
    expect(Array.from(viewed(RED_BLUE, "caffe", ["n", 3, "h", "w"]).data.subarray(0, 4))).toEqual([255, 51, 0, 255]);
    expect(viewed(noise(6, 4, 1), { resize: 2, crop: true }, dims(1, 2, 2))).toMatchObject({ width: 2, height: 2 });
  });

  test("free dimensions: batch 1, and the size that resizing gave", () => {
    expect(preprocess(noise(8, 4, 3), { resize: 6 }, ["batch", 3, "height", "width"]).dims).toEqual([1, 3, 6, 12]);
  });
});

describe("errors", () => {
  const fails = (given: unknown, inputDims: readonly (number | string)[] = dims(3, 4, 4), image = noise(4, 4, 3)) => {
    try {
      preprocess(image, given as Preparation, inputDims);
    } catch (error) {
      if (error instanceof LrpError) return error.message;
      throw error;
    }
    throw new Error("expected an error");
  };

  test.each([
    [
      "imagenet",
      'preset: expected one of caffe, torchvision, mobilenet, unit, raw, or an object of fields, got "imagenet".',
    ],
    [
      "constructor",
      'preset: expected one of caffe, torchvision, mobilenet, unit, raw, or an object of fields, got "constructor".',
    ],
    [
      { resize: 1.5 },
      'preset, field \'resize\': expected a number of pixels from 1 to 16384, "imagenet" or "exact", got 1.5.',
    ],
    [
      { resize: 16385 },
      'preset, field \'resize\': expected a number of pixels from 1 to 16384, "imagenet" or "exact", got 16385.',
    ],
    [
      { resize: 0 },
      'preset, field \'resize\': expected a number of pixels from 1 to 16384, "imagenet" or "exact", got 0.',
    ],
    [
      { size: 3 },
      "preset: there is no field 'size'. The fields are resize, crop, channels, scale, mean, std, maxPixels.",
    ],
    [{ std: [1, 0, 1] }, "preset, field 'std': expected a number other than 0, or one for each channel, got [1,0,1]."],
    [{ mean: [1, 2] }, "preset, field 'mean': expected 1 number or 3, as the model has 3 channels, got 2."],
  ])("%j", (given, message) => expect(fails(given)).toBe(message));

  test("a size that does not fit says how to make it fit", () => {
    expect(fails({}, dims(3, 5, 5))).toContain(
      "expected 5 x 5 pixels, the size of the model's input, got 4 x 4. Resize it",
    );
    expect(fails({ resize: 256, crop: true }, dims(3, 299, 299))).toContain(
      "expected 299 x 299 pixels or more, to crop from, the size of the model's input, got 256 x 256 after resizing. " +
        "Resize the short side to 299 or more.",
    );
  });

  test("models that take no pictures, and data that is none", () => {
    expect(fails("raw", [1, 10])).toContain("expected [n, c, h, w] with 1 (grey) or 3 (colour) channels");
    expect(fails("raw", undefined, { data: new Uint8Array(5), width: 1, height: 1 })).toContain(
      "got 5 values for 1 x 1 pixels",
    );
  });
});

describe("no more is made than was asked for", () => {
  const failure = (picture: { width: number; height: number }, given: Preparation, to = dims(1, 224, 224)) => {
    try {
      preprocess({ ...picture, data: new Uint8Array(picture.width * picture.height) }, given, to);
    } catch (error) {
      return error as LrpError;
    }
    throw new Error("nothing was thrown");
  };
  const caffe = { resize: 256, crop: true };

  test.each([
    [{ width: 1, height: 1e6 }, caffe, "256 x 256000000", " after resizing"],
    [{ width: 1e6, height: 1 }, caffe, "256000000 x 256", " after resizing"],
    [{ width: 1, height: 1e6 }, { resize: "exact" }, "224 x 1000000", " after its rows are resized"],
    [{ width: 40, height: 25 }, { ...caffe, maxPixels: 999 }, "40 x 25", ""],
    [{ width: 40, height: 25 }, { ...caffe, maxPixels: 1000 }, "409 x 256", " after resizing"],
  ] as const)("%j under %j", (picture, given, received, made) => {
    const { code, message } = failure(picture, given);
    const most = "maxPixels" in given ? given.maxPixels : 1e8;
    expect([code, message]).toEqual([
      "memory",
      `picture: expected at most ${most} pixels${made}, got ${received}. Make it smaller, or raise maxPixels.`,
    ]);
  });

  test("the part that is cropped is that of the whole, resized", () => {
    const photo = noise(97, 61, 3);
    const whole = preprocess(photo, { resize: 53 }, [1, 3, "h", "w"]);
    const [height, width] = whole.dims.slice(2);
    const [top, left] = [(height - 41) / 2, Math.round((width - 37) / 2)];
    const part = preprocess(photo, { resize: 53, crop: true }, dims(3, 41, 37));
    const expected = Array.from({ length: 3 * 41 * 37 }, (_, i) => {
      const [k, y, x] = [Math.floor(i / (41 * 37)), Math.floor(i / 37) % 41, i % 37];
      return whole.data[(k * height + top + y) * width + left + x];
    });
    expect(Array.from(part.data)).toEqual(expected);
  });

  test("a limit that is none", () =>
    expect(failure({ width: 2, height: 2 }, { maxPixels: 0 }).message).toBe(
      "preset, field 'maxPixels': expected a number of pixels, at least 1, got 0.",
    ));
});
