import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Explanation, ExplainOptions, Tensor } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { largest, magnitude, total } from "../close.ts";
import { type FileGraph, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { logitsOf, type Relevance, relevanceOf } from "../reference/lrp.ts";
import type { Literal } from "../reference/meaning.ts";
import { type Arithmetic, canonical, errorBounds, forward, shaken } from "../reference/network.ts";
import { drawing } from "./drawing.ts";
import { type Sample, samples } from "./networks.ts";
import { spellings } from "./spellings.ts";
import { type Setting, settings } from "./settings.ts";

/*
 * What has to hold in any network: drawn at random, compared with the definitions, one number at a time in double
 * precision.
 */

/** How far relevance may be off, as a share of the largest. */
const OFF = 1e-4;

/**
 * How far errors of float32's size may move the literal relevance, for a network to be one that float32 can explain.
 */
const STEADY = OFF / 10;

/** Weights of the classes: every one counts, with either sign. */
const weightsFor = (logits: number): Float32Array => numbers(logits, 5).map((v) => Math.round(v * 4) / 4 || 1);

/** The relevance that a literal explanation starts with. */
const startOf =
  ({ options }: Setting) =>
  (logits: ArrayLike<number>) =>
    weightsFor(logits.length).map((w, i) => (options.start === "one" ? w : w * logits[i]));

const COLUMNS = ["received", "passed", "bias", "stabilizer", "dead"] as const;

/**
 * The literal relevance, if errors of float32's size hardly move it, and if it is not just what cancelling leaves of
 * larger numbers.
 */
function steadyRelevance(net: Literal, { x }: Sample, setting: Setting): Relevance | undefined {
  const literal = (arithmetic?: Arithmetic) =>
    relevanceOf(net, x.data, startOf(setting), setting.treatments, arithmetic);
  const exact = literal();
  const most = largest(exact.input);
  const near = (a: number, b: number, scale: number) => Math.abs(a - b) <= STEADY * scale;
  const steady = ([1, -1] as const).every((direction) => {
    const { input, accounts } = literal(shaken(direction));
    return (
      input.every((v, i) => near(v, exact.input[i], most)) &&
      accounts.every((row, i) => COLUMNS.every((column) => near(row[column], exact.accounts[i][column], exact.most)))
    );
  });
  return steady && magnitude(exact.input) >= exact.most / 1000 ? exact : undefined;
}

/** Fails with the first number that is too far off. */
function close(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  allowed: (i: number) => number,
  what: string,
): void {
  expect(actual.length, `how many numbers of ${what}`).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i] - expected[i]) <= allowed(i)))
      expect.fail(
        `${what}, at ${i} of ${expected.length}: expected ${expected[i]}, got ${actual[i]}; allowed ± ` +
          `${allowed(i).toExponential(2)}`,
      );
  }
}

async function explained(
  graph: FileGraph,
  x: Tensor,
  options: ExplainOptions,
  classes: number,
  weights?: "repacked",
): Promise<Explanation> {
  using model = await loadInMode(onnx(graph), { winograd: false, weights });
  return model.explain(x, { ...options, target: weightsFor(classes) });
}

const classesOf = (net: Literal, x: Tensor) => forward(net, x.data).get(logitsOf(net))!.length;

// A long search takes its time.
describe("random networks", { timeout: 0 }, () => {
  test("outputs are as near as rounding allows", () =>
    fc.assert(
      fc.asyncProperty(samples, async ({ graph, x }) => {
        const net = canonical(graph, x.dims);
        const values = forward(net, x.data);
        const bound = errorBounds(net, values).get(net.output)!;
        using model = await loadInMode(onnx(graph), { winograd: false });
        close(model.predict(x).output.data, values.get(net.output)!, (i) => bound[i], "the output");
      }),
      drawing(1),
    ));

  test("relevance, and where it stays on the way, are those of the definitions", () =>
    fc.assert(
      fc.asyncProperty(samples, settings, async (sample, setting) => {
        const { graph, x } = sample;
        const net = canonical(graph, x.dims);
        const expected = steadyRelevance(net, sample, setting);
        fc.pre(expected !== undefined);
        const { input, accounts, most } = expected;
        const { relevance, ledger } = await explained(graph, x, setting.options, classesOf(net, x));
        close(relevance.data, input, () => OFF * largest(input), "relevance");
        expect(ledger.map((row) => row.node)).toEqual(accounts.map((row) => row.name));
        for (const column of COLUMNS) {
          close(
            ledger.map((row) => row[column]),
            accounts.map((row) => row[column]),
            () => OFF * most,
            `the ledger's ${column}`,
          );
        }
      }),
      drawing(2),
    ));

  test("the ledger closes", () =>
    fc.assert(
      fc.asyncProperty(samples, settings, async ({ graph, x }, setting) => {
        const net = canonical(graph, x.dims);
        const { relevance, ledger, targets } = await explained(graph, x, setting.options, classesOf(net, x));
        // Σ |R| that a node received, or handed on.
        const most = Math.max(
          magnitude(relevance.data),
          ...ledger.map((row) => row.magnitude * Math.max(1, row.amplification)),
        );
        for (const row of ledger) expect(Math.abs(row.gap), `the gap of ${row.node}`).toBeLessThanOrEqual(1e-5 * most);
        const kept = ledger.flatMap((row) => [row.bias, row.stabilizer, row.dead, row.other, row.gap]);
        const score = targets
          .flat()
          .reduce((sum, t) => sum + t.weight * (setting.options.start === "one" ? 1 : t.score), 0);
        close([total(relevance.data)], [score - total(kept)], () => 1e-6 * most, "what arrives");
      }),
      drawing(3),
    ));

  test("spelled another way, it is the same", () =>
    fc.assert(
      fc.asyncProperty(samples, settings, fc.nat(), async (sample, setting, which) => {
        const { graph, x } = sample;
        const net = canonical(graph, x.dims);
        const expected = steadyRelevance(net, sample, setting)?.input;
        fc.pre(expected !== undefined);
        const all = spellings(sample);
        const { name, graph: other } = all[which % all.length];
        const values = forward(net, x.data);
        const bound = errorBounds(net, values).get(net.output)!;
        const { output, relevance } = await explained(other, x, setting.options, classesOf(net, x));
        close(output.data, values.get(net.output)!, (i) => 2 * bound[i], `the output, ${name}`);
        close(relevance.data, expected, () => OFF * largest(expected), `relevance, ${name}`);
      }),
      drawing(4),
    ));

  // Relevance that comes from three readers of a value is added up in their order.
  test(
    "with its nodes in any order, or its weights repacked, it gives the same bits, where no value is read " +
      "three times",
    () =>
      fc.assert(
        fc.asyncProperty(samples, settings, fc.nat(999), async ({ graph, x }, setting, seed) => {
          const net = canonical(graph, x.dims);
          const keys = new Map(graph.nodes.map((node, i) => [node, numbers(graph.nodes.length, seed)[i]]));
          const nodes = [...graph.nodes].sort((a, b) => keys.get(a)! - keys.get(b)!);
          const run = (g: FileGraph, weights?: "repacked") =>
            explained(g, x, setting.options, classesOf(net, x), weights);
          const [one, repacked, other] = await Promise.all([
            run(graph),
            run(graph, "repacked"),
            run({ ...graph, nodes }),
          ]);
          expect([repacked.output, repacked.relevance]).toEqual([one.output, one.relevance]);
          expect(other.output).toEqual(one.output);
          const read = net.stages.flatMap((stage) => stage.inputs);
          if (read.every((name) => read.filter((again) => again === name).length < 3))
            close(other.relevance.data, one.relevance.data, () => 0, "relevance");
        }),
        drawing(5),
      ),
  );

  // Dense layers take several samples at once, and add up in another order.
  test("a batch is its samples, one by one, within rounding", () =>
    fc.assert(
      fc.asyncProperty(samples, settings, async (sample, setting) => {
        const { graph, x } = sample;
        const net = canonical(graph, x.dims);
        const expected = steadyRelevance(net, sample, setting)?.input;
        fc.pre(expected !== undefined);
        const values = forward(net, x.data);
        const bound = errorBounds(net, values).get(net.output)!;
        const [n, ...rest] = x.dims;
        const part = (all: ArrayLike<number>, i: number) =>
          Float32Array.from(all).slice((i * all.length) / n, ((i + 1) * all.length) / n);
        const weights = weightsFor(classesOf(net, x));
        using model = await loadInMode(onnx(graph), { winograd: false });
        const alone = Array.from({ length: n }, (_, i) =>
          model.explain(
            { dims: [1, ...rest], data: part(x.data, i) },
            { ...setting.options, target: part(weights, i) },
          ),
        );
        const joined = (of: (e: Explanation) => Tensor) => alone.flatMap((e) => Array.from(of(e).data));
        close(
          joined((e) => e.output),
          values.get(net.output)!,
          (i) => bound[i],
          "the output",
        );
        close(
          joined((e) => e.relevance),
          expected,
          () => OFF * largest(expected),
          "relevance",
        );
      }),
      drawing(6),
    ));
});
