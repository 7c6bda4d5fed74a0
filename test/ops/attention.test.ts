import { describe, expect, test } from "vitest";
import type { Tensor } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { type FileTensor, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";
import { place, positions } from "../reference/linear.ts";
import { checkRow, int } from "./rows.ts";

type Numbers = ArrayLike<number>;

interface Case {
  readonly name: string;
  /** Heads of Q, and of K and V. */
  readonly heads: readonly [number, number];
  readonly flat?: boolean;
  readonly past?: number;
  readonly attributes?: Readonly<Record<string, number | { float: number }>>;
  readonly mask?: "float" | "bool" | "short";
  readonly lengths?: readonly number[];
}

const cases: readonly Case[] = [
  { name: "four axes", heads: [3, 3] },
  { name: "three axes, shared heads", heads: [4, 2], flat: true },
  { name: "causal, with a past", heads: [2, 2], past: 2, attributes: { is_causal: 1 } },
  {
    name: "a float mask, softcap, products shown",
    heads: [2, 1],
    mask: "float",
    attributes: { softcap: { float: 0.5 } },
  },
  { name: "a bool mask, softmax shown", heads: [2, 2], mask: "bool", attributes: { qk_matmul_output_mode: 3 } },
  {
    name: "bounded scores shown",
    heads: [2, 2],
    flat: true,
    attributes: { qk_matmul_output_mode: 1, softcap: { float: 2 } },
  },
  {
    name: "masked scores shown",
    heads: [1, 1],
    past: 1,
    mask: "float",
    attributes: { qk_matmul_output_mode: 2, scale: { float: 0.3 } },
  },
  { name: "masked scores of −∞ shown", heads: [2, 2], attributes: { qk_matmul_output_mode: 2, is_causal: 1 } },
  { name: "a short mask and lengths", heads: [2, 2], mask: "short", lengths: [4, 2] },
];

test.each(cases)("Attention: $name", async ({ heads: [hq, hk], flat, past = 0, attributes = {}, mask, lengths }) => {
  const [n, rows, own, d, dv] = [2, 4, 5, 3, 2];
  const total = past + own;
  const shape = (heads: number, length: number, width: number) =>
    flat ? [n, length, heads * width] : [n, heads, length, width];
  const [q, k, v] = [tensor(shape(hq, rows, d), 1), tensor(shape(hk, own, d), 2), tensor(shape(hk, own, dv), 3)];
  const [pk, pv] = [tensor([n, hk, past, d], 4), tensor([n, hk, past, dv], 5)];
  const floats = tensor([rows, total], 6);
  const columns = mask === "short" ? total - 2 : total;
  const allowed = Array.from({ length: rows * columns }, (_, i) => (i * 7) % 3 !== 0 || i % columns === 0);
  const at = (x: Tensor, heads: number, width: number, b: number, h: number, i: number, c: number) =>
    flat ? x.data[place(x.dims, [b, i, h * width + c])] : x.data[place([n, heads, x.dims[2], width], [b, h, i, c])];
  const key = (b: number, h: number, j: number, c: number) =>
    j < past ? pk.data[place(pk.dims, [b, h, j, c])] : at(k, hk, d, b, h, j - past, c);
  const value = (b: number, h: number, j: number, c: number) =>
    j < past ? pv.data[place(pv.dims, [b, h, j, c])] : at(v, hk, dv, b, h, j - past, c);
  const number = (name: string, otherwise: number) => {
    const given = attributes[name];
    return given === undefined ? otherwise : typeof given === "number" ? given : given.float;
  };
  const [scale, softcap, mode] = [
    number("scale", 1 / Math.sqrt(d)),
    number("softcap", 0),
    number("qk_matmul_output_mode", 0),
  ];
  const shown = new Float64Array(n * hq * rows * total);
  const y = new Float64Array(n * hq * rows * dv);
  for (const [b, h, i] of positions([n, hq, rows])) {
    const shared = Math.floor(h / (hq / hk));
    const stages = Array.from({ length: total }, (_, j) => {
      let product = 0;
      for (let c = 0; c < d; c++) product += at(q, hq, d, b, h, i, c) * key(b, shared, j, c) * scale;
      const bounded = softcap ? softcap * Math.tanh(product / softcap) : product;
      let masked = bounded + (mask === "float" ? floats.data[i * total + j] : 0);
      if ((mask === "bool" || mask === "short") && !(j < columns && allowed[i * columns + j])) masked = -Infinity;
      if (number("is_causal", 0) && j > i + past) masked = -Infinity;
      if (lengths && j >= lengths[b]) masked = -Infinity;
      return [product, bounded, masked];
    });
    const exps = stages.map(([, , s]) => Math.exp(s));
    const sum = exps.reduce((p, e) => p + e, 0);
    stages.forEach((stage, j) => {
      shown[place([n, hq, rows, total], [b, h, i, j])] = mode === 3 ? exps[j] / sum : stage[mode];
      for (let c = 0; c < dv; c++) {
        const to = flat ? place([n, rows, hq * dv], [b, i, h * dv + c]) : place([n, hq, rows, dv], [b, h, i, c]);
        y[to] += (exps[j] / sum) * value(b, shared, j, c);
      }
    });
  }
  const constants: Record<string, FileTensor> = {
    ...(mask && { m: mask === "float" ? floats : { dims: [rows, columns], data: allowed } }),
    ...(past > 0 && { pk, pv }),
    ...(lengths && { l: { dims: [n], data: lengths } }),
  };
  const optional = ["m", "pk", "pv", "l"].map((name) => (name in constants ? name : ""));
  const file = onnx(
    {
      nodes: [
        {
          ...{ type: "Attention", inputs: ["q", "k", "v", ...optional.slice(0, 1 + optional.findLastIndex(Boolean))] },
          outputs: ["y", "keys", "values", "scores"],
          attributes: { ...attributes, ...(flat && { q_num_heads: hq, kv_num_heads: hk }) },
        },
      ],
      initializers: constants,
      inputs: { q: q.dims, k: k.dims, v: v.dims },
      outputs: { y: [], keys: [], values: [], scores: [] },
    },
    24,
  );
  using model = await loadInMode(file, { batch: false });
  const { outputs } = model.predict({ q, k, v });
  expect(outputs.y.dims).toEqual(shape(hq, rows, dv));
  expectClose(outputs.y.data as Float32Array, y, 5e-6);
  const finite = (list: Numbers) => Array.from(list, (s) => (s === -Infinity ? -1e3 : s));
  expectClose(finite(outputs.scores.data as Float32Array), finite(shown), 5e-6);
  expect(outputs.keys.dims).toEqual([n, hk, total, d]);
  expectClose(
    outputs.keys.data as Float32Array,
    positions([n, hk, total, d]).map(([b, h, j, c]) => key(b, h, j, c)),
    1e-7,
  );
  expectClose(
    outputs.values.data as Float32Array,
    positions([n, hk, total, dv]).map(([b, h, j, c]) => value(b, h, j, c)),
    1e-7,
  );
});

test("Attention refuses what does not fit", async () => {
  const load = (attributes: Readonly<Record<string, number>>, k: readonly number[], mask?: FileTensor) =>
    loadInMode(
      onnx(
        {
          nodes: [{ type: "Attention", inputs: ["q", "k", "k", ...(mask ? ["m"] : [])], outputs: ["y"], attributes }],
          initializers: mask ? { m: mask } : {},
          inputs: { q: [1, 4, 6], k },
          outputs: { y: [] },
        },
        23,
      ),
      { batch: false },
    );
  await expect(load({}, [1, 4, 6])).rejects.toThrow("a number of heads that divides 6, got 0");
  await expect(load({ q_num_heads: 3, kv_num_heads: 2 }, [1, 4, 4])).rejects.toThrow(
    "a number of heads that divides 3, got 2",
  );
  await expect(load({ q_num_heads: 2, kv_num_heads: 2 }, [2, 4, 6])).rejects.toThrow("of the same batch");
  await expect(
    load({ q_num_heads: 2, kv_num_heads: 2 }, [1, 4, 6], { dims: [4, 4], data: Array.from({ length: 16 }, () => 1) }),
  ).rejects.toThrow("an attn_mask of floats or bool, got int64");
  await expect(load({ qk_matmul_output_mode: 4 }, [1, 4, 6])).rejects.toThrow("a qk_matmul_output_mode from 0 to 3");
});

describe("RotaryEmbedding", () => {
  test.each([
    { interleaved: 0, turned: 0, flat: false, ids: true },
    { interleaved: 1, turned: 4, flat: false, ids: true },
    { interleaved: 0, turned: 4, flat: true, ids: false },
    { interleaved: 1, turned: 0, flat: true, ids: false },
  ])("interleaved $interleaved, $turned turned, flat $flat, ids $ids", async ({ interleaved, turned, flat, ids }) => {
    const [n, heads, length, width] = [2, 3, 4, 6];
    const pairs = (turned || width) / 2;
    const x = flat ? [n, length, heads * width] : [n, heads, length, width];
    const positionIds = { dims: [n, length], data: [0, 3, 1, 4, 2, 2, 0, 1] };
    const table = ids ? [5, pairs] : [n, length, pairs];
    const [cos, sin] = [tensor(table, 5), tensor(table, 6)];
    const where = (b: number, h: number, i: number, c: number) =>
      flat ? place(x, [b, i, h * width + c]) : place(x, [b, h, i, c]);
    const forward = (v: Numbers) => {
      const y = Float64Array.from(v);
      for (const [b, h, i, p] of positions([n, heads, length, pairs])) {
        const row = ids ? positionIds.data[b * length + i] : b * length + i;
        const [c, s] = [cos, sin].map(({ data }) => data[row * pairs + p]);
        const [first, second] = interleaved ? [2 * p, 2 * p + 1] : [p, pairs + p];
        const [u, w] = [v[where(b, h, i, first)], v[where(b, h, i, second)]];
        y[where(b, h, i, first)] = u * c - w * s;
        y[where(b, h, i, second)] = u * s + w * c;
      }
      return y;
    };
    await checkRow({
      ...{ type: "RotaryEmbedding", x, dims: x, forward, opset: 23, scale: 2 },
      attributes: { interleaved, rotary_embedding_dim: turned, ...(flat && { num_heads: heads }) },
      parameters: [cos, sin, ...(ids ? [positionIds] : [])],
    });
  });
});

const kinds = [0, 1].flatMap((exclusive) => [0, 1].map((reverse) => ({ exclusive, reverse })));
test.each(kinds)("CumProd, exclusive $exclusive, reverse $reverse", async (attributes) => {
  const x = [2, 5, 3];
  const forward = (v: Numbers) =>
    Float64Array.from(positions(x), ([a, k, b]) => {
      let product = 1;
      for (let j = 0; j < 5; j++) {
        const isBefore = attributes.reverse ? j > k : j < k;
        if (isBefore || (j === k && !attributes.exclusive)) product *= v[place(x, [a, j, b])];
      }
      return product;
    });
  await checkRow({ type: "CumProd", x, dims: x, attributes, parameters: [int(1)], opset: 26, forward });
});

test("Det", async () => {
  const determinant = (m: readonly (readonly number[])[]): number =>
    m.length === 0
      ? 1
      : m[0].reduce(
          (sum, v, j) => sum + (j % 2 ? -v : v) * determinant(m.slice(1).map((row) => row.filter((_, k) => k !== j))),
          0,
        );
  for (const n of [1, 2, 3, 5]) {
    const x = [2, 3, n, n];
    const forward = (v: Numbers) =>
      Array.from({ length: 6 }, (_, i) =>
        determinant(Array.from({ length: n }, (_, r) => Array.from({ length: n }, (_, c) => v[(i * n + r) * n + c]))),
      );
    await checkRow({ type: "Det", x, dims: [2, 3], forward, differentiable: false });
  }
});
