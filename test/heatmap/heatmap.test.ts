import { describe, expect, test } from "vitest";
import { heatmap } from "../../src/picture/heatmap/heatmap.ts";
import type { Picture } from "../../src/picture/image/pixels.ts";

const tensor = (dims: number[], values: number[]) => ({ data: Float32Array.from(values), dims });
const pixels = ({ data }: Picture) =>
  Array.from({ length: data.length / 4 }, (_, i) => Array.from(data.subarray(4 * i, 4 * i + 4)));
const [RED, WHITE, BLUE] = [
  [255, 0, 0, 255],
  [255, 255, 255, 255],
  [0, 0, 255, 255],
];

describe("values", () => {
  test("channels are summed and divided by the largest magnitude", () => {
    const drawn = heatmap(tensor([1, 2, 1, 3], [3, 1, -1, 1, -1, -1]));
    expect(pixels(drawn)).toEqual([RED, WHITE, [128, 128, 255, 255]]);
    expect([drawn.width, drawn.height]).toEqual([3, 1]);
  });

  test("the largest may be against the target", () => {
    expect(pixels(heatmap(tensor([1, 3], [1, -2, 0])))).toEqual([[255, 128, 128, 255], BLUE, WHITE]);
  });

  test("sums are in double precision", () => {
    expect(pixels(heatmap(tensor([1, 3, 1, 2], [1e8, 0, 1, 1, -1e8, 0])))).toEqual([RED, RED]);
  });

  test("no relevance at all is the middle colour", () => {
    expect(pixels(heatmap(tensor([1, 1, 1, 2], [0, -0])))).toEqual([WHITE, WHITE]);
    expect(pixels(heatmap(tensor([1, 1], [0]), { colormap: "seismic" }))).toEqual([[208, 208, 208, 255]]);
  });

  test("each sample by its own largest magnitude", () => {
    const two = tensor([2, 1, 1, 2], [1, -1, 8, 0]);
    expect(pixels(heatmap(two))).toEqual([RED, BLUE]);
    expect(pixels(heatmap(two, { sample: 1 }))).toEqual([RED, WHITE]);
  });

  test("signals and features are rows", () => {
    const two = tensor([1, 2, 3], [1, 2, 3, 4, 5, 6]);
    expect(heatmap({ ...two, channelAxis: "first" })).toMatchObject({ width: 3, height: 1 });
    expect(heatmap({ ...two, channelAxis: "last" })).toMatchObject({ width: 2, height: 1 });
    expect(heatmap(two)).toMatchObject({ width: 3, height: 2 });
    expect(pixels(heatmap(tensor([1, 3], [-2, 0, 2])))).toEqual([BLUE, WHITE, RED]);
  });

  test("the smallest numbers still have a sign", () => {
    expect(pixels(heatmap(tensor([1, 2], [1e-45, -1e-45])))).toEqual([RED, BLUE]);
  });
});

test("scale repeats pixels", () => {
  const drawn = heatmap(tensor([1, 1, 1, 2], [1, -1]), { scale: 3 });
  expect([drawn.width, drawn.height]).toEqual([6, 3]);
  expect(pixels(drawn)).toEqual([1, 2, 3].flatMap(() => [RED, RED, RED, BLUE, BLUE, BLUE]));
});

describe("over a picture", () => {
  const grey = (...data: number[]) => ({ data: Uint8Array.from(data), width: data.length, height: 1 });

  test("the picture, pale, where nothing is relevant; the map's colours where most is", () => {
    const drawn = pixels(heatmap(tensor([1, 4], [0, 0, 4, -4]), { over: grey(0, 255, 0, 90) }));
    expect(drawn).toEqual([[153, 153, 153, 255], WHITE, RED, BLUE]);
  });

  test("maps with a black middle darken the picture instead", () => {
    const drawn = pixels(heatmap(tensor([1, 3], [0, 0, 1]), { over: grey(0, 255, 255), colormap: "coldnhot" }));
    expect(drawn).toEqual([[0, 0, 0, 255], [102, 102, 102, 255], WHITE]);
  });

  test("between, in proportion", () => {
    expect(pixels(heatmap(tensor([1, 2], [1, 4]), { over: grey(55, 55) }))[0]).toEqual([195, 131, 131, 255]);
  });

  test("the picture takes the heatmap's size", () => {
    const over = { data: new Uint8Array(5 * 7 * 4).fill(255), width: 5, height: 7 };
    expect(pixels(heatmap(tensor([1, 1, 2, 3], [0, 0, 0, 0, 0, 0]), { over, scale: 2 }))).toEqual(
      new Array(24).fill(WHITE),
    );
  });
});

describe("errors", () => {
  const one = tensor([1, 1, 1, 2], [1, 2]);

  test.each([
    [
      () => heatmap(tensor([2], [1, 2])),
      "heatmap: expected relevance of the shape f32[n, c, h, w], f32[n, h, w] or f32[n, f], got f32[2] with 2 values.",
    ],
    [() => heatmap(tensor([1, 3], [1, 2])), "got f32[1, 3] with 2 values."],
    [() => heatmap(tensor([1, 2], [1, Number.NaN])), "heatmap: expected finite relevance, got NaN at position 1."],
    [() => heatmap(tensor([1, 2], [Number.NEGATIVE_INFINITY, 0])), "got -Infinity at position 0."],
    [() => heatmap(one, { sample: 1 }), "option 'sample': expected an integer from 0 to 0, got 1."],
    [() => heatmap(one, { scale: 1.5 }), "option 'scale': expected an integer from 1 to 5792, got 1.5."],
    [() => heatmap(one, { colormap: "jet" }), "option 'colormap': expected one of bwr"],
    [() => heatmap(one, { over: { data: new Uint8Array(7), width: 1, height: 1 } }), "picture: expected 1 (grey)"],
  ])("%#", (call, message) => expect(call).toThrow(message));
});
