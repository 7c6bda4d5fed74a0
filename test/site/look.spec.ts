import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FLAGS, findChromium } from "../browser/chromium.ts";
import { type Served, serve } from "../browser/serve.ts";
import { BASE, site } from "./site.ts";

/** A page of every kind: landing page, tutorial, guides with pictures, tables and equations, references, a study. */
const shown = [
  "index.html",
  "tutorials/photo.html",
  "tutorials/exporting.html",
  "guides/getting-started.html",
  "guides/choosing-a-rule.html",
  "guides/lrn.html",
  "reference/operators.html",
  "api/relprop/index.html",
  "api/relprop/interfaces/Model.html",
  "leaderboard.html",
];
/** A phone in the dark, a tablet, and a desk. */
const screens = [
  { width: 390, height: 844, colorScheme: "dark" },
  { width: 820, height: 1180, colorScheme: "light" },
  { width: 1280, height: 800, colorScheme: "dark" },
  { width: 1280, height: 800, colorScheme: "light" },
] as const;

/**
 * Nothing from other hosts. VitePress has a script inside of each page, which chooses the theme; the page to try, which
 * forbids that for itself, needs WebAssembly and shows photos as blobs.
 */
const POLICY =
  "default-src 'self' 'unsafe-inline'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; img-src 'self' data: blob:";

/** What axe-core says. */
interface Found {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

const chromium = findChromium();
const require = createRequire(resolve(import.meta.dirname, "../browser/package.json"));
const axe = chromium ? readFileSync(require.resolve("axe-core/axe.min.js"), "utf8") : "";

describe.skipIf(!chromium && !process.env.CI)("the documentation site, in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "relprop-site-"));
  let browser: Browser;
  let served: Served;

  beforeAll(async () => {
    cpSync(site, join(folder, BASE), { recursive: true });
    served = await serve(folder, { headers: { "Content-Security-Policy": POLICY } });
    browser = await require("playwright-core").chromium.launch({ executablePath: chromium, args: [...FLAGS] });
  });

  afterAll(async () => {
    await browser?.close();
    served?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A page where nothing may go wrong, and nothing may come from elsewhere. */
  async function visiting(screen: (typeof screens)[number], use: (page: Page) => Promise<void>): Promise<void> {
    const { colorScheme, ...viewport } = screen;
    const page = await browser.newPage({ viewport, colorScheme });
    const problems: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(served.origin))
        problems.push(request.url());
    });
    await use(page);
    expect(problems).toEqual([]);
    await page.close();
  }

  describe.each(screens)("$width pixels wide, $colorScheme", (screen) => {
    it("is no wider than the screen, and axe-core has nothing to say", async () => {
      const complaints: string[] = [];
      await visiting(screen, async (page) => {
        for (const path of shown) {
          await page.goto(`${served.origin}${BASE}${path}`);
          await page.waitForFunction("document.querySelector('#app')?.__vue_app__");
          const tooWide = "document.documentElement.scrollWidth > document.documentElement.clientWidth";
          if (await page.evaluate(tooWide)) complaints.push(`${path}: it is wider than the screen`);
          await page.evaluate(axe);
          const { violations } = await page.evaluate<Found>("axe.run()");
          for (const { id, nodes } of violations) complaints.push(`${path}: ${id}: ${nodes.map(({ html }) => html)}`);
        }
      });
      expect(complaints).toEqual([]);
    });
  });

  it.each(screens.slice(0, 3))("can be tried on its landing page, $width pixels wide, $colorScheme", async (screen) => {
    await visiting(screen, async (page) => {
      await page.goto(`${served.origin}${BASE}guides/lrn.html`);
      await page.getByRole("link", { name: "relprop", exact: true }).first().click();
      const place = page.getByTitle("A digit that you draw, and what the network looked at");
      expect(await place.getAttribute("loading")).toBe("lazy");
      await place.scrollIntoViewIfNeeded();
      const tried = place.contentFrame();
      const says = (text: string) => tried.locator("#verdict").filter({ hasText: text }).waitFor();
      /** How much of it is seen only where one scrolls. */
      const hidden = () =>
        tried
          .locator(":root")
          .evaluate((root) => [root.scrollWidth - root.clientWidth, root.scrollHeight - root.clientHeight]);
      await says("three");
      await tried.getByRole("button", { name: "Example seven" }).click();
      await says("seven");
      expect(await hidden()).toEqual([0, 0]);
      await tried.getByRole("button", { name: "Look at a picture" }).click();
      await says("ship");
      expect(await hidden()).toEqual([0, 0]);
      const theme = () => tried.locator(":root").evaluate((root) => getComputedStyle(root).colorScheme);
      expect(await theme()).toBe(screen.colorScheme);
      await page.evaluate("document.querySelector('.VPSwitchAppearance').click()");
      await expect.poll(theme).not.toBe(screen.colorScheme);
    });
  });

  it("is searched without a server, changes its light, and keeps it", async () => {
    await visiting(screens[3], async (page) => {
      await page.goto(`${served.origin}${BASE}index.html`);
      await page.getByRole("button", { name: "Search" }).click();
      await page.getByRole("searchbox").fill("Taylor rule");
      await page.locator(".result").first().waitFor();
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/relprop\/.+\.html/);
      await page.getByRole("switch").first().click();
      await page.reload();
      expect(await page.evaluate("document.documentElement.classList.contains('dark')")).toBe(true);
    });
  });
});
