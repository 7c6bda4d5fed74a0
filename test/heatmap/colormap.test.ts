import { expect, test } from "vitest";
import { LrpError } from "../../src/base/error.ts";
import { colormap, colormaps } from "../../src/picture/heatmap/colormap.ts";

const hex = (name: string, v: number) =>
  colormap(name)(v)
    .map((channel) => Math.round(channel).toString(16).padStart(2, "0"))
    .join("");

test.each([
  ["bwr", "0000ff", "ffffff", "ff0000"],
  ["seismic", "0000d0", "d0d0d0", "d00000"],
  ["coldnhot", "00ffff", "000000", "ffffff"],
  ["hot", "000000", "000000", "ffffff"],
  ["viridis", "440154", "440154", "fde725"],
  ["magma", "000004", "000004", "fcfdbf"],
  ["turbo", "30123b", "30123b", "7a0403"],
  ["RdBu", "67001f", "f7f7f7", "053061"],
  ["RdBu_r", "053061", "f7f7f7", "67001f"],
  ["coolio", "00d0d0", "d0d0d0", "d000d0"],
  ["coleus", "00d000", "d0d0d0", "d000d0"],
  ["france", "0055a4", "ffffff", "ef4135"],
])("%s runs from %s over %s to %s", (name, low, middle, high) => {
  expect([-1, 0, 1].map((v) => hex(name, v))).toEqual([low, middle, high]);
});

test("colours are linear between the nodes", () => {
  expect(colormap("bwr")(-0.25)).toEqual([191.25, 191.25, 255]);
  expect(["0080ff", "800000", "ff8000", "ffff80"]).toEqual([-0.75, 1 / 6, 0.5, 5 / 6].map((v) => hex("coldnhot", v)));
  expect(["ff0000", "ffff00"]).toEqual([1 / 3, 2 / 3].map((v) => hex("hot", v)));
});

test("every name is listed, other names are errors", () => {
  expect(colormaps).toEqual("bwr seismic coldnhot hot coolio coleus france RdBu RdBu_r viridis magma turbo".split(" "));
  expect(() => colormap("jet")).toThrow(
    new LrpError("usage", {
      where: "option 'colormap'",
      expected: `one of ${colormaps.join(", ")}`,
      received: "'jet'",
    }),
  );
  expect(() => colormap("toString")).toThrow(LrpError);
});
