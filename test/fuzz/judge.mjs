/*
 * What any file must end in, however it is damaged: an answer, the same bits in two instances whose memory was filled
 * differently and a ledger whose gap is rounding; or an LrpError. It is asked of the modules of the build, so that a
 * process of its own can do so.
 */
import { isDeepStrictEqual } from "node:util";
import "../../build/js/entries/operators.js";
import { LrpError } from "../../build/js/base/error.js";
import { simd } from "../../build/js/core.gen.js";
import { Model } from "../../build/js/model/model.js";
import { open } from "../../build/js/read/open.js";
import { compileText, instantiate, PAGE } from "../../build/js/run/wasm.js";

/** What is asked of a file. */
const LIMITS = { maxMemory: 64e6, maxWork: 1e9 };

/** A gap is at most so much of the largest Σ |R| in the ledger. */
const ROUNDING = 1e-5;

/** A word, and NaN: neither is what a new memory holds. */
const FILLS = [0x3f8ccccd, 0x7fc00001];

/** A model in a memory that holds `word` wherever nothing was written. */
async function modelIn(word, bytes, limits) {
  const graph = await open(bytes, limits);
  const instance = instantiate(await compileText(simd));
  const { memory } = instance;
  const fill = (from) => new Uint32Array(memory.buffer, from).fill(word);
  memory.grow = (pages) => {
    const before = WebAssembly.Memory.prototype.grow.call(memory, pages);
    fill(before * PAGE);
    return before;
  };
  fill(16 * Math.ceil(instance.kernels.heapBase() / 16));
  return new Model(graph, { instance, end() {} }, limits);
}

/** Every input filled with 1, free sizes 1. */
function ones({ inputs }) {
  const tensor = ({ type, dims }) => {
    const sizes = dims.map((d) => (typeof d === "number" ? d : 1));
    const count = sizes.reduce((product, d) => product * d, 1);
    // What cannot be made is not asked for: a tensor of these dims is refused by them.
    const data = count <= 2 ** 26 ? new (type === "float32" ? Float32Array : Uint8Array)(count).fill(1) : new Float32Array();
    return { dims: sizes, data };
  };
  return Object.fromEntries(inputs.map((port) => [port.name, tensor(port)]));
}

/** What two runs must agree in, to the last bit. */
const bitsOf = (tensors) =>
  Object.values(tensors).map(({ dims, data }) => [dims, new Uint8Array(data.buffer.slice(0))]);
const same = isDeepStrictEqual;

/** The row of a ledger whose gap is more than rounding. */
function torn(ledger) {
  const most = ledger.reduce(
    (m, { magnitude, amplification }) => Math.max(m, magnitude * Math.max(1, amplification)),
    0,
  );
  return ledger.find(({ gap }) => !(Math.abs(gap) <= ROUNDING * most));
}

/** `task`, or the LrpError that it ended in. */
async function attempt(task) {
  try {
    return await task();
  } catch (error) {
    if (error instanceof LrpError) return error;
    throw error;
  }
}

/** A way to explain: nodes without a rule by their gradient, as every file can be. */
const WAYS = [{}, { composite: "epsilonAlpha2Beta1", unknown: "gradient" }];

/**
 * @returns what became of a file, in few words that say how far it came
 * @throws Error what must not be: bits that differ, a gap, or an error that is not relprop's
 */
export async function judge(bytes, limits = LIMITS) {
  const first = await attempt(() => modelIn(FILLS[0], bytes, limits));
  if (first instanceof LrpError) return `load: ${first.code}`;
  const second = await modelIn(FILLS[1], bytes, limits);
  const input = ones(first);
  const predicted = (model) => attempt(() => bitsOf(model.predict(input).outputs));
  const explained = (model) =>
    Promise.all(
      WAYS.map((way) =>
        attempt(() => {
          const { inputs, ledger } = model.explain(input, way);
          const row = torn(ledger);
          if (row) throw new Error(`a gap in the ledger: ${JSON.stringify(row)}`);
          return bitsOf(inputs);
        }),
      ),
    );
  // In the other order, so that what one call leaves behind is not what the other finds.
  const a = { output: await predicted(first), relevance: await explained(first) };
  const b = { relevance: await explained(second), output: await predicted(second) };
  for (const part of ["output", "relevance"]) if (!same(a[part], b[part])) throw new Error(`${part}: bits that differ`);
  if (a.output instanceof LrpError) return `predict: ${a.output.code}`;
  const [error] = a.relevance.filter((r) => r instanceof LrpError);
  for (const model of [first, second]) model.dispose();
  return error ? `explain: ${error.code}` : "explained";
}
