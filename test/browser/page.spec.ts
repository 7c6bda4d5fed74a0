import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, describe, expect, it } from "vitest";
import { digits as strokes } from "../../demo/page/src/digits.ts";
import { ink } from "../../demo/page/src/strokes.ts";
import { load, preprocess } from "../../dist/index.js";
import { colours, photo } from "./networks.ts";
import { demo, found, pages, TOLERANCE } from "./pages.ts";
import { CSP } from "./serve.ts";
import { apart, drop, saved, says, seriousViolations } from "./visit.ts";

const digits = readFileSync(join(demo, "digits.onnx"));
const names: string[] = JSON.parse(readFileSync(join(demo, "digits.relprop.json"), "utf8")).classes;

const sizes = [
  { width: 390, height: 844 },
  { width: 820, height: 1180 },
  { width: 1280, height: 900 },
] as const;
const themes = ["light", "dark"] as const;

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

describe.runIf(found)("the page", () => {
  const { on, using } = pages();

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
    expect(said.at(-1)).toMatch(/^the picturesum [\d.]+$/);
    expect(await page.locator("#ledger-sum").textContent()).toMatch(/reaches the picture; .* absorbed by biases/);
    await columns.filter({ hasText: "convolution" }).first().click();
    await page.getByRole("heading", { name: /^Channels of .*Conv/ }).waitFor();
    const model = await load(digits);
    const pictured = await page.locator("#channels figcaption").allTextContents();
    model.dispose();
    expect(pictured.length).toBe(12);
    const shares = pictured.map((text) => Math.abs(Number(/: (?:[<>]\s)?(.*)\s%/.exec(text)![1].replace("−", "-"))));
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });

  on("explains a class that is chosen", async (page) => {
    await page.getByRole("radio", { name: "eight" }).check();
    await says(page, "eight");
    await says(page, "; the strongest is three");
    expect((await saved(page)).target.index).toBe(8);
  });

  on("explains a class against another", async (page) => {
    await page.getByLabel("Compare with").selectOption("8");
    await page.locator("#against-note", { hasText: "Red speaks for three rather than for eight" }).waitFor();
    await says(page, "; rather than eight");
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
    await page.getByLabel("Compare with").selectOption({ label: "automobile" });
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
    for (let i = 0; i < 3; i++) await page.getByRole("button", { name: "Next", exact: true }).click();
    expect(await page.locator("#how-step").textContent()).toBe("4 of 4");
    expect(await page.locator("#how-picture .sum").allTextContents()).toEqual(["sum 0.84", "sum 0.84", "sum 0.84"]);
    for (let i = 0; i < 3; i++) await page.getByRole("button", { name: "Back", exact: true }).click();
    expect(await how.textContent()).toBe(first);
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
  afterAll(() => console.log(`Pictures of the page: ${pictures}`));
  it.each(sizes.flatMap((size) => themes.map((theme) => ({ ...size, theme }))))(
    "$width x $height, $theme: readable",
    ({ theme, ...viewport }) =>
      using(
        async (page) => {
          const isPhone = viewport.width < 600;
          const { bottom } = await page.locator("#board").evaluate((board) => board.getBoundingClientRect().toJSON());
          if (isPhone) expect(bottom).toBeLessThanOrEqual(viewport.height);
          await page.screenshot({ path: join(pictures, `digits-${viewport.width}-${theme}.png`), fullPage: true });
          await drop(page, "colours.onnx", "", colours);
          await drop(page, "photo.png", "image/png", encode(photo));
          await says(page, "class");
          await drop(page, "notes.onnx", "", Buffer.from("not a network"));
          await page.getByRole("alert").waitFor();
          await page.locator("summary").first().click();
          expect(await seriousViolations(page)).toEqual([]);
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
          await page.screenshot({ path: join(pictures, `error-${viewport.width}-${theme}.png`), fullPage: true });
        },
        { viewport, colorScheme: theme },
      ),
  );

  it("says how soon it was there", () =>
    using(
      async (page) => {
        const { verdict, largest, shift } = await page.evaluate(
          () => (globalThis as unknown as { measured: Record<string, number> }).measured,
        );
        console.log(
          `First verdict ${Math.round(verdict)} ms, largest paint ${Math.round(largest)} ms, layout shift ${shift.toFixed(3)}`,
        );
        expect(shift).toBeLessThan(0.1);
      },
      {},
      measuring,
    ));
});
