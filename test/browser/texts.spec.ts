import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { load } from "../../dist/index.js";
import { mergeSubwords } from "../../dist/text/index.js";
import { onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { demo, found, pages } from "./pages.ts";
import { apart, drop, says, seriousViolations } from "./visit.ts";

const tokenizer = JSON.parse(readFileSync(join(demo, "text/tokenizer.json"), "utf8"));

/** A network that counts words, of ids alone. */
const counting = onnx({
  inputs: { input_ids: ["n", "t"] },
  types: { input_ids: 7 },
  outputs: { scores: ["n", 3] },
  initializers: { table: { dims: [106, 5], data: numbers(530, 1) }, v: { dims: [5, 3], data: numbers(15, 2) } },
  nodes: [
    { type: "Gather", inputs: ["table", "input_ids"], outputs: ["words"] },
    { type: "ReduceMean", inputs: ["words"], outputs: ["mean"], attributes: { axes: [1], keepdims: 0 } },
    { type: "MatMul", inputs: ["mean", "v"], outputs: ["scores"] },
  ],
});

describe.runIf(found)("the page of texts", () => {
  const { on, using } = pages({ path: "texts.html", first: "positive" });

  const words = (page: Page) =>
    page.locator("#words mark").evaluateAll((all) =>
      all.map((mark) => ({
        word: mark.textContent!,
        relevance: Number(/[-\d.e]+$/.exec((mark as HTMLElement).title.replaceAll("−", "-"))![0]),
        colour: getComputedStyle(mark).backgroundColor,
      })),
    );

  on("explains as one types: the numbers of the library, the strongest word in full colour", async (page) => {
    await page.locator("#text").fill("this concert seemed terrible");
    await says(page, "negative");
    const shown = await words(page);
    const tokens = ["[CLS]", "this", "concert", "seemed", "terrible", "[SEP]"];
    expect(shown.map(({ word }) => word)).toEqual(tokens);
    const ids = tokens.map((token) => tokenizer.model.vocab[token]);
    const tensor = (data: readonly number[]) => ({ data: [...data], dims: [1, ids.length] });
    using model = await load(readFileSync(join(demo, "text/sentiment.onnx")));
    const { inputs } = model.explain({ input_ids: tensor(ids), attention_mask: tensor(ids.map(() => 1)) });
    const { relevance } = mergeSubwords(tokens, inputs.input_ids.data);
    // The page writes three digits.
    expect(
      apart(
        shown.map((word) => word.relevance),
        relevance,
      ),
    ).toBeLessThan(6e-3);
    const terrible = shown[4].colour;
    expect(shown.filter(({ colour }) => colour === terrible)).toHaveLength(1);
    await page.locator("#text").fill("  ");
    await says(page, "Write a sentence");
  });

  on("takes a word that it does not know, and another class", async (page) => {
    await page.locator("#text").fill("this zeppelin seemed terrible");
    await page.locator("#words mark", { hasText: "UNK" }).waitFor();
    await page.getByLabel("positive").check();
    await says(page, "positive");
  });

  on("opens a network, its tokenizer and its classes; a wrong one leaves what was there", async (page) => {
    const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    await drop(page, "counting.onnx", "", counting);
    await says(page, "class ");
    await drop(page, "names.json", "application/json", json(["one", "two", "three"]));
    await page
      .locator("#verdict")
      .filter({ hasText: /^(one|two|three),/ })
      .waitFor();
    const { vocab } = tokenizer.model;
    await drop(
      page,
      "tokenizer.json",
      "application/json",
      json({ ...tokenizer, model: { ...tokenizer.model, vocab } }),
    );
    await drop(page, "other.json", "application/json", json({ a: 1 }));
    await page.locator("#error-file").filter({ hasText: "a tokenizer.json, or class names" }).waitFor();
    await page.getByRole("button", { name: "The small network again" }).click();
    await says(page, "positive");
  });

  it.each(["light", "dark"] as const)("can be used by everybody, in %s", async (colorScheme) => {
    for (const viewport of [
      { width: 360, height: 740 },
      { width: 1440, height: 900 },
    ])
      await using(
        async (page) => {
          expect(await seriousViolations(page)).toEqual([]);
          const [width, least] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
          expect(width).toBeLessThanOrEqual(least);
        },
        { colorScheme, viewport },
      );
  });
});
