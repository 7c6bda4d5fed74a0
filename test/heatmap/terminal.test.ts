import { expect, test } from "vitest";
import { toAnsi } from "../../src/picture/heatmap/terminal.ts";

const grey = (width: number, ...data: number[]) => ({
  data: Uint8Array.from(data),
  width,
  height: data.length / width,
});

test("one character is two pixels, colours are repeated only where they change", () => {
  expect(toAnsi(grey(3, 1, 1, 3, 2, 2, 4))).toBe("\x1b[38;2;1;1;1;48;2;2;2;2m▀▀\x1b[38;2;3;3;3;48;2;4;4;4m▀\x1b[0m\n");
});

test("the last odd row has no background", () => {
  expect(toAnsi(grey(1, 1, 2, 3))).toBe("\x1b[38;2;1;1;1;48;2;2;2;2m▀\x1b[0m\n\x1b[38;2;3;3;3;49m▀\x1b[0m\n");
});

test("wide pictures are averaged down, narrow ones stay", () => {
  const wide = grey(4, 10, 30, 1, 1, 20, 40, 1, 1, 0, 0, 8, 8, 0, 0, 8, 8);
  expect(toAnsi(wide, { columns: 2 })).toBe("\x1b[38;2;25;25;25;48;2;0;0;0m▀\x1b[38;2;1;1;1;48;2;8;8;8m▀\x1b[0m\n");
  expect(toAnsi(wide, { columns: 99 }).split("\n")).toHaveLength(3);
  expect(toAnsi(grey(2, 1, 3), { columns: 0 })).toBe("\x1b[38;2;2;2;2;49m▀\x1b[0m\n");
});

test("80 characters, unless said otherwise", () => {
  expect(toAnsi({ data: new Uint8Array(81), width: 81, height: 1 })).toBe(
    `\x1b[38;2;0;0;0;49m${"▀".repeat(80)}\x1b[0m\n`,
  );
});

test("a very flat picture keeps a line", () => {
  expect(toAnsi({ data: new Uint8Array(300), width: 100, height: 1 }, { columns: 10 })).toBe(
    `\x1b[38;2;0;0;0;49m${"▀".repeat(10)}\x1b[0m\n`,
  );
});
