import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { expectClose, magnitude } from "../close.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { broadcastAt, count, place, positions } from "../reference/linear.ts";

type Numbers = ArrayLike<number>;

/** [equation, dims of each input, dims of the output, the labels of each, dots spelled out]. */
const cases: readonly (readonly [string, readonly (readonly number[])[], readonly number[], string])[] = [
  [
    "bi,ij->bj",
    [
      [2, 3],
      [3, 5],
    ],
    [2, 5],
    "bi,ij->bj",
  ],
  [
    "ij,bi->bj",
    [
      [3, 5],
      [2, 3],
    ],
    [2, 5],
    "ij,bi->bj",
  ],
  [
    "bij,bjk->bik",
    [
      [2, 3, 5],
      [2, 5, 7],
    ],
    [2, 3, 7],
    "bij,bjk->bik",
  ],
  [
    "bhqd , bhkd -> bhqk",
    [
      [2, 3, 5, 2],
      [2, 3, 7, 2],
    ],
    [2, 3, 5, 7],
    "bhqd,bhkd->bhqk",
  ],
  [
    "bqhd,bkhd->bhqk",
    [
      [2, 5, 3, 2],
      [2, 7, 3, 2],
    ],
    [2, 3, 5, 7],
    "bqhd,bkhd->bhqk",
  ],
  [
    "...ij,...jk->...ik",
    [
      [2, 3, 5],
      [2, 5, 7],
    ],
    [2, 3, 7],
    "zij,zjk->zik",
  ],
  [
    "...ij,jk",
    [
      [2, 3, 3, 5],
      [5, 7],
    ],
    [2, 3, 3, 7],
    "yzij,jk->yzik",
  ],
  [
    "i...,i...->...",
    [
      [3, 2, 5],
      [3, 1, 5],
    ],
    [2, 5],
    "iyz,iyz->yz",
  ],
  [
    "ba,ab",
    [
      [2, 3],
      [3, 2],
    ],
    [],
    "ba,ab->",
  ],
  ["bca", [[2, 3, 5]], [5, 2, 3], "bca->abc"],
  ["ij->i", [[3, 5]], [3], "ij->i"],
  ["ij->", [[3, 5]], [], "ij->"],
  ["...ii->...i", [[2, 3, 3]], [2, 3], "zii->zi"],
  ["iji->ij", [[3, 5, 3]], [3, 5], "iji->ij"],
  ["ii", [[5, 5]], [], "ii->"],
  ["iii->i", [[3, 3, 3]], [3], "iii->i"],
  ["i,j->ij", [[3], [5]], [3, 5], "i,j->ij"],
  ["i,i->i", [[7], [7]], [7], "i,i->i"],
  ["i,i", [[7], [7]], [], "i,i->"],
  ["b,bij->ij", [[2], [2, 3, 5]], [3, 5], "b,bij->ij"],
  [
    "bi,ijk,bk->bj",
    [
      [2, 3],
      [3, 5, 7],
      [2, 7],
    ],
    [2, 5],
    "bi,ijk,bk->bj",
  ],
  [
    "ab,bc,cd->ad",
    [
      [2, 3],
      [3, 5],
      [5, 7],
    ],
    [2, 7],
    "ab,bc,cd->ad",
  ],
  ["ib,Bj,k->jBi", [[2, 3], [5, 7], [2]], [7, 5, 2], "ib,Bj,k->jBi"],
  [
    "ij,ij->ij",
    [
      [1, 5],
      [3, 5],
    ],
    [3, 5],
    "ij,ij->ij",
  ],
];

/** Σ over all positions of all labels of the product of the factors there. */
function defined(plain: string, shapes: readonly (readonly number[])[], factors: readonly Numbers[]): Float64Array {
  const [left, output] = plain.split("->");
  const terms = left.split(",");
  const labels = [...new Set(left.replaceAll(",", ""))];
  const sizes = labels.map((label) =>
    Math.max(...terms.flatMap((term, i) => [...term].map((l, axis) => (l === label ? shapes[i][axis] : 1)))),
  );
  const dimsOf = (term: string) => [...term].map((label) => sizes[labels.indexOf(label)]);
  const y = new Float64Array(count(dimsOf(output)));
  for (const p of positions(sizes)) {
    const at = (term: string) => [...term].map((label) => p[labels.indexOf(label)]);
    y[place(dimsOf(output), at(output))] += terms.reduce(
      (product, term, i) => product * factors[i][broadcastAt(shapes[i], dimsOf(term), at(term))],
      1,
    );
  }
  return y;
}

describe("Einsum", () => {
  const spelled = (
    [equation, shapes]: (typeof cases)[number],
    computed: readonly number[],
    values: readonly Numbers[],
  ) => {
    const names = shapes.map((_, i) => `x${i}`);
    return onnx({
      nodes: [{ type: "Einsum", attributes: { equation }, inputs: names, outputs: ["y"] }],
      inputs: Object.fromEntries(computed.map((i) => [names[i], shapes[i]])),
      initializers: Object.fromEntries(
        names.flatMap((name, i) =>
          computed.includes(i) ? [] : [[name, { dims: shapes[i], data: Float32Array.from(values[i]) }]],
        ),
      ),
      outputs: { y: [] },
    });
  };

  test.each(cases)("%s of %j", async (...row) => {
    const [, shapes, dims, plain] = row;
    const values = shapes.map((d, i) => tensor(d, 3 + i).data);
    const expected = defined(plain, shapes, values);
    const scale = Math.max(
      1,
      ...defined(
        plain,
        shapes,
        values.map((v) => v.map(Math.abs)),
      ),
    );
    const r = numbers(expected.length, 9);
    // All computed, and each of them beside constants.
    for (const computed of [[...shapes.keys()], ...shapes.map((_, i) => [i])]) {
      using model = await loadInMode(spelled(row, computed, values), { batch: false });
      const given = Object.fromEntries(computed.map((i) => [`x${i}`, { dims: shapes[i], data: values[i] }]));
      const options = {
        target: r,
        start: "one",
        composite: [{ rule: ruleOf.gradient() }],
        unknown: "gradient",
      } as const;
      const e = model.explain(given, options);
      expect(e.output.dims).toEqual(dims);
      expectClose(e.output.data, expected, 2e-6, scale);
      // The sum is linear in each factor.
      for (const i of computed) {
        const direction = numbers(values[i].length, 20 + i);
        const moved = defined(
          plain,
          shapes,
          values.map((v, k) => (k === i ? direction : v)),
        );
        const slope = moved.reduce((total, v, k) => total + v * r[k], 0);
        const { data } = e.inputs[`x${i}`];
        const products = data.map((v, k) => v * direction[k]);
        expectClose([products.reduce((a, b) => a + b, 0)], [slope], 1e-5, magnitude(products) + Math.abs(slope));
      }
    }
  });

  test("with a constant factor is a dense layer", async () => {
    const weight = tensor([3, 5], 1);
    using model = await loadInMode(spelled(cases[0], [0], [[], weight.data]));
    const { rules } = model.explain({ dims: [2, 3], data: numbers(6, 2) }, { composite: "epsilon" });
    expect(rules.map(({ type, rule }) => [type, rule])).toContainEqual(["MatMul", "epsilon(0.000001)"]);
  });

  test.each([
    ["ij,jk->ik", [[2, 3]], "an equation with 1 terms, got 'ij,jk->ik'"],
    ["ij->j->i", [[2, 3]], "an equation with 1 terms"],
    ["i1->i", [[2, 3]], "terms of letters, with at most one ellipsis, got 'i1'"],
    ["...i...->i", [[2, 3]], "terms of letters, with at most one ellipsis"],
    ["ijk->i", [[2, 3]], "as many axes as 'ijk' has, got 2"],
    ["...ijk->i", [[2, 3]], "as many axes as '...ijk' has, got 2"],
    [
      "ij,jk->ik",
      [
        [2, 3],
        [5, 7],
      ],
      "an axis 'j' of 3, got [5, 7]",
    ],
    ["ij->ik", [[2, 3]], "an output of the terms' labels, each once"],
    ["ij->ii", [[2, 3]], "an output of the terms' labels, each once"],
    ["...i->i", [[2, 3]], "an output of the terms' labels, each once"],
    ["ii->i", [[1, 3]], "axes 'i' of one size, got [1, 3]"],
  ] as const)("%s of %j is refused", async (equation, shapes, says) => {
    const file = spelled([equation, shapes, [], ""], [...shapes.keys()], []);
    await expect(loadInMode(file)).rejects.toThrow(`node 'y' (Einsum): expected ${says}`);
  });
});
