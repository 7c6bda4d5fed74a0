import { describe, expect, test } from "vitest";
import type { Pixels } from "../../src/picture/image/pixels.ts";
import { contactSheet } from "../../src/picture/plots/index.ts";

const plain = (width: number, height: number, colour: number[]): Pixels => ({
  data: Uint8Array.from({ length: colour.length * width * height }, (_, i) => colour[i % colour.length]),
  width,
  height,
});
const [RED, BLUE] = [
  [255, 0, 0, 255],
  [0, 0, 255, 255],
];
const at = ({ data, width }: Pixels, x: number, y: number) => [
  ...data.subarray(4 * (y * width + x), 4 * (y * width + x) + 4),
];

describe("two pictures of 112 x 112, side by side in gaps of 12", () => {
  const sheet = contactSheet([
    { label: "I", picture: plain(112, 112, RED) },
    { label: "", picture: plain(112, 112, BLUE) },
  ]);

  test("size: 2 tiles and 3 gaps; half a gap and a line of 11 below", () => {
    expect([sheet.width, sheet.height, sheet.data.length]).toEqual([260, 12 + 112 + 6 + 11 + 12, 4 * 260 * 153]);
  });

  test("pictures, frames, background", () => {
    expect([at(sheet, 12, 12), at(sheet, 123, 123)]).toEqual([RED, RED]);
    expect([at(sheet, 136, 12), at(sheet, 247, 123)]).toEqual([BLUE, BLUE]);
    for (const [x, y] of [
      [11, 11],
      [124, 60],
      [60, 124],
      [248, 124],
    ])
      expect(at(sheet, x, y)).toEqual([200, 200, 200, 255]);
    for (const [x, y] of [
      [0, 0],
      [10, 60],
      [130, 60],
      [259, 152],
    ])
      expect(at(sheet, x, y)).toEqual([255, 255, 255, 255]);
  });

  test("the label, centred: an I of 5 x 7 at (65, 130)", () => {
    const ink = [...Array(260 * 29).keys()]
      .map((i) => [i % 260, 124 + 1 + Math.floor(i / 260)])
      .filter(([x, y]) => at(sheet, x, y)[0] === 34);
    const i = [1, 2, 3].flatMap((x) => [
      [65 + x, 130],
      [65 + x, 136],
    ]);
    const stem = [131, 132, 133, 134, 135].map((y) => [67, y]);
    expect(ink.map(String).sort()).toEqual([...i, ...stem].map(String).sort());
  });
});

test("small pictures are enlarged by a whole factor, and centred in their cell", () => {
  const corner = plain(28, 14, [0]);
  const sheet = contactSheet([
    { label: "a", picture: { ...corner, data: corner.data.map((_, i) => (i === 0 ? 255 : 0)) } },
    { label: "b", picture: plain(14, 14, RED.slice(0, 3)) },
  ]);
  expect(sheet.width).toBe(260);
  expect([at(sheet, 12, 12), at(sheet, 15, 15), at(sheet, 16, 12), at(sheet, 12, 16)].map(([r]) => r)).toEqual([
    255, 255, 0, 0,
  ]);
  expect([at(sheet, 136, 30), at(sheet, 164, 30), at(sheet, 219, 30), at(sheet, 220, 30)].map(([, g]) => g)).toEqual([
    255, 0, 0, 200,
  ]);
});

test("columns, rows, and a title above", () => {
  const tiles = Array.from({ length: 5 }, () => ({ label: "x", picture: plain(112, 50, RED) }));
  expect([contactSheet(tiles), contactSheet(tiles, { columns: 9 })].map(({ width }) => width)).toEqual([
    3 * 124 + 12,
    5 * 124 + 12,
  ]);
  const [without, above] = [contactSheet(tiles, { columns: 1 }), contactSheet(tiles, { columns: 1, title: "t" })];
  expect([without.height, above.height]).toEqual([12 + 5 * 79, 12 + 11 + 6 + 5 * 79]);
  expect([at(without, 12, 12), at(above, 12, 29)]).toEqual([RED, RED]);
});

test("long labels are wrapped: their row is higher, the others are not", () => {
  const tiles = ["a", "b", "epsilonAlpha2Beta1Flat", "d"].map((label) => ({ label, picture: plain(224, 224, RED) }));
  expect(contactSheet(tiles).height).toBe(12 + (224 + 6 + 22 + 12) + (224 + 6 + 44 + 12));
});

test("transparent parts are white", () => {
  expect(at(contactSheet([{ label: "", picture: plain(112, 1, [255, 0, 0, 0]) }]), 12, 12)).toEqual([
    255, 255, 255, 255,
  ]);
});

describe("refuses", () => {
  const tile = { label: "a", picture: plain(2, 2, RED) };
  test.each<[string, () => unknown, string]>([
    ["no tiles", () => contactSheet([]), "option 'tiles': expected at least one, got none."],
    [
      "no columns",
      () => contactSheet([tile], { columns: 0 }),
      "option 'columns': expected a whole number from 1 on, got 0.",
    ],
    [
      "half columns",
      () => contactSheet([tile, tile], { columns: 1.5 }),
      "option 'columns': expected a whole number from 1 on, got 1.5.",
    ],
    ["columns that are none", () => contactSheet([tile, tile], { columns: Number.NaN }), "option 'columns'"],
    [
      "other pixels",
      () => contactSheet([{ label: "a", picture: { ...tile.picture, height: 3 } }]),
      "16 values for 2 x 3 pixels",
    ],
    [
      "too many",
      () => contactSheet([{ label: "a", picture: { data: new Uint8Array(0), width: 9e4, height: 1e3 } }]),
      "a sheet of at most",
    ],
  ])("%s", (_, make, message) => {
    expect(make).toThrow(expect.objectContaining({ code: "usage", message: expect.stringContaining(message) }));
  });
});
