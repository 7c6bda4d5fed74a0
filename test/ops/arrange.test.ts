import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { count, type LinearMap, place, positions } from "../reference/linear.ts";
import { alphaBeta, epsilon } from "../reference/rules.ts";
import { checkRule } from "./check.ts";
import { checkRow, fileOf, floats, ints, type OperatorRow } from "./rows.ts";

type Numbers = ArrayLike<number>;

/** A row that moves numbers: where each of the output is from, or nothing. */
const moved = (
  row: Omit<OperatorRow, "forward">,
  from: (at: readonly number[]) => readonly number[] | undefined,
): OperatorRow => ({
  ...row,
  forward: (x) =>
    Float64Array.from(positions(row.dims), (p) => {
      const at = from(p);
      return at ? x[place(row.x, at)] : 0;
    }),
});

test.each([
  [[4, 3, 2], 0, 1, [4, 1, 2]],
  [[3, 5], 1, 0, [0, 5, 3]],
] as const)("ReverseSequence of %j", async (x, time_axis, batch_axis, lengths) => {
  const row = {
    type: "ReverseSequence",
    x,
    dims: x,
    attributes: { time_axis, batch_axis },
    parameters: [ints(...lengths)],
  };
  await checkRow(
    moved(row, (p) => {
      const length = lengths[p[batch_axis]];
      return p.map((v, i) => (i === time_axis && v < length ? length - 1 - v : v));
    }),
  );
});

test("ReverseSequence with computed lengths", async () => {
  const file = onnx({
    nodes: [{ type: "ReverseSequence", inputs: ["x", "l"], outputs: ["y"] }],
    inputs: { x: [3, 2], l: [2] },
    outputs: { y: [] },
    types: { l: 7 },
  });
  using model = await loadInMode(file, { batch: false });
  const x = { dims: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const given = { x, l: { dims: [2], data: [3, 2] } };
  expect([...model.predict(given).output.data]).toEqual([5, 4, 3, 2, 1, 6]);
  const { inputs } = explainFrom(model, given as never, [1, 2, 3, 4, 5, 6], { composite: [{ rule: ruleOf.pass() }] });
  expect([...inputs.x.data]).toEqual([5, 4, 3, 2, 1, 6]);
  expect(() => model.predict({ ...given, l: { dims: [2], data: [4, 0] } })).toThrow("sequence_lens up to 3");
});

test.each([
  [[5, 4], undefined, [3, 7]],
  [
    [2, 5, 4, 3],
    [1, -1],
    [8, 2],
  ],
  [[3, 6], [0], [3]],
  [[2, 7], [1], [2]],
])("CenterCropPad of %j, axes %j, to %j", async (x, axes, shape) => {
  const which = (axes ?? x.map((_, i) => i)).map((axis) => (axis + x.length) % x.length);
  const dims = x.map((d, i) => (which.includes(i) ? shape[which.indexOf(i)] : d));
  const row = { type: "CenterCropPad", x, dims, attributes: axes && { axes }, parameters: [ints(...shape)], opset: 18 };
  await checkRow(
    moved(row, (p) => {
      const at = p.map((v, i) =>
        dims[i] < x[i] ? v + Math.floor((x[i] - dims[i]) / 2) : v - Math.floor((dims[i] - x[i]) / 2),
      );
      return at.every((v, i) => v >= 0 && v < x[i]) ? at : undefined;
    }),
  );
  // What falls to the zeros around is no rounding.
  using model = await loadInMode(fileOf(row));
  const { ledger } = explainFrom(model, tensor(x, 3), tensor(dims, 4).data, { composite: "epsilon" });
  for (const { gap, magnitude } of ledger) expect(Math.abs(gap)).toBeLessThanOrEqual(1e-5 * magnitude);
});

describe("Col2Im", () => {
  const cases = [
    { image: [5, 6], block: [2, 3], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0] },
    { image: [5, 7], block: [3, 2], strides: [2, 1], dilations: [1, 2], pads: [1, 0, 1, 2] },
    { image: [7], block: [3], strides: [2], dilations: [1], pads: [0, 1] },
    { image: [3, 4, 2], block: [2, 1, 2], strides: [1, 2, 1], dilations: [1, 1, 1], pads: [0, 0, 0, 1, 0, 0] },
  ];

  function rowAndMap({ image, block, strides, dilations, pads }: (typeof cases)[number]) {
    const [n, c] = [2, 3];
    const counts = image.map(
      (d, i) => Math.floor((d + pads[i] + pads[image.length + i] - dilations[i] * (block[i] - 1) - 1) / strides[i]) + 1,
    );
    const x = [n, c * count(block), count(counts)];
    const dims = [n, c, ...image];
    const connections: { i: number; w: number }[][] = positions(dims).map(() => []);
    for (let b = 0; b < n; b++)
      for (let channel = 0; channel < c; channel++)
        positions(block).forEach((tap, k) => {
          positions(counts).forEach((at, p) => {
            const to = at.map((v, i) => v * strides[i] + tap[i] * dilations[i] - pads[i]);
            if (!to.every((v, i) => v >= 0 && v < image[i])) return;
            connections[place(dims, [b, channel, ...to])].push({
              i: place(x, [b, channel * count(block) + k, p]),
              w: 1,
            });
          });
        });
    const map: LinearMap = { dims, inputs: count(x), connections, bias: connections.map(() => 0) };
    const forward = (v: Numbers) => connections.map((list) => list.reduce((sum, { i }) => sum + v[i], 0));
    const attributes = { strides, dilations, pads };
    const row: OperatorRow = {
      type: "Col2Im",
      x,
      dims,
      attributes,
      parameters: [ints(...image), ints(...block)],
      opset: 18,
      forward,
      scale: 3,
    };
    return { row, map };
  }

  test.each(cases)("$image in blocks $block", async (c) => {
    const { row, map } = rowAndMap(c);
    await checkRow(row);
    for (const [rule, by] of [
      [ruleOf.norm(), epsilon],
      [ruleOf.alphaBeta(), alphaBeta(2, 1)],
    ] as const)
      await checkRule(fileOf(row), map, tensor(row.x, 5), rule, by);
  });
});

test.each([
  [undefined, 3, [0, 1, 0, 1, 1]],
  [1, 3, [1, 0, 1]],
  [-2, 2, [0, 1, 1]],
])("Compress along %j", async (axis, _, condition) => {
  const x = [2, 3, 2];
  const at = axis === undefined ? undefined : (axis + 3) % 3;
  const kept = condition.flatMap((v, i) => (v ? [i] : []));
  const dims = at === undefined ? [kept.length] : x.map((d, i) => (i === at ? kept.length : d));
  const parameters = [{ dims: [condition.length], data: condition.map(Boolean) }];
  const row = { type: "Compress", x, dims, attributes: axis === undefined ? undefined : { axis }, parameters };
  await checkRow(
    moved(row, (p) => (at === undefined ? positions(x)[kept[p[0]]] : p.map((v, i) => (i === at ? kept[v] : v)))),
  );
});

test.each([
  [13, -1],
  [13, 1],
  [11, 1],
  [11, 2],
])("Hardmax of opset %i, axis %i", async (opset, axis) => {
  const x = [2, 3, 4];
  const forward = (v: Numbers) => {
    const y = new Float64Array(24);
    const seen = new Map<string, number>();
    // Numbers compete that agree in all axes but this one; before opset 13, in all before it.
    positions(x).forEach((p, i) => {
      const key = opset < 13 ? `${p.slice(0, axis)}` : `${p.filter((_, k) => k !== (axis + 3) % 3)}`;
      const best = seen.get(key);
      if (best === undefined || v[i] > v[best]) seen.set(key, i);
    });
    for (const i of seen.values()) y[i] = 1;
    return y;
  };
  await checkRow({ type: "Hardmax", x, dims: x, attributes: { axis }, opset, forward, differentiable: false });
});

/** Outputs of one node of constants, beside an input that it does not read. */
async function constant(
  node: { type: string; attributes?: object; opset?: number },
  given: Readonly<Record<string, unknown>>,
  outputs: readonly string[],
  types = {},
) {
  const { opset = 17, ...rest } = node;
  const file = onnx(
    {
      nodes: [
        { ...(rest as { type: string }), inputs: Object.keys(given), outputs },
        { type: "Relu", inputs: ["x"], outputs: ["z"] },
      ],
      initializers: given as never,
      inputs: { x: [1, 1] },
      outputs: { ...Object.fromEntries(outputs.map((name) => [name, []])), z: [] },
      types,
    },
    opset,
  );
  using model = await loadInMode(file);
  const found = model.predict({ dims: [1, 1], data: Float32Array.of(1) }).outputs;
  return outputs.map((name) => ({
    dims: found[name].dims,
    data: Array.from<number | bigint, number>(found[name].data, Number),
  }));
}

describe("Unique", () => {
  const types = { i: 7, v: 7, c: 7 };
  test.each([
    [1, [1, 2, 3, 4], [1, 3, 4, 0], [1, 2, 0, 1, 3, 2], [1, 2, 2, 1]],
    [0, [3, 1, 2, 4], [0, 1, 3, 4], [0, 1, 0, 2, 3, 2].map((v) => [0, 1, 2, 3][v]), [2, 1, 2, 1]],
  ])("of numbers, sorted %i", async (sorted, y, first, inverse, counts) => {
    const x = sorted ? [2, 1, 2, 3, 4, 3] : [3, 1, 3, 2, 4, 2];
    const expected = sorted
      ? [
          [1, 2, 3, 4],
          [1, 0, 3, 4],
          [1, 0, 1, 2, 3, 2],
          [1, 2, 2, 1],
        ]
      : [y, first, inverse, counts];
    const found = await constant(
      { type: "Unique", attributes: { sorted } },
      { a: floats(...x) },
      ["y", "i", "v", "c"],
      types,
    );
    expect(found.map(({ data }) => data)).toEqual(expected);
  });

  test("of rows", async () => {
    const a = { dims: [4, 3], data: Float32Array.of(1, 0, 0, 1, 0, 0, 2, 3, 4, 0, 9, 9) };
    const found = await constant({ type: "Unique", attributes: { axis: 0 } }, { a }, ["y", "i", "v", "c"], types);
    expect(found.map(({ data }) => data)).toEqual([
      [0, 9, 9, 1, 0, 0, 2, 3, 4],
      [3, 0, 2],
      [1, 1, 2, 0],
      [1, 2, 1],
    ]);
    expect(found[0].dims).toEqual([3, 3]);
  });
});

test.each([
  [0, undefined, 7],
  [1, 1, 7],
  [-2, 11, undefined],
])("EyeLike, k = %i", async (k, dtype, type) => {
  const [y] = await constant(
    { type: "EyeLike", attributes: { k, ...(dtype && { dtype }) } },
    { a: { dims: [3, 4], data: Array.from({ length: 12 }, () => 5) } },
    ["y"],
    { y: dtype ?? type },
  );
  expect(y.data).toEqual(positions([3, 4]).map(([i, j]) => Number(j - i === k)));
});

describe("NonMaxSuppression", () => {
  const boxes = {
    dims: [1, 6, 4],
    data: Float32Array.from([
      0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, -0.1, 1, 0.9, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101,
    ]),
  };
  const scores = { dims: [1, 1, 6], data: Float32Array.of(0.9, 0.75, 0.6, 0.95, 0.5, 0.3) };
  const select = (most: number, iou: number, least: number | undefined, more: object = {}, b = boxes) =>
    constant(
      { type: "NonMaxSuppression", ...more },
      { b, s: scores, m: ints(most), t: floats(iou), ...(least !== undefined && { l: floats(least) }) },
      ["y"],
      { y: 7 },
    );

  test("the best that do not overlap a better one", async () => {
    const [y] = await select(3, 0.5, 0);
    expect(y).toEqual({ dims: [3, 3], data: [0, 0, 3, 0, 0, 0, 0, 0, 5] });
    expect((await select(2, 0.5, undefined))[0].data).toEqual([0, 0, 3, 0, 0, 0]);
    expect((await select(9, 0.5, 0.4))[0].data).toEqual([0, 0, 3, 0, 0, 0]);
    expect((await select(9, 0.99, 0.55))[0].data).toEqual([0, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 2]);
    expect((await select(0, 0.5, 0))[0].dims).toEqual([0, 3]);
  });

  test("boxes by their centres, and corners in any order", async () => {
    const centred = {
      ...boxes,
      data: Float32Array.from([
        0.5, 0.5, 1, 1, 0.5, 0.6, 1, 1, 0.5, 0.4, 1, 1, 0.5, 10.5, 1, 1, 0.5, 10.6, 1, 1, 0.5, 100.5, 1, 1,
      ]),
    };
    expect((await select(3, 0.5, 0, { attributes: { center_point_box: 1 } }, centred))[0].data).toEqual([
      0, 0, 3, 0, 0, 0, 0, 0, 5,
    ]);
    const flipped = {
      ...boxes,
      data: Float32Array.from([
        1, 1, 0, 0, 0, 0.1, 1, 1.1, 0, 0.9, 1, -0.1, 0, 10, 1, 11, 1, 10.1, 0, 11.1, 1, 101, 0, 100,
      ]),
    };
    expect((await select(3, 0.5, 0, {}, flipped))[0].data).toEqual([0, 0, 3, 0, 0, 0, 0, 0, 5]);
  });

  test.each([
    ["NonMaxSuppression", { inputs: ["h", "s", "m"] }, "how much it selects depends on its boxes"],
    ["Compress", { inputs: ["h", "c"] }, "how much it selects depends on its condition"],
    ["Unique", { inputs: ["h"] }, "how much it selects depends on its numbers"],
  ])("%s of what is computed is refused", async (type, { inputs }, says) => {
    const file = onnx({
      nodes: [
        { type: "Relu", inputs: ["x"], outputs: ["h"] },
        { type: "Greater", inputs: ["h", "h"], outputs: ["c"] },
        { type, inputs, outputs: ["y"] },
      ],
      initializers: { s: scores, m: ints(3) },
      inputs: { x: [1, 6, 4] },
      outputs: { y: [] },
    });
    await expect(loadInMode(file, { batch: false })).rejects.toThrow(says);
  });
});

test.each<[string, OperatorRow["attributes"], (v: number, channel: number) => number]>([
  ["Affine", { alpha: { float: 2 }, beta: { float: -0.5 } }, (v) => 2 * v - 0.5],
  ["Scale", { scale: { float: -3 } }, (v) => -3 * v],
  ["ImageScaler", { scale: { float: 0.5 }, bias: { floats: [1, 2, 3] } }, (v, c) => 0.5 * v + c + 1],
  ["ParametricSoftplus", { alpha: { float: 2 }, beta: { float: 0.5 } }, (v) => 2 * Math.log(1 + Math.exp(v / 2))],
  ["ScaledTanh", { alpha: { float: 2 }, beta: { float: 0.5 } }, (v) => 2 * Math.tanh(v / 2)],
])("%s, of old files", async (type, attributes, f) => {
  const x = [2, 3, 4, 5];
  await checkRow({
    type,
    x,
    dims: x,
    attributes,
    opset: 6,
    forward: (v) => Float64Array.from(v, (u, i) => f(u, Math.floor(i / 20) % 3)),
  });
});

test.each([
  [{ border: [1, 2, 0, 1] }, [2, 3, 1, 4]],
  [{ border: [1, 2, 0, 1], scale: [2, 3] }, [2, 3, 2, 3]],
])("Crop, of old files, %j", async (attributes, dims) => {
  const row = { type: "Crop", x: [2, 3, 4, 5], dims, attributes, opset: 6 };
  await checkRow(moved(row, ([n, c, i, j]) => [n, c, i + 2, j + 1]));
});
