import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { baseEntries, type Composite, type LinearRule, LrpError, type Rule, ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { RUNS, SEED } from "../properties/drawing.ts";
import { tensor } from "../random.ts";

/*
 * Rules that are written as objects.
 */
const dims = [1, 2, 5, 5];
const x = tensor(dims, 1);
const pads = [1, 1, 1, 1];
const net = await loadInMode(
  onnx({
    nodes: [
      { type: "Conv", inputs: ["x", "w", "b"], outputs: ["a"], attributes: { pads } },
      { type: "Relu", inputs: ["a"], outputs: ["p"] },
      { type: "LRN", inputs: ["p"], outputs: ["l"], attributes: { size: 3 } },
      { type: "Conv", inputs: ["l", "v"], outputs: ["c"], attributes: { pads } },
      { type: "Add", inputs: ["c", "x"], outputs: ["s"] },
      { type: "GlobalAveragePool", inputs: ["s"], outputs: ["m"] },
      { type: "Flatten", inputs: ["m"], outputs: ["f"] },
      { type: "Gemm", inputs: ["f", "d"], outputs: ["y"] },
    ],
    initializers: { w: tensor([3, 2, 3, 3], 2), b: tensor([3], 3), v: tensor([2, 3, 3, 3], 4), d: tensor([2, 4], 5) },
    inputs: { x: ["n", 2, 5, 5] },
    outputs: { y: ["n", 4] },
  }),
);

const linear: LinearRule = {
  kind: "linear",
  name: "mine",
  groups: [{ coefficient: 1, passes: [{ input: [1, 1], weight: [1, 1], bias: [1, 1] }] }],
  stabilizer: { epsilon: 1e-6, mode: "add" },
  bias: true,
};
const rest: Composite = [{ type: ["Conv", "Gemm"], rule: ruleOf.zPlus() }, ...baseEntries()];
const group = linear.groups[0];
const pass = group.passes[0];
const withPass = (changes: object) => ({ ...linear, groups: [{ ...group, passes: [pass, { ...pass, ...changes }] }] });
const withGroup = (changes: object) => ({ ...linear, groups: [{ ...group, ...changes }] });
const without = (value: object, name: string) =>
  Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));

/** What is said of the second entry's rule, each with the beginning of its place left out. */
function said(rule: unknown, entry: object = {}): string[] {
  const composite = [
    { type: "dense", rule: ruleOf.norm() },
    { type: "Conv", rule, ...entry },
    ...baseEntries(),
  ] as Composite;
  try {
    net.explain(x, { composite });
  } catch (error) {
    expect(error).toBeInstanceOf(LrpError);
    const { code, issues } = error as LrpError;
    expect(code).toBe("usage");
    for (const { fix } of issues) expect(fix).toMatch(/^[A-Zr].*\.$/);
    return issues.map(({ where, expected, received, problem = `${expected}, got ${received}` }) => {
      expect(where.startsWith("entry 2 of the composite")).toBe(true);
      return `${where.slice("entry 2 of the composite".length)}: ${problem}`.replace(/^, /, "");
    });
  }
  throw new Error("nothing was refused");
}

const RULE = "a rule, made by ruleOf";
const GROUP = "coefficient, passes, where, aboveOwn";
describe("a rule as an object is refused, with the place, what is allowed and what came", () => {
  it.each<[string, unknown, string[]]>([
    ["nothing", undefined, [`: ${RULE}, got undefined`]],
    ["null", null, [`: ${RULE}, got null`]],
    ["a name", "zPlus", [`: ${RULE}, got 'zPlus'`]],
    ["what makes a rule", ruleOf.zPlus, [`: ${RULE}, got a function`]],
    [
      "a kind that does not exist",
      { ...linear, kind: "linaer" },
      ["'kind': 'linear', 'pass', 'gradient' or 'own', got 'linaer'"],
    ],
    [
      "a kind that every object has",
      { kind: "toString" },
      ["'kind': 'linear', 'pass', 'gradient' or 'own', got 'toString'"],
    ],
    [
      "nearly nothing",
      { kind: "linear", name: "z" },
      [
        "'groups': a list of groups, one or more, got undefined",
        "'stabilizer': an object { epsilon, mode }, got undefined",
        "'bias': true or false, got undefined",
      ],
    ],
    ["no name", { kind: "pass" }, ["'name': a text, got undefined"]],
    ["an empty name", { kind: "gradient", name: "" }, ["'name': a text, got ''"]],
    ["a field too many", { kind: "pass", name: "p", mode: "beta" }, [": there is no field 'mode'"]],
    [
      "a mode that has no name",
      { kind: "own", name: "o", mode: "" },
      ["'mode': the name of one of the operator's own rules, got ''"],
    ],
    [
      "groups that are no list",
      { ...linear, groups: group },
      ["'groups': a list of groups, one or more, got [object Object]"],
    ],
    ["no group", { ...linear, groups: [] }, ["'groups': a list of groups, one or more, got []"]],
    ["a group that is none", { ...linear, groups: [group, 5] }, [`group 2: an object { ${GROUP} }, got 5`]],
    ["a hole in a list", { ...linear, groups: Array(1) }, [`group 1: an object { ${GROUP} }, got undefined`]],
    ["a group's stray field", withGroup({ weight: 1 }), ["group 1: there is no field 'weight'"]],
    [
      "no coefficient",
      { ...linear, groups: [without(group, "coefficient")] },
      ["group 1, 'coefficient': a finite number, got undefined"],
    ],
    [
      "a coefficient of NaN",
      withGroup({ coefficient: Number.NaN }),
      ["group 1, 'coefficient': a finite number, got NaN"],
    ],
    ["one beyond float32", withGroup({ coefficient: 1e39 }), ["group 1, 'coefficient': a finite number, got 1e+39"]],
    ["no passes", withGroup({ passes: [] }), ["group 1, 'passes': a list of passes, one or more, got []"]],
    ["another sign", withGroup({ where: "plus" }), ["group 1, 'where': 'positive' or 'negative', got 'plus'"]],
    [
      "a map that does not exist",
      withPass({ weight: "cube" }),
      ["group 1, pass 2, 'weight': [p, q], 'square' or 'one', got 'cube'"],
    ],
    [
      "a map of another field",
      withPass({ input: "square" }),
      ["group 1, pass 2, 'input': [p, q], 'one', 'low' or 'high', got 'square'"],
    ],
    ["a bias of ones", withPass({ bias: "one" }), ["group 1, pass 2, 'bias': [p, q] or 'square', got 'one'"]],
    ["a bias of null", withPass({ bias: null }), ["group 1, pass 2, 'bias': [p, q] or 'square', got null"]],
    ["one slope", withPass({ weight: [1] }), ["group 1, pass 2, 'weight': [p, q], 'square' or 'one', got [1]"]],
    [
      "slopes with a hole",
      withPass({ weight: Array(2) }),
      ["group 1, pass 2, 'weight': [p, q], 'square' or 'one', got [undefined, undefined]"],
    ],
    [
      "a slope of NaN",
      withPass({ input: [1, Number.NaN] }),
      ["group 1, pass 2, 'input': [p, q], 'one', 'low' or 'high', got [1, NaN]"],
    ],
    [
      "both halves at once, which only the engine makes",
      withPass({ weight: { plus: [1, 0], minus: [0, 1] } }),
      ["group 1, pass 2, 'weight': [p, q], 'square' or 'one', got [object Object]"],
    ],
    [
      "a stabilizer out of range",
      { ...linear, stabilizer: { epsilon: -1, mode: "clipp", more: 1 } },
      [
        "'stabilizer': there is no field 'more'",
        "'stabilizer', 'epsilon': a number ≥ 0, got -1",
        "'stabilizer', 'mode': 'add', 'relative', 'clip' or 'terms', got 'clipp'",
      ],
    ],
    ["a bias that is a number", { ...linear, bias: 1 }, ["'bias': true or false, got 1"]],
    [
      "a bound that is missing",
      withPass({ input: "low" }),
      ["'low': a pass has 'low' as its input, but the rule does not say what it is"],
    ],
    [
      "a bound that no pass reads",
      { ...linear, high: 1 },
      ["'high': no pass has 'high' as its input, so that nothing reads it"],
    ],
    [
      "a bound that is no list",
      { ...withPass({ input: "low" }), low: Float32Array.of(0, 0) },
      ["'low': a number, or one for each channel, got [object Float32Array]"],
    ],
    [
      "bounds the wrong way round",
      { ...ruleOf.zBox({ low: 0, high: 1 }), low: 2 },
      ["'low' and 'high': low ≤ high, got 2 and 1"],
    ],
    [
      "what is only inherited",
      Object.create(ruleOf.pass()),
      ["'kind': 'linear', 'pass', 'gradient' or 'own', got undefined", "'name': a text, got undefined"],
    ],
  ])("%s", (_name, rule, expected) => expect(said(rule)).toEqual(expected));

  it.each<[string, object, string[]]>([
    ["a field that does not exist", { types: "Conv" }, [": there is no field 'types'"]],
    ["a position", { position: "frist" }, ["'position': 'first' or 'last', got 'frist'"]],
    ["a name", { layer: 5 }, ["'layer': a name, or a pattern (RegExp), got 5"]],
    ["types", { type: ["Conv", null] }, ["'type': a name, or a list of names, got ['Conv', null]"]],
  ])("an entry with another kind of %s", (_name, entry, expected) => expect(said(linear, entry)).toEqual(expected));

  it("and so is an entry that is none, with all that is wrong elsewhere", () => {
    const composite = [null, "zPlus", { rule: 5, typ: 1 }, { rule: { ...linear, bias: 0 } }] as unknown as Composite;
    expect(() => net.inspect({ composite })).toThrow(
      [
        "entry 1 of the composite: expected an object { layer, type, position, rule }, got null. The guide " +
          "'Choosing a rule' says what each field may be.",
        "entry 2 of the composite: expected an object { layer, type, position, rule }, got 'zPlus'. The guide " +
          "'Choosing a rule' says what each field may be.",
        "entry 3 of the composite: there is no field 'typ'. The fields are layer, type, position, rule.",
        "entry 3 of the composite: expected a rule, made by ruleOf, got 5. The guide 'Choosing a rule' says " +
          "what each field may be.",
        "entry 4 of the composite, 'bias': expected true or false, got 0. The guide 'Choosing a rule' says " +
          "what each field may be.",
      ].join("\n"),
    );
  });

  it("what is undefined is left out", () => {
    const rule: LinearRule = { ...linear, low: undefined, more: undefined } as LinearRule;
    const explained = (one: LinearRule) => net.explain(x, { composite: [{ type: "Conv", rule: one }, ...rest] });
    expect(explained(rule)).toEqual(explained(linear));
  });

  const own = (passes: object[], bias = true) => ({
    ...linear,
    groups: [{ coefficient: 1, passes, aboveOwn: true }],
    bias,
  });
  const up = ruleOf.zPlus().groups[0].passes;
  it("aboveOwn where it is not so", () => {
    const says =
      "group 1, 'aboveOwn': it promises Σ f(x) f(w) ≥ x w and Σ f(b) ≥ b for all signs, but the passes do not keep that promise";
    expect(said(own([up[0]]))).toEqual([says]);
    expect(said(own([{ input: up[0].input, weight: up[0].weight }, up[1]]))).toEqual([says]);
    expect(said(own([{ input: "one", weight: "square", bias: [1, 1] }]))).toEqual([says]);
    for (const rule of [own([...up]), own([{ input: up[0].input, weight: up[0].weight }, up[1]], false)])
      expect(net.inspect({ composite: [{ type: "Conv", rule: rule as LinearRule }] }).nodes[0].rule).toBe("mine");
  });
});

/** As it would be written. */
const written = (rule: Rule): Rule => JSON.parse(JSON.stringify(rule));
const made: readonly Rule[] = [
  linear,
  ruleOf.lrp0(),
  ruleOf.epsilon({ epsilon: 0.1, stabilizer: "relative" }),
  ruleOf.alphaBeta(),
  ruleOf.gamma(),
  ruleOf.excitation(),
  ruleOf.wSquare(),
  ruleOf.flat(),
  ruleOf.zBox({ low: [-1, -1], high: 1 }),
  ruleOf.ratio(),
  ruleOf.clip(),
  ruleOf.pass(),
  ruleOf.gradient(),
  ruleOf.lrn(),
];
test.each(made)("$name as it is written gives what ruleOf gives, or is refused as that is", (rule) => {
  const outcome = (type: string, one: Rule) => {
    try {
      return net.explain(x, { composite: [{ type, rule: one }, ...rest] });
    } catch (error) {
      expect(error).toMatchObject({ name: "LrpError", code: "rule" });
      return { message: (error as LrpError).message };
    }
  };
  const outcomes = ["Conv", "dense", "sum", "activation", "lrn"].map((type) => [
    outcome(type, rule),
    outcome(type, written(rule)),
  ]);
  for (const [one, other] of outcomes) expect(other).toEqual(one);
  expect(outcomes.some(([one]) => "relevance" in one)).toBe(true);
});

type Tree = Record<string, unknown>;
/** Every object and list in a value, itself among them; a change may have made a circle. */
function partsOf(value: unknown, found = new Set<Tree>()): Tree[] {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || found.has(value as Tree)) return [];
  found.add(value as Tree);
  for (const one of Object.values(value)) partsOf(one, found);
  return [...found];
}

const wild: readonly (() => unknown)[] = [
  ...[
    undefined,
    null,
    Number.NaN,
    Infinity,
    -1,
    0,
    0.5,
    2,
    1e38,
    1e300,
    "",
    "cube",
    "square",
    "one",
    "low",
    "high",
  ].map((v) => () => v),
  ...["positive", "relative", "terms", "own", "pass", "linear", "taylor", "constructor", true, 1n, Symbol("s")].map(
    (v) => () => v,
  ),
  () => () => 1,
  () => [],
  () => [1],
  () => [1, 1],
  () => [-2, 3],
  () => [1e38, 1],
  () => [1, Number.NaN],
  () => Array(2),
  () => [[1], [1]],
  () => ({}),
  () => ({ plus: [1, 0], minus: [0, 1] }),
  () => Object.create(null),
  () => new Map([["kind", "pass"]]),
  () => new Date(0),
  () => /x/,
  () => Float32Array.of(1, 1),
  () => written(linear),
  () => written(linear).name,
  () => (written(linear) as LinearRule).groups,
];
const part = fc.nat({ max: 1000 });
const change = fc.record({
  part,
  key: part,
  does: fc.constantFrom("set", "set", "remove", "add", "twice", "another"),
  to: fc.constantFrom(...wild),
  name: fc.constantFrom("low", "high", "bias", "where", "aboveOwn", "toJSON", "coeficient"),
});

/** A change somewhere in an entry. */
function mutate(
  entry: Tree,
  { part, key, does, to, name }: typeof change extends fc.Arbitrary<infer C> ? C : never,
): void {
  const parts = partsOf(entry);
  const at = parts[part % parts.length];
  const keys = Object.keys(at);
  const chosen = keys[key % Math.max(1, keys.length)] ?? name;
  if (does === "remove") delete at[chosen];
  else if (does === "add") at[name] = to();
  else if (does === "twice" && Array.isArray(at)) at.push(at[0]);
  else if (does === "another") at[chosen] = parts[key % parts.length];
  else at[chosen] = to();
}

test("whatever is done to a rule, it gives finite numbers or says what is wrong", () => {
  const seen = { finite: 0, usage: 0, rule: 0 };
  const draw = fc.record({
    rule: fc.constantFrom(...made),
    type: fc.constantFrom("Conv", "dense", "sum", "activation", "lrn"),
    changes: fc.array(change, { minLength: 1, maxLength: 3 }),
  });
  fc.assert(
    fc.property(draw, ({ rule, type, changes }) => {
      const entry: Tree = { type, rule: written(rule) };
      for (const one of changes) mutate(entry, one);
      try {
        const { relevance, ledger } = net.explain(x, { composite: [entry as unknown as Composite[number], ...rest] });
        expect(relevance.data.every(Number.isFinite)).toBe(true);
        expect(
          ledger.every((row) => Object.values(row).every((v) => typeof v !== "number" || Number.isFinite(v))),
        ).toBe(true);
        seen.finite++;
      } catch (error) {
        expect(error).toBeInstanceOf(LrpError);
        seen[(error as LrpError).code as "usage" | "rule"]++;
      }
    }),
    { seed: SEED, numRuns: 5 * RUNS, endOnFailure: false },
  );
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(RUNS / 10);
});
