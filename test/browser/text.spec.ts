import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { textHtml, textSvg, textTable } from "../../dist/text/index.js";
import { FLAGS, findChromium } from "./chromium.ts";
import { HANGS, seriousViolations } from "./visit.ts";

const found = findChromium();
const shalom = "\u05e9\u05dc\u05d5\u05dd";
const text = {
  tokens: ["[CLS]", shalom, "good", "bad", "<b>", "e\u0301", "[SEP]"],
  relevance: [1, 2, 1, -2, 0.1, -0.4, 0],
  special: [true, false, false, false, false, false, true],
  target: "positive",
  score: 2,
  warning: "not to be believed",
};

describe.runIf(found)("a text in a browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "relprop-text-"));
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: found, args: [...FLAGS], timeout: HANGS });
  });
  afterAll(() => browser.close());

  async function opened(name: string, content: string) {
    writeFileSync(join(folder, name), content);
    const page = await browser.newPage();
    await page.goto(pathToFileURL(join(folder, name)).href);
    return page;
  }

  it.each(["bwr", "coldnhot"])("can be read by everybody, in the colours of %s", async (colormap) => {
    const options = { page: true, colormap };
    for (const content of [textHtml(text, options), textTable([text, { ...text, label: "x" }], options)]) {
      const page = await opened("text.html", content);
      expect(await seriousViolations(page)).toEqual([]);
    }
  });

  it("stands from the right where it is written so, in HTML and SVG alike", async () => {
    const page = await opened("text.html", textHtml(text, { page: true }));
    const marks = await page
      .locator("mark")
      .evaluateAll((all) => all.map((mark) => ({ word: mark.textContent!, x: mark.getBoundingClientRect().x })));
    const svg = await opened("text.svg", textSvg(text));
    const words = await svg
      .locator("text")
      .evaluateAll((all) => all.map((word) => ({ word: word.textContent!, x: word.getBoundingClientRect().x })));
    const order = (list: readonly { word: string; x: number }[]) =>
      list
        .filter(({ word }) => text.tokens.includes(word))
        .sort((a, b) => b.x - a.x)
        .map(({ word }) => word);
    expect(order(marks)).toEqual(["[CLS]", shalom, "e\u0301", "<b>", "bad", "good", "[SEP]"]);
    expect(order(words)).toEqual(order(marks));
  });
});
