import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { conv2d, dense, flatten, type LoadOptions, load, maxPool2d, relu } from "../../src/index.ts";
import { load as loadThreads } from "../../src/threads/index.ts";
import { built } from "../built.ts";
import { network } from "../explain.ts";
import { tensor } from "../random.ts";

const root = resolve(import.meta.dirname, "../..");
if (!built) console.log("skipped: rounds in processes of their own, and threads, which need npm run build");

const net = network(
  [1, 3, 20, 20],
  conv2d({ weight: tensor([32, 3, 5, 5], 1), bias: tensor([32], 2), pads: 2 }),
  relu(),
  maxPool2d({ kernel: 2 }),
  flatten(),
  dense({ weight: tensor([300, 3200], 3), bias: tensor([300], 4) }),
);
const x = tensor([1, 3, 20, 20], 5);
const many = tensor([9, 3, 20, 20], 6);
const plus = { composite: "epsilonPlus" } as const;
const alphaBeta = { composite: "epsilonAlpha2Beta1" } as const;

/** Every memory that was made to grow. */
function growing(): Set<WebAssembly.Memory> {
  const grown = new Set<WebAssembly.Memory>();
  const { grow } = WebAssembly.Memory.prototype;
  vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(function (this: WebAssembly.Memory, pages: number) {
    grown.add(this);
    return grow.call(this, pages);
  });
  return grown;
}

const bytesOf = ([memory]: Set<WebAssembly.Memory>) => memory.buffer.byteLength;

/** The bytes that a call needs, as the memory has them afterwards. */
async function needOf(options: object, input = x, how: LoadOptions = {}): Promise<number> {
  const grown = growing();
  using model = await load(net, how);
  model.explain(input, options);
  vi.restoreAllMocks();
  return bytesOf(grown);
}

afterEach(() => void vi.restoreAllMocks());

describe("a model's memory", () => {
  it("is one for all shapes of input, and grows to the largest", async () => {
    const alone = await needOf(plus, many);
    const grown = growing();
    using model = await load(net);
    const before = model.explain(x, plus);
    model.explain(many, plus);
    expect(model.explain(x, plus)).toEqual(before);
    expect([grown.size, bytesOf(grown)]).toEqual([1, alone]);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32 + 1, "128 MB", null])("of at most %s bytes is a mistake of the caller", async (maxMemory) => {
    await expect(load(net, { maxMemory: maxMemory as number })).rejects.toMatchObject({ name: "LrpError", code: "usage" });
  });

  it.each([
    ["predict", {}],
    ["explain", {}],
    ["explain", { weights: "repacked" }],
  ] as const)("that is too small for %s, %o: need and limit are told, and it has not grown", async (method, how) => {
    const need = await needOf(plus, x, how);
    const grown = growing();
    using model = await load(net, { ...how, maxMemory: 2 ** 17 });
    expect(() => model[method](x)).toThrow(
      /^the model's memory: expected at most 131072 bytes, got a need of \d+: \d+ for weights, \d+ to compute in/,
    );
    expect(grown.size).toBe(0);
    if (method === "predict") return;
    using tight = await load(net, { ...how, maxMemory: need - 1 });
    const error = (() => {
      try {
        return tight.explain(x, plus);
      } catch (e) {
        return e;
      }
    })();
    expect(error).toMatchObject({ code: "memory", message: expect.stringContaining(`got a need of ${need}:`) });
    expect(grown.size).toBe(0);
    using enough = await load(net, { ...how, maxMemory: need });
    enough.explain(x, plus);
  });

  it("refuses a batch, and goes on with single inputs", async () => {
    using model = await load(net, { maxMemory: await needOf(plus) });
    const before = model.explain(x, plus);
    expect(() => model.explain(many, plus)).toThrow("a need of");
    expect(model.explain(x, plus)).toEqual(before);
  });

  it("gives up the weights of another composite where both do not fit", async () => {
    const maxMemory = Math.max(await needOf(plus), await needOf(alphaBeta));
    using roomy = await load(net);
    using tight = await load(net, { maxMemory });
    const grown = growing();
    for (const way of [plus, alphaBeta, plus, { composite: "epsilon" }, alphaBeta]) {
      expect(tight.explain(x, way)).toEqual(roomy.explain(x, way));
      expect(tight.predict(x)).toEqual(roomy.predict(x));
    }
    const [large, small] = [...grown].map((memory) => memory.buffer.byteLength).sort((a, b) => b - a);
    expect([small <= maxMemory, large > maxMemory]).toEqual([true, true]);
  });

  it("says so where the runtime gives no more", async () => {
    using model = await load(net);
    vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
      throw new RangeError();
    });
    expect(() => model.predict(x)).toThrow(/expected as many bytes as this runtime gives, got a need of \d+/);
  });

  it("is limited with threads too", async () => {
    const maxMemory = (await needOf(plus)) - 2 ** 20;
    using model = await loadThreads(net, { maxMemory, threads: 2 });
    expect(() => model.explain(x, plus)).toThrow(`at most ${maxMemory} bytes`);
    await expect(loadThreads(net, { maxMemory: 0, threads: 2 })).rejects.toMatchObject({ code: "usage" });
  });
});

const MB = 2 ** 20;

/**
 * By how much a process has grown in the last third of its rounds, in bytes. Digits take half a megabyte a round.
 * Two thirds, because V8 keeps code of dropped instances for a while: Node 24 levels off after some 800 rounds, at 230 MB.
 */
function growth(round: string, entry: string, rounds: number): number {
  const script = `import { load } from "./dist/${entry}.js"; import { readFileSync } from "node:fs";
const bytes = readFileSync("demo/digits.onnx");
const input = (n) => ({ data: new Float32Array(784 * n).fill(0.5), dims: [n, 1, 28, 28] });
const rounds = async (n) => { for (let i = 0; i < n; i++) { ${round} } };
const settled = async () => { for (let i = 0; i < 5; i++) { gc(); await new Promise((go) => setTimeout(go, 20)); } return process.memoryUsage.rss(); };
const model = await load(bytes, { threads: 1 });
await rounds(${(2 * rounds) / 3}); const warm = await settled();
await rounds(${rounds / 3}); console.log(await settled() - warm);`;
  return Number(execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], { cwd: root, encoding: "utf8" }));
}

describe.runIf(built)("a process does not grow", () => {
  const explained = "m.explain(input(1 + (i % 2)));";
  it.each([
    ["over fifteen hundred rounds of load, explain, dispose", `const m = await load(bytes); ${explained} m.dispose();`, "index", 1500],
    ["over fifteen hundred rounds without dispose", `const m = await load(bytes); ${explained}`, "index", 1500],
    ["over six hundred changes of the input's shape", "model.explain(input(1 + (i % 5)));", "index", 600],
    [
      "over a hundred and twenty rounds with threads",
      `const m = await load(bytes, { threads: 2 }); ${explained} m.dispose();`,
      "threads/index",
      120,
    ],
  ])("%s", (_, round, entry, rounds) => {
    const grown = growth(round, entry, rounds);
    console.log(`${_}: ${(grown / MB).toFixed(1)} MB`);
    expect(grown).toBeLessThan(48 * MB);
  });
});
