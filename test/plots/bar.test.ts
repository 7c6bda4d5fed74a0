import { describe, expect, test } from "vitest";
import { type BarPlot, barPlot } from "../../src/picture/plots/index.ts";
import { contents, elements, labels } from "./svg.ts";

const plot = (more: Partial<BarPlot> = {}) =>
  barPlot({
    title: "t",
    value: { label: "v" },
    width: 400,
    reference: 1,
    bars: [
      { name: "a", value: 2, low: 1, high: 3 },
      { name: "b", value: -1 },
    ],
    ...more,
  });
const dark = (svg: string) => elements(svg, "line").filter(({ stroke }) => stroke === "#222222");

describe("a plot of known size: values from 33.68 (-1) to 370 (3), 0 at 117.76", () => {
  const svg = plot();

  test("bars begin at 0 and go either way", () => {
    expect(elements(svg, "rect").slice(1)).toMatchObject([
      { x: "117.76", width: "168.16", y: "60.5", height: "14" },
      { x: "33.68", width: "84.08", y: "85.5", height: "14" },
    ]);
  });

  test("the whisker and its ends", () => {
    expect(dark(svg)).toMatchObject([
      { x1: "201.84", x2: "370", y1: "67.5", y2: "67.5" },
      { x1: "201.84", x2: "201.84", y1: "63.5", y2: "71.5" },
      { x1: "370", x2: "370", y1: "63.5", y2: "71.5" },
    ]);
  });

  test("the reference", () => {
    const [line] = elements(svg, "line").filter((one) => one["stroke-dasharray"]);
    expect(line).toMatchObject({ x1: "201.84", x2: "201.84" });
    expect(contents(svg, "text")).toContain("reference 1");
  });

  test("ticks, names and texts", () => {
    expect(labels(svg, "middle")).toEqual(["−1", "0", "1", "2", "3", "v"]);
    expect(labels(svg, "end")).toEqual(["a", "b"]);
    expect(contents(svg, "desc")).toEqual(["v. a: 2 (1 to 3); b: -1. Reference: 1."]);
    expect(svg).toContain('role="img"');
  });
});

test("0 is on the axis, wherever the values lie", () => {
  const positive = plot({ reference: undefined, bars: [{ name: "a", value: 7 }] });
  expect(labels(positive, "middle")[0]).toBe("0");
  expect(elements(positive, "rect")[1].x).toBe(elements(positive, "line")[0].x1);
  expect(labels(plot({ reference: undefined, bars: [{ name: "a", value: -7 }] }), "middle").at(-2)).toBe("0");
});

test("values on a log axis are dots", () => {
  const svg = plot({
    value: { label: "ms", log: true },
    bars: [
      { name: "a", value: 10 },
      { name: "b", value: 100 },
    ],
    reference: undefined,
  });
  expect(elements(svg, "rect")).toHaveLength(1);
  const [a, b] = elements(svg, "circle").map(({ cx }) => Number(cx));
  expect(b - a).toBeGreaterThan(100);
});

test("long names are wrapped, escaped and whole, and make room for themselves", () => {
  const name = "epsilonGammaBox:low=-1/-2/-3:high=1/2/3:lrn=taylor-uniform:sum=<zPlus>";
  const svg = plot({
    bars: [
      { name, value: 1 },
      { name: "b", value: 2 },
    ],
  });
  const lines = labels(svg, "end");
  expect(lines.length).toBeGreaterThan(3);
  expect(lines.slice(0, -1).join("")).toBe(name.replace("<", "&lt;").replace(">", "&gt;"));
  const [first, second] = elements(svg, "rect").slice(1);
  expect(Number(second.y) - Number(first.y)).toBeGreaterThan(30);
});

describe("refuses", () => {
  test.each<[string, Partial<BarPlot>, string]>([
    ["no bars", { bars: [] }, "option 'bars': expected at least one, got none."],
    [
      "not a number",
      { bars: [{ name: "a", value: Number.NaN }] },
      "bar 'a': expected finite numbers, up to 1e+300, got NaN at position 0.",
    ],
    [
      "half an interval",
      { bars: [{ name: "a", value: 1, high: 2 }] },
      "bar 'a': expected 'low' and 'high' for each value (1), or neither",
    ],
    [
      "a reference that is none",
      { reference: Number.POSITIVE_INFINITY },
      "option 'reference': expected finite numbers",
    ],
    [
      "0 on a log axis",
      { value: { label: "v", log: true }, bars: [{ name: "a", value: 0 }] },
      "bar 'a': expected numbers above 0 on a logarithmic axis",
    ],
  ])("%s", (_, more, message) => {
    expect(() => plot(more)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining(message) }),
    );
  });
});
