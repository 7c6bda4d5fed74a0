import fc from "fast-check";
import { expect, test } from "vitest";
import { expectClose, largest, magnitude, total } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { drawing, RUNS } from "./drawing.ts";
import { type Activation, type Matrix, type Modes, Sequence } from "./sequences.ts";

/*
 * Small transformers, gated and recurrent networks, drawn at random, against their equations in double precision.
 */

const CLASSES = 3;
/** How far relevance may be off, as a share of the largest; and how far errors of float32's size may move it. */
const [OFF, STEADY] = [1e-4, 1e-5];
const FLOAT = 2 ** -22;

const layer = fc.record({
  kind: fc.constantFrom("attention", "dense", "gate", "glu", "LSTM", "GRU", "RNN"),
  norm: fc.constantFrom("none", "layer", "rms"),
  activation: fc.constantFrom<Activation>("Relu", "Tanh", "Softplus", "Silu"),
  isAdded: fc.boolean(),
  isCausal: fc.boolean(),
  heads: fc.integer({ min: 1, max: 3 }),
});
const network = fc.record({
  tokens: fc.integer({ min: 1, max: 5 }),
  width: fc.integer({ min: 2, max: 5 }),
  layers: fc.array(layer, { minLength: 1, maxLength: 3 }),
  isMean: fc.boolean(),
  seed: fc.nat(999),
  target: fc.nat(CLASSES - 1),
});
const modes = fc.record<Modes>({
  attention: fc.constantFrom("attn", "cp"),
  layerNorm: fc.constantFrom("identity", "gradient"),
  product: fc.constantFrom("signal", "half"),
});
type Drawn = typeof network extends fc.Arbitrary<infer T> ? T : never;

function built({ tokens, width, layers, isMean, seed }: Drawn, hasBiases = true) {
  const net = new Sequence(tokens, seed, hasBiases);
  let x = "x";
  for (const { kind, norm, activation, isAdded, isCausal, heads } of layers) {
    const y = norm === "layer" ? net.norm(x, width) : norm === "rms" ? net.rms(x, width) : x;
    const wide = width + 2;
    let z: string;
    if (kind === "attention") z = net.dense(net.attention(y, width, heads, 2, isCausal), 2 * heads, width, false);
    else if (kind === "gate") z = net.product(y, net.gate(net.dense(y, width, width, true)), 1);
    else if (kind === "glu") {
      const [a, b] = [net.activation(net.dense(y, width, wide, true), "Silu"), net.dense(y, width, wide, false)];
      z = net.dense(net.product(a, b), wide, width, true);
    } else if (kind === "dense")
      z = net.dense(net.activation(net.dense(y, width, wide, true), activation), wide, width, true);
    else z = net.recurrent(y, kind, width, width);
    x = isAdded ? net.add(x, z) : z;
  }
  const logits = net.dense(net.read(x, isMean), width, CLASSES, true);
  const given = numbers(tokens * width, seed + 1);
  const rows: Matrix = Array.from({ length: tokens }, (_, t) => Array.from(given.subarray(t * width, (t + 1) * width)));
  return { net, logits, given, rows };
}

test("networks of sequences are explained as their equations say", () =>
  fc.assert(
    fc.asyncProperty(network, modes, async (drawn, mode) => {
      const { tokens, width, target } = drawn;
      const { net, logits, given, rows } = built(drawn);
      const exact = net.relevance(rows, target, mode).flat();
      const shaken = net.relevance(rows, target, mode, FLOAT).flat();
      const isSteady = exact.every((v, i) => Math.abs(v - shaken[i]) <= STEADY * largest(exact));
      fc.pre(isSteady && magnitude(exact) > 1e-3);
      using model = await loadInMode(onnx(net.file(logits, width)));
      const x = { dims: [1, tokens, width], data: given };
      const { attention, ...others } = mode;
      const composite = attention === "cp" ? "cpLrp" : "attnLrp";
      const e = model.explain(x, { composite, target, ...others });
      expectClose(e.logits.data, net.forward(rows).get(logits)!.flat(), OFF);
      expectClose(e.relevance.data, exact, OFF);
      const most = Math.max(...e.ledger.map((row) => row.magnitude));
      for (const { gap } of e.ledger) expect(Math.abs(gap)).toBeLessThanOrEqual(1e-5 * most);
    }),
    { ...drawing(7), numRuns: Math.ceil(RUNS / 2), maxSkipsPerRun: 3 },
  ));

test("without biases, CP-LRP conserves", () =>
  fc.assert(
    fc.asyncProperty(network, modes, async (drawn, { product }) => {
      const { tokens, width, target } = drawn;
      const { net, logits, given } = built(drawn, false);
      using model = await loadInMode(onnx(net.file(logits, width)));
      const e = model.explain({ dims: [1, tokens, width], data: given }, { composite: "cpLrp", target, product });
      const most = Math.max(...e.ledger.map((row) => row.magnitude));
      const [{ score }] = e.targets[0];
      expect(Math.abs(total(e.relevance.data) - score)).toBeLessThanOrEqual(1e-4 * most);
      const nothing = e.ledger.map(({ bias, dead, softmax, other }) => [bias, dead, softmax, other]);
      expect(largest(nothing.flat())).toBeLessThanOrEqual(1e-4 * most);
    }),
    { ...drawing(8), numRuns: Math.ceil(RUNS / 3) },
  ));
