import { describe, expect, it } from "vitest";
import {
  ABSORBED,
  AMPLIFIED,
  baseEntries,
  type Composite,
  dense,
  type ExplainOptions,
  heatmap,
  load,
  relu,
  ruleOf,
  type Tensor,
} from "../../src/entries/index.ts";
import { attribute } from "../../src/evaluate/index.ts";
import { network } from "../explain.ts";

/*
 * Whether an explanation as a whole can be read: Σ|R| and ΣR, of networks whose relevance is worked out by hand.
 */

const exact: Composite = [{ type: "dense", rule: ruleOf.lrp0() }, ...baseEntries()];
const row = (...data: number[]): Tensor => ({ dims: [1, data.length], data: Float32Array.from(data) });
const matrix = (m: number, ...data: number[]) => ({ dims: [m, data.length / m], data: Float32Array.from(data) });

/** y = a − b passes (a + b) / (a − b) times as much as it receives: a and −b, of a − b. */
const difference = dense({ name: "difference", weight: matrix(1, 1, -1) });

async function stabilityOf(x: Tensor, layers: Parameters<typeof network>[1][], options: ExplainOptions = {}) {
  using model = await load(network(x.dims, ...layers));
  return model.explain(x, { composite: exact, ...options });
}

describe("stability", () => {
  it("has its constants", () => {
    expect([AMPLIFIED, ABSORBED]).toEqual([1000, 0.01]);
  });

  it("is of the start, the inputs and what lies between them", async () => {
    const { stability } = await stabilityOf(row(5, 3), [difference]);
    expect(stability).toEqual({ amplification: 4, peak: 4, arrived: 1, verdict: "stable" });
  });

  it("has its peak on the way where the inputs have less", async () => {
    // x to (500 x, −499 x) to their sum, which is x: 1 at the input, 999 before it.
    const layers = [dense({ name: "apart", weight: matrix(2, 500, 499) }), difference];
    const { stability } = await stabilityOf(row(1), layers);
    expect(stability).toEqual({ amplification: 1, peak: 999, arrived: 1, verdict: "stable" });
    const more = [dense({ name: "apart", weight: matrix(2, 501, 500) }), difference];
    const { stability: exploded, relevance, notes } = await stabilityOf(row(1), more);
    expect(exploded).toEqual({ amplification: 1, peak: 1001, arrived: 1, verdict: "amplified" });
    expect(relevance.amplified).toBe(true);
    expect(notes[0]).toMatch(/^Warning: .* 1\.0 times .* 1\.0e\+3 times on the way, near node 'apart' \(Gemm, lrp0\)/);
    expect(notes[0]).toContain("These may help: the composite epsilonPlusFlat");
  });

  it("is amplified above 1000, not at it", async () => {
    expect((await stabilityOf(row(2002, 1998), [difference])).stability.verdict).toBe("stable");
    const { stability, relevance } = await stabilityOf(row(500.5, 499.5), [difference]);
    expect([stability.amplification, stability.verdict, relevance.amplified]).toEqual([1000, "stable", undefined]);
    expect((await stabilityOf(row(501, 500), [difference])).stability).toMatchObject({
      amplification: 1001,
      verdict: "amplified",
    });
  });

  it("is absorbed below one hundredth, with the sign that arrives", async () => {
    const kept = (b: number) => [dense({ weight: matrix(1, 1), bias: { dims: [1], data: Float32Array.of(b) } })];
    expect((await stabilityOf(row(1), kept(99))).stability).toMatchObject({ arrived: 0.01, verdict: "stable" });
    expect((await stabilityOf(row(1), kept(127))).stability).toMatchObject({ arrived: 2 ** -7, verdict: "absorbed" });
    expect((await stabilityOf(row(1), kept(-3))).stability).toMatchObject({ arrived: -0.5, verdict: "stable" });
  });

  it("divides by Σ|start| where the start cancels, and takes no contrast for absorbed", async () => {
    const two = dense({ weight: matrix(2, 1, 0, 0, 1) });
    const contrast = { target: { class: 0, against: 1 }, start: "one" } as const;
    const { stability } = await stabilityOf(row(3, 5), [two], contrast);
    expect(stability).toEqual({ amplification: 1, peak: 1, arrived: 0, verdict: "stable" });
    const bias = { dims: [2], data: Float32Array.of(997, 995) };
    const absorbed = await stabilityOf(row(3, 5), [dense({ weight: matrix(2, 1, 0, 0, 1), bias })], contrast);
    expect(absorbed.stability.verdict).toBe("absorbed");
    expect(absorbed.stability.arrived).toBeCloseTo((0.003 - 0.005) / 2, 8);
  });

  it.each(["gradient", "guidedBackprop", "deconvnet", "excitationBackprop"])("does not judge %s", async (composite) => {
    const layers = [dense({ weight: matrix(2, 9000, 0, 0, 9000) }), relu()];
    const { stability, notes, relevance } = await stabilityOf(row(1, 1), layers, { composite });
    expect(stability.verdict).toBe("unjudged");
    expect(stability.amplification).toBe(composite === "excitationBackprop" ? 1 : 9000);
    expect([notes, relevance.amplified]).toEqual([[], undefined]);
  });

  it("does not judge rules that pass slopes, other methods, and what starts from nothing", async () => {
    const slopes: Composite = [{ rule: ruleOf.gradient() }];
    const steep = dense({ weight: matrix(1, 9000, 9000) });
    expect((await stabilityOf(row(1, 1), [steep], { composite: slopes })).stability.verdict).toBe("unjudged");
    expect((await stabilityOf(row(5, 5), [difference])).stability).toEqual({ verdict: "unjudged" });
    using model = await load(network([1, 2], steep));
    const { stability } = await attribute(model, row(1, 1), { method: "gradientTimesInput" });
    expect(stability).toEqual({ verdict: "unjudged" });
    expect((await attribute(model, row(1, 1), { method: "epsilonPlus" })).stability.verdict).toBe("stable");
  });

  it("is of all samples of a batch and each target's own", async () => {
    using model = await load(network([1, 2], dense({ weight: matrix(2, 1, -1, 1, 1) })));
    const x = { dims: [2, 2], data: Float32Array.of(501, 500, 1, 0) };
    const [first, second] = model.explainEach(x, [0, 1], { composite: exact });
    expect([first, second].map((e) => e.stability.amplification)).toEqual([501, 1]);
  });
});

describe("the picture of an explanation that has exploded", () => {
  const yellow = ({ data, width }: { data: Uint8ClampedArray; width: number }, x: number, y: number) =>
    data.slice(4 * (y * width + x), 4 * (y * width + x) + 3).join() === "255,204,0";
  const black = (...at: Parameters<typeof yellow>) =>
    at[0].data.slice(4 * (at[2] * at[0].width + at[1]), 4 * (at[2] * at[0].width + at[1]) + 3).join() === "0,0,0";

  it.each([
    [[1, 1, 31, 37], 1, 37, 1],
    [[1, 3, 64, 80], 3, 240, 12],
    [[1, 50], 4, 13, 4],
  ])("of %j, %d-fold, has a strip", (dims, scale, across, down) => {
    const relevance = { dims, data: new Float32Array(dims.reduce((a, b) => a * b)).fill(1) };
    const plain = heatmap(relevance, { scale, smooth: false });
    const marked = heatmap({ ...relevance, amplified: true }, { scale, smooth: false });
    let strip = 0;
    for (let y = 0; y < marked.height; y++) {
      for (let x = 0; x < marked.width; x++) {
        const isStrip = yellow(marked, x, y) || black(marked, x, y);
        if (isStrip) strip++;
        expect(isStrip).toBe(x < across && y < down);
        if (!isStrip) expect(marked.data[4 * (y * marked.width + x)]).toBe(plain.data[4 * (y * marked.width + x)]);
      }
    }
    expect(strip).toBe(across * down);
    expect([yellow, black].map((is) => is(marked, 0, 0))).toEqual([false, true]);
  });
});
