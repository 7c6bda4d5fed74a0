import { describe, expect, test } from "vitest";
import { type ExplainOptions, type Input, load, type Tensor } from "../../src/entries/index.ts";
import { expectClose, total } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileGraph, type FileNode, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";

/*
 * Attention, however a file spells it, against its definition in double precision:
 *
 *   S = c Q Kᵀ + mask,  P = softmax(S),  O = P V
 */

const [H, N, M, D, E] = [2, 5, 7, 3, 11];
const C = 0.7;

const values = (count: number, seed: number) => Float32Array.from(numbers(count, seed), (v) => 2 * v);
const tensors = { q: [H, N, D], k: [H, M, D], v: [H, M, E] } as const;
const given = Object.fromEntries(
  Object.entries(tensors).map(([name, dims], i): [string, Tensor] => [
    name,
    { dims, data: values(dims[0] * dims[1] * dims[2], i + 1) },
  ]),
) as Record<keyof typeof tensors, Tensor>;
/** −∞ where the last two keys are not to be seen. */
const HIDDEN = Array.from({ length: M }, (_, j) => (j < M - 2 ? 0 : -Infinity));
const R = numbers(H * N * E, 9);

type Mode = "attn" | "cp" | "gradient";

/** Relevance of Q, K and V, and O, from the equations. */
function reference(mode: Mode, mask: readonly number[] = HIDDEN.map(() => 0)) {
  const at = (name: keyof typeof tensors, h: number, i: number, d: number) =>
    given[name].data[(h * tensors[name][1] + i) * tensors[name][2] + d];
  const out = { q: new Float64Array(H * N * D), k: new Float64Array(H * M * D), v: new Float64Array(H * M * E) };
  const o = new Float64Array(H * N * E);
  for (let h = 0; h < H; h++) {
    for (let i = 0; i < N; i++) {
      const scores = mask.map(
        (m, j) => m + C * total(Array.from({ length: D }, (_, d) => at("q", h, i, d) * at("k", h, j, d))),
      );
      const top = Math.max(...scores);
      const exps = scores.map((s) => Math.exp(s - top));
      const p = exps.map((v) => v / total(exps));
      for (let e = 0; e < E; e++) o[(h * N + i) * E + e] = total(p.map((share, j) => share * at("v", h, j, e)));
      const s = Array.from({ length: E }, (_, e) => {
        const place = (h * N + i) * E + e;
        return mode === "gradient" ? R[place] : R[place] / o[place];
      });
      const toP = p.map((_, j) => total(s.map((v, e) => v * at("v", h, j, e))));
      const mean = total(p.map((share, j) => share * toP[j]));
      const toS = p.map((share, j) => share * (toP[j] - mean));
      p.forEach((share, j) => {
        s.forEach((v, e) => {
          const x = at("v", h, j, e);
          out.v[(h * M + j) * E + e] += share * v * { attn: x / 2, cp: x, gradient: 1 }[mode];
        });
        for (let d = 0; d < D; d++) {
          const [q, k] = [at("q", h, i, d), at("k", h, j, d)];
          out.q[(h * N + i) * D + d] += C * toS[j] * k * { attn: q / 4, cp: 0, gradient: 1 }[mode];
          out.k[(h * M + j) * D + d] += C * toS[j] * q * { attn: k / 4, cp: 0, gradient: 1 }[mode];
        }
      });
    }
  }
  return { ...out, o };
}

const node = (line: string, attributes: FileNode["attributes"] = {}): FileNode => {
  const [output, , type, ...inputs] = line.split(" ");
  return { type, inputs: inputs.map((name) => (name === "-" ? "" : name)), outputs: [output], attributes };
};
const float = (...data: number[]) => ({ dims: [], data: Float32Array.from(data) });
const constants: FileGraph["initializers"] = {
  c: float(C),
  root: float(Math.sqrt(C)),
  parts: float(1 / C),
  one: float(1),
  zero: float(0),
  lowest: float(-1e9),
  none: float(-Infinity),
  hidden: { dims: [1, 1, M], data: Float32Array.from(HIDDEN) },
  heads: { dims: [4], data: [1, H, N, M] },
  flat: { dims: [3], data: [H, N, M] },
  last: { dims: [1], data: [-1] },
};
const turned = node("kt = Transpose k", { perm: [0, 2, 1] });
const softmax = node("p = Softmax s", { axis: -1 });
const weighted = node("o = MatMul p v");
const plain = [turned, node("a = MatMul q kt"), node("s = Mul a c"), softmax, weighted];

const file = (nodes: readonly FileNode[], more: Partial<FileGraph> = {}) =>
  onnx({ nodes, inputs: tensors, outputs: { o: [] }, ...more, initializers: { ...constants, ...more.initializers } });

const seen = Float32Array.from(HIDDEN, (v) => (v === 0 ? 1 : 0));
const mask: Tensor = { dims: [1, 1, M], data: seen };
/** Ways of writing the same; those of the second list hide two keys. */
const spellings: Record<string, readonly FileNode[]> = {
  "a factor behind the scores": plain,
  "a division behind the scores": [turned, node("a = MatMul q kt"), node("s = Div a parts"), softmax, weighted],
  "a factor before the scores": [turned, node("b = Mul q c"), node("s = MatMul b kt"), softmax, weighted],
  "a factor for either": [
    turned,
    node("b = Mul q root"),
    node("d = Mul kt root"),
    node("s = MatMul b d"),
    softmax,
    weighted,
  ],
  "scores in another shape": [
    turned,
    node("a = MatMul q kt"),
    node("b = Reshape a heads"),
    node("d = Mul b c"),
    node("s = Reshape d flat"),
    softmax,
    weighted,
  ],
  "a softmax spelled out": [
    turned,
    node("a = MatMul q kt"),
    node("s = Mul a c"),
    node("m = ReduceMax s", { axes: [-1] }),
    node("l = Sub s m"),
    node("e = Exp l"),
    node("t = ReduceSum e last"),
    node("p = Div e t"),
    weighted,
  ],
};
const masked: Record<
  string,
  { nodes: readonly FileNode[]; types?: FileGraph["types"]; input?: Record<string, Tensor> }
> = {
  "a constant of −∞": {
    nodes: [turned, node("a = MatMul q kt"), node("b = Mul a c"), node("s = Add b hidden"), softmax, weighted],
  },
  "integers of an input": {
    nodes: [
      node("f = Cast mask", { to: 1 }),
      node("g = Sub one f"),
      node("h = Mul g lowest"),
      turned,
      node("a = MatMul q kt"),
      node("b = Mul a c"),
      node("s = Add b h"),
      softmax,
      weighted,
    ],
    types: { mask: 7 },
    input: { mask: { dims: [1, 1, M], data: BigInt64Array.from(seen, BigInt) as never } },
  },
  "a choice by an input, and weights that may be no number": {
    nodes: [
      node("f = Cast mask", { to: 9 }),
      turned,
      node("a = MatMul q kt"),
      node("b = Mul a c"),
      node("s = Where f b none"),
      node("w = Softmax s", { axis: -1 }),
      node("i = IsNaN w"),
      node("p = Where i zero w"),
      weighted,
    ],
    input: { mask },
  },
  "floats of an input": {
    nodes: [
      node("g = Sub one mask"),
      node("h = Mul g lowest"),
      turned,
      node("a = MatMul q kt"),
      node("b = Mul a c"),
      node("s = Add b h"),
      softmax,
      weighted,
    ],
    input: { mask },
  },
};

const options: ExplainOptions = { composite: "attnLrp", start: "one", target: R };

async function expectAttention(
  bytes: Uint8Array,
  input: Input,
  expected: (mode: Mode) => ReturnType<typeof reference>,
) {
  using model = await loadInMode(bytes);
  for (const mode of ["attn", "cp", "gradient"] as const) {
    const chosen = mode === "gradient" ? { ...options, composite: mode } : { ...options, attention: mode };
    const { output, inputs, rules, ledger } = model.explain(input, chosen);
    const { o, ...relevance } = expected(mode);
    expect(rules.filter(({ type }) => type === "DotProductAttention").map(({ rule }) => rule)).toEqual([mode]);
    expectClose(output.data as Float32Array, o, 1e-6);
    for (const [name, numbers] of Object.entries(relevance)) {
      // Q and K get nothing under cp.
      const scale = Math.max(...numbers.map(Math.abs)) || 1;
      expectClose(inputs[name].data, numbers, 2e-5, scale);
    }
    if (inputs.mask) expect(Math.max(...inputs.mask.data.map(Math.abs))).toBe(0);
    const [row] = ledger.filter(({ type }) => type === "DotProductAttention");
    expect(Math.abs(row.gap)).toBeLessThan(1e-5 * row.magnitude);
    if (mode === "cp") expect(Math.abs(row.received - row.passed)).toBeLessThan(1e-5 * row.magnitude);
    expect(row.softmax !== 0).toBe(mode === "attn");
  }
}

describe("attention is one node", () => {
  test.each(Object.keys(spellings))("%s", (name) => expectAttention(file(spellings[name]), given, reference));

  test.each(Object.keys(masked))("a mask: %s", (name) => {
    const { nodes, types, input } = masked[name];
    const bytes = file(nodes, { inputs: { ...tensors, ...(input && { mask: [1, 1, M] }) }, types });
    return expectAttention(bytes, { ...given, ...input }, (mode) => reference(mode, HIDDEN));
  });

  test("of one value that is query, key and value, which adds up what each receives", async () => {
    const nodes = [
      node("t = Transpose q", { perm: [0, 2, 1] }),
      node("a = MatMul q t"),
      node("p = Softmax a"),
      node("o = MatMul p q"),
    ];
    const three = [
      node("t = Transpose k", { perm: [0, 2, 1] }),
      node("a = MatMul q t"),
      node("p = Softmax a"),
      node("o = MatMul p v"),
    ];
    const inputs = { q: tensors.q, k: tensors.q, v: tensors.q };
    using one = await load(file(nodes, { inputs: { q: tensors.q } }));
    using other = await load(file(three, { inputs }));
    const target = numbers(H * N * D, 4);
    const together = one.explain(given.q, { ...options, target });
    const apart = other.explain({ q: given.q, k: given.q, v: given.q }, { ...options, target });
    const sum = together.relevance.data.map((_, i) => total(["q", "k", "v"].map((name) => apart.inputs[name].data[i])));
    expectClose(together.relevance.data, sum, 1e-6);
    expect(one.inspect().nodes.map(({ type }) => type)).toContain("DotProductAttention");
  });

  test("weights that are an output too stay one, and attention is found beside them", async () => {
    const bytes = file(plain, { outputs: { o: [], p: [] } });
    using model = await load(bytes);
    using alone = await load(file(plain));
    const e = model.explain(given, { ...options, output: "o" });
    expect(e.rules.map(({ type }) => type)).toContain("DotProductAttention");
    expect(e.inputs.q.data).toEqual(alone.explain(given, options).inputs.q.data);
    expect(model.predict(given).outputs.p.dims).toEqual([H, N, M]);
  });
});

/** Nearly attention. */
const others: Record<string, readonly FileNode[]> = {
  "a softmax over another axis": [
    turned,
    node("a = MatMul q kt"),
    node("s = Mul a c"),
    node("p = Softmax s", { axis: -2 }),
    weighted,
  ],
  "a mask that the queries decide": [
    turned,
    node("a = MatMul q kt"),
    node("m = ReduceSum q last"),
    node("s = Add a m"),
    softmax,
    weighted,
  ],
  "scores that are squashed": [turned, node("a = MatMul q kt"), node("s = Tanh a"), softmax, weighted],
  "no softmax": [turned, node("a = MatMul q kt"), node("p = Sigmoid a"), weighted],
};

describe("what is not attention", () => {
  test.each(Object.keys(others))("%s", async (name) => {
    using model = await load(file(others[name]));
    expect(model.inspect().nodes.map(({ type }) => type)).not.toContain("DotProductAttention");
    expect(model.inspect().explainable).toBe("yes");
  });
});
