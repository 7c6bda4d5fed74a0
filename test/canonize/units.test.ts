import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  baseEntries,
  type Composite,
  composites,
  type ExplainOptions,
  type LrpError,
  type Rule,
  ruleOf,
} from "../../src/entries/index.ts";
import { expectClose, total } from "../close.ts";
import { explainFrom, explainLayer } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { loadInMode } from "../modes.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { drawing } from "../properties/drawing.ts";
import { numbers, tensor } from "../random.ts";
import { conv, count, dense, type Dims, type LinearMap } from "../reference/linear.ts";
import { epsilon, explain, type NeuronRule, zBox } from "../reference/rules.ts";
import { node, weighted } from "../rules/cases.ts";
import { withParameters } from "../rules/rows.ts";

/*
 * A scale and shift of the network's input, or behind an activation, in whatever spelling: relevance passes it.
 */

const C = 3;
const scalar = (v: number): FileTensor => ({ dims: [], data: Float32Array.of(v) });

/** One node of a chain, and what it does to a number of channel c. */
interface Step {
  readonly type: string;
  /** Constants before and after the value. */
  readonly before?: readonly FileTensor[];
  readonly after?: readonly FileTensor[];
  readonly attributes?: FileNode["attributes"];
  readonly scale: (c: number) => number;
  readonly shift: (c: number) => number;
}

/** How many ways a drawn step can be spelled. */
const SPELLINGS = 12;

/** A step by its spelling and numbers; for values of these dims whose channels lie along `axis`. */
function stepOf(spelling: number, seed: number, perChannel: boolean, dims: Dims, axis: number): Step {
  const values = numbers(perChannel ? C : 1, seed, 0.4, 1.6).map((s, i) => ((seed + i) % 3 === 0 ? -s : s));
  const at = (c: number) => values[perChannel ? c : 0];
  const shape = dims.slice(axis).map((_, i) => (i === 0 && perChannel ? C : 1));
  const small: FileTensor = { dims: perChannel || seed % 2 ? shape : [], data: values };
  // As an exporter leaves it that has worked out an Expand.
  const inner = count(dims.slice(axis + 1));
  const whole: FileTensor = {
    dims,
    data: Float32Array.from({ length: count(dims) }, (_, i) => at(Math.floor(i / inner) % C)),
  };
  const k = seed % 5 === 0 ? whole : small;
  const [one, zero] = [() => 1, () => 0];
  const steps: readonly Step[] = [
    { type: "Mul", after: [k], scale: at, shift: zero },
    { type: "Mul", before: [k], scale: at, shift: zero },
    { type: "Div", after: [k], scale: (c) => 1 / at(c), shift: zero },
    { type: "Add", after: [k], scale: one, shift: at },
    { type: "Add", before: [k], scale: one, shift: at },
    { type: "Sub", after: [k], scale: one, shift: (c) => -at(c) },
    { type: "Sub", before: [k], scale: () => -1, shift: at },
    { type: "Sum", after: [k], scale: one, shift: at },
    { type: "Mean", before: [k], scale: () => 0.5, shift: (c) => at(c) / 2 },
    { type: "Neg", scale: () => -1, shift: zero },
    { type: "Cast", attributes: { to: 1 }, scale: one, shift: zero },
    { type: "Identity", scale: one, shift: zero },
  ];
  return steps[spelling];
}

/** A network in front of whose first layer stand these steps, and what they do to each channel. */
function spelled(steps: readonly Step[], x: Dims, rest: (from: string) => readonly FileNode[], initializers = {}) {
  const all: Record<string, FileTensor> = { ...initializers };
  const nodes = steps.map(({ type, before = [], after = [], attributes }, k) => {
    const named = (list: readonly FileTensor[], side: string) =>
      list.map((value, i) => {
        all[`${side}${k}_${i}`] = value;
        return `${side}${k}_${i}`;
      });
    const inputs = [...named(before, "b"), k === 0 ? "x" : `s${k - 1}`, ...named(after, "a")];
    return node(type, inputs, `s${k}`, attributes);
  });
  const last = steps.length === 0 ? "x" : `s${steps.length - 1}`;
  const through = (v: number, c: number) => steps.reduce((u, { scale, shift }) => scale(c) * u + shift(c), v);
  const graph = { nodes: [...nodes, ...rest(last)], initializers: all, inputs: { x }, outputs: { y: [] } };
  return { file: onnx(graph), through };
}

const w = tensor([4, C, 3, 2], 3);
const b = tensor([4], 5);
const v = tensor([C, 5], 6);
/** A dense layer for so many rows. */
const product = (rows: number) =>
  dense(rows, {
    dims: [5, C],
    data: Float32Array.from({ length: 15 }, (_, i) => v.data[(i % C) * 5 + Math.floor(i / C)]),
  });

/** A first layer, where it takes its channels from, and as a map of what it reads. */
const layers: readonly {
  name: string;
  x: Dims;
  axis: number;
  rest: (from: string) => readonly FileNode[];
  map: (x: Dims) => LinearMap;
}[] = [
  ...[0, 1].map((pad) => ({
    name: `a convolution, padded by ${pad}`,
    x: [2, C, 5, 4],
    axis: 1,
    rest: (from: string) => [node("Conv", [from, "w", "b"], "y", { pads: [pad, 0, pad, pad] })],
    map: (x: Dims) => conv(x, w, b.data, { pads: [pad, 0, pad, pad] }),
  })),
  {
    name: "a Transpose and a convolution",
    x: [2, 5, 4, C],
    axis: 3,
    rest: (from: string) => [
      node("Transpose", [from], "t", { perm: [0, 3, 1, 2] }),
      node("Conv", ["t", "w", "b"], "y", { pads: [1, 1, 1, 1] }),
    ],
    map: ([n, h, width]: Dims) => {
      const { connections, ...map } = conv([n, C, h, width], w, b.data, { pads: [1, 1, 1, 1] });
      const plane = h * width;
      const last = (i: number) => {
        const [sample, c, p] = [Math.floor(i / (C * plane)), Math.floor(i / plane) % C, i % plane];
        return (sample * plane + p) * C + c;
      };
      return { ...map, connections: connections.map((list) => list.map(({ i, w: v }) => ({ i: last(i), w: v }))) };
    },
  },
  {
    name: "a dense layer",
    x: [3, C],
    axis: 1,
    rest: (from: string) => [node("MatMul", [from, "v"], "y")],
    map: ([n]: Dims) => product(n),
  },
  {
    name: "a dense layer over a sequence",
    x: [2, 7, C],
    axis: 2,
    rest: (from: string) => [node("MatMul", [from, "v"], "y")],
    map: ([n, t]: Dims) => ({ ...product(n * t), dims: [n, t, 5] }),
  },
];

const channelOf = (x: Dims, axis: number) => (i: number) => Math.floor(i / count(x.slice(axis + 1))) % C;
const [LOW, HIGH] = [
  [-1.5, -1.25, -2],
  [1, 1.75, 1.5],
];

describe.each(layers)("in front of $name", ({ x: dims, axis, rest, map: mapOf }) => {
  const x = tensor(dims, 11);
  const channel = channelOf(dims, axis);
  const map = mapOf(dims);
  const initializers = { w, b, v };

  test("any chain of scales and shifts gives what the same outside gives", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(SPELLINGS - 1), fc.nat(999), fc.boolean()), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...withParameters.filter(({ name }) => !/zBox|without bias/.test(name)), undefined),
        async (drawn, row) => {
          const steps = drawn.map(([spelling, seed, perChannel]) => stepOf(spelling, seed, perChannel, dims, axis));
          const { file, through } = spelled(steps, dims, rest, initializers);
          const h = Float64Array.from(x.data, (v, i) => through(v, channel(i)));
          // Bounds are those of the input: by a negative scale the lower becomes the upper one.
          const ends = (i: number) => [LOW, HIGH].map((side) => through(side[channel(i)], channel(i)));
          const box: NeuronRule = zBox(
            (i) => Math.min(...ends(i)),
            (i) => Math.max(...ends(i)),
          );
          const z = map.connections.map((list, j) => list.reduce((sum, c) => sum + c.w * h[c.i], map.bias[j]));
          const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.2 ? v : 0));
          const per = r.length / dims[0];
          fc.pre(Array.from({ length: dims[0] }, (_, n) => n * per).every((n) => r.subarray(n, n + per).some(Boolean)));
          const rule = row ? row.rule(C) : ruleOf.zBox({ low: LOW, high: HIGH });
          const expected = explain(map, h, r, row ? row.literal(channel) : box, row?.options);
          const { output, relevance, ledger } = await explainLayer(file, x, r, weighted(rule as never));
          expectClose(output.data, z, 1e-5);
          expectClose(relevance.data, expected.relevance, 10 * (row?.off ?? tolerance.plain));
          for (const line of ledger.filter(({ node: name }) => name.startsWith("s"))) {
            expect(["pass", "route"]).toContain(line.rule);
            expectClose([line.passed], [line.received], 1e-6, Math.max(line.magnitude, 1e-9));
          }
        },
      ),
      drawing(21),
    ));

  test("the gradient is scaled", async () => {
    const steps = [2, 6, 8].map((spelling, i) => stepOf(spelling, 7 * i + 1, true, dims, axis));
    const { file } = spelled(steps, dims, rest, initializers);
    const r = numbers(map.connections.length, 7);
    const { relevance } = await explainLayer(file, x, r, [{ rule: ruleOf.gradient() }]);
    const expected = new Float64Array(x.data.length);
    map.connections.forEach((list, j) => {
      for (const { i, w: v } of list)
        expected[i] += v * r[j] * steps.reduce((product, { scale }) => product * scale(channel(i)), 1);
    });
    expectClose(relevance.data, expected, tolerance.plain);
  });
});

const image = [2, C, 5, 4];
const perChannel = tensor([C, 1, 1], 31, 0.5, 2);
const padded = { pads: [1, 1, 1, 1] };
const convNode = (from: string, attributes = padded as FileNode["attributes"]) =>
  node("Conv", [from, "w", "b"], "y", attributes);
const fileOf = (nodes: readonly FileNode[], more: Record<string, FileTensor> = {}, x: Dims = image) =>
  onnx({ nodes, initializers: { w, b, c: perChannel, ...more }, inputs: { x }, outputs: { y: [] } }, 18);
const rulesOf = async (file: Uint8Array, options: ExplainOptions = {}) => {
  using model = await loadInMode(file);
  return model.inspect({ composite: "epsilon", ...options }).nodes.map(({ node: n, rule }) => `${n}: ${rule}`);
};
const EPS = "epsilon(0.000001)";

test("inspect, rules and ledger say that relevance passes, and why", async () => {
  using model = await loadInMode(
    fileOf([node("Div", ["x", "k"], "d"), node("Sub", ["d", "c"], "s"), convNode("s")], { k: scalar(255) }),
  );
  const note = "normalization of the input: a change of units";
  expect(model.inspect().nodes.slice(0, 2)).toMatchObject(["d", "s"].map((n) => ({ node: n, rule: "pass", note })));
  const { rules, ledger, notes } = model.explain(tensor(image, 1), {
    composite: "epsilon",
    target: { class: 3, area: "all" },
  });
  expect(rules.slice(0, 2)).toMatchObject([
    { type: "Div", rule: "pass", note },
    { type: "Sub", rule: "pass", note },
  ]);
  for (const row of ledger.slice(1)) {
    expect(row).toMatchObject({ rule: "pass", bias: 0, other: 0 });
    expectClose([row.passed], [row.received], 1e-6, row.magnitude);
  }
  expect(notes.filter((n) => n.includes("normalizes"))).toEqual([
    "The network normalizes its input ('d', 's'): relevance passes through these nodes unchanged, and the bounds of zBox are those of the " +
      "input.",
  ]);
});

test("channels that are normalized one by one, and put together", async () => {
  const one = (c: number) => [
    node("Gather", ["x", `i${c}`], `g${c}`, { axis: 1 }),
    node("Unsqueeze", [`g${c}`, "axis"], `u${c}`),
    node("Mul", [`u${c}`, `k${c}`], `m${c}`),
    node("Add", [`m${c}`, `t${c}`], `n${c}`),
  ];
  const [k, t] = [
    [0.5, -2, 1.5],
    [0.25, 1, -0.5],
  ];
  const constants = Object.fromEntries(
    [0, 1, 2].flatMap((c) => [
      [`i${c}`, { dims: [], data: [c] }],
      [`k${c}`, scalar(k[c])],
      [`t${c}`, scalar(t[c])],
    ]),
  );
  const file = fileOf(
    [...[0, 1, 2].flatMap(one), node("Concat", ["n0", "n1", "n2"], "n", { axis: 1 }), convNode("n")],
    { ...constants, axis: { dims: [1], data: [1] } },
  );
  const x = tensor(image, 11);
  const channel = channelOf(image, 1);
  const h = x.data.map((v, i) => k[channel(i)] * v + t[channel(i)]);
  const ends = (i: number) => [-1, 2].map((v) => k[channel(i)] * v + t[channel(i)]);
  const map = conv(image, w, b.data, padded);
  const r = numbers(map.connections.length, 7);
  const { relevance } = await explainLayer(file, x, r, weighted(ruleOf.zBox({ low: -1, high: 2 })));
  const box = zBox(
    (i) => Math.min(...ends(i)),
    (i) => Math.max(...ends(i)),
  );
  expectClose(relevance.data, explain(map, h, r, box).relevance, tolerance.plain);
});

describe("behind an activation", () => {
  const behind = (attributes: FileNode["attributes"]) =>
    fileOf([
      node("Relu", ["x"], "r"),
      node("Mul", ["c", "r"], "m"),
      node("Sub", ["m", "c"], "s"),
      convNode("s", attributes),
    ]);

  test("it passes where no layer can take it in", async () => {
    expect(await rulesOf(behind(padded))).toEqual(["r: pass", "m: pass", "s: pass", `y: ${EPS}`]);
    const x = tensor(image, 11);
    const channel = channelOf(image, 1);
    const h = x.data.map((v, i) => perChannel.data[channel(i)] * (Math.max(0, v) - 1));
    const map = conv(image, w, b.data, padded);
    const r = map.connections.map((list, j) =>
      Math.abs(list.reduce((z, c) => z + c.w * h[c.i], map.bias[j])) > 0.2 ? 1 : 0,
    );
    const { relevance } = await explainLayer(behind(padded), x, r, weighted(ruleOf.epsilon()));
    expectClose(relevance.data, explain(map, h, r, epsilon).relevance, tolerance.epsilon);
  });

  test("it is part of the layer that can", async () =>
    expect(await rulesOf(behind({}))).toEqual(["r: pass", `y: ${EPS}`]));
});

describe("a constant that is added keeps its share", () => {
  const table = tensor([1, C, 5, 4], 32);
  const rows = tensor([5, 1], 33);

  test.each([
    ["a table", table],
    ["one number for each row", rows],
  ])("as %s of the input", async (_, t) => {
    const file = fileOf([node("Add", ["x", "t"], "s"), convNode("s")], { t });
    expect(await rulesOf(file)).toEqual(["s: norm", `y: ${EPS}`]);
  });

  test("bounds are carried through it", async () => {
    const file = fileOf([node("Add", ["x", "t"], "s"), node("Neg", ["s"], "n"), convNode("n")], { t: table });
    const x = tensor(image, 11);
    const h = x.data.map((v, i) => -(v + table.data[i % 60]));
    const map = conv(image, w, b.data, padded);
    const r = numbers(map.connections.length, 7);
    const composite: Composite = [
      { type: "convolution", rule: ruleOf.zBox({ low: -1, high: 2 }) },
      { type: "sum", rule: ruleOf.gradient() },
      ...baseEntries(),
    ];
    const { relevance } = await explainLayer(file, x, r, composite);
    const box = zBox(
      (i) => -(2 + table.data[i % 60]),
      (i) => -(-1 + table.data[i % 60]),
    );
    expectClose(relevance.data, explain(map, h, r, box).relevance, tolerance.plain);
  });

  test("directly behind a layer, also where that is read by others", async () => {
    const nodes = [
      node("Conv", ["x", "w", "b"], "a"),
      node("Transpose", ["a"], "t", { perm: [0, 2, 3, 1] }),
      node("Add", ["t", "k"], "s"),
      node("Transpose", ["s"], "u", { perm: [0, 3, 1, 2] }),
      node("Concat", ["a", "u"], "y", { axis: 1 }),
    ];
    expect(await rulesOf(fileOf(nodes, { k: tensor([4], 8) }))).toEqual([
      `a: ${EPS}`,
      "t: route",
      "s: norm",
      "u: route",
      "y: route",
    ]);
  });

  test("behind what was chosen from a table", async () => {
    const nodes = [
      node("Cast", ["x"], "ids", { to: 7 }),
      node("Gather", ["table", "ids"], "e"),
      node("Add", ["e", "k"], "s"),
      node("MatMul", ["s", "v"], "y"),
    ];
    const file = fileOf(nodes, { table: tensor([9, C], 2), k: tensor([C], 8), v }, [1, 4]);
    using model = await loadInMode(file);
    const [row] = model.inspect().nodes.filter(({ node: n }) => n === "s" || n === "y");
    expect(row.rule).not.toBe("pass");
  });
});

describe("a composite of one's own", () => {
  const file = fileOf([
    node("Sub", ["x", "c"], "s"),
    // Not element by element: then the sum would be one activation.
    node("MaxPool", ["x"], "r", { kernel_shape: [1, 1] }),
    node("Add", ["s", "r"], "a"),
    convNode("a"),
  ]);
  const rest: Composite = [{ type: "convolution", rule: ruleOf.epsilon() }, ...baseEntries()];

  test.each([
    ["sums of activations alone", [{ type: ["sum", "Sub", "Add"], rule: ruleOf.ratio() }, ...rest], ["pass", "ratio"]],
    ["normalization", [{ type: "normalization", rule: ruleOf.gradient() }, ...rest], ["gradient", "norm"]],
    ["the node by name", [{ layer: "s", rule: ruleOf.gradient() }, ...rest], ["gradient", "norm"]],
  ] as const)("an entry for %s", async (_, composite, [s, a]) =>
    expect(await rulesOf(file, { composite })).toEqual([`s: ${s}`, "r: route", `a: ${a}`, `y: ${EPS}`]),
  );

  test("a rule for linear layers does not fit", async () => {
    await expect(
      explainLayer(file, tensor(image, 1), numbers(200, 1), [{ layer: "s", rule: ruleOf.norm() }, ...rest]),
    ).rejects.toThrow("node 's' (Sub): expected pass or gradient, got the rule norm");
  });
});

describe("bounds", () => {
  const last = fileOf(
    [node("Mul", ["x", "k"], "m"), node("Transpose", ["m"], "t", { perm: [0, 3, 1, 2] }), convNode("t")],
    { k: scalar(-2) },
    [2, 5, 4, C],
  );
  const refusal = (rule: Rule) =>
    explainLayer(last, tensor([2, 5, 4, C], 1), numbers(200, 1), [{ type: "Conv", rule }, ...baseEntries()]).then(
      () => "none",
      (error: LrpError) => error.message,
    );

  test("are one for each channel of the input", async () => {
    expect(await refusal(ruleOf.zBox({ low: [0, 0, 0], high: [1, 2, 3] }))).toBe("none");
    expect(await refusal(ruleOf.zBox({ low: 0, high: [1, 2, 3, 4, 5] }))).toContain(
      "a rule whose bounds are single numbers or lists of 3, the number of channels",
    );
  });

  test("are two where a scale is negative", async () => {
    const { low: _, ...rule } = ruleOf.zBox({ low: 0, high: 1 });
    const groups = [{ coefficient: 1, passes: [{ input: "high", weight: [1, 1] }] }] as const;
    expect(await refusal({ ...rule, groups })).toContain("node 'm' (Mul): its rule has one bound, but needs both");
  });

  test("are those of the layer's own input behind an activation", async () => {
    const file = fileOf([node("Mul", ["x", "c"], "m"), node("Relu", ["m"], "r"), convNode("r")]);
    const x = tensor(image, 11);
    const h = x.data.map((v, i) => Math.max(0, v * perChannel.data[channelOf(image, 1)(i)]));
    const map = conv(image, w, b.data, padded);
    const r = numbers(map.connections.length, 7);
    const { relevance } = await explainLayer(file, x, r, weighted(ruleOf.zBox({ low: -1, high: 2 })));
    const box = zBox(
      () => -1,
      () => 2,
    );
    expectClose(relevance.data, explain(map, h, r, box).relevance, tolerance.plain);
  });
});

describe("zeros around the picture", () => {
  const pads = (...list: number[]): FileTensor => ({ dims: [list.length], data: list });
  const plain = (...own: number[]) => fileOf([convNode("x", { pads: own })]);
  const zeros = (...dims: number[]) => ({ dims, data: new Float32Array(dims.reduce((a, d) => a * d, 1)) });
  const spellings: readonly (readonly [name: string, Uint8Array, Uint8Array])[] = [
    [
      "Pad",
      fileOf([node("Pad", ["x", "p"], "k"), convNode("k", {})], { p: pads(0, 0, 1, 3, 0, 0, 2, 0) }),
      plain(1, 3, 2, 0),
    ],
    [
      "more than the window reaches",
      fileOf([node("Pad", ["x", "p"], "k"), convNode("k", {})], { p: pads(0, 0, 4, 3, 0, 0, 5, 4) }),
      plain(4, 3, 5, 4),
    ],
    [
      "beside pads of the layer",
      fileOf([node("Pad", ["x", "p"], "k"), convNode("k", { pads: [1, 0, 0, 1] })], {
        p: pads(0, 0, 1, 1, 0, 0, 0, 0),
      }),
      plain(2, 1, 0, 1),
    ],
    [
      "Pad twice, by an explicit 0 and for two axes",
      fileOf([node("Pad", ["x", "p", "zero", "axes"], "j"), node("Pad", ["j", "q"], "k"), convNode("k", {})], {
        p: pads(1, 0, 0, 2),
        q: pads(0, 0, 0, 1, 0, 0, 1, 0),
        zero: scalar(0),
        axes: { dims: [2], data: [2, -1] },
      }),
      plain(1, 1, 1, 2),
    ],
    [
      "before auto_pad",
      fileOf([node("Pad", ["x", "p"], "k"), convNode("k", { auto_pad: "SAME_UPPER" })], {
        p: pads(0, 0, 1, 1, 0, 0, 1, 1),
      }),
      plain(2, 1, 2, 2),
    ],
    [
      "Concat with zeros, before and twice behind",
      fileOf(
        [
          node("Concat", ["top", "x"], "j", { axis: 2 }),
          node("Concat", ["j", "right", "right"], "k", { axis: -1 }),
          convNode("k", {}),
        ],
        { top: zeros(image[0], image[1], 1, image[3]), right: zeros(image[0], image[1], image[2] + 1, 2) },
      ),
      plain(1, 0, 0, 4),
    ],
    [
      "through Transposes",
      fileOf(
        [
          node("Transpose", ["x"], "t", { perm: [0, 2, 3, 1] }),
          node("Pad", ["t", "p"], "k"),
          node("Transpose", ["k"], "u", { perm: [0, 3, 1, 2] }),
          convNode("u", {}),
        ],
        { p: pads(0, 1, 3, 0, 0, 2, 0, 0) },
      ),
      plain(1, 3, 2, 0),
    ],
  ];
  const boxed = { low: -1, high: 2 };
  const options: readonly ExplainOptions[] = [
    ...composites.map(({ name, required }) => ({ composite: name, ...(required && boxed) })),
    ...withParameters.map((row) => ({ composite: [{ type: "Conv", rule: row.rule(C) }, ...baseEntries()] })),
    { composite: [{ rule: ruleOf.gradient() }] },
  ];

  test.each(spellings)("%s: the same bits as pads, by every rule", async (_, file, twin) => {
    using model = await loadInMode(file);
    using same = await loadInMode(twin);
    expect(model.inspect().nodes.at(-1)!.note).toBe("zeros folded in");
    const x = tensor(image, 11);
    const r = numbers(model.predict(x).output.data.length, 7);
    for (const one of options) {
      const [a, c] = [model, same].map((m) => explainFrom(m, x, r, one));
      expect([...a.output.data]).toEqual([...c.output.data]);
      expect([...a.relevance.data]).toEqual([...c.relevance.data]);
    }
  });

  test.each([
    ["by another number", ["x", "p", "half"], "constant"],
    ["by what is at the edge", ["x", "p"], "edge"],
    ["that takes away", ["x", "minus"], "constant"],
  ])("%s stay a Pad", async (_, inputs, mode) => {
    const file = fileOf([node("Pad", inputs, "k", { mode }), convNode("k")], {
      p: pads(0, 0, 1, 1, 0, 0, 1, 1),
      minus: pads(0, 0, -1, 0, 0, 0, 1, 1),
      half: scalar(0.5),
    });
    expect(await rulesOf(file)).toEqual(["k: route", `y: ${EPS}`]);
  });

  test.each([
    ["other numbers", ["x", "ones"]],
    ["more of the picture", ["x", "x"]],
  ])("a Concat with %s stays one", async (_, inputs) => {
    const file = fileOf([node("Concat", inputs, "k", { axis: 2 }), convNode("k")], {
      ones: { dims: image, data: zeros(...image).data.fill(1) },
    });
    expect(await rulesOf(file)).toEqual(["k: route", `y: ${EPS}`]);
  });

  test("a Pad that others read too stays for them", async () => {
    const nodes = [node("Pad", ["x", "p"], "k"), convNode("k", {}), node("Relu", ["k"], "r")];
    const file = onnx({
      nodes,
      initializers: { w, b, p: pads(0, 0, 1, 1, 0, 0, 1, 1) },
      inputs: { x: image },
      outputs: { y: [], r: [] },
    });
    using model = await loadInMode(file);
    expect(model.inspect().nodes.map(({ node: n, rule }) => `${n}: ${rule}`)).toEqual([
      "k: left out",
      "y: flat",
      "r: left out",
    ]);
  });

  test("what a Pad adds is its own bound, as padding is, whatever is done to it", async () => {
    const file = fileOf([node("Pad", ["x", "p", "half"], "k"), node("Mul", ["k", "c"], "m"), convNode("m", {})], {
      p: pads(0, 0, 1, 1, 0, 0, 1, 1),
      half: scalar(0.5),
    });
    const x = tensor(image, 11);
    const channel = channelOf(image, 1);
    const scale = (i: number) => perChannel.data[channel(i)];
    const h = x.data.map((v, i) => scale(i) * v);
    const map = conv(image, w, undefined, padded);
    const r = numbers(map.connections.length, 7);
    const { relevance, ledger } = await explainLayer(file, x, r, weighted(ruleOf.zBox({ low: -1, high: 2 })));
    const box = zBox(
      (i) => -scale(i),
      (i) => 2 * scale(i),
    );
    const expected = explain(map, h, r, box);
    expectClose(relevance.data, expected.relevance, tolerance.plain);
    expectClose([total(relevance.data)], [total(r) - expected.stabilizer], 1e-5, ledger[0].magnitude);
  });
});
