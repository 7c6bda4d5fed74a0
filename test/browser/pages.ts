import { join, resolve } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { FLAGS, findChromium } from "./chromium.ts";
import { type Served, serve } from "./serve.ts";
import { HANGS, PICTURES, visit } from "./visit.ts";

export const demo = resolve(import.meta.dirname, "../../demo");

/** Chromium, without which there is nothing to test. */
export const found = findChromium();
if (!found && process.env.CI) throw new Error("No chromium: apt-get install chromium, or say where it is in CHROMIUM.");
if (!found) console.log("skipped: the page in a browser, which needs chromium on the PATH or in CHROMIUM");

/** Node may have the plain binary and Chromium the relaxed one. */
export const TOLERANCE = 1e-5;

/** What the page may ask its server for. */
const OWN = /^\/(theme\.js|texts\.html|assets\/[\w.-]+)?(\?embedded)?$/;

/** A browser and a server for the tests of a file, which may ask for nothing but the files of the page. */
export function pages(start = PICTURES) {
  let browser: Browser;
  let served: Served;

  beforeAll(async () => {
    served = await serve(join(demo, "page/dist"));
    browser = await chromium.launch({ executablePath: found, args: [...FLAGS], timeout: HANGS });
  });
  afterAll(async () => {
    await browser?.close();
    served?.close();
    expect(served.seen.filter(({ method, url, bytes }) => method !== "GET" || bytes > 0 || !OWN.test(url))).toEqual([]);
  });

  /** Uses a page of its own, which must end without a problem. @param script code that runs before the page's */
  async function using(
    body: (page: Page) => Promise<void>,
    options: BrowserContextOptions = {},
    script?: string,
  ): Promise<void> {
    const { page, problems, close } = await visit(browser, served, options, start, script);
    try {
      await body(page);
      expect(problems).toEqual([]);
    } finally {
      await close();
    }
  }

  return {
    using,
    /** A test on such a page. */
    on: (title: string, body: (page: Page) => Promise<void>) => it(title, () => using(body)),
  };
}
