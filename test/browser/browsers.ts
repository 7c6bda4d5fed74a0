import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, delimiter, join } from "node:path";
import { chromium, type Mouse } from "playwright-core";
import { launch } from "puppeteer-core";
import { Builder } from "selenium-webdriver";
import { FLAGS, findChromium } from "./chromium.ts";
import { dropping, HANGS } from "./visit.ts";

/** Places on the page, in CSS pixels. */
export type Path = readonly (readonly [x: number, y: number])[];

/** A page in one of the browsers. */
export interface Tab {
  readonly version: string;
  open(address: string): Promise<void>;
  /** Runs the body of an async function in the page, and gives what it returns. */
  run<T>(body: string): Promise<T>;
  /** Draws with the mouse, its button down from the first place to the last. */
  draw(path: Path): Promise<void>;
  drop(file: string): Promise<void>;
  close(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  /** How it is driven. */
  readonly by: string;
  /** Whether a file is dropped by the browser itself, and not by events that are made in the page. */
  readonly dropsItself: boolean;
  readonly needs: string;
  readonly isHere: boolean;
  start(): Promise<Tab>;
}

function onPath(program: string): string | undefined {
  const files = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, program));
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const asFunction = (body: string) => `(async () => { ${body} })()`;

/** Dropped by events that the page cannot tell from a hand's, but for `isTrusted`. */
const dropByEvents = (tab: Pick<Tab, "run">) => (file: string) => tab.run<void>(dropping(file));

/** Draws with the mouse of Playwright or Puppeteer, which are alike in this. */
const drawWith =
  (mouse: Pick<Mouse, "down" | "move" | "up">): Tab["draw"] =>
  async ([from, ...path]) => {
    await mouse.move(...from);
    await mouse.down();
    for (const place of path) await mouse.move(...place, { steps: 4 });
    await mouse.up();
  };

const found = findChromium();

async function startChromium(): Promise<Tab> {
  const browser = await chromium.launch({ executablePath: found, args: [...FLAGS], timeout: HANGS });
  const page = await browser.newPage();
  const protocol = await page.context().newCDPSession(page);
  page.setDefaultTimeout(HANGS);
  return {
    version: browser.version(),
    open: async (address) => void (await page.goto(address)),
    run: (body) => page.evaluate(asFunction(body)),
    draw: drawWith(page.mouse),
    async drop(file) {
      const data = { items: [], files: [file], dragOperationsMask: 1 };
      for (const type of ["dragEnter", "dragOver", "drop"] as const)
        await protocol.send("Input.dispatchDragEvent", { type, x: 40, y: 40, data });
    },
    close: () => browser.close(),
  };
}

const firefox = process.env.FIREFOX ?? onPath("firefox-esr");

async function startFirefox(): Promise<Tab> {
  const browser = await launch({
    browser: "firefox",
    executablePath: firefox,
    headless: true,
    timeout: HANGS,
    protocolTimeout: HANGS,
  });
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  page.setDefaultTimeout(HANGS);
  const run: Tab["run"] = (body) => page.evaluate(asFunction(body)) as Promise<never>;
  return {
    version: (await browser.version()).replace("firefox/", ""),
    open: async (address) => void (await page.goto(address)),
    run,
    draw: drawWith(page.mouse),
    drop: dropByEvents({ run }),
    close: () => browser.close(),
  };
}

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Where Debian puts WebKitGTK's small browser: beside its libraries, in the folder of the machine's architecture. */
function findMiniBrowser(): string | undefined {
  const folders = existsSync("/usr/lib") ? readdirSync("/usr/lib") : [];
  return folders.map((folder) => `/usr/lib/${folder}/webkit2gtk-4.1/MiniBrowser`).find(existsSync);
}

const driver = onPath("WebKitWebDriver");
const display = onPath("xvfb-run");
const miniBrowser = findMiniBrowser();

async function startWebKit(): Promise<Tab> {
  const port = await freePort();
  // A group of its own, so that the display ends with the driver.
  const server = spawn(display!, ["-a", driver!, `--port=${port}`], { stdio: "ignore", detached: true });
  const end = () => process.kill(-server.pid!);
  const session = async () =>
    new Builder()
      .usingServer(`http://127.0.0.1:${port}`)
      .withCapabilities({
        browserName: basename(miniBrowser!),
        "webkitgtk:browserOptions": { binary: miniBrowser, args: ["--automation"] },
      })
      .build();
  try {
    await listens(port);
    const browser = await session();
    await browser.manage().setTimeouts({ script: HANGS, pageLoad: HANGS });
    await browser.manage().window().setRect({ width: 1280, height: 900 });
    const run: Tab["run"] = async (body) => {
      const { value, error } = await browser.executeAsyncScript<{ value: never; error?: string }>(
        `const done = arguments[arguments.length - 1];
          ${asFunction(body)}.then((value) => done({ value }), (error) => done({ error: String(error) }));`,
      );
      if (error) throw new Error(error);
      return value;
    };
    return {
      version: `${(await browser.getCapabilities()).get("browserVersion")}`,
      open: (address) => browser.get(address),
      run,
      async draw([[x, y], ...path]) {
        const mouse = browser
          .actions({ async: true })
          .move({ x: Math.round(x), y: Math.round(y) })
          .press();
        for (const [x, y] of path) mouse.move({ x: Math.round(x), y: Math.round(y), duration: 50 });
        await mouse.release().perform();
      },
      drop: dropByEvents({ run }),
      close: () => browser.quit().finally(end),
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** Waits until somebody answers there. */
async function listens(port: number): Promise<void> {
  for (const began = Date.now(); Date.now() - began < HANGS; await new Promise((later) => setTimeout(later, 100)))
    if (
      await fetch(`http://127.0.0.1:${port}/status`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return;
  throw new Error("WebKitWebDriver does not answer");
}

export const engines: readonly Engine[] = [
  {
    name: "Chromium",
    by: "playwright-core",
    dropsItself: true,
    needs: "chromium on the PATH or in CHROMIUM",
    isHere: found !== undefined,
    start: startChromium,
  },
  {
    name: "Firefox",
    by: "puppeteer-core, WebDriver BiDi",
    dropsItself: false,
    needs: "firefox-esr on the PATH, or a Firefox in FIREFOX",
    isHere: firefox !== undefined,
    start: startFirefox,
  },
  {
    name: "WebKit",
    by: "selenium-webdriver, WebKitGTK",
    dropsItself: false,
    needs: "webkit2gtk-driver and xvfb",
    isHere: [driver, display, miniBrowser].every((program) => program !== undefined),
    start: startWebKit,
  },
];
