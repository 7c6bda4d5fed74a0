import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { perturbation } from "../../src/evaluate/index.ts";
import {
  baseEntries,
  dense,
  type ExplainOptions,
  type Input,
  type InputTensor,
  relu,
  ruleOf,
  sequential,
  taylor,
} from "../../src/entries/index.ts";
import type * as Evaluate from "../../src/evaluate/index.ts";
import type * as Pools from "../../src/parallel/pool/index.ts";
import { external, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { nets } from "../rules/nets.ts";
import { held, root, runAlone, tampered } from "./workers.ts";

const { load, LrpError } = (await import(join(root, "dist/index.js"))) as typeof import("../../src/entries/index.ts");
const { evaluate } = (await import(join(root, "dist/evaluate/index.js"))) as typeof Evaluate;
const { createPool } = (await import(join(root, "dist/pool/index.js"))) as typeof Pools;

const digits = new Uint8Array(readFileSync(join(root, "demo/digits.onnx")));
const digit = (seed: number) => tensor([1, 1, 28, 28], seed, 0, 1);
/** Nothing much to compute: y = 2 x. The input's number says which it is. */
const double = sequential({ input: [1] }, [dense({ weight: { data: Float32Array.of(2), dims: [1, 1] } })]);
const number = (i: number): InputTensor => ({ data: Float32Array.of(i), dims: [1, 1] });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => number(i));

const outOfMemory = "for (const all = []; ; ) all.push(new Array(1e5).fill(0.5 + all.length))";

async function all<T>(results: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const result of results) list.push(result);
  return list;
}

/** Inputs without end that count how many of them were pulled, and say whether they were closed. */
function endless() {
  const seen = { pulled: 0, closed: false };
  const inputs = (function* () {
    try {
      for (;;) yield number(seen.pulled++);
    } finally {
      seen.closed = true;
    }
  })();
  return { seen, inputs };
}

describe("a pool", () => {
  it("gives the bits that one model gives, in order, and counts", async () => {
    const options: ExplainOptions = { composite: "epsilonAlpha2Beta1", target: 3 };
    using model = await load(digits);
    await using pool = await createPool(digits, { size: 2 });
    expect(pool.inputs).toEqual(model.inputs);
    expect(pool.outputs).toEqual(model.outputs);
    const inputs = Array.from({ length: 7 }, (_, i) => digit(i));
    const progress: Pools.Progress[] = [];
    const explained = await all(pool.explain(inputs, { ...options, onProgress: (p) => progress.push(p) }));
    expect(explained).toEqual(inputs.map((input, index) => ({ index, value: model.explain(input, options) })));
    expect(progress).toEqual(inputs.map((_, i) => ({ done: i + 1, total: 7 })));
    expect(await all(pool.predict(new Set(inputs)))).toEqual(
      inputs.map((input, index) => ({ index, value: model.predict(input) })),
    );
  });

  it.each(nets)(
    "gives the bits that one model gives, for a network described in code: $name",
    async ({ source, dims }) => {
      using model = await load(source);
      await using pool = await createPool(source, { size: 1 });
      const x = tensor(dims, 1);
      const [{ value }] = await all(pool.explain([x]));
      expect(value).toEqual(model.explain(x));
    },
  );

  it("takes every parameter of rules, and rules that are objects", async () => {
    using model = await load(digits);
    await using pool = await createPool(digits, { size: 1 });
    const { groups, stabilizer, bias } = ruleOf.zPlus();
    const rule = { kind: "linear", name: "mine", groups, stabilizer, bias } as const;
    const composite = [{ layer: /./, type: ["convolution", "dense"], rule }, ...baseEntries()];
    for (const options of [
      { sum: "clip", delta: 0.2 },
      { composite: "epsilonGammaBox", low: [0], high: 1, gamma: 1 },
      { composite },
    ] as const)
      expect((await all(pool.explain([digit(1)], options)))[0].value).toEqual(model.explain(digit(1), options));
  });

  it("passes the options of load and of explain on", async () => {
    await using pool = await createPool(digits, { size: 1, classes: [..."abcdefghij"], maxMemory: 2 ** 19 });
    const batch = { dims: [9, 1, 28, 28], data: new Float32Array(9 * 784) };
    const [{ error }] = await all(pool.explain([batch], { target: "argmax" }));
    expect(error).toMatchObject({
      code: "memory",
      message: expect.stringContaining("more than the 524288 that are allowed"),
    });
    await using roomy = await createPool(digits, { size: 1, classes: [..."abcdefghij"] });
    const [{ value }] = await all(roomy.explain([digit(1)], { target: { class: "c", against: "others" } }));
    expect(value.targets[0].map(({ name }) => name)).toContain("c");
  });

  it("takes arrays, sets, generators, slow ones, promises; several inputs by name", async () => {
    await using pool = await createPool(double, { size: 2 });
    const slowly = async function* () {
      for (const x of numbers(3)) {
        await new Promise((go) => setImmediate(go));
        yield x;
      }
    };
    const [{ name }] = pool.inputs;
    const named = numbers(3).map((x) => ({ [name]: x }));
    const ways: Pools.Many<Input>[] = [
      numbers(3),
      new Set(numbers(3)),
      numbers(3).values(),
      slowly(),
      numbers(3).map(async (x) => x),
      named,
    ];
    for (const inputs of ways) {
      const results = await all(pool.predict(inputs));
      expect(results.map(({ value }) => value.output.data[0])).toEqual([0, 2, 4]);
    }
    expect(await all(pool.predict([]))).toEqual([]);
  });

  it("copies inputs when it pulls them: one buffer, of which each is a part, written to again", async () => {
    await using pool = await createPool(double, { size: 1 });
    const data = new Float32Array(2 ** 16);
    const inputs = (function* () {
      for (let i = 0; i < 5; i++) {
        data.fill(i);
        yield { data: data.subarray(i, i + 1), dims: [1, 1] };
      }
    })();
    const results = await all(pool.predict(inputs));
    expect(results.map(({ value }) => value.output.data[0])).toEqual([0, 2, 4, 6, 8]);
    expect(data).toHaveLength(2 ** 16);
  });

  it("hands out in order what finishes out of order", async () => {
    const { createWorker, letGo } = held();
    await using pool = await createPool(double, { size: 2, createWorker });
    // The other worker has finished all that may be in the air by then.
    const onProgress = ({ done }: Pools.Progress) => void (done === 2 && letGo());
    const results = await all(pool.predict(numbers(6), { onProgress }));
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("hands out as they finish where order is not asked for", async () => {
    const { createWorker, letGo } = held();
    await using pool = await createPool(double, { size: 2, createWorker });
    const order: number[] = [];
    for await (const { index, value } of pool.predict(numbers(6), { ordered: false })) {
      expect(value.output.data[0]).toBe(2 * index);
      order.push(index);
      if (order.length === 5) letGo();
    }
    expect(order).toEqual([1, 2, 3, 4, 5, 0]);
  });

  it.each([true, false])(
    "has at most one item more in the air than workers, whoever is slow; ordered: %s",
    async (ordered) => {
      await using pool = await createPool(double, { size: 3 });
      const { seen, inputs } = endless();
      const results = pool.predict(inputs, { ordered });
      expect(seen.pulled).toBe(0);
      let most = 0;
      for (let handed = 0; handed < 12; handed++) {
        await results.next();
        // Time for workers to finish everything, if they had been given more.
        for (let i = 0; i < 20; i++) await new Promise((go) => setTimeout(go, 1));
        most = Math.max(most, seen.pulled - handed - 1);
      }
      expect(most).toBeLessThanOrEqual(4);
      expect(most).toBeGreaterThan(1);
      await results.return();
      expect(seen.closed).toBe(true);
    },
  );

  it("stops pulling when the loop is left, and serves the next", async () => {
    await using pool = await createPool(double, { size: 2 });
    const { seen, inputs } = endless();
    for await (const { index } of pool.predict(inputs)) if (index === 2) break;
    expect(seen).toMatchObject({ closed: true });
    expect(seen.pulled).toBeLessThanOrEqual(6);
    expect(await all(pool.predict(numbers(3)))).toHaveLength(3);
  });

  it("serves several at a time", async () => {
    await using pool = await createPool(double, { size: 2 });
    const runs = await Promise.all([5, 9, 2].map((count) => all(pool.predict(numbers(count)))));
    expect(runs.map((results) => results.map(({ value }) => value.output.data[0]))).toEqual(
      [5, 9, 2].map((count) => numbers(count).map((_, i) => 2 * i)),
    );
  });

  it(
    "ends with the signal's reason: before, between, while the source is waited for, while a worker " + "works",
    async () => {
      const { createWorker, letGo } = held();
      await using pool = await createPool(double, { size: 1, createWorker });
      const reason = new Error("enough");
      const before = endless();
      await expect(pool.predict(before.inputs, { signal: AbortSignal.abort(reason) }).next()).rejects.toBe(reason);
      expect(before.seen.pulled).toBe(0);

      const between = new AbortController();
      const some = pool.predict(numbers(9).slice(1), { signal: between.signal });
      await some.next();
      between.abort();
      await expect(some.next()).rejects.toMatchObject({ name: "AbortError" });
      expect(await some.next()).toEqual({ done: true, value: undefined });

      for (const inputs of [
        { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) },
        numbers(3),
      ]) {
        const during = new AbortController();
        const waiting = pool.predict(inputs, { signal: during.signal }).next();
        setTimeout(() => during.abort(reason), 10);
        await expect(waiting).rejects.toBe(reason);
      }
      letGo();
      expect(await all(pool.predict(numbers(2)))).toHaveLength(2);
    },
  );

  it("reports an input's error with it, and goes on", async () => {
    await using pool = await createPool(double, { size: 2 });
    const broken = [
      number(0),
      { data: Float32Array.of(Number.NaN), dims: [1, 1] },
      { data: Float32Array.of(1, 2), dims: [1, 2] },
    ];
    const odd = [null, 7, { data: (() => {}) as never, dims: [1, 1] }, number(3)];
    const results = await all(pool.predict([...broken, ...odd] as Input[]));
    expect(results.map(({ error }) => error?.code)).toEqual([
      undefined,
      "usage",
      "shape",
      "usage",
      "usage",
      "usage",
      undefined,
    ]);
    const { error } = results[2];
    expect(error).toBeInstanceOf(LrpError);
    expect(error!.message).toMatch(/^item 2: input '.*': expected f32\[.*\], got f32\[1, 2\]/);
    expect(error!.issues[0]).toMatchObject({ where: expect.stringMatching(/^item 2: input/), received: "f32[1, 2]" });
    expect(() => results[2].value).toThrow(error);
  });

  it("ends a loop that does not look at errors", async () => {
    await using pool = await createPool(double, { size: 1 });
    const { inputs, seen } = endless();
    const wrong = (function* () {
      yield number(0);
      yield { data: Float32Array.of(1, 2), dims: [1, 2] };
      yield* inputs;
    })();
    const seenUntil: number[] = [];
    const loop = async () => {
      for await (const { index, value } of pool.predict(wrong)) seenUntil.push(index * value.output.dims.length);
    };
    await expect(loop()).rejects.toMatchObject({ name: "LrpError", code: "shape" });
    expect(seenUntil).toEqual([0]);
    expect(seen.pulled).toBeLessThanOrEqual(2);
  });

  it("passes on what the inputs and onProgress throw", async () => {
    await using pool = await createPool(double, { size: 1 });
    const mine = new Error("on purpose");
    const failing = (function* () {
      yield number(0);
      throw mine;
    })();
    await expect(all(pool.predict(failing))).rejects.toBe(mine);
    await expect(all(pool.predict([Promise.reject(mine)]))).rejects.toBe(mine);
    const onProgress = () => {
      throw mine;
    };
    await expect(all(pool.predict(numbers(3), { onProgress }))).rejects.toBe(mine);
    expect(await all(pool.predict(numbers(1)))).toHaveLength(1);
  });

  it.each(["process.exit(7)", "throw new Error('gone')", outOfMemory])(
    "replaces a worker that dies of an item, and tries the item once more: %s",
    async (death) => {
      let started = 0;
      const createWorker = () => (started++ === 0 ? tampered(`if (x === 2) ${death};`) : tampered(""));
      await using pool = await createPool(double, { size: 1, createWorker });
      const results = await all(pool.predict(numbers(5)));
      expect(results.map(({ value }) => value.output.data[0])).toEqual([0, 2, 4, 6, 8]);
      expect(started).toBe(2);
    },
  );

  it.each([
    ["process.exit(7)", "unsupported", "(it ended with exit code 7). "],
    ["throw new Error('gone')", "unsupported", "(gone). "],
    [outOfMemory, "memory", "memory limit"],
  ])("reports an item of which two workers die: %s", async (death, code, text) => {
    let started = 0;
    const createWorker = () => {
      started++;
      return tampered(`if (x === 2) ${death};`);
    };
    await using pool = await createPool(double, { size: 2, createWorker });
    const results = await all(pool.predict(numbers(5)));
    expect(results.map(({ error }) => error?.code)).toEqual([undefined, undefined, code, undefined, undefined]);
    expect(results[2].error).toBeInstanceOf(LrpError);
    expect(results[2].error!.message).toMatch(
      /^item 2: a worker: it ended before it answered, and so did another that took its place /,
    );
    expect(results[2].error!.message).toContain(text);
    expect(started).toBeGreaterThanOrEqual(3);
  });

  it("replaces a worker that was ended while it had nothing to do", async () => {
    const workers: Worker[] = [];
    const createWorker = () => {
      workers.push(tampered(""));
      return workers.at(-1)!;
    };
    await using pool = await createPool(double, { size: 1, createWorker });
    await workers[0].terminate();
    expect(await all(pool.predict(numbers(2)))).toHaveLength(2);
    expect(workers).toHaveLength(2);
  });

  it("that is disposed ends its workers and what they do, and refuses", async () => {
    const { createWorker } = held();
    const workers: Worker[] = [];
    const noted = () => {
      const worker = createWorker();
      workers.push(worker);
      return worker;
    };
    const pool = await createPool(double, { size: 2, createWorker: noted });
    const { inputs, seen } = endless();
    const waiting = pool.predict(inputs).next();
    await new Promise((go) => setTimeout(go, 20));
    const ended = pool.dispose();
    await expect(waiting).rejects.toMatchObject({
      name: "LrpError",
      code: "usage",
      message: "the pool: it was disposed before this work was done.",
    });
    await Promise.all([ended, pool.dispose()]);
    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
    expect(seen.closed).toBe(true);
    expect(() => pool.predict([])).toThrow("the pool: it was disposed before this work was done");
  });

  it(
    "does not keep a process alive: forgotten, disposed, left early, failing, under way without anybody " + "waiting",
    () => {
      const pool = "const pool = await createPool(bytes, { size: 2 });";
      expect(runAlone(`${pool} console.log("idle");`)).toBe("idle\n");
      expect(
        runAlone(
          `${pool} for await (const r of pool.explain([x, x, x])) console.log(r.index); await pool.dispose(); ` +
            `console.log(threads);`,
        ),
      ).toBe("0\n1\n2\n0\n");
      expect(runAlone(`${pool} for await (const r of pool.explain(endless())) break; console.log("left");`)).toBe(
        "left\n",
      );
      expect(() =>
        runAlone(`${pool} for await (const r of pool.explain(endless())) throw new Error("on purpose");`),
      ).toThrow("on purpose");
      expect(
        runAlone(
          `try { await createPool(new Uint8Array(5), { size: 2 }); } catch (e) { console.log(e.code, threads); }`,
        ),
      ).toBe("not-onnx 0\n");
    },
  );

  it("disposed of while workers are busy, it ends before whoever waits for it", () => {
    const once =
      "const pool = await createPool(bytes, { size: 2 }); for await (const r of pool.explain(endless())) " +
      "break; await pool.dispose();";
    expect(runAlone(`for (let i = 0; i < 6; i++) { ${once} } console.log("disposed", threads);`)).toBe("disposed 0\n");
  });

  it("new work after an abort keeps the process alive, though workers are still at what was given up", () => {
    const twice = `try { for await (const r of pool.explain(endless(), { signal: AbortSignal.timeout(20) })); } catch (e) { console.log(e.name); }
for await (const r of pool.explain([x])) console.log("again", r.index);`;
    expect(runAlone(`const pool = await createPool(bytes, { size: 1 }); ${twice} ${twice}`)).toBe(
      "TimeoutError\nagain 0\n".repeat(2),
    );
  });

  it("ends its workers when it is collected", () => {
    const code = `await (async () => { const pool = await createPool(bytes, { size: 2 }); for await (const r of pool.explain([x])); })();
const before = threads;
while (threads > 0) { gc(); await new Promise((go) => setTimeout(go, 20)); }
console.log(before, threads);`;
    expect(runAlone(code, "--expose-gc")).toBe("2 0\n");
  });

  it("reads files beside the model here, once", async () => {
    const bytes = onnx({
      nodes: [{ type: "Gemm", inputs: ["x", "w"], outputs: ["y"] }],
      initializers: { w: { dims: [3, 1], data: { type: 1, fields: external({ location: "w.bin" }) } } },
      inputs: { x: [1, 3] },
      outputs: { y: [1, 1] },
    });
    const asked: string[] = [];
    const externalData = (location: string) => {
      asked.push(location);
      return new Uint8Array(Float32Array.of(1, 2, 3).buffer);
    };
    await using pool = await createPool(bytes, { size: 3, externalData });
    const [{ value }] = await all(pool.predict([{ data: Float32Array.of(1, 10, 100), dims: [1, 3] }]));
    expect([value.output.data, asked]).toEqual([Float32Array.of(321), ["w.bin"]]);
  });

  const neurons = taylor({ outputDims: (d) => d, inputs: (k) => [k], value: ([v]) => v, partials: () => [1] });
  it.each([
    ["no size", digits, {}, "usage", "option 'size'"],
    ["a size of 0", digits, { size: 0 }, "usage", "option 'size'"],
    ["an option that load does not take", digits, { size: 1, weights: "none" }, "usage", "option 'weights' of load"],
    ["options that cannot be sent", digits, { size: 1, classes: [() => {}] }, "usage", "the options of createPool"],
    ["a text", "model.onnx", { size: 1 }, "usage", "load"],
    [
      "a layer of functions",
      sequential({ input: [2] }, [relu(), neurons]),
      { size: 1 },
      "unsupported",
      /^node '.*' \(TaylorNeurons\)/,
    ],
    ["what is not a worker", digits, { size: 1, createWorker: () => ({}) }, "usage", "option 'createWorker'"],
    [
      "a worker of another file",
      digits,
      { size: 1, createWorker: () => new Worker("throw 1", { eval: true }) },
      "unsupported",
      "createPool",
    ],
    [
      "a file that is not there",
      digits,
      { size: 2, createWorker: () => new Worker("/nowhere.js") },
      "unsupported",
      /createPool: .*nowhere.js.*createWorker/,
    ],
    [
      "a worker that cannot be made",
      digits,
      { size: 1, createWorker: () => new Worker("nowhere.js") },
      "unsupported",
      /createPool: .*relative/,
    ],
  ] as const)("refuses %s", async (_, source, options, code, text) => {
    const refused = createPool(source as never, options as never);
    await expect(refused).rejects.toMatchObject({ name: "LrpError", code });
    await expect(refused).rejects.toThrow(text);
  });

  it("refuses a worker of another version", async () => {
    const createWorker = () => {
      const worker = tampered("");
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (order) => post({ ...order, version: "0.0.0" });
      return worker;
    };
    await expect(createPool(digits, { size: 1, createWorker })).rejects.toThrow(
      /^the worker: expected relprop 0\.0\.0, .*createWorker/,
    );
  });

  it("says what to do where there are no workers", () => {
    const code = `delete process.getBuiltinModule; process.getBuiltinModule = undefined; delete globalThis.Worker;
try { await createPool(bytes, { size: 2 }); } catch (e) { console.log(e.code, e.message); }`;
    expect(runAlone(code)).toMatch(
      /^unsupported createPool: expected a worker that starts, got a runtime without workers\. Load from 'relprop'/,
    );
  });

  it("predicts for curves that are followed at the same time", async () => {
    using model = await load(digits);
    await using pool = await createPool(digits, { size: 2 });
    const predict = async (input: Input) => (await all(pool.predict([input])))[0].value;
    const onPool = { inputs: pool.inputs, predict };
    const options = { order: "lerf", step: 40, batch: 4, target: 3 } as const;
    const curves = [1, 2, 3].map((seed) =>
      [onPool, model].map((m) => perturbation(m, digit(seed), digit(9), { ...options, seed })),
    );
    for (const [there, here] of await Promise.all(curves.map((pair) => Promise.all(pair)))) expect(there).toEqual(here);
    await expect(
      perturbation(onPool, { data: new Float32Array(3), dims: [1, 3] }, { data: [1, 2, 3], dims: [3] }),
    ).rejects.toThrow("item 0: input 'image'");
  });

  it("refuses options and inputs at the call", async () => {
    await using pool = await createPool(double, { size: 1 });
    expect(() => pool.predict([], { composite: "epsilon" } as never)).toThrow("pool.predict: there is no option");
    expect(() => pool.explain([], { compsite: "epsilon" } as never)).toThrow(/explain: there is no option 'compsite'/);
    expect(() => pool.explain([], { composite: "lrp" })).toThrow("option 'composite': expected one of epsilon");
    expect(() => pool.explain([], { delta: 0.2 })).toThrow(
      "option 'delta': it is read only beside sum 'clip', not beside sum 'norm'.",
    );
    expect(() => pool.explain([], { composite: [{ rule: { kind: "linear", name: "z" } }] } as never)).toThrow(
      "entry 1 of the composite, 'groups': expected a list of groups",
    );
    expect(() => pool.explain([], { composite: [{ rule: () => {} }] } as never)).toThrow(
      "the options of pool.explain: expected data that can be sent",
    );
    for (const inputs of [number(1), undefined, null, 3])
      expect(() => pool.predict(inputs as never)).toThrow("the inputs of a pool: expected an iterable");
  });
});

describe("evaluating many inputs", () => {
  const options = {
    methods: [{ method: "epsilonPlus" }, { method: "smoothGrad", samples: 2 }],
    metrics: ["morf", "massAccuracy", "parameterRandomisation"],
    perturbation: { steps: 3, step: 50 },
  };
  const mask = { data: Array.from({ length: 784 }, (_, i) => i < 400), dims: [28, 28] };
  const items = [1, 2].map((seed) => ({ input: digit(seed), mask, target: seed }));

  it("gives what evaluate gives", async () => {
    await using pool = await createPool(digits, { size: 2 });
    using model = await load(digits);
    const found = await all(pool.evaluate(items, options));
    for (const { index, value } of found) {
      const { input, ...own } = items[index];
      expect(value).toEqual(await evaluate(model, input, { ...options, ...own, network: { source: digits, load } }));
    }
    expect(found).toHaveLength(2);
  });

  it("an item's error costs only itself", async () => {
    await using pool = await createPool(digits, { size: 1 });
    const bad = [
      { ...items[0], mask: undefined },
      digit(1) as never,
      undefined as never,
      { ...items[0], mask: () => 0 } as never,
    ];
    const found = await all(pool.evaluate([...bad, items[1]], options));
    expect(found.map(({ error }) => error?.message)).toEqual([
      expect.stringContaining("item 0: the subject of measure: massAccuracy needs 'mask'"),
      "item 1: an item of pool.evaluate: expected an object { input, … }, got [object Object].",
      "item 2: an item of pool.evaluate: expected an object { input, … }, got undefined.",
      "item 3: an item of pool.evaluate: expected data that can be sent to a worker, got () => 0 could not be cloned.",
      undefined,
    ]);
  });
});
