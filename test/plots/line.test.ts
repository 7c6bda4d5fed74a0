import { describe, expect, it, test } from "vitest";
import { type LinePlot, linePlot, type Series } from "../../src/picture/plots/index.ts";
import { colours, lookOf, LOOKS } from "../../src/picture/plots/style.ts";
import { widthOf } from "../../src/picture/plots/text.ts";
import { contents, elements, labels } from "./svg.ts";

const one = (series: Partial<Series>, plot: Partial<LinePlot> = {}) =>
  linePlot({
    title: "t",
    x: { label: "x" },
    y: { label: "y" },
    series: [{ name: "s", x: [0, 1], y: [0, 1], ...series }],
    ...plot,
  });
const strokes = (svg: string) => elements(svg, "path").filter(({ fill }) => fill === "none");
const markers = (svg: string) => elements(svg, "path").filter(({ transform }) => transform);

describe("a plot of known size: x from 53.4 to 301.12, y from 260 (-1) up to 60 (1)", () => {
  const band = { low: [-0.5, 0.5, -1], high: [0.5, 1, 0] };
  const svg = one(
    { name: "<s>", x: [0, 50, 100], y: [0, 1, -1], ...band },
    { title: 'a < b & "c"', width: 400, height: 200 },
  );

  test("the line, and the band around it", () => {
    expect(strokes(svg)[0].d).toBe("M53.4,160L177.26,60L301.12,260");
    const [area] = elements(svg, "path").filter((path) => path["fill-opacity"] && path.d.endsWith("Z"));
    expect(area).toMatchObject({
      d: "M53.4,110L177.26,60L301.12,160L301.12,260L177.26,110L53.4,210Z",
      "fill-opacity": "0.16",
    });
  });

  test("a marker at each of a few values", () => {
    expect(markers(svg).map(({ transform }) => transform)).toEqual([
      "translate(53.40,160.00)",
      "translate(177.26,60.00)",
      "translate(301.12,260.00)",
      "translate(333.12,67.50)",
    ]);
  });

  test("ticks", () => {
    expect(labels(svg, "end")).toEqual(["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    expect(labels(svg, "middle")).toEqual(["0", "50", "100", "x"]);
    expect(
      elements(svg, "text")
        .filter(({ y }) => y === "277")
        .map(({ x }) => x),
    ).toEqual(["53.4", "177.26", "301.12"]);
  });

  test("is a picture with a name, a description and a background", () => {
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="400" height="311" viewBox="0 0 400 311" role="img" font-family="sans-serif"/,
    );
    expect(contents(svg, "title")).toEqual(["a &lt; b &amp; &quot;c&quot;"]);
    expect(contents(svg, "desc")).toEqual(["y over x. &lt;s&gt;: 0 at 0, …, -1 at 100 (3 values)."]);
    expect(elements(svg, "rect")[0]).toMatchObject({ width: "400", height: "311", fill: "#ffffff" });
  });

  test("the zero line stands out where values have both signs", () => {
    expect(
      elements(svg, "line").filter(({ y1, y2, stroke }) => y1 === "160" && y2 === "160" && stroke === "#888888"),
    ).toHaveLength(1);
  });

  test("the same plot is the same text", () => {
    expect(
      one({ name: "<s>", x: [0, 50, 100], y: [0, 1, -1], ...band }, { title: 'a < b & "c"', width: 400, height: 200 }),
    ).toBe(svg);
  });
});

describe("axes", () => {
  test("log: factors of ten are equally far apart", () => {
    const svg = one(
      { x: [1, 10, 100], y: [0.01, 0.1, 1] },
      { x: { label: "x", log: true }, y: { label: "y", log: true } },
    );
    const [[x0, y0], [x1, y1], [x2, y2]] = [...strokes(svg)[0].d.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    expect([x1 - x0, y0 - y1]).toEqual([expect.closeTo(x2 - x1, 1), expect.closeTo(y1 - y2, 1)]);
    expect(labels(svg, "end")).toEqual(expect.arrayContaining(["0.01", "0.1", "1"]));
  });

  test("large and small numbers are powers of ten, on all ticks", () => {
    expect(labels(one({ y: [0, 2e-5] }), "end")).toEqual(["0", "5e-6", "1e-5", "1.5e-5", "2e-5"]);
    expect(labels(one({ y: [0, 2e6] }, { height: 120 }), "end")).toEqual(["0", "1e+6", "2e+6"]);
    expect(labels(one({ y: [1e-6, 1] }, { y: { label: "y", log: true } }), "end").slice(0, 2)).toEqual([
      "1e-6",
      "1e-5",
    ]);
  });

  test.each([0, 5, -5, 1e-9, 1e16, 1e300])("a constant series lies inside, with ticks that differ: %d", (v) => {
    const svg = one({ y: [v, v] }, { height: 200 });
    const [, from, to] = /^M[\d.]+,([\d.]+)L[\d.]+,([\d.]+)$/.exec(strokes(svg)[0].d) ?? [];
    expect([to, Number(from) > 60, Number(from) < 260]).toEqual([from, true, true]);
    expect(new Set(labels(svg, "end")).size).toBe(labels(svg, "end").length);
    expect(labels(svg, "end").length).toBeGreaterThan(1);
  });

  test("a single point has a marker, and a whisker for its interval", () => {
    const svg = one({ x: [3], y: [-2], low: [-3], high: [-1] }, { height: 200 });
    expect(strokes(svg)).toEqual([]);
    expect(markers(svg)).toHaveLength(2);
    expect(elements(svg, "line").filter(({ stroke }) => stroke === colours[0])).toMatchObject([
      { y1: "260", y2: "60" },
      { y1: "260" },
      { y1: "60" },
    ]);
  });
});

describe("telling lines apart", () => {
  it("no two of 49 look alike", () => {
    const looks = Array.from({ length: LOOKS }, (_, i) => lookOf(i));
    expect(
      new Set(looks.map(({ colour, shape }) => `${colour} ${looks.findIndex((l) => l.shape === shape)}`)).size,
    ).toBe(49);
  });

  it("dashes are the caller's; points marks every value", () => {
    const x = Array.from({ length: 60 }, (_, i) => i);
    expect(strokes(one({ dashed: true }))[0]["stroke-dasharray"]).toBe("6 4");
    expect(strokes(one({}))[0]["stroke-dasharray"]).toBeUndefined();
    expect(markers(one({ x, y: x }))).toHaveLength(6 + 1);
    expect(markers(one({ x, y: x, points: true }))).toHaveLength(60 + 1);
  });
});

describe("names", () => {
  const many = (names: string[], width?: number) =>
    linePlot({
      title: "t",
      x: { label: "x" },
      y: { label: "y" },
      width,
      series: names.map((name) => ({ name, x: [0, 1], y: [0, 1] })),
    });

  test.each([
    ["right", ["a", "b"]],
    ["below, as they are many", Array.from({ length: 30 }, (_, i) => `series ${i}`)],
    ["below, as one is long", ["paperEpsilon:lrn=taylor-uniform:epsilon=0.01:sum=zPlus", "x".repeat(300)]],
  ])("are there in full and inside the picture: %s", (_, names) => {
    const svg = many(names, 480);
    expect(contents(svg, "text").join("")).toContain(names.join(""));
    const height = Number(elements(svg, "rect")[0].height);
    for (const { x, y, content, ...rest } of elements(svg, "text").filter(
      (text) => !text["text-anchor"] && !text["font-weight"],
    )) {
      expect(Number(x) + widthOf(content, 12), JSON.stringify(rest)).toBeLessThanOrEqual(480);
      expect(Number(y)).toBeLessThan(height);
    }
  });

  test("what XML cannot hold is replaced", () => {
    expect(contents(many(["a\u0000\u001b\ud800\uffffb"]), "text")).toContain("a\ufffd\ufffd\ufffd\ufffdb");
  });
});

describe("refuses", () => {
  test.each<[string, Partial<Series>, Partial<LinePlot>, string]>([
    [
      "not a number",
      { y: [0, Number.NaN] },
      {},
      "series 's', y: expected finite numbers, up to 1e+300, got NaN at position 1.",
    ],
    [
      "infinity",
      { x: [Number.POSITIVE_INFINITY, 0] },
      {},
      "series 's', x: expected finite numbers, up to 1e+300, got Infinity at position 0.",
    ],
    [
      "an interval that is none",
      { low: [0, Number.NaN], high: [1, 1] },
      {},
      "series 's', low: expected finite numbers",
    ],
    [
      "half an interval",
      { low: [0, 0] },
      {},
      "series 's': expected 'low' and 'high' for each value (2), or neither, got 2 'low' and no 'high'.",
    ],
    [
      "a crossed interval",
      { low: [0, 2], high: [1, 1] },
      {},
      "series 's': expected 'low' that is not above 'high', got 2 and 1 at position 1.",
    ],
    [
      "lists of different lengths",
      { x: [0] },
      {},
      "series 's': expected the same number of x and y, at least one, got 1 and 2.",
    ],
    [
      "nothing to draw",
      { x: [], y: [] },
      {},
      "series 's': expected the same number of x and y, at least one, got 0 and 0.",
    ],
    [
      "0 on a log axis",
      {},
      { y: { label: "y", log: true } },
      "series 's', y: expected numbers above 0 on a logarithmic axis, got 0 at position 0.",
    ],
    ["no series", {}, { series: [] }, "option 'series': expected 1 to 49 series, so that no two look alike, got 0."],
    [
      "a strange width",
      {},
      { width: 10.5 },
      "option 'width': expected a whole number of pixels from 240 to 4096, got 10.5.",
    ],
  ])("%s", (_, series, plot, message) => {
    expect(() => one(series, plot)).toThrow(
      expect.objectContaining({ code: "usage", message: expect.stringContaining(message) }),
    );
  });
});
