import { describe, expect, it } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import type { Plan } from "../../src/plan/place.ts";
import { type Fitted, planKey, planOf } from "../../src/run/fit.ts";

const nodes = ["a", "b", "c"].map((name) => ({ name, type: "Gemm", attributes: {}, inputs: [], outputs: [] }));

describe("the key of a plan", () => {
  const key = (...rules: ReturnType<typeof ruleOf.epsilon>[]) =>
    planKey({ from: "y", assignment: new Map(rules.map((rule, i) => [nodes[i], rule])), at: [] }, false);
  const [one, same, other] = [0.1, 0.1, 0.2].map((epsilon) => ruleOf.epsilon({ epsilon }));

  it("is that of equal rules", () => expect(key(one, same, other)).toBe(key(same, same, other)));

  it("tells apart which node has which rule", () => {
    expect(key(one, one, other)).not.toBe(key(one, other, other));
    expect(key(one, other)).not.toBe(key(other, one));
  });

  it("tells apart where a stretch ends", () => {
    const at = (ends?: string[]) => planKey({ from: "y", ends, assignment: new Map(), at: [] }, false);
    expect(new Set([at(), at(["a"]), at(["b"]), at(["a", "b"])]).size).toBe(4);
  });

  it("has each rule once", () => expect(key(one, same, one).length).toBeLessThan(2 * JSON.stringify(one).length));
});

describe("plans that are kept", () => {
  const plan = (steps: number) => ({ program: { steps: new Array(steps) } }) as unknown as Plan;
  /** The keys that are there after plans of so many steps were asked for, each as "its steps". */
  const kept = (...asked: number[]) => {
    const plans = new Map<string, Plan>();
    for (const steps of asked) planOf({ plans } as Fitted, `${steps}`, () => plan(steps));
    return [...plans.keys()].map(Number);
  };

  it("are the eight that were used last", () => {
    expect(kept(1, 2, 3, 4, 5, 6, 7, 8, 1, 9)).toEqual([3, 4, 5, 6, 7, 8, 1, 9]);
  });

  it("have a million steps together, or are one", () => {
    expect(kept(400_000, 300_000, 300_000 - 1)).toEqual([400_000, 300_000, 299_999]);
    expect(kept(400_000, 300_000, 300_001)).toEqual([300_000, 300_001]);
    expect(kept(10, 2_000_000)).toEqual([2_000_000]);
  });
});
