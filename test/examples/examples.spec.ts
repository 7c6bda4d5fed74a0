import { execFile, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { decode, type DecodedPng } from "fast-png";
import type { BrowserType, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explainImage } from "../../dist/image.js";
import { load } from "../../dist/index.js";
import { FLAGS, findChromium } from "../browser/chromium.ts";
import { serve } from "../browser/serve.ts";
import { meanOfWords } from "../text/networks.ts";
import { wordPiece } from "../text/tokenizers.ts";

/*
 * Packs relprop, installs each example with the tarball into a temporary folder, as its README says, and runs it.
 */
const root = resolve(import.meta.dirname, "../..");
const examples = join(root, "examples");
const demo = (name: string) => join(root, "demo", name);
const json = (file: string) => JSON.parse(readFileSync(file, "utf8"));
/** Those that install relprop; the others are files for engines. */
const names = readdirSync(examples).filter((name) => existsSync(join(examples, name, "package.json")));

const temporary = mkdtempSync(join(tmpdir(), "relprop-examples-"));
const at = (...path: string[]) => join(temporary, ...path);
const env = { ...process.env, NO_COLOR: "1", NODE_OPTIONS: "", WRANGLER_SEND_METRICS: "false", PORT: "0" };

/** What a command says. */
async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: at(folder), env, timeout: 600_000 });
  return stdout;
}

/** A command that serves, and prints where. It is ended with all that it has started. */
async function serving(folder: string, command: string, ...args: string[]) {
  const child = spawn(command, args, { cwd: at(folder), env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  let said = "";
  const url = await new Promise<string>((found, failed) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        said += text;
        const [address] = /http:\/\/[\w.]+:\d+/.exec(said) ?? [];
        if (address) found(address);
      });
    child.on("error", failed);
    child.on("exit", () => failed(new Error(said)));
  });
  return { url, [Symbol.dispose]: () => void process.kill(-child.pid!) };
}

/** The picture that explains one of the demo's, as the built library draws it here. */
async function pictureOf(name: string, classes?: readonly string[]): Promise<Uint8Array> {
  using model = await load(readFileSync(demo("digits.onnx")), { classes });
  return (await explainImage(model, readFileSync(demo(name)), { preset: "unit" })).png;
}

/** A request on a connection of its own: a server closes one that waits, perhaps as the next request is sent. */
const ask = (url: string, request: { method?: string; headers?: Record<string, string>; body?: BodyInit } = {}) =>
  fetch(url, { ...request, headers: { ...request.headers, connection: "close" } });

/** Posts one of the demo's pictures. */
async function answerTo(url: string, name: string): Promise<Uint8Array> {
  const response = await ask(url, { method: "POST", body: readFileSync(demo(name)) });
  expect([response.status, response.headers.get("Content-Type")]).toEqual([200, "image/png"]);
  return new Uint8Array(await response.arrayBuffer());
}

/** The same picture, where relaxed SIMD rounds otherwise: a colour may be the one beside it. */
function expectPicture(png: Uint8Array, wanted: Uint8Array): void {
  const [found, expected] = [decode(png), decode(wanted)];
  expect([found.width, found.height]).toEqual([expected.width, expected.height]);
  const coloursOf = ({ data, channels }: DecodedPng) => Array.from(data).filter((_, i) => i % channels < 3);
  const colours = coloursOf(expected);
  expect(coloursOf(found).findIndex((v, i) => Math.abs(v - colours[i]) > 1)).toBe(-1);
}

const playwright = (): BrowserType => createRequire(join(root, "test/browser/"))("playwright-core").chromium;

/** The bytes of the picture that a page shows. */
async function shownIn(page: Page): Promise<Uint8Array> {
  await page.waitForFunction(() => document.images[0].naturalWidth > 0);
  const bytes: string = await page.evaluate(`(async () => {
    const [image] = document.images;
    await image.decode();
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    canvas.getContext("2d").drawImage(image, 0, 0);
    return (await (await canvas.convertToBlob()).bytes()).toBase64();
  })()`);
  return Buffer.from(bytes, "base64");
}

/** Opens a folder's page in Chromium, where nothing may go wrong. */
async function visiting(folder: string, use: (page: Page) => Promise<unknown>): Promise<void> {
  const browser = await playwright().launch({ executablePath: findChromium(), args: [...FLAGS] });
  const served = await serve(at(folder));
  try {
    const page: Page = await browser.newPage();
    const problems: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) problems.push(message.text());
    });
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(`${served.origin}/`);
    await use(page);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    served.close();
  }
}

beforeAll(async () => {
  cpSync(examples, temporary, { recursive: true });
  const [{ filename }] = JSON.parse(await run(".", "npm", "pack", "--json", "--loglevel=error", root));
  const install = ["install", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error", at(filename)];
  await Promise.all(names.map((name) => run(name, "npm", ...install)));
});

afterAll(() => rmSync(temporary, { recursive: true, force: true }));

describe.each(names)("%s", (name) => {
  it("asks for exact versions, of relprop for this one", () => {
    const { dependencies, devDependencies } = json(join(examples, name, "package.json"));
    expect(dependencies.relprop).toBe(json(join(root, "package.json")).version);
    expect(Object.values({ ...dependencies, ...devDependencies }).join(" ")).toMatch(/^(\d+\.\d+\.\d+( |$))+$/);
  });

  it("says in its README how it is started", () => {
    const readme = readFileSync(join(examples, name, "README.md"), "utf8");
    expect(readme).toMatch(/^npm install$/m);
    expect(readme.split("\n").length).toBeLessThan(20);
  });
});

describe.concurrent("what comes out of", () => {
  it("the script: a picture", async () => {
    expect(await run("node", "npm", "start")).toMatch(/^class 3, logit 12\.89$/m);
    expectPicture(readFileSync(at("node/heatmap.png")), await pictureOf("three.png"));
    expect(await run("node", "npm", "start", "--", demo("digits.onnx"), demo("seven.png"), "unit")).toMatch(
      /^class 7/m,
    );
    expectPicture(readFileSync(at("node/heatmap.png")), await pictureOf("seven.png"));
  });

  it("the script for texts: words, whose relevance is the similarity", async () => {
    writeFileSync(at("text/model.onnx"), meanOfWords({ words: 12, hidden: 5, head: "embedding" }));
    writeFileSync(at("text/tokenizer.json"), JSON.stringify(wordPiece(["a", "hid", "##den", "gem", "film"])));
    const said = await run("text", "node", "similar.js", "model.onnx", "tokenizer.json", "a hidden gem", "a film");
    const rows = [...said.matchAll(/^(-?\d\.\d{3}) (.*)$/gm)].map(([, r, word]) => ({ r: Number(r), word }));
    expect(rows.map(({ word }) => word)).toEqual(["[CLS]", "a", "hidden", "gem", "[SEP]", "in all"]);
    expect(readFileSync(at("text/similar.html"), "utf8")).toContain("hidden</mark>");
    // The rest is that of the types.
    expect(Math.abs(rows[5].r)).toBeLessThanOrEqual(1);
  });

  it("the service: a picture for a picture", async () => {
    using server = await serving("service", "node", "server.js");
    const [three, seven] = await Promise.all(["three.png", "seven.png"].map((name) => answerTo(server.url, name)));
    expectPicture(three, await pictureOf("three.png"));
    expectPicture(seven, await pictureOf("seven.png"));
    const refused = await ask(server.url, { method: "POST", body: "no picture" });
    expect([refused.status, (await refused.json()).code]).toEqual([400, "usage"]);
    const large = await ask(server.url, { method: "POST", body: new Uint8Array(9e6) });
    expect(large.status).toBe(413);
  });

  it("the container's command: a service, which may be told to end", async () => {
    const dockerfile = readFileSync(join(examples, "docker/Dockerfile"), "utf8");
    const [, version] = /relprop@(\S+)/.exec(dockerfile)!;
    expect(version).toBe(json(join(root, "package.json")).version);
    const [command, ...args]: string[] = JSON.parse(/^CMD (.*)$/m.exec(dockerfile)![1]);
    cpSync(demo("."), at("docker/models"), {
      recursive: true,
      filter: (path) => /demo$|digits\.(onnx|relprop\.json)$/.test(path),
    });
    symlinkSync(at("node/node_modules"), at("docker/node_modules"));
    using server = await serving("docker", command, ...args.slice(0, -1), `${args.at(-1)} --port 0`);
    const url = `${server.url.replace("0.0.0.0", "127.0.0.1")}/explain/digits`;
    const answer = await ask(url, {
      method: "POST",
      body: readFileSync(demo("three.png")),
      headers: { Accept: "image/png" },
    });
    const { classes } = json(demo("digits.relprop.json"));
    expectPicture(new Uint8Array(await answer.arrayBuffer()), await pictureOf("three.png", classes));
  });

  it("the Cloudflare worker: a picture for a picture", async () => {
    using server = await serving("cloudflare", "node_modules/.bin/wrangler", "dev", "--port", "0", "--ip", "127.0.0.1");
    expectPicture(await answerTo(server.url, "three.png"), await pictureOf("three.png"));
    expect((await ask(server.url, { method: "POST", body: "no picture" })).status).toBe(400);
    expect((await ask(server.url)).status).toBe(405);
  });

  it("the notebook's cells: two pictures", async () => {
    const cells: { cell_type: string; source: string[] }[] = json(at("notebook/explain.ipynb")).cells;
    const code = cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => source.join(""));
    // What the kernel shows below a cell is written to a file.
    const show = "let shown = 0; const show = (png) => Deno.writeFileSync(shown++ + '.png', png);";
    writeFileSync(at("notebook/cells.ts"), [show, ...code].join("\n").replaceAll("Deno.jupyter.image", "show"));
    await run("notebook", "node_modules/.bin/deno", "run", "--allow-read", "--allow-write", "cells.ts");
    expectPicture(readFileSync(at("notebook/0.png")), await pictureOf("three.png"));
    expect(decode(readFileSync(at("notebook/1.png")))).toMatchObject({ width: 484 });
  });

  const chromium = findChromium();
  it.skipIf(!chromium && !process.env.CI)("the page: a heatmap for each picture, in Chromium", async () => {
    await run("react", "npm", "run", "build");
    await visiting("react/dist", async (page) => {
      const input = page.getByLabel("Pictures of digits");
      await input.setInputFiles([demo("three.png"), demo("seven.png")]);
      await page.getByText("three.png: a 3").waitFor();
      await page.getByText("seven.png: a 7").waitFor();
      const sizes = () => [...document.images].map((image) => image.decode().then(() => image.naturalWidth));
      expect(await page.evaluate(`Promise.all((${sizes})())`)).toEqual([224, 224]);
      await input.setInputFiles([demo("digits.onnx")]);
      await page.getByRole("alert").filter({ hasText: "the picture: expected" }).waitFor();
    });
  });

  it.skipIf(!chromium && !process.env.CI)("the service worker: a picture, with and without a connection", async () => {
    await run("service-worker", "npm", "run", "build");
    await visiting("service-worker/public", async (page) => {
      await page.locator("input:enabled").setInputFiles(demo("three.png"));
      expectPicture(await shownIn(page), await pictureOf("three.png"));
      await page.context().setOffline(true);
      await page.locator("input").setInputFiles(demo("seven.png"));
      await page.getByAltText("seven.png").waitFor();
      expectPicture(await shownIn(page), await pictureOf("seven.png"));
    });
  });

  it.skipIf(!chromium && !process.env.CI)("the extension: a new tab with a picture for a picture", async () => {
    await run("extension", "npm", "run", "build");
    const extension = at("extension/public");
    const context = await playwright().launchPersistentContext(at("profile"), {
      executablePath: chromium,
      args: [...FLAGS, `--load-extension=${extension}`, `--disable-extensions-except=${extension}`],
    });
    const served = await serve(join(root, "demo"));
    try {
      const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent("serviceworker"));
      // A click into the menu of a picture, which no test can make.
      const opened = context.waitForEvent("page");
      await worker.evaluate(`chrome.contextMenus.onClicked.dispatch({ srcUrl: "${served.origin}/seven.png" })`);
      const page = await opened;
      await page.getByText("class 7").waitFor();
      expectPicture(await shownIn(page), await pictureOf("seven.png"));
      await page.goto(`${worker.url().replace("background.js", "result.html")}?srcUrl=${served.origin}/digits.onnx`);
      await page.getByText("the picture: expected").waitFor();
    } finally {
      await context.close();
      served.close();
    }
  });

  it.skipIf(!chromium && !process.env.CI)("a page with explainAsync: the bits of explain, in Chromium", async () => {
    cpSync(join(examples, "react"), at("async"), { recursive: true });
    symlinkSync(at("react/node_modules"), at("async/node_modules"));
    writeFileSync(
      at("async/src/main.jsx"),
      `import { load } from "relprop";
import network from "relprop/demo/digits.onnx?url";
const model = await load(await (await fetch(network)).arrayBuffer());
const x = { data: new Float32Array(784).fill(0.5), dims: [1, 1, 28, 28] };
const there = await model.explainAsync(x);
document.title = there.relevance.data.join() === model.explain(x).relevance.data.join() ? "same" : "not the same";
model.dispose();`,
    );
    await run("async", "node_modules/.bin/vite", "build");
    await visiting("async/dist", (page) => page.waitForFunction(() => document.title === "same"));
  });
});
