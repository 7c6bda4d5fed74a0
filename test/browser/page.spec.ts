import { existsSync, mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { decode, encode } from "fast-png";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digits as strokes } from "../../demo/page/src/digits.ts";
import { inked } from "../../demo/page/src/paint.ts";
import { ink } from "../../demo/page/src/strokes.ts";
import { tryPresets } from "../../dist/image.js";
import { composites, defaultComposite, heatmap, load, parameters as table, preprocess } from "../../dist/index.js";
import { FLAGS, findChromium } from "./chromium.ts";
import { attentive, colours, photo, slow, sums } from "./networks.ts";
import { CSP, type Served, serve } from "./serve.ts";
import { apart, drop, HANGS, opacities, says, saved, seriousViolations, type Visit, verdict, visit } from "./visit.ts";

const demo = resolve(import.meta.dirname, "../../demo");
const digits = readFileSync(join(demo, "digits.onnx"));
const three = readFileSync(join(demo, "three.png"));
const names: string[] = JSON.parse(readFileSync(join(demo, "digits.relprop.json"), "utf8")).classes;

/** Node may have the plain binary and Chromium the relaxed one. */
const TOLERANCE = 1e-5;

const sizes = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1280, height: 900 },
] as const;
const themes = ["light", "dark"] as const;

const photoFile = encode(photo);

/** Published networks and photos, where they are. */
const data = process.env.RELPROP_DATA ?? resolve(import.meta.dirname, "../../../shared/data");
if (!existsSync(data)) console.log("skipped: GoogLeNet on the page, which needs RELPROP_DATA");

/** Runs before the page: keeps what the browser says of how it is shown, and when there is a first verdict. */
const measuring = `
  globalThis.measured = { verdict: 0, largest: 0, shift: 0 };
  const watch = (type, each) =>
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  watch("largest-contentful-paint", ({ startTime }) => (measured.largest = startTime));
  watch("layout-shift", ({ value, hadRecentInput }) => (measured.shift += hadRecentInput ? 0 : value));
  addEventListener("DOMContentLoaded", () =>
    new MutationObserver(() => (measured.verdict ||= performance.now())).observe(document.querySelector("#verdict"), { childList: true }));
`;

const found = findChromium();
if (!found && process.env.CI) throw new Error("No chromium: apt-get install chromium, or say where it is in CHROMIUM.");
if (!found) console.log("skipped: the page in a browser, which needs chromium on the PATH or in CHROMIUM");

describe.runIf(found)("the page", () => {
  let browser: Browser;
  let served: Served;

  beforeAll(async () => {
    served = await serve(join(demo, "page/dist"));
    browser = await chromium.launch({ executablePath: found, args: [...FLAGS], timeout: HANGS });
    console.log(`Chromium ${browser.version()}`);
  });
  afterAll(async () => {
    await browser?.close();
    served?.close();
  });

  /** A test on a page of its own, which must end without a problem. */
  function on(title: string, body: (page: Visit["page"]) => Promise<void>): void {
    it(title, async () => {
      const { page, problems, close } = await visit(browser, served);
      try {
        await body(page);
        expect(problems).toEqual([]);
      } finally {
        await close();
      }
    });
  }

  it("has the policy in itself that it is served with", () => {
    expect(readFileSync(join(demo, "page/frame.html"), "utf8")).toContain(`content="${CSP}"`);
  });

  on("explains what is drawn", async (page) => {
    await page.getByRole("button", { name: "Clear" }).click();
    await says(page, "Draw a digit");
    const box = (await page.locator("#pad").boundingBox())!;
    const at = (x: number, y: number) => [box.x + x * box.width, box.y + y * box.height] as const;
    await page.mouse.move(...at(0.3, 0.2));
    await page.mouse.down();
    await page.mouse.move(...at(0.7, 0.2), { steps: 8 });
    await page.mouse.move(...at(0.45, 0.85), { steps: 8 });
    await page.mouse.up();
    await says(page, "seven");
    expect(await page.locator("#timing").textContent()).toMatch(/explained in [\d.]+ ms/);
  });

  on("recognizes each of its examples", async (page) => {
    for (const name of names) {
      await page.getByRole("button", { name: `Example ${name}` }).click();
      await says(page, name);
    }
  });

  on("shows other rules side by side, and the one that is chosen large", async (page) => {
    await page.locator("#ways").scrollIntoViewIfNeeded();
    const card = (name: string) => page.getByRole("button", { name: new RegExp(`^${name} `) });
    await card("LRN taylor").filter({ hasText: "as shown above" }).waitFor();
    await card("LRN identity")
      .filter({ hasText: /differs by [1-9]/ })
      .waitFor();
    await card("gradient")
      .filter({ hasText: /differs by/ })
      .click();
    await expect.poll(async () => (await saved(page)).options.composite).toBe("gradient");
    expect(await page.getByLabel("Composite").inputValue()).toBe("gradient");
    await card("LRN identity").click();
    await expect.poll(async () => (await saved(page)).options.lrn).toBe("identity");
    await card("LRN identity").filter({ hasText: "as shown above" }).waitFor();
  });

  on("shows the account as a flow, and the channels of a layer", async (page) => {
    const columns = page.locator("#flow .column");
    const said = await columns.allTextContents();
    expect(said[0]).toMatch(/^[\d.]+threethe score$/);
    expect(said.at(-1)).toMatch(/^the pictureΣR [\d.]+$/);
    expect(await page.locator("#ledger-sum").textContent()).toMatch(/reaches the picture; .* absorbed by biases/);
    await columns.filter({ hasText: "convolution" }).first().click();
    await page.getByRole("heading", { name: /^Channels of .*Conv/ }).waitFor();
    const model = await load(digits);
    const pictured = await page.locator("#channels figcaption").allTextContents();
    model.dispose();
    expect(pictured.length).toBe(12);
    const shares = pictured.map((text) => Math.abs(Number(/: [<>]? ?(.*) %/.exec(text)![1].replace("−", "-"))));
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });

  on("explains a class against another", async (page) => {
    await page.getByLabel("rather than").selectOption("8");
    await page.locator("#against-note", { hasText: "Red speaks for three rather than for eight" }).waitFor();
    const model = await load(digits);
    const { options, relevance } = await saved(page);
    expect(options.target).toEqual({ class: "argmax", against: 8 });
    const input = preprocess({ data: ink(strokes[3]), width: 28, height: 28 }, "unit", model.inputs[0]);
    expect(apart(relevance, model.explain(input, { target: { class: 3, against: 8 } }).relevance.data)).toBeLessThan(
      TOLERANCE,
    );
    model.dispose();
  });

  on("knows its own pictures, and says where it is not sure", async (page) => {
    await page.getByRole("button", { name: "Look at a picture" }).click();
    for (const name of ["ship", "automobile", "airplane", "truck", "horse"]) {
      await page.getByRole("button", { name: `Example ${name}` }).click();
      await says(page, `${name}, 9`);
      expect(await page.getByRole("note").isVisible()).toBe(false);
    }
    await page.getByRole("button", { name: "Example frog" }).click();
    await says(page, "frog");
    await page.getByRole("note").filter({ hasText: "doubtful" }).waitFor();
  });

  on("restores what an address says", async (page) => {
    await page.getByRole("button", { name: "Look at a picture" }).click();
    await says(page, "ship");
    await page.getByRole("button", { name: "Example truck" }).click();
    await says(page, "truck");
    await page.getByLabel("Composite").selectOption("epsilonGammaBox");
    await page.getByLabel("rather than").selectOption({ label: "automobile" });
    await page.getByRole("radio", { name: "truck" }).check();
    await page.locator("#parameter-gamma").focus();
    await page.keyboard.press("End");
    await expect.poll(() => page.url()).toContain("gamma=2");
    const before = await saved(page);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await says(other, "truck");
    await expect.poll(async () => (await saved(other)).options).toEqual(before.options);
    expect((await saved(other)).relevance).toEqual(before.relevance);
    await other.close();
  });

  on("restores a drawing from its address", async (page) => {
    await page.getByRole("button", { name: "Clear" }).click();
    const box = (await page.locator("#pad").boundingBox())!;
    await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.1 * box.height);
    await page.mouse.down();
    await page.mouse.move(box.x + 0.45 * box.width, box.y + 0.9 * box.height, { steps: 8 });
    await page.mouse.up();
    await says(page, "one");
    await expect.poll(() => page.url()).toMatch(/picture=\w{8}/);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await says(other, "one");
    await other.close();
  });

  on("can be stopped, and goes on with what was there", async (page) => {
    await drop(page, "slow.onnx", "", slow);
    await page.locator("#network", { hasText: "slow.onnx" }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await says(page, "Cancelled");
    await page.getByRole("button", { name: "Draw a digit" }).click();
    await says(page, "three");
  });

  on("has a theme of one's own", async (page) => {
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await paper();
    const button = page.getByRole("button", { name: /^Theme/ });
    await button.click();
    expect(await paper()).toBe(light);
    await button.click();
    expect(await button.textContent()).toBe("Theme: dark");
    expect(await paper()).not.toBe(light);
    await page.reload();
    await says(page, "three");
    expect(await button.textContent()).toBe("Theme: dark");
  });

  on("steps through how it works", async (page) => {
    const how = page.locator("#how-text");
    const first = await how.textContent();
    await page.getByRole("button", { name: "Next", exact: true }).click();
    expect(await page.locator("#how-step").textContent()).toBe("4 of 4");
    expect(await page.locator("#how-picture .sum").allTextContents()).toEqual(["Σ 0.84", "Σ 0.84", "Σ 0.84"]);
    await page.getByRole("button", { name: "Back", exact: true }).click();
    expect(await how.textContent()).toBe(first);
  });

  const googlenet = join(data, "models/bvlc_googlenet/bvlc_googlenet.onnx");
  const cat = join(data, "images/cat.jpg");
  it.runIf(existsSync(googlenet))("sees the cat with GoogLeNet, without a choice by hand", async () => {
    const { page, problems, close } = await visit(browser, served);
    try {
      await page.getByLabel("Open a network").setInputFiles(googlenet);
      await page.locator("#network", { hasText: "bvlc_googlenet.onnx" }).waitFor();
      await page.getByLabel("Open a photo").setInputFiles(cat);
      await says(page, "class 281");
      await page.getByRole("note").filter({ hasText: "caffe is a guess" }).waitFor();
      expect(problems).toEqual([]);
    } finally {
      await close();
    }
  });

  on("takes every composite, with the parameters it has", async (page) => {
    const moved = new Set<string>();
    for (const { name, parameters } of composites) {
      await page.getByLabel("Composite").selectOption(name);
      const shown = await page
        .locator("#parameters input")
        .evaluateAll((inputs) => inputs.map(({ id }) => id.replace("parameter-", "")));
      const wanted = parameters.filter((p) => "slider" in table[p] && !("beside" in table[p]));
      expect(shown).toEqual(wanted.filter((p) => !(p === "beta" && wanted.includes("alpha"))));
      expect(await page.getByLabel("LRN", { exact: true }).isVisible()).toBe(parameters.some((p) => p === "lrn"));
      // The digits have no recurrent cells, which alone this γ is for.
      for (const parameter of shown.filter((p) => !moved.has(p) && name !== "recurrentGamma")) {
        moved.add(parameter);
        const before = await saved(page);
        await page.locator(`#parameter-${parameter}`).focus();
        await page.keyboard.press("End");
        await expect.poll(async () => apart((await saved(page)).relevance, before.relevance)).toBeGreaterThan(1e-4);
      }
      await page.locator('#result[aria-busy="false"]').waitFor();
      expect(await page.getByRole("alert").count()).toBe(0);
    }
  });

  on("takes the parameter of a rule for sums where that is chosen", async (page) => {
    await page
      .getByLabel("Open a network")
      .setInputFiles({ name: "sums.onnx", mimeType: "", buffer: Buffer.from(sums) });
    await page.locator("#network", { hasText: "sums.onnx" }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await says(page, "class");
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
    await page
      .getByLabel("Open a network")
      .setInputFiles({ name: "attentive.onnx", mimeType: "", buffer: Buffer.from(attentive) });
    await page.locator("#network", { hasText: "attentive.onnx" }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await says(page, "class");
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

  on("explains a class that is chosen", async (page) => {
    await page.getByRole("radio", { name: "eight" }).check();
    await says(page, "eight");
    await says(page, "; the strongest is three");
    expect((await saved(page)).target.index).toBe(8);
  });

  on("says the same numbers, and draws the same heatmap, as relprop does here", async (page) => {
    await drop(page, "three.png", "image/png", three);
    await page.locator("#photo-facts", { hasText: "three.png, 28 × 28 pixels" }).waitFor();
    await says(page, "three");
    const [model, { relevance, scores }] = [await load(digits), await saved(page)];
    const input = preprocess(decode(three) as Parameters<typeof preprocess>[0], "unit", model.inputs[0].dims);
    const here = model.explain(input, { composite: defaultComposite, lrn: "taylor" });
    expect(apart(scores, here.output.data)).toBeLessThan(TOLERANCE);
    expect(apart(relevance, here.relevance.data)).toBeLessThan(TOLERANCE);
    const drawn = await opacities(page);
    const wanted = inked(heatmap(here.relevance)).data.filter((_, k) => k % 4 === 3);
    expect(drawn.every((value, k) => Math.abs(value - wanted[k]) <= 1)).toBe(true);
    model.dispose();
  });

  on("takes a network and a photo of one's own", async (page) => {
    await drop(page, "colours.onnx", "", colours);
    await page.locator("#network", { hasText: "colours.onnx" }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await page.locator("#photo:visible").waitFor();
    await says(page, "class");
    const [model, { network, target, relevance: shown }] = [await load(colours), await saved(page)];
    const [{ preset }] = tryPresets(model, photo);
    const { relevance, targets } = model.explain(preprocess(photo, preset, model.inputs[0].dims));
    model.dispose();
    expect([network, target.index]).toEqual(["colours.onnx", targets[0][0].index]);
    expect(apart(shown, relevance.data)).toBeLessThan(TOLERANCE);
    await drop(page, "names.txt", "text/plain", Buffer.from("red\ngreen\nblue\ngrey\n"));
    await says(page, ["red", "green", "blue", "grey"][target.index]);
    await page.getByRole("button", { name: "Draw a digit" }).click();
    await page.getByRole("button", { name: "Example two" }).click();
    await says(page, "two");
  });

  on("says that a preparation is a guess, and what the others would give", async (page) => {
    await drop(page, "colours.onnx", "", colours);
    await page.locator("#network", { hasText: "colours.onnx" }).waitFor();
    await drop(page, "photo.png", "image/png", photoFile);
    await says(page, "class");
    const model = await load(colours);
    const tried = tryPresets(model, photo);
    model.dispose();
    const note = page.getByRole("note");
    await note.filter({ hasText: `${tried[0].preset} is a guess` }).waitFor();
    expect(await page.getByLabel("Preparation").inputValue()).toBe(tried[0].preset);
    const lines = tried.map(({ preset, index }) =>
      expect.stringMatching(new RegExp(`^${preset}: class ${index}, [<>\\d]`)),
    );
    expect(await note.getByRole("listitem").allTextContents()).toEqual(lines);
    // Who chooses is asked again only where the answer is doubtful.
    for (const { preset, probability } of tried) {
      await page.getByLabel("Preparation").selectOption(preset);
      await says(page, "class");
      await expect.poll(async () => (await saved(page)).preset).toBe(preset);
      expect(await note.isVisible()).toBe(probability < 0.5);
      if (probability < 0.5) expect(await note.textContent()).toContain(`Is ${preset} the right preparation`);
    }
    await page.getByRole("button", { name: "Draw a digit" }).click();
    await page.getByRole("button", { name: "Example two" }).click();
    await says(page, "two");
    expect(await note.isVisible()).toBe(false);
  });

  on("takes files from its buttons as well, and saves the picture", async (page) => {
    await page
      .getByLabel("Open a network")
      .setInputFiles({ name: "colours.onnx", mimeType: "", buffer: Buffer.from(colours) });
    await page
      .getByLabel("Open a photo")
      .setInputFiles({ name: "photo.png", mimeType: "image/png", buffer: Buffer.from(photoFile) });
    await page.locator("#photo:visible").waitFor();
    await says(page, "class");
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save picture" }).click(),
    ]);
    const { width, height } = decode(readFileSync(await download.path()));
    expect([width, height]).toEqual([448, 448]);
  });

  on("says in words what is wrong with a file, and goes on", async (page) => {
    // The size that a header states is all that is read of it.
    const vast = Buffer.from(three);
    vast.writeUInt32BE(10001, 16);
    vast.writeUInt32BE(10000, 20);
    const broken: [name: string, type: string, bytes: Uint8Array, words: RegExp][] = [
      ["notes.onnx", "", Buffer.from("not a network"), /expected.*received/s],
      ["half.onnx", "", digits.subarray(0, digits.length / 2), /expected.*received/s],
      ["torn.png", "image/png", three.subarray(0, 60), /torn\.png.*a readable PNG picture.*cut off/s],
      ["vast.png", "image/png", vast, /vast\.png.*at most 100000000 pixels.*10001 x 10000/s],
      [
        "paper.pdf",
        "application/pdf",
        Buffer.from("%PDF"),
        /a picture, a network \(\.onnx\) or class names.*application\/pdf/s,
      ],
      ["names.json", "application/json", Buffer.from('["a", 1]'), /a JSON list of class names/],
      ["few.txt", "text/plain", Buffer.from("a\nb"), /10, one for each output.*2/s],
    ];
    const alert = page.getByRole("alert");
    for (const [name, type, bytes, words] of broken) {
      await drop(page, name, type, bytes);
      await alert.filter({ hasText: words }).waitFor();
      await alert.filter({ hasText: `'${name}' cannot be used` }).waitFor();
      await alert.getByRole("button", { name: "Close" }).click();
      expect(await alert.count()).toBe(0);
      expect(await page.locator("#network").textContent()).toBe("digits.onnx");
      expect(await verdict(page).textContent()).toMatch(/^three/);
    }
  });

  on("says in words why a picture does not fit", async (page) => {
    await page.getByLabel("Preparation").selectOption("torchvision");
    await page
      .getByRole("alert")
      .filter({ hasText: /field 'mean'.*expected.*1 number/s })
      .waitFor();
    await page.getByLabel("Preparation").selectOption("unit");
    await expect.poll(() => page.getByRole("alert").count()).toBe(0);
    expect(await page.locator("#result.stale").count()).toBe(0);
  });

  on("can be used by the keyboard alone", async (page) => {
    const reached: string[] = [];
    const nextIs = async (label: string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const [name, outlined] = await page.evaluate(() => {
          const element = document.activeElement as HTMLInputElement;
          const name =
            element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent ?? element.textContent ?? "";
          const shown = element.type === "file" ? element.parentElement! : element;
          return [name.trim(), getComputedStyle(shown).outlineStyle !== "none"] as const;
        });
        reached.push(name);
        expect(outlined, `the focus on '${name}' is seen`).toBe(true);
        if (name.startsWith(label)) return;
      }
      throw new Error(`'${label}' is not reached, only ${reached.join(", ")}`);
    };
    await nextIs("Skip to the explanation");
    await nextIs("Draw a digit");
    await nextIs("Example five");
    await page.keyboard.press("Enter");
    await says(page, "five");
    await nextIs("Open a photo");
    await nextIs("Save numbers");
    await nextIs("Heatmap over picture");
    await page.keyboard.press("Home");
    expect(await page.locator("#opacity-value").textContent()).toBe("0 %");
    await nextIs("the strongest");
    await page.keyboard.press("ArrowDown");
    await says(page, "zero");
    expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).value)).toBe("0");
    await nextIs("Composite");
    await page.keyboard.press("ArrowDown");
    await page.locator("#composite-summary", { hasText: "αβ in convolutions" }).waitFor();
    await nextIs("Open a network");
    await page.getByRole("status").filter({ hasText: "Explained: zero" }).waitFor();
  });

  const pictures = mkdtempSync(join(tmpdir(), "relprop-page-"));
  it.each(sizes.flatMap((size) => themes.map((theme) => ({ ...size, theme }))))(
    "$width x $height, $theme: readable",
    async ({ theme, ...viewport }) => {
      const { page, problems, close } = await visit(browser, served, { viewport, colorScheme: theme });
      try {
        const isPhone = viewport.width < 600;
        const { bottom } = await page.locator("#board").evaluate((board) => board.getBoundingClientRect().toJSON());
        if (isPhone) expect(bottom).toBeLessThanOrEqual(viewport.height);
        await page.screenshot({ path: join(pictures, `digits-${viewport.width}-${theme}.png`), fullPage: true });
        await drop(page, "colours.onnx", "", colours);
        await drop(page, "photo.png", "image/png", photoFile);
        await says(page, "class");
        await drop(page, "notes.onnx", "", Buffer.from("not a network"));
        await page.getByRole("alert").waitFor();
        await page.locator("summary").first().click();
        expect(await seriousViolations(page)).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
        await page.screenshot({ path: join(pictures, `error-${viewport.width}-${theme}.png`), fullPage: true });
        expect(problems).toEqual([]);
      } finally {
        await close();
      }
    },
  );

  it("says how soon it was there", async () => {
    const { page, close } = await visit(browser, served, {}, undefined, measuring);
    const { verdict, largest, shift } = await page.evaluate(
      () => (globalThis as unknown as { measured: Record<string, number> }).measured,
    );
    console.log(
      `First verdict ${Math.round(verdict)} ms, largest paint ${Math.round(largest)} ms, layout shift ${shift.toFixed(3)}`,
    );
    expect(shift).toBeLessThan(0.1);
    await close();
  });

  it("asked for its own files alone", () => {
    expect(served.seen.filter(({ method, bytes }) => method !== "GET" || bytes > 0)).toEqual([]);
    expect(served.seen.filter(({ url }) => !/^\/(theme\.js|assets\/[\w.-]+)?$/.test(url))).toEqual([]);
    console.log(`Pictures of the page: ${pictures}`);
  });
});
