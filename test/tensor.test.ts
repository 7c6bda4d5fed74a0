import { describe, expect, it } from "vitest";
import { broadcast, firstNonFinite, isExact, normalizeAxis, shapeText, size, strides } from "../src/base/tensor.ts";

describe("shapes", () => {
  it.each([
    [0, 3, 0],
    [2, 3, 2],
    [3, 3, undefined],
    [-1, 3, 2],
    [-3, 3, 0],
    [-4, 3, undefined],
    [0.5, 3, undefined],
    [-0.5, 3, undefined],
    [Number.NaN, 3, undefined],
    [0, 0, undefined],
  ])("axis %d of rank %d is %s", (axis, rank, counted) => {
    expect(normalizeAxis(axis, rank)).toBe(counted);
  });

  it.each<[number[][], number[] | undefined]>([
    [[], []],
    [[[2, 3]], [2, 3]],
    [
      [[2, 3], [3]],
      [2, 3],
    ],
    [
      [[3], [2, 1], [4, 1, 1]],
      [4, 2, 3],
    ],
    [
      [
        [2, 1],
        [1, 3],
      ],
      [2, 3],
    ],
    [[[2, 3], [2]], undefined],
    [[[2], [3]], undefined],
    [[[1], [0]], [0]],
    [[[], [2]], [2]],
  ])("%j broadcast to %j", (shapes, together) => {
    expect(broadcast(shapes)).toEqual(together);
  });

  it("are walked through with the last axis first", () => {
    expect([size([]), size([2, 3, 4]), size([2, 0])]).toEqual([1, 24, 0]);
    expect([strides([]), strides([5]), strides([2, 3, 4])]).toEqual([[], [1], [12, 4, 1]]);
    expect([shapeText([1, "n"]), shapeText([2], "int64"), shapeText([2], "float32"), shapeText([2], "")]).toEqual([
      "f32[1, n]",
      "int64[2]",
      "f32[2]",
      "[2]",
    ]);
  });
});

describe("numbers", () => {
  it.each([
    [[], -1],
    [[1, -2, 3.5e38], 2],
    [[1, -2, 3e38], -1],
    [[0, Number.NaN, Infinity], 1],
    [[-Infinity, 1], 0],
    [[1, 2, 3, Number.NaN], 3],
  ])("the first of %j that is not finite is at %d", (data, at) => {
    expect(firstNonFinite(Float32Array.from(data))).toBe(at);
  });

  it.each([
    ["float32", 2 ** 25 + 1, true],
    ["int64", 2 ** 24, true],
    ["int64", -(2 ** 24), true],
    ["int64", 2 ** 24 + 1, false],
    ["int32", -(2 ** 24) - 1, false],
  ] as const)("float32 has the %s %d: %s", (type, v, exact) => {
    expect(isExact({ type, dims: [2], data: Float64Array.of(1, v) })).toBe(exact);
  });
});
