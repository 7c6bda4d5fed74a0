import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  baseEntries,
  type Composite,
  conv2d,
  dense,
  flatten,
  type LoadOptions,
  load,
  maxPool2d,
  relu,
  ruleOf,
} from "../../src/entries/index.ts";
import { load as loadThreads } from "../../src/parallel/threads/index.ts";
import { network } from "../explain.ts";
import { tensor } from "../random.ts";

const root = resolve(import.meta.dirname, "../..");

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

  it.each([0, -1, 1.5, Number.NaN, 2 ** 32 + 1, "128 MB", null])(
    "of at most %s bytes is a mistake of the caller",
    async (maxMemory) => {
      await expect(load(net, { maxMemory: maxMemory as number })).rejects.toMatchObject({
        name: "LrpError",
        code: "usage",
      });
    },
  );

  it.each([
    ["predict", {}],
    ["explain", {}],
    ["explain", { weights: "repacked" }],
  ] as const)("that is too small for %s, %o: need and limit are told, and it has not grown", async (method, how) => {
    const need = await needOf(plus, x, how);
    const grown = growing();
    using model = await load(net, { ...how, maxMemory: 3 * 2 ** 16 });
    expect(() => model[method](x)).toThrow(
      /^the model's memory: it would take \d+ bytes \(\d+ for weights, \d+ to compute in\), more than the 196608 that are allowed/,
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
    expect(error).toMatchObject({ code: "memory", message: expect.stringContaining(`it would take ${need} bytes (`) });
    expect(grown.size).toBe(0);
    using enough = await load(net, { ...how, maxMemory: need });
    enough.explain(x, plus);
  });

  it.each([
    [x, plus, {}],
    [many, alphaBeta, {}],
    [x, plus, { weights: "repacked" }],
  ] as const)("is known before anything runs (%#)", async (input, options, how) => {
    const need = await needOf(options, input, how);
    using model = await load(net, how);
    const { memory, work } = model.needs(input.dims, options);
    expect(memory).toBe(need);
    using enough = await load(net, { ...how, maxWork: work / input.dims[0] });
    enough.explain(input, options);
    using less = await load(net, { ...how, maxWork: work / input.dims[0] - 1 });
    expect(() => less.explain(input, options)).toThrow("larger maxWork");
    expect(() => less.needs(input.dims, options)).toThrow("larger maxWork");
  });

  it("refuses a batch, and goes on with single inputs", async () => {
    using model = await load(net, { maxMemory: await needOf(plus) });
    const before = model.explain(x, plus);
    expect(() => model.explain(many, plus)).toThrow("it would take");
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

  it("reads no other weights that have come to lie where those of a plan were", async () => {
    // Forms of equal size, of which one after the other stands at the same place.
    const dims = [1, 32, 6, 6];
    const layers = [
      relu(),
      conv2d({ weight: tensor([32, 32, 3, 3], 1), pads: 1 }),
      flatten(),
      dense({ weight: tensor([3, 1152], 2) }),
    ];
    const [image, block] = [tensor(dims, 5), network(dims, ...layers)];
    const ways = [ruleOf.wSquare(), ruleOf.zPlus()].map((rule) => ({
      composite: [
        { type: "convolution", rule },
        { type: "dense", rule: ruleOf.epsilon() },
        ...baseEntries(),
      ] as Composite,
    }));
    const needs: number[] = [];
    const expected = [];
    for (const way of ways) {
      const grown = growing();
      using alone = await load(block, { winograd: false });
      expected.push(alone.explain(image, way));
      needs.push(bytesOf(grown));
      vi.restoreAllMocks();
    }
    using tight = await load(block, { winograd: false, maxMemory: Math.max(...needs) });
    for (const i of [0, 1, 0, 1]) expect(tight.explain(image, ways[i])).toEqual(expected[i]);
  });

  it("says so where the runtime gives no more", async () => {
    using model = await load(net);
    vi.spyOn(WebAssembly.Memory.prototype, "grow").mockImplementation(() => {
      throw new RangeError();
    });
    expect(() => model.predict(x)).toThrow(/it would take \d+ bytes .*, more than this runtime gives/);
  });

  it("is limited with threads too", async () => {
    const maxMemory = (await needOf(plus)) - 2 ** 20;
    using model = await loadThreads(net, { maxMemory, threads: 2 });
    expect(() => model.explain(x, plus)).toThrow(`more than the ${maxMemory} that are allowed`);
    await expect(loadThreads(net, { maxMemory: 0, threads: 2 })).rejects.toMatchObject({ code: "usage" });
  });
});

const MB = 2 ** 20;

/**
 * By how many bytes a process has grown in its last rounds, after as many to warm up. V8 counts objects, arrays and
 * memories of WebAssembly, to a few hundred kB; memories that threads share are counted here. What the system counts,
 * swings by tens of MB.
 */
function growth(entry: string, rounds: number, round: string): number {
  const script = `import { load } from "./dist/${entry}.js"; import { readFileSync } from "node:fs"; import { once } from "node:events";
const bytes = readFileSync("demo/digits.onnx"), kept = [], memories = [], ends = [];
const input = (n) => ({ data: new Float32Array(784 * n).fill(0.5), dims: [n, 1, 28, 28] });
WebAssembly.Memory = class extends WebAssembly.Memory { constructor(how) { super(how); memories.push(new WeakRef(this)); } };
process.on("worker", (thread) => ends.push(once(thread, "exit")));
const model = await load(bytes, { threads: 1 });
async function after(rounds) {
  for (let i = 0; i < rounds; i++) { ${round} }
  await Promise.all(ends.splice(0));
  for (let i = 0; i < 5; i++) { gc(); await new Promise((go) => setTimeout(go, 20)); }
  const { heapUsed, external } = process.memoryUsage();
  return memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), heapUsed + external);
}
const warm = await after(${rounds});
console.log(await after(${rounds}) - warm);
process.exit();`;
  return Number(
    execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], {
      cwd: root,
      encoding: "utf8",
    }),
  );
}

describe("a process", () => {
  const used = "const m = await load(bytes, { threads: 2 }); m.explain(input(1 + (i % 2)));";
  it.each([
    ["does not grow by load, explain, dispose", "index", 12, `${used} m.dispose();`, false],
    ["does not grow by load and explain, without dispose", "index", 12, used, false],
    ["does not grow by models that are kept, once disposed", "index", 12, `${used} m.dispose(); kept.push(m);`, false],
    ["does not grow by changes of the input's shape", "index", 25, "model.explain(input(1 + (i % 5)));", false],
    ["does not grow by load, explain, dispose with threads", "threads/index", 6, `${used} m.dispose();`, false],
    // Kept on purpose: a leak of as much is noticed.
    ["grows by models", "index", 12, `${used} kept.push(m);`, true],
    ["grows by relevance of 200 kB", "index", 12, "kept.push(model.explain(input(64)).relevance);", true],
    [
      "grows by memories that threads share",
      "threads/index",
      6,
      `${used} kept.push(memories.at(-1).deref()); m.dispose();`,
      true,
    ],
  ])("%s", (name, entry, rounds, round, grows) => {
    const grown = growth(entry, rounds, round) / MB;
    console.log(`${name}: ${grown.toFixed(2)} MB`);
    expect(grown > 1).toBe(grows);
  });
});
