import { expect, test } from "vitest";
import { pixelsOf } from "../../src/picture/plots/font.ts";
import { wrap } from "../../src/picture/plots/text.ts";

const byLength = (text: string) => text.length;

test.each([
  ["one two three", 7, ["one two", "three"]],
  ["paperEpsilon:lrn=taylor", 14, ["paperEpsilon:", "lrn=taylor"]],
  ["abcdefghij", 4, ["abcd", "efgh", "ij"]],
  ["", 4, [""]],
  ["ab", 0, ["a", "b"]],
])("'%s' in lines of %d", (text, width, lines) => {
  expect(wrap(text, width, byLength)).toEqual(lines);
});

const drawn = (text: string) => {
  const pixels = pixelsOf(text);
  return Array.from({ length: 9 }, (_, y) =>
    Array.from({ length: 6 * text.length - 1 }, (_, x) =>
      pixels.some((p) => p.x === x && p.y === y) ? "#" : ".",
    ).join(""),
  );
};

test("letters stand on the seventh row and hang below it", () => {
  expect(drawn("Ag")).toEqual([
    ".###.......",
    "#...#......",
    "#...#..####",
    "#####.#...#",
    "#...#.#...#",
    "#...#.#...#",
    "#...#..####",
    "..........#",
    ".......###.",
  ]);
});

test("each printable ASCII character and each Greek letter has a glyph of its own", () => {
  const characters = [...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)), ..."αβγε⁺⁻²"];
  expect(new Set(characters.map((c) => drawn(c).join())).size).toBe(characters.length);
  expect(characters.map((c) => drawn(c).join())).not.toContain(drawn("é").join());
  expect(drawn("é")).toEqual(drawn("漢"));
});
