import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count, place, positions } from "../reference/linear.ts";
import { checkRow, floats, int, type OperatorRow } from "./rows.ts";

type Numbers = ArrayLike<number>;

describe("windows", () => {
  test.each<[string, (n: number, length: number) => number]>([
    ["HannWindow", (n, length) => Math.sin((Math.PI * n) / length) ** 2],
    ["HammingWindow", (n, length) => 25 / 46 - (21 / 46) * Math.cos((2 * Math.PI * n) / length)],
    [
      "BlackmanWindow",
      (n, length) => 0.42 - 0.5 * Math.cos((2 * Math.PI * n) / length) + 0.08 * Math.cos((4 * Math.PI * n) / length),
    ],
  ])("%s", async (type, f) => {
    for (const [size, periodic] of [
      [7, 1],
      [8, 0],
      [1, 1],
    ] as const) {
      const file = onnx({
        nodes: [
          { type, inputs: ["n"], outputs: ["w"], attributes: { periodic } },
          { type: "Mul", inputs: ["x", "w"], outputs: ["y"] },
        ],
        initializers: { n: int(size) },
        inputs: { x: [1, size] },
        outputs: { y: [] },
      });
      using model = await loadInMode(file);
      const { data } = model.predict({ dims: [1, size], data: new Float32Array(size).fill(1) }).output;
      expectClose(
        data as Float32Array,
        Array.from({ length: size }, (_, n) => f(n, periodic ? size : size - 1)),
        1e-6,
        1,
      );
    }
  });
});

test("MelWeightMatrix: triangles between neighbouring edges", async () => {
  const [bins, length, rate, low, high] = [6, 32, 8000, 50, 3800];
  const file = onnx({
    nodes: [
      { type: "MelWeightMatrix", inputs: ["b", "l", "r", "from", "to"], outputs: ["w"] },
      { type: "Mul", inputs: ["x", "w"], outputs: ["y"] },
    ],
    initializers: {
      b: int(bins),
      l: int(length),
      r: int(rate),
      from: { dims: [], data: Float32Array.of(low) },
      to: { dims: [], data: Float32Array.of(high) },
    },
    inputs: { x: [17, bins] },
    outputs: { y: [] },
  });
  using model = await loadInMode(file, { batch: false });
  const { data } = model.predict({ dims: [17, bins], data: new Float32Array(17 * bins).fill(1) }).output;
  const mel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
  const edges = Array.from({ length: bins + 2 }, (_, i) => {
    const at = mel(low) + (i * (mel(high) - mel(low))) / (bins + 2);
    return Math.floor(((length + 1) * 700 * (10 ** (at / 2595) - 1)) / rate);
  });
  const expected = new Float64Array(17 * bins);
  for (let b = 0; b < bins; b++) {
    const [from, top, to] = edges.slice(b, b + 3);
    for (let row = from; row <= top; row++) expected[row * bins + b] = top === from ? 1 : (row - from) / (top - from);
    for (let row = top; row < to; row++) expected[row * bins + b] = (to - row) / (to - top);
  }
  expectClose(data as Float32Array, expected, 1e-6);
});

describe("DFT", () => {
  interface Kind {
    readonly x: readonly number[];
    readonly axis: number;
    readonly length?: number;
    readonly inverse?: 1;
    readonly onesided?: 1;
    readonly opset: number;
  }
  const cases: readonly Kind[] = [
    { x: [2, 7, 1], axis: 1, opset: 17 },
    { x: [2, 6, 2], axis: 1, opset: 17, inverse: 1 },
    { x: [2, 7, 3, 2], axis: 1, opset: 20, length: 5 },
    { x: [2, 3, 5, 1], axis: -2, opset: 20, length: 8, onesided: 1 },
    { x: [3, 7, 1], axis: 1, opset: 20, onesided: 1 },
    { x: [2, 4, 2], axis: 1, opset: 20, inverse: 1, onesided: 1, length: 7 },
    { x: [2, 5, 2], axis: 1, opset: 20, inverse: 1, onesided: 1 },
  ];

  function rowOf({ x, axis, length, inverse, onesided, opset }: Kind): OperatorRow {
    const [at, parts] = [(axis + x.length) % x.length, x.at(-1)!];
    const n = length ?? (inverse && onesided ? 2 * (x[at] - 1) : x[at]);
    const out = onesided && !inverse ? Math.floor(n / 2) + 1 : n;
    const dims = x.map((d, i) => (i === at ? out : i === x.length - 1 ? (inverse && onesided ? 1 : 2) : d));
    const forward = (v: Numbers) => {
      // The other side of a spectrum is the conjugate of this one.
      const given = (p: readonly number[], k: number): readonly [number, number] => {
        const mirrored = inverse && onesided && k > n / 2;
        const from = mirrored ? n - k : k;
        if (from >= x[at]) return [0, 0];
        const place_ = (part: number) =>
          v[
            place(
              x,
              p.map((c, i) => (i === at ? from : i === x.length - 1 ? part : c)),
            )
          ];
        return [place_(0), parts === 1 ? 0 : (mirrored ? -1 : 1) * place_(1)];
      };
      return Float64Array.from(positions(dims), (p) => {
        let [real, imaginary] = [0, 0];
        for (let k = 0; k < n; k++) {
          const angle = ((inverse ? 2 : -2) * Math.PI * k * p[at]) / n;
          let [a, b] = given(p, k);
          // What a real signal has no part of.
          if (inverse && onesided && (k === 0 || 2 * k === n)) b = 0;
          real += a * Math.cos(angle) - b * Math.sin(angle);
          imaginary += a * Math.sin(angle) + b * Math.cos(angle);
        }
        return (p.at(-1) === 0 ? real : imaginary) / (inverse ? n : 1);
      });
    };
    const parameters = [length === undefined ? undefined : int(length), ...(opset < 20 ? [] : [int(axis)])];
    const attributes = { ...(inverse && { inverse }), ...(onesided && { onesided }), ...(opset < 20 && { axis }) };
    return {
      type: "DFT",
      x,
      dims,
      attributes,
      parameters: parameters.some(Boolean) ? parameters : [],
      opset,
      forward,
      scale: 4,
    };
  }

  test.each(cases)("$x along $axis, length $length, inverse $inverse, onesided $onesided", (kind) =>
    checkRow(rowOf(kind)),
  );
});

describe("STFT", () => {
  test.each([
    [1, 1, undefined],
    [0, 2, undefined],
    [1, 1, 5],
  ] as const)("onesided %i, %i parts, frame_length %j", async (onesided, parts, frame) => {
    const [x, length, step] = [[2, 17, parts], 5, 3];
    const window = frame ? undefined : floats(0.25, 0.5, 1, 0.75, 0.5);
    const [frames, bins] = [Math.floor((17 - length) / step) + 1, onesided ? 3 : 5];
    const dims = [2, frames, bins, 2];
    const forward = (v: Numbers) =>
      Float64Array.from(positions(dims), ([n, f, k, part]) => {
        let [real, imaginary] = [0, 0];
        for (let i = 0; i < length; i++) {
          const w = (window?.data[i] as number | undefined) ?? 1;
          const [a, b] = [0, 1].map((p) => (p < parts ? w * v[place(x, [n, f * step + i, p])] : 0));
          const angle = (-2 * Math.PI * k * i) / length;
          real += a * Math.cos(angle) - b * Math.sin(angle);
          imaginary += a * Math.sin(angle) + b * Math.cos(angle);
        }
        return part === 0 ? real : imaginary;
      });
    const parameters = [int(step), window, ...(frame ? [int(frame)] : [])];
    await checkRow({ type: "STFT", x, dims, attributes: { onesided }, parameters, forward, scale: 4 });
  });
});

test("a spectrum is explained as the dense layer that it is", async () => {
  const x = tensor([1, 6, 1], 3);
  using model = await loadInMode(
    onnx({ nodes: [{ type: "DFT", inputs: ["x"], outputs: ["y"] }], inputs: { x: x.dims }, outputs: { y: [] } }),
    { batch: false },
  );
  const r = numbers(count([1, 6, 2]), 5);
  const { relevance, ledger } = explainFrom(model, x, r, { composite: [{ rule: ruleOf.epsilon({ epsilon: 0.25 }) }] });
  const expected = new Float64Array(6);
  for (let k = 0; k < 6; k++)
    for (const part of [0, 1]) {
      const w = Array.from({ length: 6 }, (_, i) => {
        const angle = (2 * Math.PI * i * k) / 6;
        return part ? -Math.sin(angle) : Math.cos(angle);
      });
      const z = w.reduce((sum, v, i) => sum + v * x.data[i], 0);
      w.forEach((v, i) => {
        expected[i] += (v * x.data[i] * r[2 * k + part]) / (z + (z >= 0 ? 0.25 : -0.25));
      });
    }
  expectClose(relevance.data, expected, 1e-4);
  expect(ledger.some(({ rule }) => rule.startsWith("epsilon"))).toBe(true);
});
