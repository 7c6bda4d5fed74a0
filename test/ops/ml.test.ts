import { describe, expect, test } from "vitest";
import { ruleOf, type Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

/*
 * The operators of scikit-learn's files (ai.onnx.ml): ONNX's definitions, literally; where it leaves something open,
 * such as the scores of two classes, what onnxruntime computes.
 */

type Attributes = NonNullable<FileNode["attributes"]>;
const [FLOAT, DOUBLE, INT64] = [1, 11, 7];
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);
const rows = (list: ArrayLike<number>, length: number) =>
  Array.from({ length: list.length / length }, (_, i) => Array.from(list).slice(i * length, (i + 1) * length));
const list = (n: number, seed: number) => [...numbers(n, seed)];
const floats = (values: readonly number[]) => ({ floats: values });
const logistic = (v: number) => 1 / (1 + Math.exp(-v));
const softmax = (v: readonly number[]) => v.map((s) => Math.exp(s) / v.reduce((sum, t) => sum + Math.exp(t), 0));

interface Call {
  readonly type: string;
  readonly attributes: Attributes;
  readonly dims?: readonly (number | string)[];
  readonly outputs?: readonly string[];
  readonly types?: Readonly<Record<string, number>>;
}

/** The file of one node, which names no opset but that of its own domain. */
const fileOf = ({ type, attributes, dims = ["n", 4], outputs = ["y"], types = {} }: Call) =>
  onnx(
    {
      nodes: [{ type, domain: "ai.onnx.ml", attributes, inputs: ["x"], outputs, name: "node" }],
      inputs: { x: dims },
      outputs: Object.fromEntries(outputs.filter(Boolean).map((name) => [name, []])),
      types,
    },
    1,
    "ai.onnx.ml",
  );

async function run(call: Call, x: Pick<Tensor, "dims"> & { data: ArrayLike<number> }) {
  using model = await loadInMode(fileOf(call));
  return model.predict(x as Tensor).outputs;
}

const x = tensor([5, 4], 3, -2, 2);
const table = rows(x.data, 4);
const labelled = { outputs: ["label", "scores"], types: { label: INT64 } };
const labelsOf = ({ data }: { data: ArrayLike<number | bigint> }) => Array.from<number | bigint, number>(data, Number);
const best = (scores: readonly number[]) => scores.indexOf(Math.max(...scores));

describe("LinearClassifier", () => {
  const [w, b] = [list(12, 5), list(3, 6)];
  const scores = table.map((row) => rows(w, 4).map((v, k) => dot(v, row) + b[k]));
  const base = { coefficients: floats(w), intercepts: floats(b), multi_class: 1 };

  test.each([
    ["NONE", (s: readonly number[]) => s],
    ["SOFTMAX", softmax],
    ["LOGISTIC", (s: readonly number[]) => s.map(logistic)],
  ] as const)("of three classes, %s", async (post_transform, f) => {
    const attributes = { ...base, post_transform, classlabels_ints: [7, 3, 9] };
    const { label, scores: y } = await run({ type: "LinearClassifier", attributes, ...labelled }, x);
    expect(y.dims).toEqual([5, 3]);
    expectClose(
      y.data as Float32Array,
      scores.flatMap((row) => [...f(row)]),
      2e-6,
    );
    expect(label.type).toBe("int64");
    expect(labelsOf(label)).toEqual(scores.map((row) => [7, 3, 9][best(row)]));
  });

  const single = table.map((row) => dot(w.slice(0, 4), row) + b[0]);
  const ofOne = { coefficients: floats(w.slice(0, 4)), intercepts: floats(b.slice(0, 1)) };

  test.each([
    ["NONE", [6, 8], (s: number) => [1 - s, s]],
    ["LOGISTIC", [6, 8], (s: number) => [logistic(-s), logistic(s)]],
    ["NONE", undefined, (s: number) => [s]],
  ] as const)("of one score, %s, labels %j", async (post_transform, labels, f) => {
    const attributes = { ...ofOne, post_transform, ...(labels && { classlabels_ints: labels }) };
    const { label, scores: y } = await run({ type: "LinearClassifier", attributes, ...labelled }, x);
    expectClose(y.data as Float32Array, single.flatMap(f), 2e-6);
    expect(labelsOf(label)).toEqual(single.map((s) => (labels ?? [0, 1])[Number(s > 0)]));
  });

  test("labels that are strings are left out, and scores are there", async () => {
    const attributes = { ...base, classlabels_strings: { strings: ["a", "b", "c"] } };
    const outputs = await run({ type: "LinearClassifier", attributes, outputs: ["", "scores"] }, x);
    expectClose(outputs.scores.data as Float32Array, scores.flat(), 2e-6);
  });

  test("is explained as the dense layer that it is, from its label too", async () => {
    const attributes = { ...base, post_transform: "SOFTMAX", classlabels_ints: [7, 3, 9] };
    using model = await loadInMode(fileOf({ type: "LinearClassifier", attributes, ...labelled }));
    const one = { dims: [1, 4], data: x.data.slice(0, 4) };
    for (const output of ["scores", "label"]) {
      const { relevance, logits } = model.explain(one, { output, target: 2, composite: [{ rule: ruleOf.lrp0() }] });
      expectClose(
        relevance.data,
        w.slice(8).map((v, i) => v * x.data[i]),
        1e-5,
      );
      expectClose(logits.data, scores[0], 1e-5);
    }
  });
});

test.each([
  [1, "NONE", (s: readonly number[]) => s],
  [3, "NONE", (s: readonly number[]) => s],
  [3, "SOFTMAX", softmax],
] as const)("LinearRegressor of %i targets, %s", async (targets, post_transform, f) => {
  const [w, b] = [list(4 * targets, 5), list(targets, 6)];
  const attributes = { coefficients: floats(w), intercepts: floats(b), targets, post_transform };
  const { y } = await run({ type: "LinearRegressor", attributes }, x);
  expect(y.dims).toEqual([5, targets]);
  expectClose(
    y.data as Float32Array,
    table.flatMap((row) => [...f(rows(w, 4).map((v, k) => dot(v, row) + b[k]))]),
    2e-6,
  );
  const { y: alone } = await run(
    { type: "LinearRegressor", attributes, dims: [4] },
    { dims: [4], data: x.data.slice(0, 4) },
  );
  expect(alone.dims).toEqual([1, targets]);
  expectClose(alone.data as Float32Array, y.data.slice(0, targets) as Float32Array, 1e-6);
});

describe("SVMClassifier", () => {
  const perClass = [2, 3, 1, 2];

  /** Σ over the vectors of both classes, and who has won. */
  function machine(classes: number) {
    const counts = perClass.slice(0, classes);
    const total = counts.reduce((a, b) => a + b, 0);
    const first = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0));
    const [vectors, coefficients] = [rows(numbers(4 * total, 8), 4), numbers((classes - 1) * total, 9)];
    const rho = list((classes * (classes - 1)) / 2, 10);
    const decide = (row: readonly number[]) => {
      const [pairs, votes]: [number[], number[]] = [[], counts.map(() => 0)];
      for (let i = 0; i < classes; i++)
        for (let j = i + 1; j < classes; j++) {
          let sum = rho[pairs.length];
          for (let n = 0; n < counts[i]; n++)
            sum += coefficients[(j - 1) * total + first[i] + n] * dot(vectors[first[i] + n], row);
          for (let n = 0; n < counts[j]; n++)
            sum += coefficients[i * total + first[j] + n] * dot(vectors[first[j] + n], row);
          pairs.push(sum);
          votes[sum > 0 ? i : j]++;
        }
      return { pairs, winner: best(votes) };
    };
    const attributes = {
      coefficients: floats([...coefficients]),
      support_vectors: floats(vectors.flat()),
      vectors_per_class: counts,
      rho: floats(rho),
      kernel_type: "LINEAR",
      kernel_params: floats([0, 0, 3]),
      classlabels_ints: [5, 2, 8, 6].slice(0, classes),
    };
    return { attributes, decide };
  }

  test.each([2, 3, 4])("of %i classes: a score for each pair, and votes", async (classes) => {
    const { attributes, decide } = machine(classes);
    const decided = table.map(decide);
    const { label, scores } = await run({ type: "SVMClassifier", attributes, ...labelled }, x);
    expectClose(
      scores.data as Float32Array,
      decided.flatMap(({ pairs }) => (classes === 2 ? [-pairs[0], pairs[0]] : pairs)),
      5e-6,
    );
    expect(labelsOf(label)).toEqual(decided.map(({ winner }) => [5, 2, 8, 6][winner]));
  });

  test("without vectors: a score for each class", async () => {
    const w = list(12, 5);
    const attributes = {
      coefficients: floats(w),
      rho: floats([0.25]),
      classlabels_ints: [1, 2, 3],
      post_transform: "LOGISTIC",
    };
    const expected = table.map((row) => rows(w, 4).map((v) => dot(v, row) + 0.25));
    const { label, scores } = await run({ type: "SVMClassifier", attributes, ...labelled }, x);
    expectClose(scores.data as Float32Array, expected.flat().map(logistic), 2e-6);
    expect(labelsOf(label)).toEqual(expected.map((row) => best(row) + 1));
  });
});

test.each([
  [0, 0],
  [0, 3],
  [1, 3],
])("SVMRegressor, one_class %i, %i vectors", async (one_class, n_supports) => {
  const [coefficients, vectors] = [list(n_supports || 4, 5), rows(numbers(12, 6), 4)];
  const attributes = {
    ...{ coefficients: floats(coefficients), rho: floats([0.5]), n_supports, one_class },
    ...(n_supports > 0 && { support_vectors: floats(vectors.flat()) }),
  };
  const expected = table.map((row) => {
    const sum =
      0.5 + (n_supports ? coefficients.reduce((s, c, i) => s + c * dot(vectors[i], row), 0) : dot(coefficients, row));
    return one_class ? (sum > 0 ? 1 : -1) : sum;
  });
  const { y } = await run({ type: "SVMRegressor", attributes }, x);
  expect(y.dims).toEqual([5, 1]);
  expectClose(y.data as Float32Array, expected, 5e-6);
});

describe("features", () => {
  test.each([FLOAT, DOUBLE, INT64])("Scaler, type %i", async (type) => {
    const data = type === INT64 ? x.data.map(Math.round) : x.data;
    const attributes = { offset: floats([1, 2, 3, 4]), scale: floats([0.5]) };
    const { y } = await run({ type: "Scaler", attributes, types: { x: type } }, { dims: [5, 4], data });
    expect(y.type).toBeUndefined();
    expectClose(
      y.data as Float32Array,
      Array.from(data, (v, i) => (v - 1 - (i % 4)) * 0.5),
      1e-6,
    );
  });

  test.each([
    ["L1", (row: readonly number[]) => row.reduce((sum, v) => sum + Math.abs(v), 0)],
    ["L2", (row: readonly number[]) => Math.hypot(...row)],
    ["MAX", (row: readonly number[]) => Math.max(...row)],
  ] as const)("Normalizer, %s", async (norm, f) => {
    const data = Float32Array.from([...x.data, 0, 0, 0, 0, -1, -2, -0.5, -3]);
    const { y } = await run({ type: "Normalizer", attributes: { norm } }, { dims: [7, 4], data });
    expectClose(
      y.data as Float32Array,
      rows(data, 4).flatMap((row) => row.map((v) => v / (f(row) || 1))),
      1e-6,
    );
  });

  test("Imputer puts a number in the place of another", async () => {
    const attributes = { imputed_value_int64s: [10, 20, 30, 40], replaced_value_int64: -1 };
    const { y } = await run(
      { type: "Imputer", attributes, types: { x: INT64, y: INT64 } },
      { dims: [1, 4], data: [-1, 5, -1, 0] },
    );
    expect(labelsOf(y)).toEqual([10, 5, 30, 0]);
    const real = { imputed_value_floats: floats([9]), replaced_value_float: { float: 0.5 } };
    const { y: z } = await run(
      { type: "Imputer", attributes: real },
      { dims: [1, 4], data: Float32Array.of(0.5, 1, 0, 0.5) },
    );
    expect([...z.data]).toEqual([9, 1, 0, 9]);
  });

  test("Binarizer", async () => {
    const { y } = await run(
      { type: "Binarizer", attributes: { threshold: { float: 0.5 } } },
      { dims: [1, 4], data: Float32Array.of(0.5, 0.75, -1, 2) },
    );
    expect([...y.data]).toEqual([0, 1, 0, 1]);
  });

  test("OneHotEncoder: relevance of all columns is that of the number", async () => {
    const call: Call = { type: "OneHotEncoder", attributes: { cats_int64s: [3, 1, 4] }, dims: ["n", 2] };
    using model = await loadInMode(fileOf(call));
    const given = { dims: [1, 2], data: Float32Array.of(4, 7) };
    expect([...model.predict(given).output.data]).toEqual([0, 0, 1, 0, 0, 0]);
    const r = [1, 2, 4, 8, 16, 32];
    const { relevance } = explainFrom(model, given, r, { composite: [{ rule: ruleOf.pass() }] });
    expect([...relevance.data]).toEqual([7, 56]);
  });

  test("LabelEncoder, of integers and of floats", async () => {
    const attributes = { keys_int64s: [3, 1, 3], values_floats: floats([0.5, 2, 7]), default_float: { float: -4 } };
    const { y } = await run(
      { type: "LabelEncoder", attributes, types: { x: INT64 } },
      { dims: [1, 4], data: [1, 3, 2, 1] },
    );
    expect([...y.data]).toEqual([2, 0.5, -4, 2]);
    const back = { keys_floats: floats([0.5, 0.1]), values_int64s: [8, 9] };
    const call = { type: "LabelEncoder", attributes: back, types: { y: INT64 } };
    const { y: z } = await run(call, { dims: [1, 4], data: Float32Array.of(0.1, 0.5, 0, 0.1) });
    expect(labelsOf(z)).toEqual([9, 8, -1, 9]);
  });

  test("ArrayFeatureExtractor and FeatureVectorizer", async () => {
    const file = onnx({
      nodes: [
        { type: "ArrayFeatureExtractor", domain: "ai.onnx.ml", inputs: ["x", "at"], outputs: ["a"] },
        {
          type: "FeatureVectorizer",
          domain: "ai.onnx.ml",
          inputs: ["a", "x"],
          outputs: ["y"],
          attributes: { inputdimensions: [2, 4] },
        },
      ],
      initializers: { at: { dims: [1, 2], data: [2, 0] } },
      inputs: { x: [1, 4] },
      outputs: { y: [] },
    });
    using model = await loadInMode(file);
    const given = { dims: [1, 4], data: Float32Array.of(5, 6, 7, 8) };
    expect([...model.predict(given).output.data]).toEqual([7, 5, 5, 6, 7, 8]);
    const { relevance } = explainFrom(model, given, [1, 2, 4, 8, 16, 32], { composite: [{ rule: ruleOf.pass() }] });
    expect([...relevance.data]).toEqual([6, 8, 17, 32]);
  });
});

/** A sequence of maps, as ZipMap's output is declared; relprop gives the tensor. */
test("a pipeline of scikit-learn: Scaler, LinearClassifier, Normalizer, ZipMap", async () => {
  const [w, b] = [list(12, 5), list(3, 6)];
  const domain = "ai.onnx.ml";
  const file = onnx({
    nodes: [
      {
        type: "Scaler",
        domain,
        inputs: ["x"],
        outputs: ["s"],
        attributes: { offset: floats([1]), scale: floats([2]) },
      },
      {
        ...{ type: "LinearClassifier", domain, inputs: ["s"], outputs: ["label", "p"] },
        attributes: {
          coefficients: floats(w),
          intercepts: floats(b),
          classlabels_ints: [0, 1, 2],
          post_transform: "LOGISTIC",
        },
      },
      { type: "Normalizer", domain, inputs: ["p"], outputs: ["n"], attributes: { norm: "L1" } },
      { type: "ZipMap", domain, inputs: ["n"], outputs: ["maps"], attributes: { classlabels_int64s: [0, 1, 2] } },
    ],
    inputs: { x: ["n", 4] },
    outputs: { label: [], maps: [] },
    types: { label: INT64, maps: 0 },
  });
  using model = await loadInMode(file);
  const scores = (row: readonly number[]) =>
    rows(w, 4).map(
      (v, k) =>
        dot(
          v,
          row.map((u) => (u - 1) * 2),
        ) + b[k],
    );
  const shares = (s: readonly number[]) => s.map((v) => logistic(v) / s.reduce((sum, u) => sum + logistic(u), 0));
  const { label, maps } = model.predict(x).outputs;
  expect(maps.dims).toEqual([5, 3]);
  expectClose(
    maps.data as Float32Array,
    table.flatMap((row) => shares(scores(row))),
    2e-6,
  );
  expect(labelsOf(label)).toEqual(table.map((row) => best(scores(row))));
  const { relevance, logits } = model.explain({ dims: [1, 4], data: x.data.slice(0, 4) }, { target: 1 });
  expectClose(logits.data, scores(table[0]), 1e-5);
  expect(relevance.data.some((v) => v !== 0)).toBe(true);
});
