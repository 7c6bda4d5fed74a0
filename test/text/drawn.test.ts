import { describe, expect, it, test } from "vitest";
import { inSight } from "../../src/picture/text/direction.ts";
import { cellsOf } from "../../src/picture/text/width.ts";
import { type TextRelevance, textAnsi, textHtml, textSvg, textTable } from "../../src/picture/text/index.ts";
import { colormap, colormaps } from "../../src/picture/heatmap/colormap.ts";
import { contents, elements } from "../plots/svg.ts";

const text: TextRelevance = {
  tokens: ["[CLS]", "good", "not", "so", "[SEP]"],
  relevance: [9, 2, -1, 0, -9],
  special: [true, false, false, false, true],
  target: "positive",
  score: 1.5,
};

/** What colours a terminal. */
const ESCAPE = "\x1b";
const STYLES = new RegExp(`${ESCAPE}\\[[\\d;]*m`, "g");

/** Background and letters of each word, as HTML says them. */
const marks = (page: string) =>
  [...page.matchAll(/<mark style="([^"]*)" title="([^"]*)">([^<]*)<\/mark>/g)].map(([, style, title, word]) => ({
    back: /background:(#\w+)/.exec(style)?.[1],
    ink: /^color:(#\w+)/.exec(style)?.[1],
    title,
    word,
  }));

describe("HTML", () => {
  it("has a colour for each word on one scale, without special tokens, and says what is explained", () => {
    const page = textHtml(text);
    expect(marks(page)).toEqual([
      { word: "[CLS]", title: "9, special, not in the scale", back: undefined, ink: "#555" },
      { word: "good", title: "2", back: "#ff0000", ink: "#000000" },
      { word: "not", title: "−1", back: "#8080ff", ink: "#000000" },
      { word: "so", title: "0", back: "#ffffff", ink: "#000000" },
      { word: "[SEP]", title: "−9, special, not in the scale", back: undefined, ink: "#555" },
    ]);
    const said = page.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
    expect(said).toContain("−2 against for 2");
    expect(said).toContain("target positive score 1.5 sum of relevance 1, of which 0 in special tokens");
  });

  it("says what the whole sum has beside the text", () => {
    const said = textHtml({ tokens: ["a"], relevance: [1], sum: 3 }).replace(/<[^>]*>/g, " ");
    expect(said).toContain("3, of which 1 in the text");
  });

  it("escapes all that a text can say, and cleans what steers", () => {
    const evil = `<img src=x onerror="alert('1')">&`;
    const page = textHtml({
      tokens: [evil, "\x1b[2J", "\u202eab", "\u2066"],
      relevance: [1, 1, 1, 1],
      target: evil,
      warning: evil,
    });
    for (const bad of ["<img", "\x1b", "\u202e", "\u2066", 'onerror="']) expect(page).not.toContain(bad);
    expect(page.match(/&lt;img src=x onerror=&quot;alert\(&#39;1&#39;\)&quot;&gt;&amp;/g)?.length).toBe(3);
  });

  it("draws what has no form, and a mark without its letter", () => {
    const tokens = ["\n", "  ", "\t", "", "\u0301", "a\nb"];
    expect(marks(textHtml({ tokens, relevance: tokens.map(() => 0) })).map(({ word }) => word)).toEqual([
      "↵",
      "␣␣",
      "⇥",
      "∅",
      "◌\u0301",
      "a↵b",
    ]);
  });

  it("goes from right to left if the first letter that is no special token's does", () => {
    const of = (...tokens: string[]) =>
      /<p dir="(\w+)"/.exec(
        textHtml({ tokens, relevance: tokens.map(() => 0), special: tokens.map((t) => t[0] === "[") }),
      )![1];
    expect([of("[CLS]", "12", "שלום", "ok"), of("ok", "שלום"), of("مرحبا"), of("12")]).toEqual([
      "rtl",
      "ltr",
      "rtl",
      "ltr",
    ]);
  });

  it("has letters of enough contrast on every colour of every map", () => {
    const light = (hex: string) => {
      const [r, g, b] = [1, 3, 5]
        .map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const relevance = Array.from({ length: 101 }, (_, i) => i / 50 - 1);
    for (const name of colormaps) {
      const found = marks(textHtml({ tokens: relevance.map(String), relevance }, { colormap: name }));
      expect(found.length).toBe(101);
      for (const { back, ink } of found) {
        const [a, b] = [light(back!), light(ink!)].sort((x, y) => x - y);
        expect((b + 0.05) / (a + 0.05), `${back} ${ink}`).toBeGreaterThan(4.5);
      }
    }
  });

  it("is a whole page if asked", () => {
    expect(textHtml(text, { page: true })).toMatch(
      /^<!doctype html>\n<html lang="en">[\s\S]*<title>[\s\S]*<\/html>\n$/,
    );
    expect(textHtml(text)).toMatch(/^<figure [\s\S]*<\/figure>\n$/);
  });

  it("puts several texts on one scale", () => {
    const table = textTable([text, { tokens: ["x"], relevance: [-4], label: "negative" }]);
    expect(marks(table).map(({ back }) => back)).toEqual([
      undefined,
      "#ff8080",
      "#bfbfff",
      "#ffffff",
      undefined,
      "#0000ff",
    ]);
    expect([...table.matchAll(/<th scope="col"[^>]*>([^<]*)</g)].map(([, head]) => head)).toEqual([
      "label",
      "target",
      "score",
      "sum of relevance",
      "words",
    ]);
    expect(table.match(/<tr>/g)?.length).toBe(3);
  });
});

describe("SVG", () => {
  it("has every word on its colour, in lines of the picture's width", () => {
    const tokens = Array.from({ length: 60 }, (_, i) => `word${i}`);
    const svg = textSvg({ tokens, relevance: tokens.map((_, i) => i - 30) }, { width: 400 });
    const drawn = elements(svg, "rect").filter(({ rx }) => rx);
    expect(drawn.length).toBe(60);
    for (const { x, width } of drawn) expect(Number(x) + Number(width)).toBeLessThanOrEqual(384);
    expect(drawn[0].fill).toBe(`rgb(${colormap("bwr")(-1).join(",")})`);
    expect(contents(svg, "text").slice(0, 60)).toEqual(tokens);
    expect(contents(svg, "desc")[0]).toMatch(/^word0 −30; word1 −29; /);
    const rows = new Set(drawn.map(({ y }) => y));
    expect(Number(elements(svg, "svg").length)).toBeLessThanOrEqual(1);
    expect(rows.size).toBeGreaterThan(5);
  });

  it("escapes, warns, and lets nothing overlap", () => {
    const svg = textSvg({
      tokens: ["<b>", "x".repeat(300), "नमस्ते"],
      relevance: [1, 1, 1],
      warning: "Warning: exploded",
    });
    expect(svg).not.toContain("<b>");
    expect(contents(svg, "text")[0]).toBe("Warning: exploded");
    const long = elements(svg, "text").find(({ content }) => content.startsWith("xxx"))!;
    expect(Number(long.textLength)).toBeLessThanOrEqual(688);
  });

  it("stands from the right where the text does", () => {
    const svg = textSvg({ tokens: ["שלום", "abc", "def", "עולם"], relevance: [1, 1, 1, 1] });
    const at = Object.fromEntries(elements(svg, "text").map(({ content, x }) => [content, Number(x)]));
    expect(at.שלום).toBeGreaterThan(at.def);
    expect(at.def).toBeGreaterThan(at.abc);
    expect(at.abc).toBeGreaterThan(at.עולם);
    expect(elements(svg, "text").find(({ content }) => content === "שלום")!.direction).toBe("rtl");
  });
});

test.each<[string, string, readonly number[]]>([
  ["llrrl", "ltr", [0, 1, 3, 2, 4]],
  ["llrrl", "rtl", [4, 3, 2, 0, 1]],
  // Between two of one direction a number goes with them, else with the text.
  ["r.r", "ltr", [2, 1, 0]],
  ["l.r", "ltr", [0, 1, 2]],
  ["l.r", "rtl", [2, 1, 0]],
  ["...", "rtl", [2, 1, 0]],
  // Digits go on as the letters before them.
  ["ld.", "rtl", [2, 0, 1]],
  ["rdl", "ltr", [1, 0, 2]],
  ["dd", "rtl", [1, 0]],
])("words %s in a text of %s stand in this order", (words, base, order) => {
  const sides = [...words].map((c) => (({ l: "ltr", r: "rtl", d: "digits" }) as const)[c as "l" | "r" | "d"]);
  expect(inSight(sides, base as "ltr" | "rtl")).toEqual(order);
});

describe("a terminal", () => {
  it("gets colours, the legend, and nothing that steers it but these", () => {
    const drawn = textAnsi({ ...text, tokens: ["[CLS]", "\x1b[2J", "not", "so", "[SEP]"] });
    const [line, legend, ...facts] = drawn.split("\n");
    expect(line).toBe(
      "\x1b[4m[CLS]\x1b[0m \x1b[48;2;255;0;0;38;2;0;0;0m\ufffd[2J\x1b[0m \x1b[48;2;128;128;255;38;2;0;0;0mnot\x1b[0m " +
        "\x1b[48;2;255;255;255;38;2;0;0;0mso\x1b[0m \x1b[4m[SEP]\x1b[0m",
    );
    expect(legend.replace(STYLES, "")).toMatch(/^−2 against {26}for 2$/);
    expect(facts).toEqual(["target: positive", "score: 1.5", "sum of relevance: 1, of which 0 in special tokens", ""]);
  });

  it("breaks lines between words", () => {
    const drawn = textAnsi({ tokens: ["世界", "e\u0301e\u0301", "abc"], relevance: [1, 1, 1] }, { columns: 8 });
    const plain = drawn.replace(STYLES, "").split("\n");
    expect(plain.slice(0, 2)).toEqual(["世界 e\u0301e\u0301", "abc"]);
    expect(["世界", "e\u0301", "👩‍🚀", "abc"].map(cellsOf)).toEqual([4, 1, 2, 3]);
  });
});

describe("what cannot be drawn", () => {
  const one = { tokens: ["a"], relevance: [1] };
  test.each<[() => unknown, string]>([
    [() => textHtml({ tokens: [], relevance: [] }), "option 'tokens': expected at least one, got none."],
    [() => textTable([]), "option 'texts': expected at least one, got none."],
    [() => textSvg({ ...one, score: Number.NaN }), "option 'score': expected a finite number, got NaN."],
    [() => textAnsi({ ...one, target: 3 as never }), "option 'target': it is a text, such as the name of a class."],
    [() => textHtml(one, { colormap: "rainbow" }), "option 'colormap': expected one of bwr"],
    [() => textSvg(one, { width: 10 }), "option 'width': expected a whole number of pixels from 240 to 4096, got 10."],
    [
      () => textHtml({ tokens: ["a"], relevance: [Number.POSITIVE_INFINITY] }),
      "option 'relevance': expected finite numbers",
    ],
  ])("%#", (call, message) => {
    expect(call).toThrow(message);
  });
});
