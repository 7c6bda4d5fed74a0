import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import { tryPresets } from "../../dist/image.js";
import { composites, load, parameters as table, preprocess } from "../../dist/index.js";
import { attentive, colours, photo, recurrent, sums } from "./networks.ts";
import { found, pages, TOLERANCE } from "./pages.ts";
import { apart, drop, saved, says } from "./visit.ts";

const photoFile = encode(photo);

describe.runIf(found)("rules on the page", () => {
  const { on } = pages();

  const open = async (page: Page, name: string, buffer: Uint8Array) => {
    await page.getByLabel("Open a network").setInputFiles({ name, mimeType: "", buffer: Buffer.from(buffer) });
    await page.locator("#network", { hasText: name }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await says(page, "class");
  };

  /** The sliders of a composite, each of which changes the explanation where it is moved to its end. */
  const moves = async (page: Page, { name, parameters }: (typeof composites)[number]) => {
    await page.getByLabel("Composite").selectOption(name);
    const shown = await page
      .locator("#parameters input")
      .evaluateAll((inputs) => inputs.map(({ id }) => id.replace("parameter-", "")));
    const wanted = parameters.filter((p) => "slider" in table[p] && !("beside" in table[p]));
    expect(shown).toEqual(wanted.filter((p) => !(p === "beta" && wanted.includes("alpha"))));
    for (const parameter of shown) {
      const before = await saved(page);
      await page.locator(`#parameter-${parameter}`).focus();
      await page.keyboard.press("End");
      await expect.poll(async () => apart((await saved(page)).relevance, before.relevance)).toBeGreaterThan(1e-4);
    }
    await page.locator('#result[aria-busy="false"]').waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  };

  on("takes every composite, with the parameters it has", async (page) => {
    for (const composite of composites.filter(({ name }) => name !== "recurrentGamma")) {
      await moves(page, composite);
      const takesLrn = composite.parameters.some((p) => p === "lrn");
      expect(await page.getByLabel("LRN", { exact: true }).isVisible()).toBe(takesLrn);
    }
  });

  on("takes the composite for recurrent cells, where there are any", async (page) => {
    await open(page, "recurrent.onnx", recurrent);
    await moves(page, composites.find(({ name }) => name === "recurrentGamma")!);
  });

  on("bounds colours that a preparation treats alike", async (page) => {
    await open(page, "colours.onnx", colours);
    await page.getByLabel("Preparation", { exact: true }).selectOption("unit");
    await page.getByLabel("Composite").selectOption("epsilonGammaBox");
    const model = await load(colours);
    const input = preprocess(photo, "unit", model.inputs[0].dims);
    const { relevance } = model.explain(input, { composite: "epsilonGammaBox", low: 0, high: 1 });
    model.dispose();
    await expect.poll(async () => apart((await saved(page)).relevance, relevance.data)).toBeLessThan(TOLERANCE);
  });

  on("takes the parameter of a rule for sums where that is chosen", async (page) => {
    await open(page, "sums.onnx", sums);
    const delta = page.locator("#parameter-delta");
    expect(await delta.count()).toBe(0);
    await page.getByLabel("Sums").selectOption("clip");
    await delta.focus();
    await page.keyboard.press("End");
    const model = await load(sums);
    const [{ preset }] = tryPresets(model, photo);
    const { relevance } = model.explain(preprocess(photo, preset, model.inputs[0].dims), { sum: "clip", delta: 1 });
    model.dispose();
    await expect.poll(async () => apart((await saved(page)).relevance, relevance.data)).toBeLessThan(TOLERANCE);
    await page.getByLabel("Composite").selectOption("gradient");
    expect(await delta.count()).toBe(0);
  });

  on("takes rules of attention, products and norms where a network has them", async (page) => {
    const fields = ["Sums", "Products", "LayerNorm", "Attention"];
    const shown = async () => {
      const visible = await Promise.all(fields.map((name) => page.getByLabel(name, { exact: true }).isVisible()));
      return fields.filter((_, i) => visible[i]);
    };
    expect(await shown()).toEqual([]);
    await open(page, "attentive.onnx", attentive);
    expect(await shown()).toEqual(["Products", "LayerNorm", "Attention"]);
    const [composite, attention] = [page.getByLabel("Composite"), page.getByLabel("Attention")];
    expect([await composite.inputValue(), await attention.inputValue()]).toEqual(["attnLrp", "attn"]);
    const model = await load(attentive);
    const [{ preset }] = tryPresets(model, photo);
    const input = preprocess(photo, preset, model.inputs[0].dims);
    const agrees = async (options: Parameters<typeof model.explain>[1]) => {
      const { relevance } = model.explain(input, options);
      await expect.poll(async () => apart((await saved(page)).relevance, relevance.data)).toBeLessThan(TOLERANCE);
    };
    await agrees({});
    await page.getByLabel("Products").selectOption("half");
    await agrees({ product: "half" });
    await page.getByLabel("LayerNorm").selectOption("gradient");
    await agrees({ product: "half", layerNorm: "gradient" });
    // A composite may have its own; what was chosen by hand stays.
    await composite.selectOption("cpLrp");
    expect(await attention.inputValue()).toBe("cp");
    await agrees({ composite: "cpLrp", product: "half", layerNorm: "gradient" });
    await attention.selectOption("gradient");
    await agrees({ composite: "cpLrp", product: "half", layerNorm: "gradient", attention: "gradient" });
    await composite.selectOption("gradient");
    expect(await shown()).toEqual([]);
    model.dispose();
  });
});
