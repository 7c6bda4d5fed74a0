/*
 * Every kernel call of an explanation beside the machine's peak:
 *   npm run bench:kernels -- [--networks alexnet,vgg16] [--composite epsilonPlus] [MODEL.onnx ...]
 * The network's real plan is run on real numbers; each call is repeated where it stands until it can be timed.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { hasRelaxedSimd } from "../dist/index.js";
import { parametersOf } from "../build/js/kernels.gen.js";
import { Session } from "../build/js/run/session.js";
import { compile, instantiate } from "../build/js/run/wasm.js";
import { byName, inputOf } from "./inputs.mjs";
import { graphOf } from "./layers.mjs";
import { machine } from "./measure.mjs";
import { bytesOf, chosen, networkOf } from "./networks.mjs";
import { best, peaks } from "./peak.mjs";
import { explainPlan } from "./explain-plan.mjs";
import { table } from "./table.mjs";
import { workOf } from "./work.mjs";

const options = { networks: { type: "string" }, composite: { type: "string", default: "epsilonPlus" } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const MILLISECONDS = 20;
const binary = await compile(
  readFileSync(new URL(`../build/${hasRelaxedSimd() ? "core-relaxed" : "core"}.wasm`, import.meta.url)),
);
const peak = await peaks();
const giga = (v) => (v / 1e9).toFixed(1);

/** Seconds of one call: the best of three stretches of at least 20 ms. */
function timed(call) {
  const once = best(call, 2);
  const times = Math.max(1, Math.ceil(MILLISECONDS / 1000 / once));
  const stretch = () => {
    for (let i = 0; i < times; i++) call();
  };
  return best(stretch, 3) / times;
}

/**
 * Runs a plan with every kernel call timed. Calls of one kernel with equal sizes are timed once and counted.
 * @returns rows { kernel, back, seconds, calls, kind, flops, bytes, shape }
 */
function measured(plan, inputs) {
  const { kernels, memory } = instantiate(binary);
  const rows = new Map();
  let back = false;
  // The arena lies at the end of the memory, behind the weights, less than a page before the end.
  const arena = () => new Uint8Array(memory.buffer).subarray(-(plan.arenaBytes + 65536));
  /** Some kernels work in place: after many calls their numbers would be none that a network has. */
  const undone = (task) => {
    const before = arena().slice();
    const result = task();
    arena().set(before);
    return result;
  };
  const wrap =
    (kernel, name) =>
    (...args) => {
      const work = workOf(name, args);
      const key = `${name} ${work.shape} ${back}`;
      const row = rows.get(key);
      if (row) row.calls++;
      else
        rows.set(key, { kernel: name, back, calls: 1, seconds: undone(() => timed(() => kernel(...args))), ...work });
      return kernel(...args);
    };
  const watched = new Proxy(kernels, {
    get: (all, name) => (name === "heapBase" ? all[name] : wrap(all[name], name)),
  });
  const session = new Session({ kernels: watched, memory }, 2 ** 32);
  session.forward(plan, inputs);
  const logits = session.read(plan, plan.program.logits);
  const start = new Float32Array(logits.length);
  const largest = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
  start[largest] = logits[largest];
  back = true;
  session.backward(plan, start);
  return [...rows.values()];
}

/** The share of the peak of whatever limits the work: operations or bytes. */
function rate({ flops, bytes }, seconds) {
  const [computing, moving] = [flops / seconds / peak.flops, bytes / seconds / peak.read];
  if (flops + bytes === 0) return ["–", "–"];
  return computing >= moving
    ? [`${giga(flops / seconds)} GFLOP/s`, `${(100 * computing).toFixed(0)} %`]
    : [`${giga(bytes / seconds)} GB/s`, `${(100 * moving).toFixed(0)} %`];
}

/** Sums of rows that have something in common. */
function grouped(rows, by) {
  const groups = new Map();
  for (const row of rows) {
    const sum = groups.get(by(row)) ?? { seconds: 0, flops: 0, bytes: 0 };
    for (const field of ["seconds", "flops", "bytes"]) sum[field] += row.calls * row[field];
    groups.set(by(row), sum);
  }
  return [...groups].sort(([, a], [, b]) => b.seconds - a.seconds);
}

/** Kernels by their arguments' names, so that a bench call reads like the kernel's docstring. */
function called(kernels, name, named) {
  const args = parametersOf(name).map((parameter) => named[parameter] ?? 0);
  return () => kernels[name](...args);
}

/**
 * The convolution's tile with everything in the first-level cache: a 1x1 convolution of 12 pixels, 256 inputs and 16
 * outputs.
 */
function tileInCache() {
  const { kernels, memory } = instantiate(binary);
  memory.grow(2);
  const base = Math.ceil(kernels.heapBase() / 16) * 16;
  const [pixels, run, m] = [12, 256, 16];
  const sizes = { x: pixels * run, w: m * run, b: m, y: pixels * m, table: 2 * pixels };
  let at = base;
  const places = Object.fromEntries(
    Object.entries(sizes).map(([name, count]) => [name, (at += 4 * count + 16) - 4 * count - 16]),
  );
  new Float32Array(memory.buffer, base, (at - base) / 4).fill(0.5);
  const distances = {
    xImage: pixels * run,
    xRow: pixels * run,
    xPixel: run,
    yImage: pixels * m,
    yRow: pixels * m,
    yPixel: m,
  };
  called(kernels, "convTable", { ...places, n: 1, oh: 1, ow: pixels, ...distances })();
  return (
    (2 * pixels * run * m) / timed(called(kernels, "convForward", { ...places, pixels, m, rows: 1, columns: 1, run }))
  );
}

console.log(`${Object.entries(machine({ simd: hasRelaxedSimd() ? "relaxed" : "plain" }))
  .map(([name, value]) => `${name}: ${value}`)
  .join("\n")}
peak: ${giga(peak.flops)} GFLOP/s, ${giga(peak.read)} GB/s read, ${giga(peak.copy)} GB/s copied (bytes read and written)
convForward in the first-level cache: ${giga(tileInCache())} GFLOP/s
`);

for (const key of chosen(values.networks, positionals)) {
  const network = networkOf(key);
  const bytes = bytesOf(network);
  const ports = graphOf(bytes).inputs;
  const input = inputOf(network, ports);
  // Kernels take float32, ids of words too.
  const numbers = Object.values(byName(input, ports)).map(({ data }) => Float32Array.from(data, Number));
  const rows = measured(explainPlan(bytes, input, values.composite), numbers);
  const total = rows.reduce((sum, row) => sum + row.calls * row.seconds, 0);
  const share = (seconds) => `${((100 * seconds) / total).toFixed(1)} %`;
  const ms = (seconds) => (1000 * seconds).toFixed(3);
  // What takes less than a hundredth is in the summary.
  const shown = rows.filter((row) => row.calls * row.seconds > total / 100);
  const kinds = grouped(rows, ({ kind, back }) => `${kind}, ${back ? "back" : "forward"}`);
  console.log(`## ${network.name} (${network.weights} weights), ${values.composite}: ${ms(total)} ms in kernels

${table(
  ["pass", "kernel", "shape", "calls", "ms each", "share", "rate", "of peak"],
  shown.map((row) => [
    row.back ? "back" : "forward",
    row.kernel,
    row.shape,
    row.calls,
    ms(row.seconds),
    share(row.calls * row.seconds),
    ...rate(row, row.seconds),
  ]),
)}

${table(
  ["layers", "ms", "share", "rate", "of peak"],
  kinds.map(([name, sum]) => [name, ms(sum.seconds), share(sum.seconds), ...rate(sum, sum.seconds)]),
)}
`);
  const unknown = new Set(rows.filter(({ kind }) => kind === "unknown").map(({ kernel }) => kernel));
  if (unknown.size > 0) console.log(`no row in bench/work.mjs: ${[...unknown].join(", ")}\n`);
}
