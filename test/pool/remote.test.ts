import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import {
  baseEntries,
  dense,
  type ExplainOptions,
  type InputTensor,
  relu,
  ruleOf,
  sequential,
  taylor,
} from "../../src/entries/index.ts";
import { simd } from "../../src/core.gen.ts";
import { loadWith } from "../../src/model/load.ts";
import { compileText } from "../../src/run/wasm.ts";
import type * as Slim from "../../src/entries/slim.ts";
import type * as Threads from "../../src/parallel/threads/index.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { nets } from "../rules/nets.ts";
import { held, root, runAlone, tampered } from "./workers.ts";

const { load, LrpError } = (await import(join(root, "dist/index.js"))) as typeof import("../../src/entries/index.ts");
const slim = (await import(join(root, "dist/slim.js"))) as typeof Slim;
const threads = (await import(join(root, "dist/threads/index.js"))) as typeof Threads;

const digits = new Uint8Array(readFileSync(join(root, "demo/digits.onnx")));
const digit = (seed: number) => tensor([1, 1, 28, 28], seed, 0, 1);
/** y = 2 x. The input's number says which it is. */
const double = sequential({ input: [1] }, [dense({ weight: { data: Float32Array.of(2), dims: [1, 1] } })]);
const number = (i: number): InputTensor => ({ data: Float32Array.of(i), dims: [1, 1] });

/** Words and places, added. */
const text = onnx({
  nodes: [
    { type: "Gather", inputs: ["words", "ids"], outputs: ["w"] },
    { type: "Add", inputs: ["w", "places"], outputs: ["x"] },
    { type: "Flatten", inputs: ["x"], outputs: ["f"] },
    { type: "MatMul", inputs: ["f", "scores"], outputs: ["y"] },
  ],
  initializers: { words: tensor([5, 2], 1), places: tensor([3, 2], 2), scores: tensor([6, 2], 3) },
  inputs: { ids: ["n", 3] },
  outputs: { y: ["n", 2] },
  types: { ids: 7 },
});

/** Workers that write down what they are told. */
function noted() {
  const workers: Worker[] = [];
  const told: string[] = [];
  const createWorker = () => {
    const worker = tampered("");
    workers.push(worker);
    const post = worker.postMessage.bind(worker);
    worker.postMessage = (order) => {
      told.push(order.method);
      post(order);
    };
    return worker;
  };
  return { workers, told, createWorker };
}

describe("explainAsync and predictAsync", () => {
  it.each(nets)("give the bits of explain and predict: $name", async ({ source, dims }) => {
    using model = await load(source);
    const x = tensor(dims, 1);
    expect(await model.explainAsync(x)).toEqual(model.explain(x));
    expect(await model.predictAsync(x)).toEqual(model.predict(x));
  });

  it("take the options of explain, and those that the model was loaded with", async () => {
    using model = await load(digits, { classes: [..."abcdefghij"], winograd: false, relaxed: "never" });
    const { groups, stabilizer, bias } = ruleOf.zPlus();
    const rule = { kind: "linear", name: "mine", groups, stabilizer, bias } as const;
    const many: ExplainOptions[] = [
      { composite: "epsilonGammaBox", low: [0], high: 1, target: "d" },
      { target: { class: "c", against: "others" }, start: "one", at: ["/2/Div_output_0"] },
      { composite: [{ layer: /./, type: ["convolution", "dense"], rule }, ...baseEntries()] },
    ];
    for (const options of many)
      expect(await model.explainAsync(digit(1), options)).toEqual(model.explain(digit(1), options));
    const inputs = { [model.inputs[0].name]: digit(2) };
    expect(await model.explainAsync(inputs)).toEqual(model.explain(inputs));
  });

  it("send what has gone to tables", async () => {
    using model = await load(text);
    const ids = { dims: [2, 3], data: [1, 4, 0, 2, 2, 3] };
    const e = model.explain(ids, { target: 1 });
    expect(Object.keys(e.shares)).toEqual(["places"]);
    expect(await model.explainAsync(ids, { target: 1 })).toEqual(e);
  });

  it("leave the thread free while the worker works", async () => {
    const { createWorker, letGo } = held();
    using model = await load(double, { createWorker });
    // The worker stands still at this input until this thread, which is free, has turned twenty times.
    let turns = 0;
    const turn = () => void (++turns === 20 ? letGo() : setImmediate(turn));
    setImmediate(turn);
    const { output } = await model.predictAsync(number(0));
    expect([output.data[0], turns]).toEqual([0, 20]);
  });

  it("answer in order", async () => {
    using model = await load(double);
    const answered: number[] = [];
    const asked = [3, 1, 2, 5].map(async (i) => {
      const call = i % 2 ? model.predictAsync(number(i)) : model.explainAsync(number(i));
      answered.push((await call).output.data[0]);
    });
    await Promise.all(asked);
    expect(answered).toEqual([6, 2, 4, 10]);
  });

  it("start one worker, at the first call; it is told the network once; dispose ends it", async () => {
    const { workers, told, createWorker } = noted();
    const model = await load(double, { createWorker });
    model.predict(number(1));
    expect(workers).toHaveLength(0);
    await Promise.all([model.predictAsync(number(1)), model.explainAsync(number(2))]);
    await model.predictAsync(number(3));
    expect(told).toEqual(["load", "predict", "explain", "predict"]);
    const ended = new Promise((end) => workers[0].once("exit", end));
    model.dispose();
    await ended;
    expect(workers).toHaveLength(1);
  });

  it("copy the input at the call", async () => {
    using model = await load(double);
    const x = number(4);
    const asked = model.predictAsync(x);
    (x.data as Float32Array)[0] = 5;
    expect((await asked).output.data[0]).toBe(8);
  });

  it("need no binaries where the caller has fetched them", async () => {
    const wasm = readFileSync(join(root, "dist/core.wasm"));
    using model = await slim.load(digits, { wasm });
    expect(await model.explainAsync(digit(3))).toEqual(model.explain(digit(3)));
  });

  it("throw what explain and predict throw", async () => {
    using model = await load(digits);
    const shape = { data: new Float32Array(3), dims: [1, 3] };
    const calls: readonly (readonly [InputTensor, ExplainOptions])[] = [
      [shape, {}],
      [{ data: new Float32Array(784).fill(Number.NaN), dims: [1, 1, 28, 28] }, {}],
      [null as never, {}],
      [digit(1), { composite: "lrp" }],
      [digit(1), { compsite: "epsilon" } as never],
      [digit(1), { target: 10 }],
    ];
    const errorOf = async (call: () => unknown) => {
      try {
        return await call();
      } catch (error) {
        expect(error).toBeInstanceOf(LrpError);
        const { code, issues, message } = error as InstanceType<typeof LrpError>;
        return { code, issues, message };
      }
    };
    for (const [x, options] of calls) {
      const there = await errorOf(() => model.explainAsync(x, options));
      expect(there).toEqual(await errorOf(() => model.explain(x, options)));
      expect(there).toHaveProperty("code");
    }
    expect(await errorOf(() => model.predictAsync(shape))).toEqual(await errorOf(() => model.predict(shape)));
    expect((await model.predictAsync(digit(1))).output.dims).toEqual([1, 10]);
  });

  const neurons = taylor({ outputDims: (d) => d, inputs: (k) => [k], value: ([v]) => v, partials: () => [1] });
  it("refuse what cannot be sent", async () => {
    using model = await load(double);
    const rule = () => {};
    await expect(model.explainAsync(number(1), { composite: [{ rule }] } as never)).rejects.toThrow(
      /^the options of explainAsync: expected data that can be sent to a worker, got .*could not be cloned/,
    );
    await expect(model.predictAsync({ data: rule, dims: [1, 1] } as never)).rejects.toThrow(
      "the input's data: expected data that can be sent",
    );
    using functions = await load(sequential({ input: [2] }, [relu(), neurons]));
    const x = { data: Float32Array.of(1, 2), dims: [1, 2] };
    expect(functions.explain(x).relevance.dims).toEqual([1, 2]);
    await expect(functions.explainAsync(x)).rejects.toThrow(
      /^node '.*' \(TaylorNeurons\): it holds functions, .* call explain\(\)/,
    );
  });

  it("after dispose, and while it comes, say so", async () => {
    const { createWorker } = held();
    const model = await load(double, { createWorker });
    const waiting = Promise.allSettled([number(0), number(1)].map((x) => model.predictAsync(x)));
    await new Promise((go) => setTimeout(go, 20));
    model.dispose();
    const reason = expect.objectContaining({
      code: "usage",
      message: "the model: it was disposed before this work was done.",
    });
    expect(await waiting).toEqual([0, 1].map(() => ({ status: "rejected", reason })));
    await expect(model.explainAsync(number(1))).rejects.toThrow("it was disposed before this call");
    const never = await load(double);
    never.dispose();
    await expect(never.predictAsync(number(1))).rejects.toThrow("it was disposed before this call");
  });

  it("replace a worker that dies", async () => {
    let started = 0;
    const createWorker = () => (started++ === 0 ? tampered("if (x === 2) process.exit(7);") : tampered(""));
    using model = await load(double, { createWorker });
    expect((await model.predictAsync(number(2))).output.data[0]).toBe(4);
    expect(started).toBe(2);
  });

  it.each([
    ["a file that is not there", () => new Worker("/nowhere.js"), /nowhere.js.*createWorker/],
    ["a worker that cannot be made", () => new Worker("nowhere.js"), /relative/],
  ])("say what to do about %s", async (_, createWorker, text) => {
    using model = await load(double, { createWorker });
    const refused = model.explainAsync(number(1));
    await expect(refused).rejects.toMatchObject({ name: "LrpError", code: "unsupported" });
    await expect(refused).rejects.toThrow(/^explainAsync and predictAsync: expected a worker that starts, got /);
    await expect(refused).rejects.toThrow(text);
  });

  it("say what to do where there are no workers, and for a model of several threads", async () => {
    const code = `process.getBuiltinModule = undefined; delete globalThis.Worker;
const model = await load(bytes); try { await model.explainAsync(x); } catch (e) { console.log(e.code, e.message); }`;
    expect(runAlone(code)).toMatch(/^unsupported explainAsync and predictAsync: .* got a runtime without workers\. /);
    // As the entries for edge runtimes load.
    using edge = await loadWith(compileText(simd), double, {});
    await expect(edge.explainAsync(number(1))).rejects.toThrow(
      "expected a runtime with workers, got one without. Call",
    );
    using several = await threads.load(double, { threads: 2 });
    await expect(several.predictAsync(number(1))).rejects.toThrow("expected a model of one thread");
    using one = await threads.load(double, { threads: 1 });
    expect((await one.predictAsync(number(1))).output.data[0]).toBe(2);
  });

  it("do not keep a process alive: forgotten, disposed, and until they are answered", () => {
    const model = "const model = await load(bytes);";
    expect(runAlone(`${model} await model.predictAsync(x); console.log(threads);`)).toBe("1\n");
    expect(runAlone(`${model} model.predictAsync(x).then(() => console.log("answered"));`)).toBe("answered\n");
    expect(runAlone(`${model} await model.predictAsync(x); model.dispose(); console.log("disposed");`)).toBe(
      "disposed\n",
    );
  });

  it("end their worker when the model is collected", () => {
    const code = `await (async () => { const model = await load(bytes); await model.predictAsync(x); })();
const before = threads;
while (threads > 0) { gc(); await new Promise((go) => setTimeout(go, 20)); }
console.log(before, threads);`;
    expect(runAlone(code, "--expose-gc")).toBe("1 0\n");
  });
});
