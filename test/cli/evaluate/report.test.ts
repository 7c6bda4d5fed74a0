import { describe, expect, it } from "vitest";
import { type Part, pictureFile, type Settings } from "../../../src/cli/evaluate/part.ts";
import { probability } from "../../../src/cli/evaluate/page-text.ts";
import { part, parts, settings } from "./parts.ts";
import { written } from "./written.ts";

const file = async (name: string, of: readonly Part[] = parts, how: Settings = settings) =>
  (await written(how, of)).get(name)!;

/** No metric has curves. */
const bare = parts.map((p) => ({ ...p, replaced: undefined, methods: p.methods.map((m) => ({ ...m, curves: {} })) }));

describe("files", () => {
  it("results.csv", async () => {
    expect((await file("results.csv")).split("\n").slice(0, 5)).toEqual([
      "image,name,label,predicted,method,morf,gini",
      "0,#0,0,0,first,1,0.4",
      "0,#0,0,0,second:lrn=taylor,2,0.3",
      "1,#1,0,1,first,3,0.5",
      "1,#1,0,1,second:lrn=taylor,4,",
    ]);
  });

  it("curves.csv", async () => {
    const lines = (await file("curves.csv")).split("\n");
    expect(lines.slice(0, 5)).toEqual([
      "image,method,order,replaced,score",
      "0,first,morf,0,0",
      "0,first,morf,4,-1",
      "0,second:lrn=taylor,morf,0,0",
      "0,second:lrn=taylor,morf,4,-2",
    ]);
    const random = [
      "0,,random,0,0",
      "0,,random,4,0",
      "1,,random,0,1",
      "1,,random,4,1",
      "4,,random,0,4",
      "4,,random,4,4",
    ];
    expect(lines.filter((line) => line.includes("random"))).toEqual(random);
  });

  it("summary.csv", async () => {
    const [head, first, second] = (await file("summary.csv")).split("\n");
    expect(head).toBe(
      "method,metric,n,mean,low,high,undefined,difference,differenceN,differenceLow,differenceHigh,p,pHolm",
    );
    expect(first).toMatch(/^first,morf,3,2,-0\.48[\d]+,4\.48[\d]+,0,,,,,,$/);
    expect(second).toMatch(/^second:lrn=taylor,morf,3,3,[\d.]+,[\d.]+,0,1,3,1,1,0.25,0.5$/);
  });

  it("results.json has everything", async () => {
    const found = JSON.parse(await file("results.json"));
    expect(found.settings).toEqual(settings);
    expect(found.images).toEqual(parts);
    expect(found.summary.metrics[0].methods[1].difference).toEqual({
      n: 3,
      mean: 1,
      low: 1,
      high: 1,
      p: 0.25,
      holm: 0.5,
    });
  });

  it("no curves, no curves.csv", async () => {
    const names = [
      "results.csv",
      "summary.csv",
      "results.json",
      "report.html",
      "plots/metric-morf.svg",
      "plots/metric-gini.svg",
    ];
    expect([...(await written(settings, bare)).keys()]).toEqual(names);
    expect(await file("report.html", bare)).not.toContain("curves.csv");
  });

  it("curves that have no mean are in curves.csv alone", async () => {
    const some = [parts[0], { ...parts[1], replaced: [0, 5] }];
    expect([...(await written(settings, some)).keys()].filter((name) => name.includes("curve"))).toEqual([
      "curves.csv",
    ]);
    expect(await file("report.html", some)).toContain("there is no mean curve");
  });

  it("a metric without a value has no plot", async () => {
    const some = [0, 1].map((i) => part(i, [{ gini: null }, { gini: null }]));
    const files = await written({ ...settings, metrics: ["gini"] }, some);
    expect(files.get("summary.csv")).toContain("second:lrn=taylor,gini,0,,,,2,,0,,,,\n");
    expect(files.has("plots/metric-gini.svg")).toBe(false);
    expect(files.get("report.html")).toContain("undefined for every method and image");
  });
});

const hostile = `<script>alert(1)</script>" onerror="alert(2)' & <img src=x>`;
const evil: Settings = {
  ...settings,
  relprop: hostile,
  command: hostile,
  node: hostile,
  target: hostile,
  model: { file: hostile, sha256: hostile },
  data: { ...settings.data, path: hostile, kind: hostile, sha256: hostile },
  methods: [hostile, `${hostile}2`],
  perturbation: { [hostile]: hostile, replacement: { kind: hostile } },
  options: { [hostile]: { deeper: hostile } },
};
const evilParts = parts.map((p) => ({
  ...p,
  name: hostile,
  label: { index: 0, name: hostile },
  predicted: { ...p.predicted, name: hostile },
  methods: p.methods.map((m, i) => ({ ...m, method: evil.methods[i], missing: { gini: hostile } })),
}));

describe("report.html", () => {
  /** Each tag: its name, and the names of its attributes; text cannot have any, since "<" is escaped there. */
  const tags = (text: string) =>
    [...text.matchAll(/<([a-z/!][a-z0-9]*)((?:[^>"]|"[^"]*")*)>/gi)].map(
      ([, name, rest]) => name + rest.replace(/"[^"]*"/g, "").replace(/\s+/g, " "),
    );
  const withoutBreaks = (text: string) => tags(text).filter((tag) => tag !== "wbr");

  it("names of others are text, whatever they say", async () => {
    const harmless = evilParts.map((p, i) => ({
      ...p,
      name: "n",
      label: { index: 0, name: "a" },
      predicted: { ...p.predicted, name: "b" },
      methods: parts[i].methods,
    }));
    const good = await written({ ...settings, perturbation: { a: 1, b: 2 } }, harmless);
    const bad = await written(evil, evilParts);
    expect(bad.get("report.html")).toContain("&lt;script&gt;");
    expect(withoutBreaks(bad.get("report.html")!)).toEqual(withoutBreaks(good.get("report.html")!));
    expect(tags(bad.get("report.html")!).length).toBe(bad.get("report.html")!.match(/</g)!.length);
    for (const [name, svg] of bad)
      if (name.endsWith(".svg")) expect(new Set(tags(svg)), name).toEqual(new Set(tags(good.get(name)!)));
  });

  it.each<[string, Settings, readonly Part[]]>([
    ["plain", settings, parts],
    ["hostile", evil, evilParts],
    ["one image", settings, parts.slice(0, 1)],
    ["no curves", settings, bare],
  ])("every file that it mentions is there, or is a picture: %s", async (_name, how, of) => {
    const files = await written(how, of);
    const html = files.get("report.html")!;
    const all = (pattern: RegExp) => [...html.matchAll(pattern)].map(([, name]) => name);
    const shown = of.filter(({ image }) => image < how.pictures);
    const pictures = shown.flatMap(({ image, drawn }) =>
      [...(drawn ? ["input"] : []), ...how.methods].map((m) => pictureFile(image, m)),
    );
    expect(all(/(?:src|href)="([^"#]+)"/g).filter((name) => !files.has(name))).toEqual(pictures);
    const ids = all(/ id="([^"]+)"/g);
    expect(new Set(ids).size).toBe(ids.length);
    expect(all(/(?:href="#|aria-labelledby=")([^"]+)"/g).filter((id) => !ids.includes(id))).toEqual([]);
    expect(html).not.toMatch(/https?:|<script|<link|@import|url\(/);
    for (const name of files.keys()) if (name.startsWith("plots/")) expect(html).toContain(`src="${name}"`);
  });

  it("every picture has a text, every head cell a scope, every table a caption", async () => {
    const html = await file("report.html");
    for (const [tag] of html.matchAll(/<img[^>]*>/g)) expect(tag).toMatch(/ alt="[^"]{5,}"/);
    for (const [tag] of html.matchAll(/<th[ >][^>]*/g)) expect(tag).toContain('scope="');
    expect(html.match(/<caption>/g)).toHaveLength(html.match(/<table>/g)!.length);
  });

  it("says what is best, what is not shown to be worse, and why values are undefined", async () => {
    const html = (await file("report.html")).replace(/<wbr>/g, "");
    expect(html).toMatch(
      /<strong>morf<\/strong> \(lower is better\): the best mean is that of <bdi>first<\/bdi>, 2\.000\. All others/,
    );
    expect(html).toContain("<bdi>second:lrn=taylor</bdi></th><td>gini</td>");
    expect(html).toContain("all 0");
  });

  it("names classes, where they have names", async () => {
    const named = [
      part(0, [{ morf: 1 }, { morf: 2 }], { predicted: { index: 7, name: "dog", logit: 1 } }),
      part(1, [{ morf: 1 }, { morf: 2 }]),
    ];
    const html = await file("report.html", named, { ...settings, metrics: ["morf"] });
    expect(html).toContain("<bdi>dog</bdi> (class 7)");
    expect(html).toMatch(/[^(]class 1[^)]/);
  });

  it("each metric has the plot of its own", async () => {
    const sections = (await file("report.html")).split('<section id="metric-').slice(1);
    const seen = sections.map((text) =>
      [...text.split("</section>")[0].matchAll(/src="(plots\/[^"]+)"/g)].map(([, name]) => name),
    );
    expect(seen.map((names) => names.filter((name) => name.startsWith("plots/metric-")))).toEqual([
      ["plots/metric-morf.svg"],
      ["plots/metric-gini.svg"],
    ]);
  });

  it("each order has the curve of its own, and that of the random order, without a band", async () => {
    const having = (curves: object) =>
      parts.map((p) => ({ ...p, methods: p.methods.map((m) => ({ ...m, curves: { ...m.curves, ...curves } })) }));
    const morf = await file("plots/curve-morf.svg");
    expect(await file("plots/curve-morf.svg", having({ lerf: [9, 8] }))).toBe(morf);
    expect(await file("plots/curve-lerf.svg", having({ lerf: [9, 8] }))).not.toContain("morf");
    expect(morf.match(/<path [^>]*fill-opacity/g)).toHaveLength(2);
    expect(morf).toContain("random order");
  });

  it("names the files that there are, and the level of intervals", async () => {
    const html = await file("report.html");
    for (const name of ["results.csv", "summary.csv", "curves.csv", "results.json"])
      expect(html).toContain(`<a href="${name}">${name}</a>`);
    expect(html).toContain("The bands are 95 % intervals of the mean");
    expect(html).toContain("meant to hold the true mean in 95 % of cases. With fewer than 20 images it is Student's");
    expect(html).toContain("Of 3 images it cannot be below 0.250, whatever the values.");
    const many = Array.from({ length: 20 }, (_, i) => ({ ...parts[i % 3], image: i }));
    const more = await file("report.html", many);
    expect(more).toContain("It is of 2000 bootstrap samples of the images, bias-corrected and accelerated");
    expect(more).not.toContain("cannot be below");
  });

  it("two images: intervals", async () => {
    expect(await file("report.html", parts.slice(0, 2))).toContain("Mean over the images, with its 95 % interval.");
  });

  it.each([
    [0.00099, "< 0.001"],
    [0.001, "0.001"],
    [0.25, "0.250"],
  ])("p = %d is %s", async (p, text) => expect(probability(p)).toBe(text));

  it("shows the options, or that there are none", async () => {
    expect(await file("report.html")).toContain("<dt>other options</dt><dd><bdi>radius 0.5</bdi></dd>");
    expect(await file("report.html", parts, { ...settings, options: {} })).toContain(
      "<dt>other options</dt><dd>none</dd>",
    );
  });

  it("one image: no interval, and nothing said of who is best among equals", async () => {
    const html = await file("report.html", parts.slice(0, 1));
    expect(html).toContain("One image: no interval and no test.");
    expect(html).not.toMatch(/≈ best<\/span> \d|95 %/);
  });
});

it("names of pictures", async () => {
  expect(pictureFile(3, "paperEpsilon:lrn=taylor")).toBe("pictures/00003-paperEpsilon_lrn=taylor.png");
  expect(pictureFile(123456, "../a b/é")).toBe("pictures/123456-.._a_b__.png");
});
