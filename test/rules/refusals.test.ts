import { describe, expect, it } from "vitest";
import {
  baseEntries,
  type Composite,
  conv2d,
  dense,
  flatten,
  load,
  lrn,
  maxPool2d,
  network as graphOf,
  op,
  relu,
  type Rule,
  ruleOf,
  sequential,
} from "../../src/entries/index.ts";

const weight = { dims: [2, 1, 3, 3], data: new Float32Array(18).fill(0.5) };
const network = sequential({ input: [1, 5, 5] }, [
  conv2d({ weight, name: "conv1" }),
  relu(),
  flatten(),
  dense({ weight: { dims: [3, 18], data: new Float32Array(54).fill(0.1) } }),
]);
const input = { data: new Float32Array(25).fill(1), dims: [1, 1, 5, 5] };

describe("rules that mean nothing are refused where they are made", () => {
  const cases: readonly [name: string, make: () => unknown, says: RegExp][] = [
    ["a NaN epsilon", () => ruleOf.epsilon({ epsilon: NaN }), /'epsilon': expected a number ≥ 0, got NaN/],
    ["a negative epsilon", () => ruleOf.zPlus({ epsilon: -1 }), /'epsilon'/],
    ["an epsilon of text", () => ruleOf.epsilon({ epsilon: "0.1" as never }), /'epsilon'/],
    ["another stabilizer", () => ruleOf.epsilon({ stabilizer: "rel" as never }), /add, relative or clip, got 'rel'/],
    ["an infinite gamma", () => ruleOf.gamma({ gamma: Infinity }), /'gamma'/],
    ["a negative gamma", () => ruleOf.gamma({ gamma: -1 }), /'gamma'/],
    ["alpha − beta other than 1", () => ruleOf.alphaBeta({ alpha: 3, beta: 1 }), /alpha − beta = 1, got 3 and 1/],
    ["a negative beta", () => ruleOf.beta({ beta: -1 }), /'beta'/],
    ["zBox without bounds", () => ruleOf.zBox({} as never), /low and high/],
    ["a NaN bound", () => ruleOf.zBox({ low: NaN, high: 1 }), /'low'/],
    ["bounds the wrong way round", () => ruleOf.zBox({ low: 1, high: -1 }), /low ≤ high, got 1 and -1/],
    ["one channel's bounds the wrong way round", () => ruleOf.zBox({ low: [0, 2], high: [1, 1] }), /low ≤ high/],
  ];
  it.each(cases)("%s", (_name, make, says) => {
    expect(make).toThrowError(says);
    expect(make).toThrowError(expect.objectContaining({ code: "usage" }));
  });

  it("bounds that differ by channel need not be ordered across channels", () => {
    expect(() => ruleOf.zBox({ low: [-3, 0], high: [-1, 1] })).not.toThrow();
  });
});

describe("composites that name what does not exist", () => {
  const cases: readonly [name: string, entry: object, says: RegExp][] = [
    [
      "a node",
      { layer: "nosuch", rule: ruleOf.flat() },
      /entry 1 of the composite: expected the name of a node as its layer, got 'nosuch'/,
    ],
    ["a type", { type: "Dense", rule: ruleOf.flat() }, /a type that is an operator or one of .*, got 'Dense'/],
    ["a position", { position: "frist", rule: ruleOf.flat() }, /'first' or 'last', got 'frist'/],
    ["no rule", { type: "dense" }, /a rule, made by ruleOf, got undefined/],
  ];
  it.each(cases)("%s", async (_name, entry, says) => {
    const model = await load(network);
    const composite = [
      entry,
      { type: ["convolution", "dense"], rule: ruleOf.epsilon() },
      ...baseEntries(),
    ] as Composite;
    expect(() => model.explain(input, { composite })).toThrowError(says);
  });
});

describe("calls of another kind than meant", () => {
  it.each<[string, unknown, RegExp]>([
    ["a path", "model.onnx", /the text 'model.onnx'. relprop opens no files/],
    ["nothing", undefined, /got undefined/],
    ["null", null, /got null/],
  ])("load of %s", async (_name, source, says) => {
    await expect(load(source as never)).rejects.toThrowError(says);
  });

  it.each<[string, object, RegExp]>([
    ["an unknown option", { compsite: "epsilon" }, /there is no option 'compsite'/],
    ["null as target", { target: null }, /option 'target'/],
    ["one name as at", { at: "conv1" }, /a list of names/],
    ["a number as composite", { composite: 5 }, /option 'composite'/],
  ])("explain with %s", async (_name, options, says) => {
    const model = await load(network);
    expect(() => model.explain(input, options as never)).toThrowError(says);
    expect(() => model.explain(input, options as never)).toThrowError(expect.objectContaining({ code: "usage" }));
  });

  it("names for another number of classes", async () => {
    const model = await load(network, { classes: ["a"] });
    expect(() => model.explain(input)).toThrowError(/a name for each of 3 classes, got 1 names/);
  });

  it("a pool whose pads are wider than its window", async () => {
    await expect(load(sequential({ input: [1, 5, 5] }, [maxPool2d({ kernel: 2, pads: 3 })]))).rejects.toThrowError(
      /a window along axis \d holds padding alone/,
    );
  });

  it("dims that the network does not take", async () => {
    const model = await load(network);
    expect(() => model.inspect({ dims: [1, 1, 6, 5] })).toThrowError(expect.objectContaining({ code: "shape" }));
  });

  it("the first value that overflows is named, though its place is another's by then", async () => {
    const double = (name: string) => dense({ name, weight: { dims: [2, 2], data: Float32Array.of(1e10, 0, 0, 1e10) } });
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const model = await load(
      sequential(
        { input: [2] },
        names.flatMap((name) => [double(name), relu({ name: `${name}+` })]),
      ),
    );
    for (const [i, name] of ["d", "c", "b"].entries()) {
      const x = { dims: [1, 2], data: new Float32Array(2).fill(10 ** (5 + 10 * i)) };
      for (const call of [() => model.predict(x), () => model.explain(x)])
        expect(call).toThrowError(`value '${name}': it becomes infinite or NaN`);
    }
  });

  it("an input that overflows: the value is named", async () => {
    const model = await load(network);
    const huge = { data: new Float32Array(25).fill(3e38), dims: [1, 1, 5, 5] };
    for (const call of [() => model.predict(huge), () => model.explain(huge)])
      expect(call).toThrowError(/value 'conv1': it becomes infinite or NaN/);
  });
});

describe("relevance that leaves float32's range where two ways meet", () => {
  it.each([
    ["at an input", false, "relevance that reaches an input from several nodes: expected finite numbers"],
    ["behind a node", true, "relevance through node 'neg0' (Neg, pass): expected finite numbers"],
  ])("%s is an error", async (_name, isBehind, says) => {
    using model = await load(
      graphOf({
        inputs: { x: [1, 2] },
        build(g, { x }) {
          const met = isBehind ? g.node(op("Neg"), x) : x;
          return { y: g.node(op("Concat", { axis: 1 }), g.node(op("Relu"), met), g.node(op("Tanh"), met)) };
        },
      }),
    );
    const x = { dims: [1, 2], data: Float32Array.of(1, -1) };
    const by = (other: number) =>
      model.explain(x, { composite: "epsilon", start: "one", target: Float32Array.of(3e38, 0, other, 0) });
    expect(by(-3e38).relevance.data).toEqual(new Float32Array(2));
    expect(() => by(3e38)).toThrowError(says);
    expect(() => by(3e38)).toThrowError(expect.objectContaining({ code: "rule" }));
  });

  it("at a value on the way, which then passes none of it, is an error", async () => {
    using model = await load(
      graphOf({
        inputs: { x: [1, 2] },
        build(g, { x }) {
          const met = g.node(op("Max"), x, { dims: [1], data: Float32Array.of(2) });
          return { y: g.node(op("Concat", { axis: 1 }), g.node(op("Relu"), met), g.node(op("LeakyRelu"), met)) };
        },
      }),
    );
    const x = { dims: [1, 2], data: Float32Array.of(1, -1) };
    const by = (at: string[]) =>
      model.explain(x, { composite: "gradient", target: Float32Array.of(3e38, 0, 3e38, 0), at });
    expect(by([]).relevance.data).toEqual(new Float32Array(2));
    expect(() => by(["max0"])).toThrowError("relevance that reaches value 'max0' from several nodes");
  });
});

describe("a rule of an operator's own that the operator does not have", () => {
  const own = (mode: string) => ({ kind: "own", name: "mine", mode }) as const;
  const of = (type: string, mode: string): Composite => [{ type, rule: own(mode) }, ...baseEntries()];
  it.each([
    ["Relu", "guidd", /\(Relu\): expected pass, deconvnet, guided or gradient, got the rule mine/],
    ["Relu", "taylor", /\(Relu\): expected pass, deconvnet, guided or gradient/],
    ["Relu", "pass", /\(Relu\): expected pass, deconvnet, guided or gradient, got the rule mine/],
    ["Relu", "gradient", /\(Relu\): expected pass, deconvnet, guided or gradient, got the rule mine/],
    ["Relu", "toString", /\(Relu\): expected pass, deconvnet, guided or gradient/],
    ["Conv", "taylor", /\(Conv\): expected a rule for linear layers, got the rule mine/],
    ["LRN", "taylr", /\(LRN\): expected one of taylor, taylor-uniform, identity, beta, gradient, unnormalised, got/],
    ["LRN", "guided", /\(LRN\): expected one of taylor/],
  ])("%s: %s", async (type, mode, says) => {
    const layers = [conv2d({ weight, name: "conv1" }), lrn({ size: 3, alpha: 1, beta: 0.75 }), relu(), flatten()];
    using model = await load(sequential({ input: [1, 5, 5] }, layers));
    const composite = [...of(type, mode), { rule: ruleOf.epsilon() }];
    expect(() => model.explain(input, { composite })).toThrowError(says);
    expect(() => model.explain(input, { composite })).toThrowError(expect.objectContaining({ code: "rule" }));
  });
});

it("a sum names the rules that it takes, and takes each of them", async () => {
  using model = await load(
    graphOf({
      inputs: { x: [1, 3] },
      build: (g, { x }) => ({ y: g.node(op("Add"), g.node(op("Relu"), x), g.node(op("Tanh"), x)) }),
    }),
  );
  const x = { dims: [1, 3], data: Float32Array.of(1, 2, 3) };
  const by = (rule: Rule) => model.explain(x, { target: 0, composite: [{ type: "sum", rule }, ...baseEntries()] });
  const names = [
    "lrp0",
    "epsilon",
    "alphaBeta",
    "beta",
    "zPlus",
    "excitation",
    "gamma",
    "norm",
    "ratio",
    "clip",
  ] as const;
  for (const rule of [ruleOf.flat(), ruleOf.wSquare(), ruleOf.zBox({ low: 0, high: 1 })])
    expect(() => by(rule)).toThrow(`expected ${names.join(", ")} or gradient, as the node has no weights`);
  for (const name of names) by(ruleOf[name]());
  by(ruleOf.gradient());
});
