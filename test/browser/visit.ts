import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, extname } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import type { Served } from "./serve.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The page, opened, and what went wrong on it so far. */
export interface Visit {
  readonly page: Page;
  /** Errors of the console, of scripts, of the policy; requests that leave the origin or carry a body. */
  readonly problems: string[];
  close(): Promise<void>;
}

/**
 * Milliseconds after which something hangs, on however slow a machine; before vitest ends the test, so that it says
 * what it waits for.
 */
export const HANGS = 300_000;

/** What the page says it explains: "three, > 99.9 %". */
export const verdict = (page: Page) => page.locator("#verdict");

/** What is served, and what its first verdict says. */
export const PICTURES = { path: "", first: "three" };

export async function visit(
  browser: Browser,
  { origin }: Served,
  options: BrowserContextOptions = {},
  { path, first } = PICTURES,
  /** Code that runs before the page's. */
  script?: string,
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(HANGS);
  const problems: string[] = [];
  context.on("request", (request) => {
    const { protocol, origin: to } = new URL(request.url());
    const local = to === origin || protocol === "blob:" || protocol === "data:";
    if (!local || request.postData() !== null) problems.push(`${request.method()} ${request.url()}`);
  });
  context.on("requestfailed", (request) => problems.push(`failed: ${request.url()}`));
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  await page.exposeFunction("reportViolation", (text: string) => problems.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      (globalThis as unknown as { reportViolation(text: string): void }).reportViolation(
        `${event.violatedDirective} ${event.blockedURI}`,
      ),
    );
  });
  if (script) await page.addInitScript(script);
  await page.goto(`${origin}/${path}`);
  await says(page, first);
  return { page, problems, close: () => context.close() };
}

/** Waits until the page has explained this class. */
export async function says(page: Page, text: string): Promise<void> {
  await verdict(page).filter({ hasText: text }).waitFor();
}

const droppingBytes = (name: string, type: string, bytes: Uint8Array) => `
  const bytes = Uint8Array.from(atob("${Buffer.from(bytes).toString("base64")}"), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], ${JSON.stringify(name)}, { type: ${JSON.stringify(type)} }));
  for (const kind of ["dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));`;

const mediaTypes: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".txt": "text/plain",
};

/** Code for the page that drops a file on it. */
export const dropping = (file: string) =>
  droppingBytes(basename(file), mediaTypes[extname(file)] ?? "", readFileSync(file));

/** Drops a file on the page, as a hand does. */
export async function drop(page: Page, name: string, type: string, bytes: Uint8Array): Promise<void> {
  await page.evaluate(`(() => { ${droppingBytes(name, type, bytes)} })()`);
}

/** What "Save numbers" saves. */
export interface Saved {
  readonly network: string;
  readonly preset: string;
  readonly options: { readonly composite: string; readonly lrn?: string; readonly target: unknown };
  readonly scores: readonly number[];
  readonly target: { readonly index: number };
  readonly dims: readonly number[];
  readonly relevance: readonly number[];
}

export async function saved(page: Page): Promise<Saved> {
  for (;;) {
    await page.locator('#result[aria-busy="false"]').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download", { timeout: 5000 }).catch(() => undefined),
      page.getByRole("button", { name: "Save numbers" }).click(),
    ]);
    // A click that falls into the beginning of the next explanation saves nothing: once more, until the test's time is
    // up.
    if (download) return JSON.parse(readFileSync(await download.path(), "utf8"));
  }
}

/** The opacity of every pixel of the heatmap on the page. */
export async function opacities(page: Page): Promise<number[]> {
  return page.locator("#heat").evaluate((heat) => {
    const canvas = heat as HTMLCanvasElement;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]);
  });
}

/** Code for the page that says what axe-core finds there that is serious, or worse. */
export const judging = `${axe}
  const { violations } = await globalThis.axe.run();
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => id + ": " + nodes.map(({ target }) => target.join(" ")).join(", "));`;

export const seriousViolations = (page: Page): Promise<string[]> => page.evaluate(`(async () => { ${judging} })()`);

/** Largest difference as a share of the largest magnitude. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let [difference, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]));
    size = Math.max(size, Math.abs(b[i]));
  }
  return difference / size;
}
