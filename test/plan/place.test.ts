import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dense, load, ruleOf } from "../../src/entries/index.ts";
import { canonize } from "../../src/canonize/canonize.ts";
import { build } from "../../src/read/build.ts";
import { infer } from "../../src/infer/infer.ts";
import { decode } from "../../src/read/onnx/decode.ts";
import { waysOf } from "../../src/ops/ways.ts";
import type { Segment } from "../../src/plan/backward.ts";
import { lower, type Program } from "../../src/plan/lower.ts";
import { pathTo } from "../../src/plan/path.ts";
import { bytesOf, type Plan, place } from "../../src/plan/place.ts";
import { assign } from "../../src/rules/assign.ts";
import { compositeOf } from "../../src/rules/composite.ts";
import { type Argument, type Step, type Value, valueOf } from "../../src/program/step.ts";
import { Emitter } from "../../src/program/emitter.ts";
import { expectClose } from "../close.ts";
import { explainFrom, network } from "../explain.ts";
import { drawing } from "../properties/drawing.ts";
import { numbers, tensor } from "../random.ts";
import { apply, dense as literalDense } from "../reference/linear.ts";
import { alphaBeta, explain } from "../reference/rules.ts";

const demo = new Uint8Array(readFileSync(new URL("../../demo/digits.onnx", import.meta.url)));

function program(composite: string): Program {
  const built = build(decode(demo));
  const graph = canonize(infer(built, new Map([[built.inputs[0].name, { dims: [2, 1, 28, 28] }]]))!);
  const ways = waysOf(graph);
  const { assignment } = assign(graph, ways, pathTo(graph, ways, "logits").nodes, compositeOf(composite, {}));
  const lowering = { winograd: "paying", sparse: "paying", weights: "kept" } as const;
  return lower(graph, ways, lowering, [{ from: "logits", assignment, at: [] }]);
}

interface Life {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** First and last call at which each value is named, by a second reading of the program. */
function lives({ steps, inputs, outputs, logits, segments }: Program, again: boolean): Map<number, Life> {
  const found = new Map<number, Life>();
  const see = ({ id, count }: Value, at: number) => {
    const life = found.get(id) ?? { first: at, last: at, bytes: bytesOf(count) };
    found.set(id, { ...life, first: Math.min(life.first, at), last: Math.max(life.last, at) });
  };
  for (const input of inputs) see(input, -1);
  let at = 0;
  const walk = (step: Step) => {
    if ("limit" in step) {
      see(step.value, at++);
      // Only one of the two ways is gone, but both read what was there before.
      for (const one of [...step.sparse, ...step.whole]) walk(one);
      return;
    }
    for (const value of (step.args as readonly Argument[]).map(valueOf)) if (value && !value.weight) see(value, at);
    at++;
  };
  const starts = steps.map((step) => {
    const start = at;
    walk(step);
    return start;
  });
  for (const output of outputs.values()) see(output, at);
  see(logits, at);
  for (const segment of segments) {
    const begin = starts[segment.begin] ?? at;
    for (const value of [segment.value, segment.seed]) {
      see(value, begin - 1);
      see(value, begin);
    }
    for (const value of [
      ...segment.inputs.values(),
      ...segment.shares.values(),
      segment.ledger,
      ...segment.at.values(),
    ])
      see(value, at);
    for (const [id, life] of found)
      if (again && life.first < begin && life.last >= begin) found.set(id, { ...life, last: at });
  }
  return found;
}

const meet = (a: Life, b: Life) => a.first <= b.last && b.first <= a.last;

/** The plan as its definition has it: largest first, each held against all that are placed. */
function literal(all: ReadonlyMap<number, Life>): Pick<Plan, "offsets" | "arenaBytes" | "lowerBound"> {
  const placed: (Life & { id: number; offset: number })[] = [];
  for (const [id, life] of [...all].sort(([, a], [, b]) => b.bytes - a.bytes)) {
    const rivals = placed.filter((other) => meet(life, other)).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const rival of rivals) {
      if (offset + life.bytes <= rival.offset) break;
      offset = Math.max(offset, rival.offset + rival.bytes);
    }
    placed.push({ ...life, id, offset });
  }
  const alive = (at: number) => placed.reduce((sum, p) => (p.first <= at && at <= p.last ? sum + p.bytes : sum), 0);
  return {
    offsets: new Map(placed.map(({ id, offset }) => [id, offset])),
    arenaBytes: Math.max(...placed.map((p) => p.offset + p.bytes)),
    lowerBound: Math.max(...placed.map((p) => alive(p.first))),
  };
}

/** Fails where two values that live at the same time share a byte. */
function expectApart(all: ReadonlyMap<number, Life>, { offsets, arenaBytes, lowerBound }: Plan): void {
  const places = [...all].map(([id, life]) => ({ ...life, from: offsets.get(id)!, to: offsets.get(id)! + life.bytes }));
  for (const [i, a] of places.entries()) {
    expect(a.from % 16).toBe(0);
    expect(a.to).toBeLessThanOrEqual(arenaBytes);
    for (const b of places.slice(0, i)) if (meet(a, b)) expect(a.to <= b.from || b.to <= a.from).toBe(true);
  }
  expect(arenaBytes).toBeGreaterThanOrEqual(lowerBound);
}

/** One step that makes a value from some made so many values before, as one call or as a choice of two. */
const step = fc.record({
  count: fc.constantFrom(1, 2, 3, 4, 5, 9, 40, 41, 200),
  back: fc.array(fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, fc.nat(200)), { maxLength: 3 }),
  choice: fc.boolean(),
});
const stretch = fc.array(step, { minLength: 1, maxLength: 60 });

/** Programs in which values of few sizes live short, long, or across several passes. */
const programs = fc
  .record({ forward: stretch, backward: fc.array(stretch, { maxLength: 3 }), again: fc.boolean() })
  .map(({ forward, backward, again }): { program: Program; again: boolean } => {
    const e = new Emitter({ winograd: "paying", sparse: "paying", weights: "kept" });
    const input = e.temp("x", [7]);
    const made = [input];
    const run = ({ count, back, choice }: { count: number; back: readonly number[]; choice: boolean }) => {
      const y = e.temp("y", [count]);
      const from = back.map((distance) => made[made.length - 1 - (distance % made.length)]);
      const call = () => e.host("step", [e.scratch("s", count), ...from, y], () => {});
      if (choice) e.choose(made.at(-1)!, 0.5, call, call);
      else call();
      made.push(y);
    };
    for (const one of forward) run(one);
    const logits = made.at(-1)!;
    const outputs = new Map([["y", logits]]);
    const segments = backward.map((steps, i): Segment => {
      const begin = e.steps.length;
      const value = made[(7 * i) % made.length];
      const [seed, ledger] = [e.temp("R", value.dims), e.scratch("ledger", 30)];
      e.fill(ledger, 0);
      made.push(seed);
      for (const one of steps) run(one);
      const [at, arrived] = [made.at(-2)!, made.at(-1)!];
      const there = { inputs: new Map([["x", arrived]]), shares: new Map([["t", at]]), at: new Map([["a", at]]) };
      return { begin, end: e.steps.length, value, seed, ...there, ledger, accounts: [] };
    });
    return { program: { steps: e.steps, inputs: [input], outputs, logits, segments }, again };
  });

describe("the memory plan", () => {
  it.each(["epsilonPlus", "epsilonAlpha2Beta1", "paperBeta"])(
    "%s: values that live at the same time do not overlap",
    (composite) => {
      const made = program(composite);
      const plan = place(made);
      expectApart(lives(made, false), plan);
      expect(plan.arenaBytes).toBeLessThan(1.25 * plan.lowerBound);
    },
  );

  it("of any program is the one that holding each value against all others gives", () => {
    fc.assert(
      fc.property(programs, ({ program, again }) => {
        const plan = place(program, again);
        const all = lives(program, again);
        expectApart(all, plan);
        const { offsets, arenaBytes, lowerBound } = plan;
        expect({ offsets, arenaBytes, lowerBound }).toEqual(literal(all));
      }),
      drawing(7),
    );
  });
});

describe("what the stages print", () => {
  it("the graph of the demo, with its rules", async () => {
    const model = await load(demo);
    await expect(`${model.inspect({ composite: "epsilonPlus" }).text}\n`).toMatchFileSnapshot(
      "../golden/digits.inspect.txt",
    );
  });

  it("the kernel calls of its explanation", async () => {
    const model = await load(demo);
    await expect(`${model.printPlan([1, 1, 28, 28], { composite: "epsilonPlus" })}\n`).toMatchFileSnapshot(
      "../golden/digits.plan.txt",
    );
  });
});

describe("weights that are repacked on each run", () => {
  it.each(["epsilon", "epsilonPlus", "epsilonAlpha2Beta1Flat"])(
    "%s: the same bits, and no weight stays in memory",
    async (composite) => {
      const [kept, repacked] = [await load(demo), await load(demo, { weights: "repacked" })];
      const x = { dims: [2, 1, 28, 28], data: numbers(2 * 784, 3, 0, 1) };
      for (let run = 0; run < 2; run++)
        expect(repacked.explain(x, { composite })).toEqual(kept.explain(x, { composite }));
      expect(repacked.predict(x)).toEqual(kept.predict(x));
      expect(repacked.printPlan(x.dims, { composite })).toContain("host pack(");
      expect(kept.printPlan(x.dims, { composite })).not.toContain("host pack(");
    },
  );

  it("layers of one shape have each its own, in every run, from the first step on", async () => {
    const sides = [1, 2].map((seed) => ({ weight: tensor([6, 6], seed), bias: tensor([6], seed + 2) }));
    const layers = sides.map((side, i) => dense({ ...side, name: `d${i}` }));
    using model = await load(network([3, 6], ...layers), { weights: "repacked" });
    const [first, second] = sides.map(({ weight, bias }) => literalDense(3, weight, bias.data));
    const composite = [{ rule: ruleOf.zPlus() }];
    for (const seed of [5, 6]) {
      const [x, r] = [tensor([3, 6], seed, 0, 1), numbers(18, seed + 2)];
      const middle = apply(first, x.data);
      expectClose(model.predict(x).output.data, apply(second, middle), 2e-6);
      const between = explain(second, middle, r, alphaBeta(1, 0)).relevance;
      const { relevance } = explain(first, x.data, between, alphaBeta(1, 0));
      expectClose(explainFrom(model, x, r, { composite }).relevance.data, relevance, 1e-5);
    }
  });

  it("is one of two words", async () => {
    await expect(load(demo, { weights: "none" as never })).rejects.toThrow(
      "option 'weights' of load: expected 'kept' or 'repacked', got 'none'",
    );
  });
});
