import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { load } from "../../src/index.ts";
import { canonize } from "../../src/graph/canonize.ts";
import { build } from "../../src/graph/build.ts";
import { infer } from "../../src/graph/infer.ts";
import { decode } from "../../src/onnx/decode.ts";
import { lower, pathTo, type Program } from "../../src/plan/lower.ts";
import { place } from "../../src/plan/place.ts";
import { assign } from "../../src/rules/assign.ts";
import { compositeOf } from "../../src/rules/composite.ts";
import { type Argument, type Step, valueOf } from "../../src/step.ts";
import { numbers } from "../random.ts";

const demo = new Uint8Array(readFileSync(new URL("../../demo/digits.onnx", import.meta.url)));

function program(composite: string): Program {
  const built = build(decode(demo));
  const graph = canonize(infer(built, new Map([[built.inputs[0].name, { dims: [2, 1, 28, 28] }]]))!);
  const { assignment } = assign(graph, pathTo(graph, "logits").nodes, compositeOf(composite, {}));
  return lower(graph, { winograd: true, weights: "kept" }, { start: "logits", assignment, at: [] });
}

/** First and last step at which each value is named, by a second reading of the program. */
function lives({ steps, inputs, outputs, relevance }: Program): Map<number, { first: number; last: number; count: number }> {
  const found = new Map<number, { first: number; last: number; count: number }>();
  const see = (id: number, count: number, at: number) => {
    const life = found.get(id) ?? { first: at, last: at, count };
    found.set(id, { first: Math.min(life.first, at), last: Math.max(life.last, at), count: Math.max(life.count, count) });
  };
  for (const input of inputs) see(input.id, input.count, -1);
  let at = 0;
  const walk = (step: Step) => {
    if ("limit" in step) {
      see(step.value.id, step.value.count, at++);
      // Only one of the two ways is gone, but both read what was there before.
      for (const one of [...step.sparse, ...step.dense]) walk(one);
      return;
    }
    for (const value of (step.args as readonly Argument[]).map(valueOf)) if (value && !value.weight) see(value.id, value.count, at);
    at++;
  };
  for (const step of steps) walk(step);
  for (const value of [...outputs.values(), ...relevance!.inputs.values(), relevance!.ledger]) see(value.id, value.count, at);
  return found;
}

describe("the memory plan", () => {
  it.each(["epsilonPlus", "epsilonAlpha2Beta1", "paperBeta"])("%s: values that live at the same time do not overlap", (composite) => {
    const made = program(composite);
    const { offsets, arenaBytes, lowerBound } = place(made);
    const all = [...lives(made)].map(([id, life]) => ({ ...life, from: offsets.get(id)!, to: offsets.get(id)! + 4 * life.count + 16 }));
    for (const a of all) {
      expect(a.from % 16).toBe(0);
      expect(a.to).toBeLessThanOrEqual(arenaBytes + 16);
      for (const b of all) {
        if (a === b || a.first > b.last || b.first > a.last) continue;
        expect(a.to <= b.from || b.to <= a.from).toBe(true);
      }
    }
    expect(arenaBytes).toBeGreaterThanOrEqual(lowerBound);
    expect(arenaBytes).toBeLessThan(1.25 * lowerBound);
  });
});

describe("what the stages print", () => {
  it("the graph of the demo, with its rules", async () => {
    const model = await load(demo);
    await expect(`${model.inspect({ composite: "epsilonPlus" }).text}\n`).toMatchFileSnapshot("../golden/digits.inspect.txt");
  });

  it("the kernel calls of its explanation", async () => {
    const model = await load(demo);
    await expect(`${model.printPlan([1, 1, 28, 28], { composite: "epsilonPlus" })}\n`).toMatchFileSnapshot("../golden/digits.plan.txt");
  });
});

describe("weights that are repacked on each run", () => {
  it.each(["epsilon", "epsilonPlus", "epsilonAlpha2Beta1Flat"])("%s: the same bits, and no weight stays in memory", async (composite) => {
    const [kept, repacked] = [await load(demo), await load(demo, { weights: "repacked" })];
    const x = { dims: [2, 1, 28, 28], data: numbers(2 * 784, 3, 0, 1) };
    for (let run = 0; run < 2; run++) expect(repacked.explain(x, { composite })).toEqual(kept.explain(x, { composite }));
    expect(repacked.predict(x)).toEqual(kept.predict(x));
    expect(repacked.printPlan(x.dims, { composite })).toContain("host pack(");
    expect(kept.printPlan(x.dims, { composite })).not.toContain("host pack(");
  });

  it("is one of two words", async () => {
    await expect(load(demo, { weights: "none" as never })).rejects.toThrow(
      "option 'weights' of load: expected 'kept' or 'repacked', got 'none'",
    );
  });
});
