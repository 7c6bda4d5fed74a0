import { describe, expect, test } from "vitest";
import { conv2d, load, type LrpError, network, op, type Target, type Tensor } from "../../src/entries/index.ts";
import { tensor as drawn } from "../random.ts";

const tensor = (dims: readonly number[], seed = 1): Tensor => drawn(dims, seed);

/** One weight for each channel, so that an output is a sum of two inputs. */
const pixels = network({
  inputs: { x: ["n", 2, 3, 5] },
  build: (g, { x }) => ({ y: g.node(conv2d({ weight: tensor([4, 2, 1, 1]) }), x) }),
});
const sequence = network({
  inputs: { x: ["n", 7, 2] },
  build: (g, { x }) => ({ y: g.node(op("MatMul"), x, tensor([2, 3])) }),
});
const picture = tensor([1, 2, 3, 5], 2);

const refusal = (task: () => unknown): string => {
  try {
    task();
  } catch (error) {
    expect((error as LrpError).code).toBe("usage");
    return (error as Error).message;
  }
  throw new Error("nothing was refused");
};

describe("a class in an output of several axes", () => {
  /** Σ weight · logit as the definition has it, and the weights by index. */
  const expected = (logits: Tensor, weights: (c: number, y: number, x: number) => number) => {
    const all = Float64Array.from(logits.data, (v, i) => v * weights(Math.floor(i / 15), Math.floor(i / 5) % 3, i % 5));
    return { all, sum: all.reduce((a, b) => a + b, 0) };
  };

  test.each<[string, Target, (c: number, y: number, x: number) => number]>([
    ["at a place", { class: 2, position: [1, 3] }, (c, y, x) => Number(c === 2 && y === 1 && x === 3)],
    ["by its index", { index: [2, 1, 3] }, (c, y, x) => Number(c === 2 && y === 1 && x === 3)],
    ["everywhere", { class: 1, area: "all" }, (c) => Number(c === 1)],
    ["in a box", { class: 1, area: { box: [0, 1, 2, 4] } }, (c, y, x) => Number(c === 1 && y < 2 && x >= 1 && x < 4)],
    [
      "under a mask",
      { class: 3, area: { dims: [3, 5], data: Array.from({ length: 15 }, (_, i) => i % 4 === 0) } },
      (c, y, x) => Number(c === 3 && (5 * y + x) % 4 === 0),
    ],
    [
      "against another",
      { class: 3, against: 0, position: [2, 4] },
      (c, y, x) => (y === 2 && x === 4 ? Number(c === 3) - Number(c === 0) : 0),
    ],
    ["against others, everywhere", { class: 3, against: "others", area: "all" }, (c) => (c === 3 ? 1 : -1 / 3)],
    ["at a place from the end", { class: 2, position: [-1, -5] }, (c, y, x) => Number(c === 2 && y === 2 && x === 0)],
    [
      "along a direction, at a place",
      { weights: Float32Array.of(0.5, 0, -2, 1), position: [2, 1] },
      (c, y, x) => (y === 2 && x === 1 ? [0.5, 0, -2, 1][c] : 0),
    ],
    [
      "along a direction, everywhere",
      { weights: Float32Array.of(0.5, 0, -2, 1), area: "all" },
      (c) => [0.5, 0, -2, 1][c],
    ],
    [
      "by a vector of weights",
      Float32Array.from({ length: 60 }, (_, i) => i % 7),
      (c, y, x) => (15 * c + 5 * y + x) % 7,
    ],
  ])("%s", async (_name, target, weights) => {
    using model = await load(pixels);
    const { logits } = model.predict(picture);
    const { all, sum } = expected(logits, weights);
    const e = model.explain(picture, { target, composite: "epsilon" });
    const [chosen] = e.targets;
    expect(chosen.reduce((s, { weight, score }) => s + weight * score, 0)).toBeCloseTo(sum, 4);
    expect(e.relevance.data.reduce((s, r) => s + r, 0)).toBeCloseTo(sum, 4);
    // Without a bias, relevance of a pixel is what was explained of it.
    for (let place = 0; place < 15; place++) {
      const arrived = e.relevance.data[place] + e.relevance.data[15 + place];
      expect(arrived).toBeCloseTo(
        [0, 1, 2, 3].reduce((s, c) => s + all[15 * c + place], 0),
        4,
      );
    }
  });

  test("softmax at a place: probabilities of the classes there", async () => {
    using model = await load(pixels);
    const { data } = model.predict(picture).logits;
    const f = [0, 1, 2, 3].map((c) => Math.exp(data[15 * c + 7]));
    const p = f.map((v) => v / f.reduce((a, b) => a + b));
    const [chosen] = model.explain(picture, { target: { class: 1, against: "softmax", position: [1, 2] } }).targets;
    expect(chosen.map(({ index }) => index)).toEqual([1, 0, 2, 3]);
    expect(chosen[0].weight).toBeCloseTo(p[1] * (1 - p[1]), 5);
    expect(chosen[3].weight).toBeCloseTo(-p[1] * p[3], 5);
  });

  test("argmax says what it chose", async () => {
    using model = await load(pixels, { classes: ["a", "b", "c", "d"] });
    const x = tensor([2, 2, 3, 5], 3);
    const { data } = model.predict(x).logits;
    const of = (sample: number) => {
      const own = Array.from(data.subarray(60 * sample, 60 * sample + 60));
      const best = own.indexOf(Math.max(...own));
      return {
        index: Math.floor(best / 15),
        position: [Math.floor(best / 5) % 3, best % 5],
        score: own[best],
        weight: 1,
      };
    };
    const e = model.explain(x);
    expect(e.targets).toMatchObject([[of(0)], [of(1)]]);
    const { index, position } = of(1);
    expect(e.notes.join()).toContain(`'${"abcd"[index]}' at [${position.join(", ")}]`);
    const [[first], [second]] = model.explain(x, { target: { area: "all" } }).targets;
    const sums = [0, 1, 2, 3].map((c) => data.subarray(15 * c, 15 * c + 15).reduce((a, b) => a + b, 0));
    expect([first.index, first.area]).toEqual([sums.indexOf(Math.max(...sums)), 15]);
    expect(second.area).toBe(15);
  });

  test.each<[string, Target, RegExp]>([
    [
      "a class alone",
      2,
      /a class alone does not say which place of the output f32\[1, 4, 3, 5\] is meant. Say where: { class, position: \[y, x\] }/,
    ],
    ["classes alone", [2], /a class alone/],
    ["weights by class", { 2: 1 }, /a class alone/],
    ["a contrast alone", { class: 2, against: 1 }, /a class alone/],
    [
      "a place outside",
      { class: 2, position: [3, 0] },
      /a position within \[3,5\] of the output f32\[1, 4, 3, 5\], got \[3, 0\]/,
    ],
    ["a place of one number", { class: 2, position: [3] }, /a position within/],
    ["half a pixel", { class: 2, position: [0.5, 0] }, /a position within/],
    ["an index outside", { index: [4, 0, 0] }, /an index within \[4,3,5\]/],
    ["an index of two", { index: [1, 1] }, /an index within/],
    ["an index and a class", { index: [1, 1, 1], class: 2 } as never, /index without other fields/],
    ["a class outside", { class: 4, position: [0, 0] }, /a class from 0 to 3, got 4/],
    ["a box outside", { class: 0, area: { box: [0, 0, 4, 5] } }, /a box that is not empty, within \[0,0,3,5\]/],
    ["an empty box", { class: 0, area: { box: [1, 1, 1, 2] } }, /a box that is not empty/],
    ["an empty mask", { class: 0, area: { dims: [3, 5], data: new Uint8Array(15) } }, /the mask has no place inside/],
    [
      "a mask of other dims",
      { class: 0, area: { dims: [5, 3], data: new Uint8Array(15).fill(1) } },
      /a mask of dims \[3,5\]/,
    ],
    [
      "a mask of twos",
      { class: 0, area: { dims: [3, 5], data: new Uint8Array(15).fill(2) } },
      /0 and 1, or of booleans, got 2/,
    ],
    ["a place before the first", { class: 2, position: [-4, 0] }, /a position within \[3,5\].*got \[-4, 0\]/],
    ["an index from the end", { index: [-1, 0, 0] }, /an index within/],
    ["weights alone", { weights: new Float32Array(4).fill(1) }, /a class alone/],
    ["weights of three", { weights: new Float32Array(3), area: "all" }, /weights as a Float32Array of 4, got 3/],
    ["a list of weights", { weights: [1, 0, 0, 1], area: "all" } as never, /a Float32Array of 4, got \[1, 0, 0, 1\]/],
    ["weights of 0", { weights: new Float32Array(4), area: "all" }, /finite weights, not all of them 0/],
    [
      "weights and a class",
      { weights: new Float32Array(4).fill(1), class: 1, area: "all" } as never,
      /weights without a class, got \['weights', 'class'\]/,
    ],
    ["another area", { class: 0, area: "some" as never }, /an area: "all", a mask/],
    ["both", { class: 0, area: "all", position: [0, 0] }, /a position or an area, got both/],
    ["softmax over an area", { class: 0, against: "softmax", area: "all" }, /a single position/],
    ["other fields", { class: 0, place: [0, 0] } as never, /there is no field 'place'/],
    ["a vector of one number a class", new Float32Array(4).fill(1), /60 weights/],
  ])("refused: %s", async (_name, target, says) => {
    using model = await load(pixels);
    expect(refusal(() => model.explain(picture, { target }))).toMatch(says);
  });

  test("of a sequence the last axis has the classes, unless classAxis says otherwise", async () => {
    using model = await load(sequence);
    const x = tensor([1, 7, 2], 4);
    const { data } = model.predict(x).logits;
    const scoreOf = (target: Target, classAxis?: number) => model.explain(x, { target, classAxis }).targets[0][0].score;
    expect(scoreOf({ class: 2, position: [5] })).toBe(data[17]);
    expect(scoreOf({ index: [5, 2] })).toBe(data[17]);
    expect(scoreOf({ class: 5, position: [2] }, 1)).toBe(data[17]);
    expect(scoreOf({ class: 5, position: [2] }, -2)).toBe(data[17]);
    expect(scoreOf({ class: 1, area: { box: [2, 4] } })).toBeCloseTo(data[7] + data[10], 5);
    expect(refusal(() => scoreOf(2))).toMatch(/position: \[t\].*index: \[t, c\]/);
    expect(refusal(() => scoreOf(2, 0))).toMatch(/option 'classAxis': expected one of the axes 1, 2 of the output/);
  });

  test("the last place of a sequence: one class, one against another, and what another embedding has in common", async () => {
    using model = await load(sequence);
    const x = tensor([2, 7, 2], 4);
    const { data } = model.predict(x).logits;
    const last = [0, 1].map((n) => [...data.subarray(21 * n + 18, 21 * n + 21)]);
    const weights = Float32Array.of(0.25, -1, 3);
    const targets: Target[] = [
      { position: [-1] },
      { class: [2, 0], against: 1, position: [-1] },
      { weights, position: [-1] },
    ];
    const found = model.explainEach(x, targets, { composite: "epsilon" });
    const sums = [
      last.map((f) => Math.max(...f)),
      last.map((f, n) => f[[2, 0][n]] - f[1]),
      last.map((f) => f.reduce((sum, v, c) => sum + weights[c] * v, 0)),
    ];
    for (const [i, { relevance, targets: chosen }] of found.entries())
      for (const n of [0, 1]) {
        const own = relevance.data.subarray(14 * n, 14 * n + 14);
        expect(own.reduce((a, b) => a + b)).toBeCloseTo(sums[i][n], 4);
        expect(own.subarray(0, 12).every((v) => v === 0)).toBe(true);
        expect(chosen[n].reduce((sum, { weight, score }) => sum + weight * score, 0)).toBeCloseTo(sums[i][n], 5);
        expect(chosen[n][0].position).toEqual([6]);
      }
    // Relevance may start from the direction itself.
    const [one] = model.explainEach(x, [{ weights, position: [-1] }], { start: "one", at: ["y"] });
    expect([...one.at.y.data.subarray(18, 21)]).toEqual([...weights]);
  });

  test("of a network whose channels are last, the classes are last", async () => {
    const last = network({
      inputs: { x: ["n", 3, 5, 2] },
      build(g, { x }) {
        const first = g.node(op("Transpose", { perm: [0, 3, 1, 2] }), x);
        const scores = g.node(conv2d({ weight: tensor([4, 2, 1, 1]) }), first);
        return { y: g.node(op("Transpose", { perm: [0, 2, 3, 1] }), scores) };
      },
    });
    using model = await load(last);
    const x = tensor([1, 3, 5, 2], 2);
    const { output, logits } = model.predict(x);
    expect(output).toMatchObject({ dims: [1, 3, 5, 4], channelAxis: "last" });
    const [[chosen]] = model.explain(x, { target: { class: 3, position: [2, 4] } }).targets;
    expect(chosen).toMatchObject({ index: 3, position: [2, 4], score: logits.data[59] });
  });

  test("one place is no place: [n, c, 1, 1] is a plain classifier", async () => {
    const pooled = network({
      inputs: { x: ["n", 4, 3, 5] },
      build: (g, { x }) => ({ y: g.node(op("GlobalAveragePool"), x) }),
    });
    using model = await load(pooled);
    const [[chosen]] = model.explain(tensor([1, 4, 3, 5]), { target: 3 }).targets;
    expect(chosen).toEqual({ index: 3, name: undefined, weight: 1, score: expect.any(Number) });
  });
});

describe("what is a target", () => {
  const classifier = network({
    inputs: { x: ["n", 4] },
    build: (g, { x }) => ({ y: g.node(op("MatMul"), x, tensor([4, 9])) }),
  });

  test.each([
    ["Int8Array", Int8Array.of(7, 2)],
    ["Uint8Array", Uint8Array.of(7, 2)],
    ["Int32Array", Int32Array.of(7, 2)],
    ["BigInt64Array", BigInt64Array.of(7n, 2n)],
    ["BigUint64Array", BigUint64Array.of(7n, 2n)],
  ])("labels in a %s are classes, one a sample", async (_name, target) => {
    using model = await load(classifier);
    const { targets } = model.explain(tensor([2, 4]), { target });
    expect(targets).toMatchObject([[{ index: 7, weight: 1 }], [{ index: 2, weight: 1 }]]);
    expect(refusal(() => model.explain(tensor([1, 4]), { target }))).toMatch(
      /a class for each of 1 samples, got a list of 2/,
    );
  });

  test.each<[string, unknown, RegExp]>([
    ["weights that are 0", { 3: 0 }, /finite weights, not all of them 0, got \[0\]/],
    ["no weights", {}, /expected a class, a list of them/],
    ["a vector of 0", new Float32Array(9), /not all of them 0/],
    ["doubles", Float64Array.of(1, 2), /expected a class, got .* Weights are a Float32Array, classes are integers/],
    ["a Map", new Map([[3, 1]]), /expected a class, a list of them/],
    ["a date", new Date(0), /expected a class, a list of them/],
    ["weights of text", { 3: "1" }, /finite weights/],
    ["a fraction", 1.5, /a class from 0 to 8, got 1.5/],
    ["a class that is none", 9, /a class from 0 to 8, got 9/],
    ["a list of lists", [[3]], /expected a class, got \[3\]/],
    ["true", true, /a class, a list of them, weights or "argmax", got true/],
    ["a bigint", 3n, /a class, a list of them, weights or "argmax", got 3/],
  ])("refused: %s", async (_name, target, says) => {
    using model = await load(classifier);
    expect(refusal(() => model.explain(tensor([1, 4]), { target: target as Target }))).toMatch(says);
  });
});
