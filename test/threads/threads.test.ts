import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import {
  averagePool2d,
  composites,
  conv2d,
  dense,
  type ExplainOptions,
  flatten,
  hasRelaxedSimd,
  type LoadOptions,
  lrn,
  maxPool2d,
  type Network,
  relu,
  type Tensor,
} from "../../src/entries/index.ts";
import { load as loadAlone } from "../../src/entries/index.ts";
import { open, type Source } from "../../src/read/open.ts";
import { Model } from "../../src/model/model.ts";
import { compileText } from "../../src/run/wasm.ts";
import { load, type ThreadOptions } from "../../src/parallel/threads/index.ts";
import { shared } from "../../src/shared.gen.ts";
import { team } from "../../src/parallel/threads/team.ts";
import { network } from "../explain.ts";
import { dataFile, hasData } from "../data.ts";
import { external, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { nets } from "../rules/nets.ts";

const root = resolve(import.meta.dirname, "../..");

const he = (dims: readonly number[], seed: number) => {
  const scale = Math.sqrt(6 / dims.slice(1).reduce((a, b) => a * b, 1));
  return tensor(dims, seed, -scale, scale);
};

/** Every kind of layer, large enough that all of them are shared out; odd numbers, so that parts differ. */
const wide = (n: number): Network =>
  network(
    [n, 3, 67, 71],
    conv2d({ weight: he([37, 3, 5, 5], 1), bias: tensor([37], 2, -0.2, 0.2), pads: 2 }),
    relu(),
    lrn({ size: 5, alpha: 2 }),
    conv2d({ weight: he([40, 37, 1, 1], 3), bias: tensor([40], 4, -0.2, 0.2) }),
    relu(),
    maxPool2d({ kernel: 3, strides: 2, pads: 1 }),
    conv2d({ weight: he([40, 1, 3, 3], 5), group: 40, pads: 1 }),
    conv2d({ weight: he([52, 40, 3, 3], 6), bias: tensor([52], 7, -0.2, 0.2), pads: 1 }),
    relu(),
    lrn({ size: 3, alpha: 5, region: "spatial" }),
    averagePool2d({ kernel: 3, strides: 2, pads: 1 }),
    conv2d({ weight: he([66, 26, 3, 3], 8), group: 2, strides: 2 }),
    relu(),
    maxPool2d({ kernel: 2 }),
    flatten(),
    dense({ weight: he([101, 66 * 4 * 4], 9), bias: tensor([101], 10) }),
    relu(),
    dense({ weight: he([7, 101], 11) }),
  );

type Way = Pick<ExplainOptions, "composite" | "low" | "high">;

const ways = composites.map(
  ({ name }): Way => (name.includes("Box") ? { composite: name, low: -1, high: 1 } : { composite: name }),
);

/** Those that together call every kernel that any of them calls. */
const enough = ways.filter(({ composite }) =>
  ["epsilonGammaBox", "epsilonAlpha2Beta1", "gradient", "excitationBackprop"].includes(composite as string),
);

/** @returns whether any relevance has arrived: a gradient may be 0 everywhere */
function expectSame(one: Model, several: Model, x: Tensor, options: object): boolean {
  const [a, b] = [one, several].map((model) => model.explain(x, options));
  expect(b).toEqual(a);
  return [...b.relevance.data].some((v) => v !== 0);
}

/** As `load`, but calls of sixteen numbers are shared out as well. */
async function loadFinely(source: Source, { threads, ...options }: ThreadOptions): Promise<Model> {
  const binary = hasRelaxedSimd() ? "relaxed" : "simd";
  return new Model(
    await open(source, options),
    await team(await compileText(shared[binary]), threads, 2 ** 28, 16),
    options,
  );
}

async function expectSameModels(
  source: Source,
  inputs: readonly Tensor[],
  threads: number,
  options: LoadOptions = {},
  loadSeveral = load,
  explained: readonly Way[] = ways,
): Promise<void> {
  const one = await loadAlone(source, options);
  const several = await loadSeveral(source, { ...options, threads });
  for (const x of inputs) {
    expect(several.predict(x)).toEqual(one.predict(x));
    const arrived = explained.map((way) => expectSame(one, several, x, way));
    expect(arrived).toContain(true);
  }
  one.dispose();
  several.dispose();
}

/** What a process of its own writes; it must end by itself, and is ended only if it hangs. */
function runAlone(code: string, ...flags: string[]): string {
  const script = `import { load } from "./dist/threads/index.js"; import { readFileSync } from "node:fs";
const bytes = readFileSync("demo/digits.onnx"); const x = { data: new Float32Array(784), dims: [1, 1, 28, 28] };
${code}`;
  return execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script], {
    cwd: root,
    encoding: "utf8",
    stdio: "pipe",
    timeout: 300_000,
  });
}

describe("threads", () => {
  it.each(nets)("give the same bits as one: $name", async ({ source, dims }) => {
    await expectSameModels(source, [tensor(dims, 1)], 3);
    await expectSameModels(source, [tensor(dims, 1)], 3, {}, loadFinely);
  });

  it.each([
    [1, 2, {}, ways],
    [3, 2, {}, enough],
    [1, 5, { winograd: false }, enough],
    [2, 3, { relaxed: "never" }, enough],
  ] as const)(
    "give the same bits as one where every layer is shared out: batch %i, %i threads, %o",
    async (n, threads, options, explained) => {
      await expectSameModels(wide(n), [tensor([n, 3, 67, 71], 2)], threads, options, load, explained);
    },
  );

  it("call in the smaller rows every kernel that any composite calls", async () => {
    using model = await loadAlone(wide(1));
    const kernels = (some: readonly Way[]) =>
      new Set(
        some.flatMap((way) =>
          model
            .printPlan([1, 3, 67, 71], way)
            .match(/^ *\w+(?=\()/gm)
            ?.map((k) => k.trim()),
        ),
      );
    expect([...kernels(enough)].sort()).toEqual([...kernels(ways)].sort());
  });

  it("give the same bits as one for the demo, one shape of input after the other", async () => {
    const bytes = new Uint8Array(readFileSync(join(root, "demo/digits.onnx")));
    await expectSameModels(
      bytes,
      [tensor([1, 1, 28, 28], 1, 0, 1), tensor([3, 1, 28, 28], 2, 0, 1), tensor([1, 1, 28, 28], 3, 0, 1)],
      2,
    );
  });

  it.runIf(hasData)("give the same bits as one for an AlexNet", async () => {
    const bytes = dataFile("models/alexnet_lrn_cifar10/alexnet_lrn_cifar10.onnx");
    const one = await loadAlone(bytes);
    const several = await load(bytes, { threads: 2 });
    const x = tensor([2, 3, 32, 32], 7);
    expect(several.predict(x)).toEqual(one.predict(x));
    expect(expectSame(one, several, x, { composite: "epsilonAlpha2Beta1" })).toBe(true);
    one.dispose();
    several.dispose();
  });

  it("end with the model, which cannot be used any more", async () => {
    const [dims] = [[2, 3, 11, 9]];
    const ends: Promise<unknown>[] = [];
    const started = (worker: Worker) => ends.push(once(worker, "exit"));
    process.on("worker", started);
    const model = await load(nets[0].source, { threads: 3 });
    process.off("worker", started);
    model.dispose();
    model.dispose();
    expect(ends).toHaveLength(2);
    await Promise.all(ends);
    expect(() => model.predict(tensor(dims, 1))).toThrow("it was disposed before this call");
  });

  it("end when a model that was not disposed is collected", () => {
    const code = `let threads = 0; process.on("worker", (w) => { threads++; w.once("exit", () => threads--); });
await (async () => void (await load(bytes, { threads: 3 })).predict(x))();
const before = threads;
while (threads > 0) { gc(); await new Promise((go) => setTimeout(go, 20)); }
console.log(before, threads);`;
    expect(runAlone(code, "--expose-gc")).toBe("2 0\n");
  });

  it(
    "do not keep a process alive: one that disposes, one that forgets to, one that fails, one that never " + "computes",
    () => {
      expect(
        runAlone(`const m = await load(bytes, { threads: 3 }); m.predict(x); m.dispose(); console.log("disposed");`),
      ).toBe("disposed\n");
      expect(
        runAlone(`const m = await load(bytes, { threads: 3 }); console.log(m.predict(x).output.dims.join());`),
      ).toBe("1,10\n");
      expect(() =>
        runAlone(`const m = await load(bytes, { threads: 3 }); m.predict(x); throw new Error("on purpose");`),
      ).toThrow("on purpose");
      expect(runAlone(`await load(bytes, { threads: 2 }); console.log("loaded");`)).toBe("loaded\n");
    },
  );

  it.each([0, 1.5, Number.NaN, "2"])("%s of them are a mistake of the caller", async (threads) => {
    await expect(load(nets[0].source, { threads: threads as number })).rejects.toMatchObject({
      name: "LrpError",
      code: "usage",
    });
  });

  it("refuse a file as one thread does, and end", () => {
    expect(runAlone(`try { await load(new Uint8Array(5), { threads: 2 }); } catch (e) { console.log(e.code); }`)).toBe(
      "not-onnx\n",
    );
  });

  it("run networks whose weights lie in another file", async () => {
    const bytes = onnx({
      nodes: [{ type: "Gemm", inputs: ["x", "w"], outputs: ["y"] }],
      initializers: { w: { dims: [3, 1], data: { type: 1, fields: external({ location: "w.bin" }) } } },
      inputs: { x: [1, 3] },
      outputs: { y: [1, 1] },
    });
    const model = await load(bytes, {
      threads: 2,
      externalData: () => new Uint8Array(Float32Array.of(1, 2, 3).buffer),
    });
    expect(model.predict({ data: Float32Array.of(1, 10, 100), dims: [1, 3] }).output.data).toEqual(
      Float32Array.of(321),
    );
    model.dispose();
  });

  it("say what is missing where memory cannot be shared", () => {
    const code =
      `delete globalThis.SharedArrayBuffer; try { await load(bytes, { threads: 2 }); } catch (e) { ` +
      `console.log(e.code, e.message); }`;
    expect(runAlone(code)).toMatch(
      /^unsupported option 'threads': expected SharedArrayBuffer, .*Cross-Origin-Opener-Policy/,
    );
    expect(runAlone(`globalThis.crossOriginIsolated = true; ${code}`)).toMatch(
      /^unsupported option 'threads': expected SharedArrayBuffer, got none, although the page is cross-origin isolated/,
    );
  });

  it("say where to load on the main thread of a page, which may not wait", () => {
    const code =
      `Atomics.wait = () => { throw new TypeError(); }; try { await load(bytes, { threads: 2 }); } ` +
      `catch (e) { console.log(e.code, e.message); }`;
    expect(runAlone(code)).toMatch(
      /^unsupported option 'threads': .*the main thread of a page. Load and explain inside a Worker/,
    );
  });

  it("say so where there are no addresses left", () => {
    const code = `WebAssembly.Memory = class { constructor() { throw new RangeError("full"); } };
try { await load(bytes, { threads: 2 }); } catch (e) { console.log(e.code, e.message); }`;
    expect(runAlone(code)).toMatch(
      /^memory option 'threads': expected an address space of 4294967296 bytes for shared memory, got RangeError: full/,
    );
  });

  it(
    "that are ended from outside in the middle of a part are missed after a while, and the model refuses to " + "go on",
    () => {
      // The thread ends itself at its 50th part, without a word; the caller's seconds are a thousand times as short.
      const code = `const threads = process.getBuiltinModule("node:worker_threads");
const deadly = \`let n = 0; const { Instance } = WebAssembly; WebAssembly.Instance = function (...args) {
  const { exports } = new Instance(...args);
  return { exports: Object.fromEntries(Object.entries(exports).map(([k, f]) => [k, (...a) => (++n === 50 ? process.exit() : f(...a))])) };
};\`;
threads.Worker = class extends threads.Worker { constructor(code, options) { super(deadly + code, options); } };
const { wait } = Atomics; Atomics.wait = (ints, place, value, ms) => wait(ints, place, value, ms / 1000);
const m = await load(bytes, { threads: 2 });
const text = () => { try { for (;;) m.explain(x); } catch (e) { return e.code + " " + e.message; } };
const first = text(); console.log(first); console.log(text() === first);
m.dispose();`;
      expect(runAlone(code)).toMatch(
        /^unsupported a thread of the model: .* within 300 seconds: it hangs, or was ended from outside.* load it again\.\ntrue\n$/,
      );
    },
  );

  it("tell how a part failed in a thread", async () => {
    const engine = await team(await compileText(shared[hasRelaxedSimd() ? "relaxed" : "simd"]), 2, 2 ** 32);
    const { bind } = engine.instance;
    // Beyond the end of a memory of two pages.
    const run = bind!({ kernel: "fill", args: [2 ** 20, 2 ** 16, 1], lengths: [2 ** 16, 0, 0] }, () => 0);
    expect(run).toThrow(/fill in a thread: .*out of bounds/);
    engine.end();
  });
});
