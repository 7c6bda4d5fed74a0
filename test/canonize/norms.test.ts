import { describe, expect, test } from "vitest";
import { baseEntries, type Composite, load, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { type Dims, place, positions } from "../reference/linear.ts";
import { identity } from "../reference/norms.ts";

/*
 * Normalizations in the nodes that exporters have for them. What they compute is written here from its definition.
 */

const constant = (dims: Dims, ...data: readonly number[]): Tensor => ({ dims, data: Float32Array.from(data) });
const floats = (dims: Dims, seed: number, from = 0.5, to = 2): Tensor => ({
  dims,
  data: numbers(
    dims.reduce((a, d) => a * d, 1),
    seed,
  ).map((v) => from + ((v + 1) / 2) * (to - from)),
});

interface Spelling {
  readonly name: string;
  readonly x: Dims;
  readonly axes: readonly number[];
  /** `type output inputs`, with `axes` as an attribute or an input. */
  readonly text: string;
  readonly type: string;
  readonly opset?: number;
  readonly more?: Readonly<Record<string, Tensor>>;
  /** From the numbers of a cell: centre and factor. */
  statistics(cell: readonly number[]): readonly [number, number];
  /** Names of scale and shift among `more`. */
  readonly scale?: string;
  readonly shift?: string;
}

const sum = (values: readonly number[]) => values.reduce((a, v) => a + v, 0);
const EPSILON = Math.fround(1e-5);
const layerStatistics = (cell: readonly number[]) => {
  const centre = sum(cell) / cell.length;
  return [centre, 1 / Math.sqrt(sum(cell.map((v) => (v - centre) ** 2)) / cell.length + EPSILON)] as const;
};
const rmsStatistics = (cell: readonly number[]) =>
  [0, 1 / Math.sqrt(sum(cell.map((v) => v * v)) / cell.length + EPSILON)] as const;
const lengthOf = (cell: readonly number[]) => Math.sqrt(sum(cell.map((v) => v * v)));

const LAYER = { x: [2, 3, 7], axes: [2], type: "LayerNormalization", statistics: layerStatistics } as const;
const AFFINE = { more: { w: floats([7], 3), b: floats([7], 4, -1, 1) }, scale: "w", shift: "b" } as const;
const SPATIAL = { x: [2, 5, 3, 7], axes: [2, 3], type: "InstanceNormalization", statistics: layerStatistics } as const;
const CHANNELS = {
  more: { w: floats([1, 5, 1, 1], 3), b: floats([1, 5, 1, 1], 4, -1, 1) },
  scale: "w",
  shift: "b",
} as const;
const LAST = { more: { w: floats([7], 3), b: floats([7], 4, -1, 1) }, scale: "w", shift: "b" } as const;
const RMS = {
  x: [2, 3, 7],
  axes: [2],
  type: "RMSNormalization",
  statistics: rmsStatistics,
  more: { w: floats([7], 3) },
  scale: "w",
} as const;
const LENGTH = { x: [3, 7], axes: [1], type: "LpNormalization" } as const;

const MOMENTS = "m = ReduceMean x; d = Sub x m; q = Pow d two; v = ReduceMean q; e = Add v eps";
const spellings: readonly Spelling[] = [
  { name: "PyTorch", ...LAYER, ...AFFINE, text: `${MOMENTS}; s = Sqrt e; n = Div d s; t = Mul n w; y = Add t b` },
  {
    name: "PyTorch, axes as an input",
    ...LAYER,
    ...AFFINE,
    opset: 18,
    text: `${MOMENTS}; s = Sqrt e; n = Div d s; t = Mul n w; y = Add t b`,
  },
  { name: "PyTorch, without scale and bias", ...LAYER, text: `${MOMENTS}; s = Sqrt e; y = Div d s` },
  {
    name: "without a bias",
    ...LAYER,
    ...AFFINE,
    shift: undefined,
    text: `${MOMENTS}; s = Sqrt e; n = Div d s; y = Mul w n`,
  },
  {
    name: "without a scale",
    ...LAYER,
    ...AFFINE,
    scale: undefined,
    text: `${MOMENTS}; s = Sqrt e; n = Div d s; y = Add b n`,
  },
  {
    name: "tf2onnx",
    ...LAYER,
    ...AFFINE,
    text: "m = ReduceMean x; d = Sub x m; q = Mul d d; v = ReduceMean q; e = Add eps v; s = Sqrt e; r = Reciprocal s; g = Mul r w; a = Mul x g; c = Mul m g; f = Sub b c; y = Add a f",
  },
  {
    name: "a power of −½",
    ...LAYER,
    ...AFFINE,
    text: `${MOMENTS}; r = Pow e minusHalf; n = Mul d r; t = Mul n w; y = Add t b`,
  },
  {
    name: "the second mean anew",
    ...LAYER,
    text: "m = ReduceMean x; d = Sub x m; d2 = Sub x m; q = Mul d2 d2; v = ReduceMean q; e = Add v eps; s = Sqrt e; y = Div d s",
  },
  {
    name: "E x² − (E x)²",
    ...LAYER,
    ...AFFINE,
    text: "m = ReduceMean x; q = Mul x x; u = ReduceMean q; p = Mul m m; v = Sub u p; e = Add v eps; s = Sqrt e; d = Sub x m; n = Div d s; t = Mul n w; y = Add t b",
  },
  {
    name: "sums and a factor",
    ...LAYER,
    text: "k = ReduceSum x; m = Div k seven; d = Sub x m; q = ReduceSumSquare d; v = Div q seven; e = Add v eps; s = Sqrt e; y = Div d s",
  },
  {
    name: "with casts around",
    ...LAYER,
    ...AFFINE,
    text: `x32 = Cast x; ${MOMENTS.replaceAll(" x ", " x32 ").replace("ReduceMean x;", "ReduceMean x32;")}; s = Sqrt e; n = Div d s; h = Cast n; t = Mul h w; y = Add t b`,
  },
  {
    name: "over the channels of a picture",
    ...LAYER,
    ...CHANNELS,
    x: [2, 5, 3, 7],
    axes: [1],
    text: `${MOMENTS}; s = Sqrt e; n = Div d s; t = Mul n w; y = Add t b`,
  },
  {
    name: "over everything, every number with its own",
    ...LAYER,
    x: [2, 3, 2, 5],
    axes: [1, 2, 3],
    more: { w: floats([3, 2, 5], 3), b: floats([3, 2, 5], 4) },
    scale: "w",
    shift: "b",
    text: `${MOMENTS}; s = Sqrt e; n = Div d s; t = Mul n w; y = Add t b`,
  },
  {
    name: "of each channel",
    ...SPATIAL,
    ...CHANNELS,
    text: `${MOMENTS}; s = Sqrt e; n = Div d s; t = Mul n w; y = Add t b`,
  },
  {
    name: "of each channel, by global means",
    ...SPATIAL,
    text: "m = GlobalAveragePool x; d = Sub x m; q = Mul d d; v = GlobalAveragePool q; e = Add v eps; s = Sqrt e; y = Div d s",
  },
  {
    name: "of each channel, channels last",
    ...LAYER,
    ...LAST,
    x: [2, 3, 5, 7],
    axes: [1, 2],
    text: "m = ReduceMean x; d = Sub x m; q = Mul d d; v = ReduceMean q; e = Add v eps; s = Sqrt e; r = Reciprocal s; g = Mul r w; a = Mul x g; c = Mul m g; f = Sub b c; y = Add a f",
  },
  {
    name: "of groups, under dims with a group's axis",
    ...LAYER,
    x: [2, 3, 5, 2, 7],
    axes: [1, 2, 4],
    more: { w: floats([1, 1, 1, 2, 7], 3), b: floats([1, 1, 1, 2, 7], 4) },
    scale: "w",
    shift: "b",
    text: `${MOMENTS}; s = Sqrt e; r = Reciprocal s; g = Mul r w; a = Mul x g; c = Mul m g; f = Sub b c; y = Add a f`,
  },
  {
    name: "root mean square",
    ...RMS,
    text: "q = Pow x two; v = ReduceMean q; e = Add v eps; s = Sqrt e; r = Reciprocal s; n = Mul x r; y = Mul w n",
  },
  {
    name: "root mean square, divided",
    ...RMS,
    text: "q = Mul x x; v = ReduceMean q; e = Add v eps; s = Sqrt e; n = Div x s; y = Mul n w",
  },
  {
    name: "root mean square, one over it",
    ...RMS,
    text: "q = Mul x x; v = ReduceMean q; e = Add v eps; s = Sqrt e; r = Div one s; n = Mul x r; y = Mul n w",
  },
  {
    name: "length, at least",
    ...LENGTH,
    statistics: (c) => [0, 1 / Math.max(lengthOf(c), EPSILON)],
    text: "l = ReduceL2 x; c = Clip l; y = Div x c",
  },
  {
    name: "length, at least, widened",
    ...LENGTH,
    statistics: (c) => [0, 1 / Math.max(lengthOf(c), EPSILON)],
    text: "l = ReduceL2 x; c = Max l eps; f = Expand c shape; y = Div x f",
  },
  {
    name: "length, and more",
    ...LENGTH,
    statistics: (c) => [0, 1 / (lengthOf(c) + EPSILON)],
    text: "l = ReduceL2 x; c = Add l eps; y = Div x c",
  },
  {
    name: "length of squares, at least",
    ...LENGTH,
    statistics: (c) => [0, 1 / Math.sqrt(Math.max(lengthOf(c) ** 2, EPSILON))],
    text: "q = Mul x x; l = ReduceSum q; c = Max l eps; s = Sqrt c; r = Reciprocal s; y = Mul x r",
  },
  { name: "length by itself", ...LENGTH, statistics: (c) => [0, 1 / lengthOf(c)], text: "l = ReduceL2 x; y = Div x l" },
  {
    name: "sum of sizes",
    ...LENGTH,
    statistics: (c) => [0, 1 / (sum(c.map(Math.abs)) + EPSILON)],
    text: "l = ReduceL1 x; c = Add l eps; y = Div x c",
  },
];

const scalars = { ten: 10, huge: 65504, two: 2, one: 1, seven: 7, half: 0.5, minusHalf: -0.5, eps: 1e-5, other: 0.3 };

/** `"y = Mul x s"` as a node. */
function nodeOf(line: string, axes: readonly number[], opset: number, keepdims: number): FileNode {
  const [output, , type, ...inputs] = line.trim().split(" ");
  if (type === "Cast") return { type, inputs, outputs: [output], attributes: { to: 1 } };
  if (type === "Clip") return { type, inputs: [...inputs, "eps"], outputs: [output] };
  if (!type.startsWith("Reduce")) return { type, inputs, outputs: [output] };
  const asInput = opset >= 18 || (type === "ReduceSum" && opset >= 13);
  return {
    type,
    inputs: asInput ? [...inputs, "axes"] : inputs,
    outputs: [output],
    attributes: { keepdims, ...(!asInput && { axes }) },
  };
}

type Pattern = Pick<Spelling, "x" | "axes" | "text" | "opset" | "more">;
function fileOf(
  { x, axes, text, opset = 17, more }: Pattern,
  extra: Partial<FileGraph> = {},
  keepdims = 1,
): Uint8Array {
  const nodes = text.split(";").map((line) => nodeOf(line, axes, opset, keepdims));
  return onnx(
    {
      nodes,
      inputs: { x },
      outputs: { y: [] },
      ...extra,
      initializers: {
        ...Object.fromEntries(Object.entries(scalars).map(([name, v]) => [name, constant([], v)])),
        axes: { dims: [axes.length], data: [...axes] },
        shape: { dims: [x.length], data: [...x] },
        ...more,
        ...extra.initializers,
      } as FileGraph["initializers"],
    },
    opset,
  );
}

/** Types of the nodes that are left, those that were folded with a mark. */
async function nodesOf(bytes: Uint8Array): Promise<string[]> {
  using model = await load(bytes, { batch: false });
  return model.inspect().nodes.map(({ type, note }) => (note?.includes("folded from") ? `${type}!` : type));
}

/** Outputs and relevance from the definition. */
function literal(
  { x: dims, axes, statistics, scale, shift, more = {} }: Spelling,
  x: ArrayLike<number>,
  r: ArrayLike<number>,
) {
  const [y, relevance] = [new Float64Array(r.length), new Float64Array(r.length)];
  const cells = new Map<string, number[]>();
  const all = positions(dims);
  for (const [i, p] of all.entries()) {
    const key = p.filter((_, axis) => !axes.includes(axis)).join();
    cells.set(key, [...(cells.get(key) ?? []), i]);
  }
  const at = (name: string | undefined, otherwise: number) => (i: number) => {
    if (!name) return otherwise;
    const own = more[name].dims;
    const p = all[i].slice(dims.length - own.length).map((v, k) => (own[k] === 1 ? 0 : v));
    return more[name].data[place(own, p)] as number;
  };
  for (const cell of cells.values()) {
    const v = cell.map((i) => x[i]);
    const [centre, factor] = statistics(v);
    const [w, b] = [cell.map(at(scale, 1)), cell.map(at(shift, 0))];
    const found = identity(
      { x: v, w, b, centre, factor, centred: statistics === layerStatistics },
      cell.map((i) => r[i]),
    );
    for (const [k, i] of cell.entries()) {
      y[i] = (v[k] - centre) * factor * w[k] + b[k];
      relevance[i] = found.relevance[k];
    }
  }
  return { y, relevance };
}

describe("a normalization in other words", () => {
  test.each(spellings.map((s) => [s.name, s] as const))("%s", async (_name, s) => {
    const bytes = fileOf(s);
    expect(await nodesOf(bytes)).toEqual([`${s.type}!`]);
    using model = await loadInMode(bytes, { batch: false });
    const x = floats(s.x, 11, -2, 3);
    const { y } = literal(s, x.data, new Float64Array(x.data.length));
    expectClose(model.predict(x).output.data, y, 1e-6);
    // Small enough for ε to count.
    const small = { ...x, data: x.data.map((v) => 0.003 * v) };
    expectClose(model.predict(small).output.data, literal(s, small.data, y).y, 1e-6);
    const r = numbers(y.length, 12).map((v, i) => (Math.abs(y[i]) < 0.1 ? 0 : v));
    const e = explainFrom(model, x, r, { composite: baseEntries() });
    expectClose(e.relevance.data, literal(s, x.data, r).relevance, 1e-5);
  });
});

test.each([
  [[3, 7], 1, "ReduceL2"],
  [[2, 7, 3], 1, "ReduceL2"],
  [[3, 7], 1, "ReduceL1"],
  [[2, 7, 3], 1, "ReduceL1"],
] as const)(
  "slopes of a length that a bound holds, and of one that it does not: %j by axis %i, %s",
  async (dims, axis, reduce) => {
    const bytes = fileOf({ x: dims, axes: [axis], text: `l = ${reduce} x; c = Max l half; y = Div x c` });
    expect(await nodesOf(bytes)).toEqual(["LpNormalization!"]);
    using model = await loadInMode(bytes, { batch: false });
    const inner = dims.slice(axis + 1).reduce((a, d) => a * d, 1);
    const cellOf = (i: number) => Math.floor(i / (7 * inner)) * inner + (i % inner);
    const x = floats(dims, 21, -2, 3).data.map((v, i) => (cellOf(i) % 2 === 0 ? 0.02 * v : v));
    const r = numbers(x.length, 22);
    const all = [...x.keys()];
    const expected = all.map((i) => {
      const cell = all.filter((k) => cellOf(k) === cellOf(i));
      const [l1, product] = [sum(cell.map((k) => Math.abs(x[k]))), sum(cell.map((k) => x[k] * r[k]))];
      const l2 = lengthOf(cell.map((k) => x[k]));
      const l = reduce === "ReduceL2" ? l2 : l1;
      if (l < 0.5) return r[i] / 0.5;
      return r[i] / l - ((reduce === "ReduceL2" ? x[i] / l2 : Math.sign(x[i])) * product) / l ** 2;
    });
    const slopes: Composite = [{ rule: ruleOf.gradient() }];
    expectClose(explainFrom(model, { dims, data: x }, r, { composite: slopes }).relevance.data, expected, 2e-6);
  },
);

const PYTORCH = `${MOMENTS}; s = Sqrt e; n = Div d s; t = Mul n w; y = Add t b`;
const torch = { ...LAYER, ...AFFINE, text: PYTORCH };

describe("is one node", () => {
  test("where the moments lose their axes in between", async () => {
    const text =
      "m = ReduceMean x; k = Unsqueeze m at; d = Sub x k; q = Mul d d; v = ReduceMean q; e = Add v eps; s = Sqrt e; r = Unsqueeze s at; n = Div d r; y = Mul n w";
    const s: Spelling = {
      ...torch,
      text,
      shift: undefined,
      more: { ...AFFINE.more, at: { dims: [1], data: [2] } as unknown as Tensor },
    };
    const bytes = fileOf(s, {}, 0);
    expect(await nodesOf(bytes)).toEqual(["LayerNormalization!"]);
    const x = floats(s.x, 11, -2, 3);
    using model = await load(bytes, { batch: false });
    expectClose(model.predict(x).output.data, literal(s, x.data, x.data).y, 1e-6);
  });

  test("each of two, one behind the other, and the residual around them", async () => {
    const again = PYTORCH.replace("ReduceMean x", "ReduceMean z")
      .replace("Sub x", "Sub z")
      .replace(/\b([mdqvesnt])\b/g, "$12")
      .replace("y =", "c =");
    const text = `${PYTORCH.replace("y =", "z0 =")}; z = Exp z0; ${again}; y = Add c x`;
    expect(await nodesOf(fileOf({ ...torch, text }))).toEqual([
      "LayerNormalization!",
      "Exp",
      "LayerNormalization!",
      "Add",
    ]);
  });

  test("each of two, of which the first has a scale of 1, as before any training", async () => {
    const again = PYTORCH.replace(/\b([mdqvesnt])\b/g, "$12")
      .replace(/\bx\b/g, "y")
      .replace("y = ", "z = ");
    const more = { w: constant([7], ...Array(7).fill(1)), b: constant([7], ...Array(7).fill(0)) };
    using model = await load(fileOf({ ...torch, more, text: `${PYTORCH};${again}` }, { outputs: { z: [] } }));
    expect(model.inspect().nodes.map(({ type }) => type)).toEqual(["LayerNormalization", "LayerNormalization"]);
    const x = floats(torch.x, 8, -2, 2);
    const once = (cell: readonly number[]) => {
      const [centre, factor] = layerStatistics(cell);
      return cell.map((v) => (v - centre) * factor);
    };
    const cells = Array.from({ length: 6 }, (_, i) => Array.from(x.data.slice(7 * i, 7 * i + 7)));
    expectClose(
      model.predict(x).output.data as Float32Array,
      cells.flatMap((cell) => once(once(cell))),
      1e-6,
    );
  });

  test("and says of how many, and with which numbers", async () => {
    using model = await load(fileOf(torch), { batch: false });
    const [{ note }] = model.inspect().nodes;
    expect(note).toBe(
      "folded from 9 nodes (ReduceMean, Sub, Pow, ReduceMean, Add, Sqrt, Div, Mul, Add): over axes 2, epsilon 0.00001",
    );
  });

  test("but a computed scale stays beside it", async () => {
    const text = PYTORCH.replace("Mul n w", "Mul n g");
    const inputs = { x: LAYER.x, g: [7] };
    expect(await nodesOf(fileOf({ ...torch, text }, { inputs }))).toEqual(["LayerNormalization!", "Mul", "Add"]);
  });

  test("but a table of positions stays behind it", async () => {
    const text = `${PYTORCH.replace("y =", "z =")}; y = Add z table`;
    const bytes = fileOf({ ...torch, text, more: { ...AFFINE.more, table: floats([1, 3, 7], 8) } });
    expect(await nodesOf(bytes)).toEqual(["LayerNormalization!", "Add"]);
  });
});

describe("groups of channels, by InstanceNormalization under other dims", () => {
  const X = [2, 6, 3, 5];
  const file = (text: string, cut: readonly number[]) =>
    fileOf({
      x: X,
      axes: [2],
      text,
      more: {
        cut: { dims: [3], data: [...cut] } as unknown as Tensor,
        whole: { dims: [4], data: [...X] } as unknown as Tensor,
        s: floats([2], 5),
        o: floats([2], 6, -1, 1),
        s3: floats([3], 5),
        w: floats([6, 1, 1], 3),
        b: floats([6, 1, 1], 4, -1, 1),
      },
    });
  const text = "a = Reshape x cut; i = InstanceNormalization a s o; k = Reshape i whole; t = Mul k w; y = Add t b";

  test("are one node, with the numbers of the definition", async () => {
    const bytes = file(text, [2, 2, -1]);
    expect(await nodesOf(bytes)).toEqual(["GroupNormalization!"]);
    const x = floats(X, 11, -2, 3);
    const [s, o, w, b] = [floats([2], 5), floats([2], 6, -1, 1), floats([6, 1, 1], 3), floats([6, 1, 1], 4, -1, 1)];
    const [r, y, relevance] = [numbers(180, 12), new Float64Array(180), new Float64Array(180)];
    for (let cell = 0; cell < 4; cell++) {
      const at = Array.from({ length: 45 }, (_, i) => 45 * cell + i);
      const v = at.map((i) => x.data[i] as number);
      const [centre, factor] = layerStatistics(v);
      const channel = (i: number) => Math.floor(i / 15) % 6;
      const scale = at.map((i) => (s.data[cell % 2] as number) * (w.data[channel(i)] as number));
      const shift = at.map(
        (i) => (o.data[cell % 2] as number) * (w.data[channel(i)] as number) + (b.data[channel(i)] as number),
      );
      for (const [k, i] of at.entries()) {
        y[i] = (v[k] - centre) * factor * scale[k] + shift[k];
        if (Math.abs(y[i]) < 0.1) r[i] = 0;
      }
      const found = identity(
        { x: v, w: scale, b: shift, centre, factor, centred: true },
        at.map((i) => r[i]),
      );
      for (const [k, i] of at.entries()) relevance[i] = found.relevance[k];
    }
    using model = await loadInMode(bytes, { batch: false });
    expectClose(model.predict(x).output.data, y, 1e-6);
    expectClose(explainFrom(model, x, r, { composite: baseEntries() }).relevance.data, relevance, 1e-5);
  });

  test("are not, where a cell has numbers of several samples, or the dims of before do not come back", async () => {
    expect(await nodesOf(file(text.replace(" s o", " s3 s3"), [4, 3, -1]))).not.toContain("GroupNormalization!");
    const turned = "a = Reshape x cut; i = InstanceNormalization a s o; y = Exp i";
    expect(await nodesOf(file(turned, [2, 2, -1]))).toEqual(["Reshape", "InstanceNormalization", "Exp"]);
  });
});

describe("is not folded", () => {
  const corrected = 7 / 6;
  test.each<[string, string, Partial<FileGraph>]>([
    [
      "a variance with n − 1",
      `${MOMENTS.replace("Add v eps", "Mul v six; f = Add e eps")}; s = Sqrt f; y = Div d s`,
      {},
    ],
    [
      "the variance of something else",
      "m = ReduceMean x; d = Sub x m; q = Mul u u; v = ReduceMean q; e = Add v eps; s = Sqrt e; y = Div d s",
      { inputs: { x: LAYER.x, u: LAYER.x } },
    ],
    ["a middle value that something else reads", `${PYTORCH}; z = Exp v`, { outputs: { y: [], z: [] } }],
    ["a middle value that is an output", PYTORCH, { outputs: { y: [], d: [] } }],
    ["a numerator with its mean", `${MOMENTS}; s = Sqrt e; y = Div x s`, {}],
    ["a variance without a root", `${MOMENTS}; y = Div d e`, {}],
    ["an ε that is another one for small numbers", `${MOMENTS}; s = Sqrt e; f = Add s eps; y = Div d f`, {}],
    ["the mean alone", "m = ReduceMean x; y = Sub x m", {}],
    ["the numbers divided by their mean", "m = ReduceMean x; y = Div x m", {}],
    ["a cube in place of the square", `${MOMENTS.replace("Pow d two", "Pow d three")}; s = Sqrt e; y = Div d s`, {}],
    ["a function in between", `${MOMENTS}; s = Sqrt e; h = Abs d; y = Div h s`, {}],
  ])("%s", async (_name, text, extra) => {
    const more = { ...AFFINE.more, six: constant([], corrected), three: constant([], 3) };
    const types = await nodesOf(fileOf({ ...LAYER, text, more }, extra));
    // x − mean divided by its root mean square is that as well, where it is a value by itself.
    expect(types.filter((type) => /^(Layer|Instance|MeanVariance|Lp)Norm.*!$/.test(type))).toEqual([]);
  });

  test("a mean over another axis", async () => {
    const nodes = ["m = ReduceMean x", ...`${MOMENTS}; s = Sqrt e; y = Div d s`.split(";").slice(1)].map((line, i) =>
      nodeOf(line, [i === 0 ? 1 : 2], 17, 1),
    );
    const bytes = fileOf({ ...LAYER, text: "y = Neg x" }, { nodes });
    expect((await nodesOf(bytes)).join()).toBe("ReduceMean,Sub,RMSNormalization!");
  });
});

/* What is cut off at a large number is no part of the normalization behind it. */
test.each<[string, number]>([
  ["ten", 10],
  ["huge", 65504],
])("numbers that are cut off at %s before a LayerNormalization", async (name, most) => {
  const bytes = fileOf({
    ...LAYER,
    text: `x1 = Min x ${name}; ${MOMENTS.replaceAll(" x", " x1")}; s = Sqrt e; y = Div d s`,
  });
  expect(await nodesOf(bytes)).toEqual(["Clip", "LayerNormalization!"]);
  using model = await load(bytes, { batch: false });
  const x = floats(LAYER.x, 3, -2 * most, 3 * most);
  const cut = Array.from(x.data, (v) => Math.min(v, most));
  const expected = [0, 7, 14, 21, 28, 35].flatMap((at) => {
    const cell = cut.slice(at, at + 7);
    const [centre, factor] = layerStatistics(cell);
    return cell.map((v) => (v - centre) * factor);
  });
  expectClose(model.predict(x).output.data, expected, 1e-5);
});
