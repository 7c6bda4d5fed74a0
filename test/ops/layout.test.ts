import { describe, expect, test } from "vitest";
import { ruleOf, type Tensor } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose } from "../close.ts";
import { explainLayer, predict } from "../explain.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count, type Dims, place, positions } from "../reference/linear.ts";

/*
 * Operators that only move numbers, told by one function: for each position of the output, where in the input it is
 * from, or a constant.
 */

type From = readonly number[] | { readonly constant: number };

interface Case {
  readonly name: string;
  readonly dims: Dims;
  readonly out: Dims;
  readonly nodes: readonly FileNode[];
  readonly initializers?: Readonly<Record<string, FileTensor>>;
  readonly opset?: number;
  from(position: readonly number[]): From;
}

const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const floats = (...data: number[]): FileTensor => ({ dims: [], data: Float32Array.from(data) });

function one(
  name: string,
  dims: Dims,
  out: Dims,
  node: Omit<FileNode, "inputs" | "outputs"> & { parameters?: readonly (FileTensor | undefined)[]; opset?: number },
  from: Case["from"],
): Case {
  const { parameters = [], opset, ...rest } = node;
  return {
    name,
    dims,
    out,
    from,
    opset,
    nodes: [{ ...rest, inputs: ["x", ...parameters.map((p, i) => (p ? `p${i}` : ""))], outputs: ["y"] }],
    initializers: Object.fromEntries(parameters.flatMap((p, i) => (p ? [[`p${i}`, p]] : []))),
  };
}

/** The same numbers in the same order under other dims. */
function renamed(name: string, dims: Dims, out: Dims, node: Parameters<typeof one>[3]): Case {
  return one(name, dims, out, node, (p) => positions(dims)[place(out, p)]);
}

const permuted = (dims: Dims, perm: readonly number[] | undefined): Case => {
  const order = perm ?? dims.map((_, i) => dims.length - 1 - i);
  return one(
    `Transpose ${perm ?? "without perm"}`,
    dims,
    order.map((axis) => dims[axis]),
    { type: "Transpose", attributes: perm && { perm } },
    (p) => dims.map((_, axis) => p[order.indexOf(axis)]),
  );
};

const clampTo = (v: number, length: number) => Math.min(Math.max(v, 0), length - 1);
const mirror = (v: number, length: number) => (v < 0 ? -v : v >= length ? 2 * (length - 1) - v : v);

const cases: readonly Case[] = [
  permuted([2, 3, 5, 7], [0, 2, 3, 1]),
  permuted([2, 3, 5, 7], [0, 3, 1, 2]),
  permuted([2, 3, 5, 7], [3, 1, 0, 2]),
  permuted([2, 3, 5], undefined),
  permuted([3, 5], [1, 0]),
  permuted([2, 3, 5, 4, 2], [4, 2, 0, 3, 1]),

  renamed("Reshape", [2, 3, 5, 4], [2, 6, 10], { type: "Reshape", parameters: [ints(2, 6, 10)] }),
  renamed("Reshape with 0 and −1", [2, 3, 5, 4], [2, 15, 4], { type: "Reshape", parameters: [ints(0, -1, 4)] }),
  renamed("Flatten", [2, 3, 5, 4], [2, 60], { type: "Flatten" }),
  renamed("Flatten at 2", [2, 3, 5, 4], [6, 20], { type: "Flatten", attributes: { axis: 2 } }),
  renamed("Flatten at −1", [2, 3, 5, 4], [30, 4], { type: "Flatten", attributes: { axis: -1 } }),
  renamed("Squeeze", [2, 3, 1, 1], [2, 3], { type: "Squeeze", parameters: [ints(2, -1)] }),
  renamed("Squeeze of opset 11", [2, 3, 1, 1], [2, 3, 1], { type: "Squeeze", attributes: { axes: [2] }, opset: 11 }),
  renamed("Squeeze of all", [2, 3, 1, 1], [2, 3], { type: "Squeeze" }),
  renamed("Unsqueeze", [2, 3, 5], [2, 1, 3, 5, 1], { type: "Unsqueeze", parameters: [ints(1, -1)] }),
  renamed("Unsqueeze of opset 9", [2, 3, 5], [2, 3, 1, 5], { type: "Unsqueeze", attributes: { axes: [2] }, opset: 9 }),
  renamed("Identity", [2, 3, 5], [2, 3, 5], { type: "Identity" }),
  renamed("Dropout", [2, 3, 5], [2, 3, 5], { type: "Dropout", attributes: { seed: 1 }, parameters: [floats(0.5)] }),
  renamed("Dropout of opset 7", [2, 3, 5], [2, 3, 5], {
    type: "Dropout",
    attributes: { ratio: { float: 0.5 } },
    opset: 7,
  }),
  renamed("Cast to float", [2, 3, 5], [2, 3, 5], { type: "Cast", attributes: { to: 1 } }),

  one(
    "Slice",
    [2, 7, 5, 9],
    [2, 3, 5, 4],
    { type: "Slice", parameters: [ints(1, 3), ints(4, 7), ints(1, 3)] },
    ([n, c, h, w]) => [n, c + 1, h, w + 3],
  ),
  one(
    "Slice with steps",
    [2, 7, 5, 9],
    [2, 3, 5, 4],
    { type: "Slice", parameters: [ints(1, 8), ints(6, 0), ints(1, -1), ints(2, -2)] },
    ([n, c, h, w]) => [n, 2 * c + 1, h, 8 - 2 * w],
  ),
  one(
    "Slice to the end and beyond",
    [2, 7, 5],
    [2, 2, 5],
    { type: "Slice", parameters: [ints(-2), ints(Number.MAX_SAFE_INTEGER), ints(1)] },
    ([n, c, l]) => [n, c + 5, l],
  ),
  one(
    "Slice backwards to the beginning",
    [2, 7],
    [2, 7],
    { type: "Slice", parameters: [ints(-1), ints(-100), ints(1), ints(-1)] },
    ([n, c]) => [n, 6 - c],
  ),
  one(
    "Slice of opset 9",
    [2, 7, 5],
    [2, 7, 3],
    { type: "Slice", attributes: { starts: [1], ends: [-1], axes: [2] }, opset: 9 },
    ([n, c, l]) => [n, c, l + 1],
  ),

  one(
    "Gather one",
    [2, 7, 5],
    [2, 5],
    { type: "Gather", attributes: { axis: 1 }, parameters: [{ dims: [], data: [3] }] },
    ([n, l]) => [n, 3, l],
  ),
  one(
    "Gather with repeats",
    [2, 7, 5],
    [2, 4, 5],
    { type: "Gather", attributes: { axis: 1 }, parameters: [ints(6, 0, 6, -3)] },
    ([n, c, l]) => [n, [6, 0, 6, 4][c], l],
  ),
  one(
    "Gather a table",
    [2, 5, 3],
    [2, 5, 2, 2],
    { type: "Gather", attributes: { axis: -1 }, parameters: [{ dims: [2, 2], data: [0, 2, 2, 1] }] },
    ([n, c, i, j]) => [n, c, [0, 2, 2, 1][2 * i + j]],
  ),

  one(
    "Pad with 0",
    [2, 3, 5, 4],
    [2, 3, 8, 5],
    { type: "Pad", parameters: [ints(0, 0, 1, 0, 0, 0, 2, 1)] },
    ([n, c, h, w]) => (h >= 1 && h < 6 && w < 4 ? [n, c, h - 1, w] : { constant: 0 }),
  ),
  one(
    "Pad with a value",
    [2, 3, 5, 4],
    [2, 6, 5, 4],
    { type: "Pad", parameters: [ints(0, 1, 0, 0, 0, 2, 0, 0), floats(1.5)] },
    ([n, c, h, w]) => (c >= 1 && c < 4 ? [n, c - 1, h, w] : { constant: 1.5 }),
  ),
  one(
    "Pad that cuts off",
    [2, 3, 5, 4],
    [2, 3, 3, 5],
    { type: "Pad", parameters: [ints(0, 0, -1, 2, 0, 0, -1, -1)] },
    ([n, c, h, w]) => (w >= 2 ? [n, c, h + 1, w - 2] : { constant: 0 }),
  ),
  one(
    "Pad of opset 10",
    [2, 3, 5],
    [2, 3, 8],
    { type: "Pad", attributes: { pads: [0, 0, 2, 0, 0, 1], value: { float: -2 } }, opset: 10 },
    ([n, c, l]) => (l >= 2 && l < 7 ? [n, c, l - 2] : { constant: -2 }),
  ),
  one(
    "Pad some axes",
    [2, 3, 5],
    [2, 3, 8],
    { type: "Pad", parameters: [ints(2, 1), floats(0), ints(-1)], opset: 18 },
    ([n, c, l]) => (l >= 2 && l < 7 ? [n, c, l - 2] : { constant: 0 }),
  ),
  one(
    "Pad by reflection",
    [2, 3, 5, 4],
    [2, 3, 9, 7],
    { type: "Pad", attributes: { mode: "reflect" }, parameters: [ints(0, 0, 1, 3, 0, 0, 3, 0)] },
    ([n, c, h, w]) => [n, c, mirror(h - 1, 5), mirror(w - 3, 4)],
  ),
  one(
    "Pad by the edge",
    [2, 3, 5, 4],
    [2, 3, 7, 9],
    { type: "Pad", attributes: { mode: "edge" }, parameters: [ints(0, 0, 2, 1, 0, 0, 0, 4)] },
    ([n, c, h, w]) => [n, c, clampTo(h - 2, 5), clampTo(w - 1, 4)],
  ),

  one(
    "Pad around and around",
    [2, 3, 5],
    [2, 3, 18],
    { type: "Pad", attributes: { mode: "wrap" }, parameters: [ints(7, 6), undefined, ints(2)], opset: 19 },
    ([n, c, l]) => [n, c, (l + 3) % 5],
  ),
  one(
    "Pad by reflections",
    [2, 2, 3],
    [2, 2, 12],
    { type: "Pad", attributes: { mode: "reflect" }, parameters: [ints(0, 0, 5, 0, 0, 4)] },
    ([n, c, l]) => [n, c, [1, 0, 1, 2][l % 4]],
  ),

  one("Expand", [2, 1, 5], [2, 3, 5], { type: "Expand", parameters: [ints(1, 3, 1)] }, ([n, , l]) => [n, 0, l]),
  one(
    "Expand to more axes",
    [1, 3, 1],
    [1, 7, 3, 5],
    { type: "Expand", parameters: [ints(1, 7, 1, 5)], opset: 8 },
    ([, , c]) => [0, c, 0],
  ),
  one("Expand to fewer axes", [2, 3, 5, 7], [2, 3, 5, 7], { type: "Expand", parameters: [ints(5, 1)] }, (p) => p),
  one("Tile", [2, 3, 1, 5], [2, 9, 4, 10], { type: "Tile", parameters: [ints(1, 3, 4, 2)] }, ([n, c, , w]) => [
    n,
    c % 3,
    0,
    w % 5,
  ]),
  one("Tile of opset 6", [2, 3], [2, 6], { type: "Tile", parameters: [ints(1, 2)], opset: 7 }, ([n, c]) => [n, c % 3]),
  ...([undefined, "DCR", "CRD"] as const).flatMap((mode) => [
    one(
      `DepthToSpace ${mode}`,
      [2, 27, 5, 2],
      [2, 3, 15, 6],
      { type: "DepthToSpace", attributes: { blocksize: 3, ...(mode && { mode }) } },
      ([n, c, h, w]) => [
        n,
        mode === "CRD" ? 9 * c + 3 * (h % 3) + (w % 3) : 3 * (3 * (h % 3) + (w % 3)) + c,
        Math.floor(h / 3),
        Math.floor(w / 3),
      ],
    ),
  ]),
  one(
    "SpaceToDepth",
    [2, 3, 4, 10],
    [2, 12, 2, 5],
    { type: "SpaceToDepth", attributes: { blocksize: 2 } },
    ([n, c, h, w]) => [n, c % 3, 2 * h + Math.floor(c / 6), 2 * w + (Math.floor(c / 3) % 2)],
  ),
  ...[0, 2, -2, 9, -9].flatMap((k) =>
    [0, 1].map((upper) =>
      one(
        `Trilu, upper ${upper}, k ${k}`,
        [2, 3, 5, 7],
        [2, 3, 5, 7],
        { type: "Trilu", attributes: { upper }, parameters: k === 0 ? [] : [{ dims: [], data: [k] }] },
        (p) => ((upper ? p[3] - p[2] >= k : p[3] - p[2] <= k) ? p : { constant: 0 }),
      ),
    ),
  ),
  ...(
    [
      [11, { axis: -2, split: [2, 1, 4] }, undefined],
      [13, { axis: 1 }, ints(2, 1, 4)],
      [18, { axis: 1, num_outputs: 3 }, undefined],
    ] as const
  ).map(
    ([opset, attributes, lengths]): Case => ({
      name: `Split of opset ${opset}, put together otherwise`,
      dims: [2, 7, 3],
      out: [2, opset === 18 ? 4 : 6, 3],
      opset,
      initializers: lengths && { lengths },
      nodes: [
        { type: "Split", attributes, inputs: lengths ? ["x", "lengths"] : ["x"], outputs: ["a", "b", "c"] },
        { type: "Concat", attributes: { axis: 1 }, inputs: ["c", "a"], outputs: ["y"] },
      ],
      from: ([n, c, l]) => [n, opset === 18 ? [6, 0, 1, 2][c] : [3, 4, 5, 6, 0, 1][c], l],
    }),
  ),
  {
    name: "Split in halves, one of them unread",
    dims: [2, 6, 3],
    out: [2, 3, 3],
    nodes: [{ type: "Split", attributes: { axis: 1 }, inputs: ["x"], outputs: ["", "y"] }],
    from: ([n, c, l]) => [n, c + 3, l],
  },

  {
    name: "Concat of a value with itself",
    dims: [2, 3, 5, 4],
    out: [2, 6, 5, 4],
    nodes: [{ type: "Concat", attributes: { axis: 1 }, inputs: ["x", "x"], outputs: ["y"] }],
    from: ([n, c, h, w]) => [n, c % 3, h, w],
  },
  {
    name: "Concat with a constant between, along the last axis",
    dims: [1, 3, 2],
    out: [1, 3, 6],
    initializers: { c: { dims: [1, 3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) } },
    nodes: [{ type: "Concat", attributes: { axis: -1 }, inputs: ["x", "c", "x"], outputs: ["y"] }],
    from: ([n, c, l]) => (l === 2 || l === 3 ? { constant: 2 * c + l - 1 } : [n, c, l % 4]),
  },
  {
    name: "Concat of the batch",
    dims: [2, 3],
    out: [4, 3],
    nodes: [{ type: "Concat", attributes: { axis: 0 }, inputs: ["x", "x"], outputs: ["y"] }],
    from: ([n, c]) => [n % 2, c],
  },
  {
    name: "a chain of moves",
    dims: [2, 3, 4, 5],
    out: [2, 4, 15],
    initializers: { s: ints(2, 4, 15) },
    nodes: [
      { type: "Transpose", attributes: { perm: [0, 2, 1, 3] }, inputs: ["x"], outputs: ["t"] },
      { type: "Reshape", inputs: ["t", "s"], outputs: ["y"] },
    ],
    from: ([n, h, cw]) => [n, Math.floor(cw / 5), h, cw % 5],
  },
];

async function check(c: Case, source: Uint8Array): Promise<void> {
  const x = tensor(c.dims, 11);
  const froms = positions(c.out).map((p) => c.from(p));
  const output: Tensor = await predict(source, x);
  expect(output.dims).toEqual(c.out);
  expect(Array.from(output.data)).toEqual(
    froms.map((f) => ("constant" in f ? f.constant : x.data[place(c.dims, f as number[])])),
  );
  const r = numbers(count(c.out), 7);
  const expected = new Float64Array(x.data.length);
  froms.forEach((f, j) => {
    if (!("constant" in f)) expected[place(c.dims, f as number[])] += r[j];
  });
  const { relevance, ledger } = await explainLayer(source, x, r, ruleOf.lrp0());
  expect(relevance.dims).toEqual(c.dims);
  expectClose(relevance.data, expected, 1e-6);
  const kept = froms.reduce((sum, f, j) => ("constant" in f ? sum + r[j] : sum), 0);
  expect(
    ledger.reduce((sum, row) => sum + row.other, 0),
    "what constants keep",
  ).toBeCloseTo(kept, 4);
}

describe("moves", () => {
  test.each(cases)("$name", async (c) => {
    const { nodes, initializers, opset = 17 } = c;
    const [inputs, outputs] = [{ x: c.dims }, { y: [] }];
    await check(c, onnx({ nodes, initializers, inputs, outputs }, opset));
    if (c.dims.length < 3 || c.dims.length > 4) return;
    // Behind a mean over single positions, which changes nothing, the numbers lie channels last.
    const turned: FileNode = {
      type: "AveragePool",
      attributes: { kernel_shape: c.dims.slice(2).map(() => 1) },
      inputs: ["x"],
      outputs: ["turned"],
    };
    const behind = nodes.map((node) => ({ ...node, inputs: node.inputs.map((i) => (i === "x" ? "turned" : i)) }));
    await check(c, onnx({ nodes: [turned, ...behind], initializers, inputs, outputs }, opset));
  });

  test("relevance at the parts of a Split, by name", async () => {
    const nodes: FileNode[] = [
      { type: "Split", attributes: { axis: 1 }, inputs: ["x"], outputs: ["a", "b"], name: "halves" },
      { type: "Sub", inputs: ["a", "b"], outputs: ["y"] },
    ];
    using model = await loadInMode(onnx({ nodes, inputs: { x: [1, 4] }, outputs: { y: [] } }));
    const { at, rules } = model.explain(
      { dims: [1, 4], data: Float32Array.of(3, 5, 1, 2) },
      { target: 1, at: ["a", "b"] },
    );
    expect([at.a, at.b].map((r) => Array.from(r.data, (v) => Math.round(v) + 0))).toEqual([
      [0, 5],
      [0, -2],
    ]);
    expect(rules.map((r) => r.node)).toEqual(expect.arrayContaining(["halves:0", "halves:1"]));
  });

  test("a Dropout's mask is true everywhere", async () => {
    const nodes: FileNode[] = [
      { type: "Dropout", inputs: ["x"], outputs: ["kept", "mask"] },
      { type: "Cast", attributes: { to: 1 }, inputs: ["mask"], outputs: ["ones"] },
      { type: "Add", inputs: ["kept", "ones"], outputs: ["y"] },
    ];
    const file = onnx({ nodes, inputs: { x: [1, 3] }, outputs: { y: [] } });
    expect(Array.from((await predict(file, { dims: [1, 3], data: Float32Array.of(1, 2, 3) })).data)).toEqual([2, 3, 4]);
  });

  test.each([
    [{ type: "Split", attributes: { axis: 2 }, inputs: ["x"], outputs: ["y"] }, "an axis of a tensor of rank 2, got 2"],
    [
      { type: "Split", attributes: { axis: 1 }, inputs: ["x"], outputs: ["y", "z"] },
      "an axis whose length is a multiple of 2, got 5",
    ],
    [
      { type: "Split", attributes: { axis: 1 }, inputs: ["x", "p"], outputs: ["y", "z"] },
      "2 lengths that add up to 5, got [2,2]",
    ],
    [{ type: "Expand", inputs: ["x", "p"], outputs: ["y"] }, "shapes that can be broadcast, got [3, 5] and [2, 2]"],
    [{ type: "Tile", inputs: ["x", "three"], outputs: ["y"] }, "2 repeats, got [1,2,3]"],
    [
      { type: "DepthToSpace", attributes: { blocksize: 2 }, inputs: ["x"], outputs: ["y"] },
      "an input of rank 4, got rank 2",
    ],
    [{ type: "SpaceToDepth", attributes: { blocksize: 0 }, inputs: ["x"], outputs: ["y"] }, "a blocksize ≥ 1, got 0"],
    [
      { type: "Slice", inputs: ["x", "p", "p", "three"], outputs: ["y"] },
      "2 axes and steps, one for each start, got 3 and 2",
    ],
    [
      { type: "Pad", attributes: { mode: "mirror" }, inputs: ["x"], outputs: ["y"] },
      "mode constant, edge, reflect, wrap, got mirror",
    ],
    [{ type: "Dropout", inputs: ["x", "", "on"], outputs: ["y"] }, "training_mode = false, got true"],
  ] as const)("$1", async (node, message) => {
    const file = onnx({
      nodes: [node],
      initializers: { p: ints(2, 2), three: ints(1, 2, 3), on: { dims: [], data: [true] } },
      inputs: { x: [3, 5] },
      outputs: { y: [] },
    });
    await expect(loadInMode(file)).rejects.toThrow(message);
  });
});
