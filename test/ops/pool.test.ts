import { describe, expect, test } from "vitest";
import {
  averagePool2d,
  baseEntries,
  globalAveragePool,
  load,
  maxPool2d,
  type Network,
  ruleOf,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainLayer, network } from "../explain.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, average, type Dims, place, positions, type Window } from "../reference/linear.ts";
import { maxima } from "../reference/layers.ts";
import { alphaBeta, epsilon, explain } from "../reference/rules.ts";
import { expectLayer } from "./check.ts";

interface Case extends Window {
  readonly x: Dims;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const cases: readonly Case[] = [
  ...range(1, 9).map((c): Case => ({ x: [2, c, 5, 7], kernel: [2, 3], strides: [2, 2] })),
  { x: [1, 5, 7, 8], kernel: [3, 3], strides: [2, 2], pads: [1, 0, 0, 1] },
  { x: [1, 3, 7, 5], kernel: [3, 2], strides: [1, 1], pads: [2, 1, 1, 1] },
  { x: [1, 3, 11, 13], kernel: [2, 3], strides: [3, 5] },
  { x: [2, 3, 5, 7], kernel: [5, 7], strides: [5, 7] },
  { x: [1, 2, 11, 9], kernel: [3, 2], strides: [2, 1], dilations: [2, 3], pads: [1, 0, 1, 2] },
  // Rounding up: a window that hangs over the end, one that reaches the padding, one that would begin there and does
  // not count.
  { x: [1, 3, 6, 7], kernel: [3, 3], strides: [2, 2], ceil: true },
  { x: [1, 3, 7, 8], kernel: [3, 2], strides: [2, 3], pads: [0, 0, 1, 1], ceil: true },
  { x: [1, 3, 4, 5], kernel: [2, 3], strides: [3, 4], pads: [1, 1, 1, 1], ceil: true },
  { x: [1, 2, 5, 4], kernel: [1, 1], strides: [2, 3], ceil: true },
  { x: [1, 2, 8, 6], kernel: [3, 4], strides: [3, 5], pads: [1, 1, 1, 2], ceil: true },
  { x: [1, 9, 9, 10], kernel: [2, 3], strides: [4, 3], pads: [0, 2, 1, 0], dilations: [2, 2], ceil: true },
  // A window longer than the axis, padding included.
  { x: [1, 3, 2, 7], kernel: [3, 2], strides: [2, 3], ceil: true },
  { x: [2, 2, 3, 4], kernel: [3, 2], strides: [3, 4], pads: [0, 0, 1, 1], dilations: [2, 5], ceil: true },
  // As PyTorch writes ceil_mode below opset 10: pads behind the end, as large as the window or larger.
  { x: [1, 3, 8, 10], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 3, 3] },
  { x: [1, 2, 8, 12], kernel: [3, 2], strides: [2, 3], pads: [1, 1, 3, 3] },
  { x: [1, 2, 7, 4], kernel: [3, 2], strides: [7, 3], pads: [2, 0, 6, 3], ceil: true },
];

/** Of which some see padding alone: a mean that counts it, and a norm, are 0 there; a maximum is nothing. */
const beside: readonly Case[] = [
  { x: [1, 3, 4, 5], kernel: [2, 1], strides: [2, 3], pads: [2, 1, 2, 0] },
  { x: [2, 2, 5], kernel: [3], strides: [2], pads: [3, 4] },
  { x: [1, 2, 1, 4], kernel: [2, 3], dilations: [2, 1], pads: [1, 0, 1, 0] },
  { x: [1, 2, 5, 4], kernel: [2, 2], strides: [2, 3], pads: [2, 0, 3, 0], ceil: true },
];

const nameOf = ({ x, ...window }: Case) => `[${x}] ${JSON.stringify(window)}`;
const attributesOf = ({ kernel, strides, pads, dilations, ceil }: Window) => ({
  kernel_shape: kernel,
  ...(strides && { strides }),
  ...(pads && { pads }),
  ...(dilations && { dilations }),
  ...(ceil && { ceil_mode: 1 }),
});

/** As a descriptor where there are two axes, as a file otherwise. */
function source(type: "MaxPool" | "AveragePool", { x, ...window }: Case, countPads = false): Uint8Array | Network {
  if (x.length !== 4)
    return chain(
      ["n", ...x.slice(1)],
      [{ type, attributes: { ...attributesOf(window), ...(countPads && { count_include_pad: 1 }) } }],
      19,
    );
  const { kernel, strides = kernel.map(() => 1), pads, dilations, ceil } = window;
  const options = {
    kernel: kernel as [number, number],
    strides: strides as [number, number],
    pads: pads as [number, number, number, number],
    dilations: dilations as [number, number],
    ceil,
  };
  return network(x, type === "MaxPool" ? maxPool2d(options) : averagePool2d({ ...options, countPads }));
}

const lines: readonly Case[] = [
  { x: [2, 3, 17], kernel: [4], strides: [3], pads: [2, 1] },
  { x: [1, 5, 10], kernel: [3], strides: [2], pads: [0, 1], ceil: true },
  { x: [1, 2, 9], kernel: [2], dilations: [3], strides: [1], pads: [1, 2] },
];
// Windows along the outer axes only, as a mean over channels is exported.
const outer: readonly Case[] = [
  { x: [2, 1, 7, 3, 5], kernel: [4, 1, 1] },
  { x: [1, 2, 5, 3, 4], kernel: [3, 1, 1], pads: [1, 0, 0, 2, 0, 0], strides: [2, 1, 1] },
];
/** Windows that move along more axes than kernels have. */
const solid: readonly Case[] = [
  { x: [2, 3, 5, 4, 7], kernel: [2, 3, 2], strides: [2, 1, 3], pads: [1, 0, 1, 0, 2, 1] },
  { x: [1, 2, 6, 5, 7], kernel: [3, 2, 3], strides: [2, 2, 3], pads: [0, 1, 1, 1, 1, 1], ceil: true },
  { x: [1, 2, 5, 7, 3], kernel: [2, 3, 2], dilations: [3, 2, 1] },
  { x: [1, 2, 3, 4, 2, 5], kernel: [2, 2, 1, 3], strides: [1, 2, 1, 1] },
];

function maxOf(x: ArrayLike<number>, c: Case) {
  return (v: ArrayLike<number>) => maxima(x, c.x, c).at.map((i) => v[i]);
}

async function checkMax(c: Case, data: Float32Array): Promise<void> {
  const x = { dims: c.x, data };
  const { dims, at } = maxima(data, c.x, c);
  await expectLayer(source("MaxPool", c), x, { dims, forward: maxOf(data, c) });
  const r = numbers(at.length, 7);
  const expected = new Float64Array(data.length);
  at.forEach((i, j) => {
    expected[i] += r[j];
  });
  const { relevance, rules, ledger } = await explainLayer(source("MaxPool", c), x, r, ruleOf.norm());
  expectClose(relevance.data, expected, 1e-6);
  expect(rules[0].rule).toBe("route");
  expect(Math.abs(ledger[0].gap)).toBeLessThan(1e-5);
}

describe("pools", () => {
  const all = [...cases, ...lines, ...outer, ...solid].map((c) => [nameOf(c), c] as const);

  test.each(all)("AveragePool %s", async (_name, c) => {
    for (const countPads of [false, true]) {
      const map = average(c.x, c, countPads);
      await expectLayer(source("AveragePool", c, countPads), tensor(c.x, 11), {
        dims: map.dims,
        forward: (v) => apply(map, v),
        scale: 1,
      });
    }
  });

  test.each(beside.map((c) => [nameOf(c), c] as const))("windows of padding alone %s", async (_name, c) => {
    const map = average(c.x, c, true);
    const expected = { dims: map.dims, forward: (v: ArrayLike<number>) => apply(map, v), scale: 1 };
    expect(map.connections.some((list) => list.length === 0)).toBe(true);
    await expectLayer(source("AveragePool", c, true), tensor(c.x, 11), expected);
    const [x, r] = [tensor(c.x, 11), numbers(map.connections.length, 7)];
    const { relevance, ledger } = await explainLayer(source("AveragePool", c, true), x, r, ruleOf.zPlus());
    expectClose(relevance.data, explain(map, x.data, r, alphaBeta(1, 0)).relevance, 2e-5);
    expect(Math.abs(ledger[0].gap)).toBeLessThan(1e-5 * ledger[0].magnitude);
    await checkNorm((before) => chain(c.x, [...before, { type: "LpPool", attributes: attributesOf(c) }], 18), c, 2);
    for (const type of ["MaxPool", "AveragePool"] as const)
      await expect(load(source(type, c))).rejects.toThrow(
        new RegExp(
          "a window along axis 2 holds padding alone \\(kernel \\d, stride \\d, " +
            `dilation \\d, pads \\d and \\d, ceil_mode ${Number(c.ceil ?? false)}\\)`,
        ),
      );
  });

  // node_v1.22.0, test_averagepool_2d_ceil_last_window_starts_on_pad, whose outputs are rounded to four digits.
  test("a last window that would begin in the padding", async () => {
    const x = [0.858, 0.0786, 0.2692, 0.1537, 0.8816, 0.4353, 0.5772, 0.6623, 0.9067, 0.9483, 0.597, 0.763];
    const window = { kernel_shape: [3, 3], strides: [3, 3], pads: [1, 1, 1, 1], ceil_mode: 1, count_include_pad: 1 };
    using model = await loadInMode(chain([1, 3, 2, 2], [{ type: "AveragePool", attributes: window }], 22));
    const { output } = model.predict({ dims: [1, 3, 2, 2], data: Float32Array.from(x) });
    expect(output.dims).toEqual([1, 3, 1, 1]);
    const sums = [0, 1, 2].map((c) => x.slice(4 * c, 4 * c + 4).reduce((sum, v) => sum + v, 0));
    expectClose(
      output.data,
      sums.map((sum) => sum / 9),
      1e-6,
    );
  });

  test.each(solid.map((c) => [nameOf(c), c] as const))("rules at AveragePool %s", async (_name, c) => {
    const x = tensor(c.x, 11);
    for (const countPads of [false, true]) {
      const map = average(c.x, c, countPads);
      const r = numbers(map.connections.length, 7);
      for (const [rule, by] of [
        [ruleOf.norm(), epsilon],
        [ruleOf.zPlus(), alphaBeta(1, 0)],
      ] as const) {
        const { relevance, ledger } = await explainLayer(source("AveragePool", c, countPads), x, r, rule);
        expectClose(relevance.data, explain(map, x.data, r, by).relevance, 2e-5);
        expect(Math.abs(ledger[0].gap)).toBeLessThan(1e-5 * ledger[0].magnitude);
      }
    }
  });

  test.each(all)("MaxPool %s", async (_name, c) => checkMax(c, tensor(c.x, 11).data));

  // Padding is no number: it must not win over what is below 0.
  test.each(all)("MaxPool of negative numbers %s", async (_name, c) => checkMax(c, tensor(c.x, 12, -2, -1).data));

  // Of equal maxima the first has it all; in networks these are mostly zeros behind a ReLU.
  test.each(all)("MaxPool with ties %s", async (_name, c) =>
    checkMax(
      c,
      tensor(c.x, 13).data.map((v) => Math.max(0, Math.round(2 * v))),
    ),
  );

  test.each([["SAME_UPPER"], ["SAME_LOWER"]])("auto_pad %s", async (auto_pad) => {
    const [x, kernel, strides] = [
      [1, 3, 7, 8],
      [2, 3],
      [3, 2],
    ];
    const totals = [7, 8].map((l, a) => Math.max(0, (Math.ceil(l / strides[a]) - 1) * strides[a] + kernel[a] - l));
    const [less, more] = [totals.map((t) => Math.floor(t / 2)), totals.map((t) => Math.ceil(t / 2))];
    const pads = auto_pad === "SAME_UPPER" ? [...less, ...more] : [...more, ...less];
    const [max, map] = [
      maxima(tensor(x, 11).data, x, { kernel, strides, pads }),
      average(x, { kernel, strides, pads }),
    ];
    const file = (type: string) =>
      chain(["n", 3, 7, 8], [{ type, attributes: { kernel_shape: kernel, strides, auto_pad } }]);
    await expectLayer(file("MaxPool"), tensor(x, 11), { dims: max.dims, forward: (v) => max.at.map((i) => v[i]) });
    await expectLayer(file("AveragePool"), tensor(x, 11), { dims: map.dims, forward: (v) => apply(map, v), scale: 1 });
  });

  test.each([[[2, 3, 5, 7]], [[1, 9, 1, 1]], [[1, 1, 13, 2]]])("GlobalAveragePool [%s]", async (x) => {
    const map = average(x, { kernel: x.slice(2) });
    await expectLayer(network(x, globalAveragePool()), tensor(x, 11), {
      dims: [x[0], x[1], 1, 1],
      forward: (v) => apply(map, v),
      scale: 1,
    });
  });

  test.each([[[2, 5, 7]], [[2, 3, 4, 5, 2]]])("GlobalAveragePool over [%s]", async (x) => {
    const map = average(x, { kernel: x.slice(2) });
    await expectLayer(chain(["n", ...x.slice(1)], [{ type: "GlobalAveragePool" }]), tensor(x, 11), {
      dims: map.dims,
      forward: (v) => apply(map, v),
      scale: 1,
    });
  });

  test.each([[[2, 5, 7]], [[2, 3, 5, 7]], [[1, 9, 1, 1]], [[2, 3, 4, 5, 2]]])("GlobalMaxPool [%s]", async (x) => {
    const { data } = tensor(x, 11, -2, -1);
    const { dims, at } = maxima(data, x, { kernel: x.slice(2) });
    await expectLayer(
      chain(x, [{ type: "GlobalMaxPool" }], 22),
      { dims: x, data },
      { dims, forward: (v) => at.map((i) => v[i]) },
    );
  });

  test.each([...cases.slice(9), ...lines, ...outer, ...solid].map((c) => [nameOf(c), c] as const))(
    "LpPool %s",
    async (_name, c) => {
      for (const [p, opset] of [
        [1, 11],
        [2, 18],
        [3, 22],
        [undefined, 7],
      ] as const) {
        const attributes = { ...attributesOf(c), ...(p !== undefined && { p }) };
        await checkNorm((before) => chain(c.x, [...before, { type: "LpPool", attributes }], opset), c, p ?? 2);
      }
    },
  );

  test.each([[[2, 5, 7]], [[2, 3, 5, 7]], [[2, 3, 4, 5, 2]]])("GlobalLpPool [%s]", async (x) => {
    for (const p of [1, 2, 4])
      await checkNorm(
        (before) => chain(x, [...before, { type: "GlobalLpPool", attributes: { p } }], 22),
        { x, kernel: x.slice(2) },
        p,
      );
  });

  test.each([...cases.slice(9), ...lines, ...solid].map((c) => [nameOf(c), c] as const))(
    "MaxPool's indices %s",
    async (_name, c) => {
      const x = { dims: c.x, data: tensor(c.x, 13).data.map((v) => Math.round(2 * v)) };
      const { dims, at } = maxima(x.data, c.x, c);
      const [n, channels, ...spatial] = c.x;
      const columns = [n, channels, ...[...spatial].reverse()];
      for (const order of [0, 1]) {
        using model = await loadInMode(withIndices(c, order));
        const { y, indices } = model.predict(x).outputs;
        expect([y.dims, indices.dims, indices.type]).toEqual([dims, dims, "int64"]);
        expectClose(
          y.data,
          at.map((i) => x.data[i]),
          1e-6,
        );
        const all = positions(c.x);
        const expected = at.map((i) =>
          order === 0 ? i : place(columns, [all[i][0], all[i][1], ...all[i].slice(2).reverse()]),
        );
        expect(Array.from(indices.data, Number)).toEqual(expected);
      }
    },
  );
});

const withIndices = (c: Case, storage_order: number) =>
  onnx({
    nodes: [
      { type: "MaxPool", inputs: ["x"], outputs: ["y", "indices"], attributes: { ...attributesOf(c), storage_order } },
    ],
    inputs: { x: ["n", ...c.x.slice(1)] },
    outputs: { y: [], indices: [] },
    types: { indices: 7 },
  });

test("indices that float32 does not have are refused", async () => {
  using model = await loadInMode(withIndices({ x: [1, 1, 2, 3], kernel: [2, 3] }, 0));
  expect(() => model.predict({ dims: [2 ** 22, 1, 2, 3], data: new Float32Array(6 * 2 ** 22) })).toThrowError(
    /node 'y' \(MaxPool\): expected at most 16777216 numbers to index, got 25165824/,
  );
});

test("relevance that would pass through indices is refused", async () => {
  const cast = { type: "Cast", inputs: ["indices"], outputs: ["f"], attributes: { to: 1 } };
  const pool = { type: "MaxPool", inputs: ["x"], outputs: ["m", "indices"], attributes: { kernel_shape: [2] } };
  const add = { type: "Add", inputs: ["m", "f"], outputs: ["y"] };
  for (const [nodes, y] of [
    [[pool, cast], "f"],
    [[pool, cast, add], "y"],
  ] as const) {
    using model = await loadInMode(onnx({ nodes, inputs: { x: [1, 1, 5] }, outputs: { [y]: [] } }));
    expect(() => model.explain(tensor([1, 1, 5], 1))).toThrowError(
      /node 'm' \(MaxPool\): relevance arrives at its output/,
    );
  }
});

test("a norm below 1 is refused", async () => {
  await expect(
    load(chain([1, 2, 5], [{ type: "LpPool", attributes: { kernel_shape: [2], p: 0 } }])),
  ).rejects.toThrowError(/p ≥ 1, got 0/);
});

/** Leaves the numbers as they are, channels last. */
const turn = (x: Dims) => [{ type: "MaxPool", attributes: { kernel_shape: x.slice(2).map(() => 1) } }];

/** (Σ |x|^p)^(1/p) over the windows of a mean, and relevance shared by |x|^p. */
async function checkNorm(file: (before: ReturnType<typeof turn>) => Uint8Array, c: Case, p: number): Promise<void> {
  const { dims, connections } = average(c.x, c);
  const powers = (v: ArrayLike<number>) =>
    connections.map((cell) => cell.reduce((sum, { i }) => sum + Math.abs(v[i]) ** p, 0));
  // A number near 0 has no slope to take differences of.
  const x = { dims: c.x, data: tensor(c.x, 11).data.map((v) => v + Math.sign(v) / 8) };
  const r = numbers(connections.length, 7);
  const expected = new Float64Array(x.data.length);
  powers(x.data).forEach((all, j) => {
    for (const { i } of connections[j]) expected[i] += (Math.abs(x.data[i]) ** p / all) * r[j];
  });
  for (const before of [[], turn(c.x)]) {
    await expectLayer(file(before), x, { dims, forward: (v) => powers(v).map((s) => s ** (1 / p)) });
    const { relevance, ledger } = await explainLayer(file(before), x, r, baseEntries());
    expectClose(relevance.data, expected, 2e-6);
    expect(ledger[0].rule).toBe("taylor");
    expect(Math.abs(ledger[0].gap)).toBeLessThan(1e-5);
  }
}
