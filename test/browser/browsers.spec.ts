import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encode } from "fast-png";
import { type Engine, engines, type Tab } from "./browsers.ts";
import { colours, photo } from "./networks.ts";
import { ISOLATED, type Served, serve } from "./serve.ts";
import { judging, type Saved } from "./visit.ts";

const demo = resolve(import.meta.dirname, "../../demo");
const files = mkdtempSync(join(tmpdir(), "relprop-browsers-"));
const network = join(files, "colours.onnx");
const picture = join(files, "photo.png");
writeFileSync(network, colours);
writeFileSync(picture, encode(photo));

/** What Node computes with the binary that a browser has. */
function byNode(given: object, relaxed: boolean): number[][] {
  const request = JSON.stringify({ ...given, relaxed: relaxed ? "auto" : "never" });
  const flags = Number(process.versions.node.split(".")[0]) < 22 ? ["--experimental-wasm-relaxed-simd"] : [];
  const program = join(import.meta.dirname, "package/node.mjs");
  const said = execFileSync(process.execPath, [...flags, program, request], { encoding: "utf8" });
  return JSON.parse(said);
}
const three = { network: join(demo, "digits.onnx"), picture: join(demo, "three.png"), preset: "unit" };

/** How many numbers differ; all, if there are not as many. */
function differing(bits: readonly number[], wanted: readonly number[]): number {
  return bits.length === wanted.length ? bits.filter((word, i) => word !== wanted[i]).length : wanted.length;
}

const SAME = "Node's, bit by bit";

/** What there is to say of each browser, line by line. */
const table = new Map<string, Map<string, string>>();
const rows = new Set<string>();

for (const engine of engines) {
  if (engine.isHere) continue;
  if (process.env.CI) throw new Error(`No ${engine.name}: this needs ${engine.needs}.`);
  console.log(`skipped: ${engine.name}, which needs ${engine.needs}`);
}

describe.each(engines.filter(({ isHere }) => isHere))("$name", (engine: Engine) => {
  let tab: Tab;
  let relaxed: boolean;
  let page: Served;
  let packaged: Served;
  const said = new Map<string, string>();
  const say = (row: string, text: string) => {
    rows.add(row);
    said.set(row, text);
  };
  const shows = (where: string, text: string) =>
    tab.run(`await until(() => document.querySelector("${where}").textContent.includes("${text}"))`);
  const says = (text: string) => shows("#verdict", text);

  beforeAll(async () => {
    page = await serve(join(demo, "page/dist"), { watched: true });
    packaged = await serve(join(import.meta.dirname, "package/dist"), { watched: true, headers: ISOLATED });
    table.set(engine.name, said);
    tab = await engine.start();
    say("version", tab.version);
    say("driven by", engine.by);
  });
  afterAll(async () => {
    await tab?.close();
    page?.close();
    packaged?.close();
  });

  /** What "Save numbers" saves, without the way over the disk. */
  const saved = () =>
    tab.run<Saved>(`
      await until(() => document.querySelector('#result[aria-busy="false"]') && !document.querySelector("#save-numbers").disabled);
      document.querySelector("#save-numbers").click();
      return JSON.parse(await watched.saved.text());`);

  /** Compares what is shown with Node's numbers, bit by bit. */
  async function expectNodesNumbers(given: { network: string; picture: string }, relaxed: boolean): Promise<void> {
    const { relevance, preset, options } = await saved();
    const [wanted] = byNode({ ...given, preset, explanations: [options] }, relaxed);
    expect(differing([...new Uint32Array(Float32Array.from(relevance).buffer)], wanted)).toBe(0);
  }

  it("the package: explains, on the page, in a pool and in threads, with Node's numbers", async () => {
    await tab.open(packaged.origin);
    await tab.run("await until(() => globalThis.package)");
    relaxed = await tab.run<boolean>("return package.relaxed");
    const [[plain], [best]] = [false, relaxed].map((way) => byNode({ ...three, explanations: [{}] }, way));
    expect(differing(await tab.run("return package.plain()"), plain)).toBe(0);
    expect(differing(await tab.run("return package.best()"), best)).toBe(0);
    expect(differing(await tab.run("return package.pool()"), plain)).toBe(0);
    say("binary", relaxed ? "relaxed SIMD" : "SIMD");
    say("numbers, in the pool too", SAME);
    expect(await tab.run("return crossOriginIsolated")).toBe(true);
    const threads = await tab.run<{ bits: number[] } | { refusal: string }>("return package.threads()");
    if (await tab.run("return typeof SharedArrayBuffer === 'function'")) expect(threads).toEqual({ bits: plain });
    else
      expect(threads).toEqual({
        refusal: expect.stringMatching(/expected SharedArrayBuffer, got .* cross-origin isolated/),
      });
    say("threads, where isolated", "bits" in threads ? SAME : "refused: no SharedArrayBuffer");
    expect(await tab.run("return watched.problems")).toEqual([]);
  });

  it("the page: draws, takes a network and a photo, and shows Node's numbers", async () => {
    await tab.open(page.origin);
    await says("three");
    await tab.run(`document.querySelector("#clear").click()`);
    await says("Draw a digit");
    const box = await tab.run<{ x: number; y: number; width: number; height: number }>(`
      const pad = document.querySelector("#pad");
      pad.scrollIntoView({ block: "center" });
      return pad.getBoundingClientRect().toJSON();`);
    const at = ([x, y]: [number, number]) => [box.x + x * box.width, box.y + y * box.height] as const;
    await tab.draw(
      (
        [
          [0.3, 0.2],
          [0.7, 0.2],
          [0.6, 0.5],
          [0.45, 0.85],
        ] as [number, number][]
      ).map(at),
    );
    await says("seven");
    say("a digit drawn with the mouse", "seven");
    await tab.run(`document.querySelector("#demos button:last-child").click()`);
    await says("ship");
    await tab.run(`document.querySelector("#demos button").click()`);
    await says("seven");

    await tab.drop(three.picture);
    await shows("#photo-facts", "three.png");
    await says("three");
    await expectNodesNumbers(three, relaxed);
    await tab.drop(network);
    await shows("#network", "colours.onnx");
    await tab.drop(picture);
    await shows("#photo-facts", "photo.png");
    await says("class");
    await expectNodesNumbers({ network, picture }, relaxed);
    say("a network and a photo, dropped", engine.dropsItself ? "by the browser" : "by events in the page");
    say("the page's numbers", SAME);
    expect(await tab.run("return watched.problems")).toEqual([]);
    say("errors on the console", "none");
  });

  it.each(["", "texts.html"])("the page /%s can be used by everybody", async (path) => {
    await tab.open(`${page.origin}/${path}`);
    await says(",");
    expect(await tab.run(judging)).toEqual([]);
    expect(await tab.run("return watched.problems")).toEqual([]);
    say("axe-core", "finds nothing serious");
  });
});

afterAll(() => {
  const names = [...table.keys()];
  const lines = [
    ["", ...names],
    ...[...rows].map((row) => [row, ...names.map((name) => table.get(name)!.get(row) ?? "not reached")]),
  ];
  const widths = lines[0].map((_, k) => Math.max(...lines.map((line) => line[k].length)));
  console.log(
    lines
      .map((line) =>
        line
          .map((cell, k) => cell.padEnd(widths[k]))
          .join("  ")
          .trimEnd(),
      )
      .join("\n"),
  );
});
