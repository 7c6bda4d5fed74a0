import { describe, expect, it } from "vitest";
import { loadInMode } from "../modes.ts";
import { load, ruleOf } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { relativeError } from "../data.ts";
import { type Attribute, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

const INT64 = 7;
const ids = (dims: readonly number[], ...data: number[]) => ({ dims, data });

describe("Gather with computed indices", () => {
  const data = tensor([3, 5, 2], 1);

  it.each([0, 1, -1])("chooses along axis %i of a computed value, and relevance goes back there", async (axis) => {
    const bytes = onnx({
      nodes: [{ type: "Gather", inputs: ["x", "i"], outputs: ["y"], attributes: { axis } }],
      inputs: { x: data.dims, i: [2, 2] },
      outputs: { y: [] },
      types: { i: INT64 },
    });
    using model = await loadInMode(bytes);
    const chosen = [1, -2, 0, 1];
    const given = { x: data, i: ids([2, 2], ...chosen) };
    const ones = new Float32Array(model.predict(given).output.data.length).fill(1);
    const e = model.explain(given, { target: ones, start: "one" });
    const at = axis < 0 ? axis + 3 : axis;
    const dims = [...data.dims.slice(0, at), 2, 2, ...data.dims.slice(at + 1)];
    expect(e.output.dims).toEqual(dims);
    const length = data.dims[at];
    const [outer, inner] = [data.dims.slice(0, at), data.dims.slice(at + 1)].map((d) => d.reduce((a, b) => a * b, 1));
    const [want, back] = [new Float32Array(e.output.data.length), new Float32Array(data.data.length)];
    for (let o = 0; o < outer; o++)
      for (let k = 0; k < 4; k++)
        for (let i = 0; i < inner; i++) {
          const from = (o * length + ((chosen[k] + length) % length)) * inner + i;
          want[(o * 4 + k) * inner + i] = data.data[from];
          back[from] += 1;
        }
    expect(e.output.data).toEqual(want);
    expect(e.relevance.data).toEqual(back);
    expect(e.inputs.i).toMatchObject({ dims: [2, 2], data: new Float32Array(4) });
  });

  it("from a table of embeddings: the relevance of a word is the sum over its vector", async () => {
    const bytes = onnx({
      nodes: [
        { type: "Gather", inputs: ["table", "words"], outputs: ["vectors"] },
        { type: "Flatten", inputs: ["vectors"], outputs: ["flat"] },
        { type: "Gemm", inputs: ["flat", "w"], outputs: ["scores"] },
      ],
      initializers: { table: tensor([7, 3], 2), w: tensor([15, 2], 3) },
      inputs: { words: ["n", 5] },
      outputs: { scores: [] },
      types: { words: INT64 },
    });
    using model = await loadInMode(bytes);
    const words = { dims: [2, 5], data: BigInt64Array.of(6n, 0n, 6n, 3n, 1n, 2n, 2n, 5n, 4n, 0n) };
    const e = model.explain(words, { composite: "epsilon", target: [1, 0], at: ["vectors"] });
    expect(e.relevance.dims).toEqual([2, 5]);
    const sums = Float32Array.from({ length: 10 }, (_, i) =>
      e.at.vectors.data.slice(3 * i, 3 * i + 3).reduce((a, b) => a + b),
    );
    expect(relativeError(e.relevance.data, sums)).toBeLessThan(1e-6);
    expect(e.ledger.every((row) => Math.abs(row.gap) < 1e-6)).toBe(true);
    expect(() => model.predict(ids([1, 5], 0, 1, 2, 3, 7))).toThrow(/\(Gather\): expected indices from -7 to 6, got 7/);
  });
});

/** Places in the data, for each number of the output, one by one from the definitions. */
const cases: readonly {
  type: string;
  data: readonly number[];
  indices: readonly number[];
  of: readonly number[];
  attributes?: Record<string, Attribute>;
  out: readonly number[];
  places: readonly number[];
}[] = [
  {
    type: "GatherElements",
    data: [2, 3],
    indices: [2, 2],
    of: [2, 0, -1, 1],
    attributes: { axis: 1 },
    out: [2, 2],
    places: [2, 0, 5, 4],
  },
  { type: "GatherElements", data: [3, 2], indices: [2, 1], of: [1, 1], out: [2, 1], places: [2, 2] },
  { type: "GatherND", data: [2, 3], indices: [3, 2], of: [0, 1, 1, -1, 0, 1], out: [3], places: [1, 5, 1] },
  {
    type: "GatherND",
    data: [2, 3, 2],
    indices: [1, 2, 1],
    of: [1, 0],
    out: [1, 2, 3, 2],
    places: [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5],
  },
  {
    type: "GatherND",
    data: [2, 3, 2],
    indices: [2, 1],
    of: [-1, 0],
    attributes: { batch_dims: 1 },
    out: [2, 2],
    places: [4, 5, 6, 7],
  },
];

describe("GatherElements and GatherND", () => {
  it.each(cases)("$type of $data by $indices", async ({ type, data, indices, of, attributes, out, places }) => {
    const x = tensor(data, 3);
    const node = { type, inputs: ["x", "i"], outputs: ["y"], attributes };
    const i = ids(indices, ...of);
    const [computed, known, folded] = await Promise.all(
      [
        { nodes: [node], inputs: { x: data, i: indices } },
        { nodes: [node], inputs: { x: data }, initializers: { i } },
        {
          nodes: [node, { type: "Add", inputs: ["y", "z"], outputs: ["sum"] }],
          inputs: { z: out },
          initializers: { i, x },
        },
      ].map((graph) =>
        load(onnx({ ...graph, outputs: { [graph.nodes.at(-1)!.outputs[0]]: [] }, types: { i: INT64 } })),
      ),
    );
    const wanted = { dims: out, data: Float32Array.from(places, (p) => x.data[p]) };
    const r = numbers(places.length, 5);
    const back = new Float64Array(x.data.length);
    for (const [k, p] of places.entries()) back[p] += r[k];
    const options = { target: Float32Array.from(r), start: "one", composite: [{ rule: ruleOf.pass() }] } as const;
    for (const [model, given] of [
      [computed, { x, i }],
      [known, x],
    ] as const) {
      const e = model.explain(given as never, options);
      expect(e.output).toMatchObject(wanted);
      expect(e.inputs.x.data).toEqual(Float32Array.from(back));
    }
    expect(folded.predict({ dims: out, data: new Float32Array(places.length) }).output).toMatchObject(wanted);
  });

  it("wrong indices are the file's fault, or the caller's", async () => {
    const file = (graph: object) =>
      load(
        onnx({
          nodes: [{ type: "GatherElements", inputs: ["x", "i"], outputs: ["y"] }],
          inputs: { x: [3], i: [1] },
          outputs: { y: [] },
          types: { i: INT64 },
          ...graph,
        }),
      );
    const says = /node 'y' \(GatherElements\): expected indices from -3 to 2, got 3/;
    await expect(file({ inputs: { x: [3] }, initializers: { i: ids([1], 3) } })).rejects.toThrowError(says);
    using model = await file({});
    const task = () => model.predict({ x: tensor([3], 1), i: ids([1], 3) });
    expect(task).toThrowError(says);
    expect(task).toThrowError(expect.objectContaining({ code: "usage" }));
    await expect(file({ inputs: { x: [3], i: [1, 1] } })).rejects.toThrowError(
      /expected indices that fit \[3\], got \[1, 1\]/,
    );
  });
});

describe("ScatterElements, ScatterND and TensorScatter", () => {
  const reducers = {
    none: (_: number, b: number) => b,
    add: (a: number, b: number) => a + b,
    mul: (a: number, b: number) => a * b,
    max: Math.max,
    min: Math.min,
  };

  /** Places in the data, for each number of the updates, one by one from the definitions; some come twice. */
  const scattered = [
    {
      type: "ScatterElements",
      data: [3, 4],
      indices: [2, 3],
      of: [1, -1, 1, 2, 0, 0],
      attributes: { axis: 1 },
      updates: [2, 3],
      places: [1, 3, 1, 6, 4, 4],
    },
    { type: "Scatter", data: [3, 2], indices: [2, 2], of: [2, 0, -1, 1], updates: [2, 2], places: [4, 1, 4, 3] },
    { type: "ScatterND", data: [5], indices: [3, 1], of: [1, -1, 3], updates: [3], places: [1, 4, 3] },
    {
      type: "ScatterND",
      data: [3, 2, 2],
      indices: [3, 1],
      of: [2, 0, -1],
      updates: [3, 2, 2],
      places: [8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11],
    },
    { type: "ScatterND", data: [2, 3], indices: [2, 1, 2], of: [0, 1, 1, -1], updates: [2, 1], places: [1, 5] },
    ...[
      { data: [2, 3, 2], updates: [2, 2, 2], of: [1, 0], places: [2, 3, 4, 5, 6, 7, 8, 9] },
      { data: [2, 2, 3, 1], updates: [2, 2, 1, 1], of: [1, 0], places: [1, 4, 6, 9] },
      { data: [2, 3], updates: [2, 1], of: [2, 0], attributes: { axis: 1 }, places: [2, 3] },
      {
        data: [2, 1, 4, 2],
        updates: [2, 1, 3, 2],
        of: [3, 2],
        attributes: { mode: "circular" },
        places: [6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9],
      },
      {
        data: [2, 3, 1],
        updates: [2, 2, 1],
        of: [5, -1],
        attributes: { mode: "circular" },
        places: [2, 0, 5, 3],
      },
    ].map((c) => ({ type: "TensorScatter", indices: [2], ...c })),
  ];

  const cases = scattered.flatMap((c) =>
    (c.type.endsWith("Scatter") ? (["none"] as const) : (Object.keys(reducers) as (keyof typeof reducers)[])).map(
      (reduction) => ({ ...c, reduction }),
    ),
  );

  it.each(cases)("$type of $data, updates $updates, reduction $reduction", async (c) => {
    const { type, data, indices, of, attributes = {}, updates, places, reduction } = c;
    const [x, u, i] = [tensor(data, 3), tensor(updates, 4), ids(indices, ...of)];
    const more = reduction === "none" ? {} : { reduction };
    const [names, opset] = type === "TensorScatter" ? [["x", "u", "i"], 24] : [["x", "i", "u"], 17];
    const node = { type, inputs: names, outputs: ["y"], attributes: { ...attributes, ...more } };
    const forward = (xs: ArrayLike<number>, us: ArrayLike<number>) => {
      const y = Float64Array.from(xs);
      places.forEach((p, k) => {
        y[p] = reducers[reduction](y[p], us[k]);
      });
      return y;
    };
    const expected = forward(x.data, u.data);
    const r = numbers(expected.length, 5);
    const value = (xs: ArrayLike<number>, us: ArrayLike<number>) =>
      forward(xs, us).reduce((total, v, k) => total + v * r[k], 0);
    const slopes = (of: Float32Array, at: (shifted: Float64Array) => number) =>
      Array.from(of, (_, k) => {
        const [up, down] = [1e-4, -1e-4].map((d) => at(Float64Array.from(of, (v, j) => (j === k ? v + d : v))));
        return (up - down) / 2e-4;
      });
    const [toX, toU] = [slopes(x.data, (v) => value(v, u.data)), slopes(u.data, (v) => value(x.data, v))];
    const options = { target: r, start: "one", composite: [{ rule: ruleOf.gradient() }], unknown: "gradient" } as const;
    const types = { i: INT64 };
    const outputs = { y: [] };
    // Indices that are known, that are handed in, and that are computed from numbers.
    const known = onnx({ nodes: [node], inputs: { x: data, u: updates }, initializers: { i }, outputs }, opset);
    const given = onnx({ nodes: [node], inputs: { x: data, i: indices, u: updates }, outputs, types }, opset);
    const cast = { type: "Cast", inputs: ["f"], outputs: ["i"], attributes: { to: INT64 } };
    const computed = onnx({ nodes: [cast, node], inputs: { x: data, f: indices, u: updates }, outputs }, opset);
    for (const [file, inputs] of [
      [known, { x, u }],
      [given, { x, u, i }],
      [computed, { x, u, f: { dims: indices, data: Float32Array.from(of) } }],
    ] as const) {
      using model = await loadInMode(file, { batch: false });
      const e = model.explain(inputs as never, options);
      expectClose(e.output.data, expected, 2e-6);
      expectClose(e.inputs.x.data, toX, 1e-4);
      expectClose(e.inputs.u.data, toU, 1e-4);
    }
    using folded = await loadInMode(
      onnx(
        {
          nodes: [node, { type: "Add", inputs: ["y", "z"], outputs: ["sum"] }],
          inputs: { z: data },
          initializers: { x, i, u },
          outputs: { sum: [] },
        },
        opset,
      ),
    );
    expectClose(folded.predict({ dims: data, data: new Float32Array(x.data.length) }).output.data, expected, 2e-6);
  });

  it("what is added is a sum: both terms have their share", async () => {
    const file = onnx({
      nodes: [{ type: "ScatterND", inputs: ["x", "i", "u"], outputs: ["y"], attributes: { reduction: "add" } }],
      initializers: { i: ids([2, 2], 0, 1, 0, 1) },
      inputs: { x: [1, 3], u: [2] },
      outputs: { y: [] },
    });
    using model = await loadInMode(file, { batch: false });
    const given = {
      x: { dims: [1, 3], data: Float32Array.of(1, 2, 3) },
      u: { dims: [2], data: Float32Array.of(4, 2) },
    };
    const target = Float32Array.of(10, 16, 30);
    const e = model.explain(given, { composite: [{ rule: ruleOf.norm() }], start: "one", target });
    expectClose(e.inputs.x.data, [10, 4, 30], 1e-6);
    expectClose(e.inputs.u.data, [8, 4], 1e-6);
    expect(Math.abs(e.ledger[0].gap)).toBeLessThan(1e-5);
  });

  it("what was scattered over receives nothing", async () => {
    const file = onnx({
      nodes: [{ type: "ScatterND", inputs: ["x", "i", "u"], outputs: ["y"] }],
      initializers: { i: ids([2, 1], 1, 1), u: { dims: [2], data: Float32Array.of(7, 9) } },
      inputs: { x: [3] },
      outputs: { y: [] },
    });
    using model = await loadInMode(file, { batch: false });
    const e = model.explain(
      { dims: [3], data: Float32Array.of(1, 2, 3) },
      {
        composite: [{ rule: ruleOf.pass() }],
        start: "one",
        target: Float32Array.of(1, 2, 4),
      },
    );
    expect([...e.output.data]).toEqual([1, 9, 3]);
    expect([...e.relevance.data]).toEqual([1, 0, 4]);
    expect(e.ledger[0]).toMatchObject({ rule: "route", other: 2, gap: 0 });
  });
});

describe("TensorScatter", () => {
  const file = (graph: object, attributes = {}) =>
    loadInMode(
      onnx(
        {
          nodes: [{ type: "TensorScatter", inputs: ["x", "u", "i"], outputs: ["y"], attributes }],
          inputs: { x: [2, 3, 1], u: [2, 2, 1], i: [2] },
          outputs: { y: [] },
          types: { i: INT64 },
          ...graph,
        },
        24,
      ),
      { batch: false },
    );
  const x = { dims: [2, 3, 1], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const u = { dims: [2, 2, 1], data: Float32Array.of(7, 8, 9, 10) };

  it("without indices, writes from the beginning on", async () => {
    const nodes = [{ type: "TensorScatter", inputs: ["x", "u"], outputs: ["y"] }];
    using model = await file({ nodes, inputs: { x: x.dims, u: u.dims }, types: {} });
    expect([...model.predict({ x, u }).output.data]).toEqual([7, 8, 3, 9, 10, 6]);
  });

  it("moves integers", async () => {
    const types = { x: INT64, u: INT64, i: INT64, y: INT64 };
    using model = await file({ types });
    const given = { x: ids(x.dims, ...x.data), u: ids(u.dims, ...u.data), i: ids([2], 1, 0) };
    expect(model.predict(given).output.data).toEqual(BigInt64Array.of(1n, 7n, 8n, 9n, 10n, 6n));
  });

  it("relevance goes to the update that stands there, or to what stood there before", async () => {
    using model = await file({});
    const target = Float32Array.of(1, 2, 4, 8, 16, 32);
    const options = { composite: [{ rule: ruleOf.pass() }], start: "one", target } as const;
    const e = model.explain({ x, u, i: ids([2], 1, 0) }, options);
    expect([...e.inputs.x.data]).toEqual([1, 0, 0, 0, 0, 32]);
    expect([...e.inputs.u.data]).toEqual([2, 4, 8, 16]);
    expect(e.ledger[0]).toMatchObject({ rule: "route", other: 0, gap: 0 });
  });

  it.each([2, -1])("from %i on, there is no room", async (start) => {
    const says = `expected write_indices from 0 to 1, got ${start}`;
    const initializers = { i: ids([2], 0, start) };
    await expect(file({ inputs: { x: x.dims, u: u.dims }, initializers, types: {} })).rejects.toThrow(says);
    using model = await file({});
    const task = () => model.predict({ x, u, i: ids([2], 0, start) });
    expect(task).toThrowError(expect.objectContaining({ code: "usage", message: expect.stringContaining(says) }));
  });
});
