import { describe, expect, it } from "vitest";
import { size } from "../../src/base/tensor.ts";
import { canonize } from "../../src/canonize/canonize.ts";
import { simd } from "../../src/core.gen.ts";
import {
  type Builder,
  conv2d,
  dense,
  flatten,
  type Handle,
  network,
  op,
  relu,
  type Tensor,
} from "../../src/entries/index.ts";
import { infer } from "../../src/infer/infer.ts";
import { waysOf } from "../../src/ops/ways.ts";
import type { SegmentRequest } from "../../src/plan/backward.ts";
import { lower } from "../../src/plan/lower.ts";
import { pathTo } from "../../src/plan/path.ts";
import { type Plan, place } from "../../src/plan/place.ts";
import { open } from "../../src/read/open.ts";
import { assign } from "../../src/rules/assign.ts";
import { compositeOf } from "../../src/rules/composite.ts";
import { Session } from "../../src/run/session.ts";
import { compileText, instantiate } from "../../src/run/wasm.ts";
import { canaries } from "../canaries.ts";
import { numbers } from "../random.ts";

const tensor = (dims: readonly number[], seed: number): Tensor => ({ dims, data: numbers(size(dims), seed) });
const DIMS = [2, 3, 5, 7];

const convolution = (m: number, c: number, k: number, seed: number) =>
  conv2d({ weight: tensor([m, c, k, k], seed), bias: tensor([m], seed + 1), pads: new Array(4).fill((k - 1) / 2) });

/** Networks with a value `middle`, beside the one they end in. */
const networks: Readonly<
  Record<string, { readonly round: boolean; build(g: Builder, x: Handle): { middle: Handle; y: Handle } }>
> = {
  "every way crosses it": {
    round: false,
    build(g, x) {
      const middle = g.chain(x, convolution(4, 3, 3, 1), relu(), convolution(5, 4, 1, 3));
      return { middle, y: g.chain(middle, relu(), convolution(4, 5, 3, 5)) };
    },
  },
  "a residual block goes round it": {
    round: true,
    build(g, x) {
      const before = g.chain(x, convolution(4, 3, 3, 1), relu());
      const middle = g.node(convolution(4, 4, 3, 3), before);
      return { middle, y: g.node(op("Add"), middle, before) };
    },
  },
  "half of a fire module goes round it": {
    round: true,
    build(g, x) {
      const squeezed = g.chain(x, convolution(4, 3, 1, 1), relu());
      const middle = g.node(convolution(3, 4, 1, 3), squeezed);
      const wide = g.node(convolution(2, 4, 3, 5), squeezed);
      return { middle, y: g.node(relu(), g.node(op("Concat", { axis: 1 }), middle, wide)) };
    },
  },
};

async function fitted(name: string, composite: string) {
  const source = network({
    inputs: { x: DIMS },
    build: (g, { x }) => {
      const { middle, y } = networks[name].build(g, x);
      return {
        logits: g.chain(y, flatten(), dense({ weight: tensor([3, size(DIMS.slice(2)) * channels(name)], 9) })),
        middle,
      };
    },
  });
  const loaded = await open(source, {});
  const graph = canonize(infer(loaded, new Map([["x", { dims: DIMS }]]))!);
  const ways = waysOf(graph);
  const { assignment, issues } = assign(graph, ways, pathTo(graph, ways, "logits").nodes, compositeOf(composite, {}));
  expect(issues).toEqual([]);
  const { kernels, memory } = instantiate(await compileText(simd));
  const session = new Session({ kernels, memory, watch: canaries(memory) }, 2 ** 26);
  const plan = (...segments: Omit<SegmentRequest, "assignment">[]) => {
    const requests = segments.map((segment) => ({ ...segment, assignment }));
    return place(lower(graph, ways, { winograd: "paying", sparse: "paying", weights: "kept" }, requests), true);
  };
  return { session, plan };
}

const channels = (name: string) => (name.startsWith("half") ? 5 : 4);
const input = tensor(DIMS, 11);
/** Where relevance starts: of two samples and three classes. */
const start = Float32Array.of(0.5, 0, -2, 0, 3, 1);

const sum = (...all: readonly Float32Array[]) => all[0].map((_, i) => all.reduce((total, one) => total + one[i], 0));
const expectNear = (got: Float32Array, want: Float32Array) => {
  const most = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  expect(most).toBeGreaterThan(0);
  got.forEach((v, i) => {
    expect(Math.abs(v - want[i])).toBeLessThan(2e-6 * most);
  });
};

describe.each(Object.keys(networks))("segments where %s", (name) => {
  it.each(["epsilon", "epsilonPlus", "epsilonAlpha2Beta1", "gradient"])("%s", async (composite) => {
    const { session, plan } = await fitted(name, composite);
    const arrived = (of: Plan, segment: number) => {
      const value = of.program.segments[segment].inputs.get("x");
      return value && session.read(of, value).slice();
    };
    const whole = plan({ from: "logits", at: ["middle"] });
    session.forward(whole, [input.data]);
    session.backward(whole, start);
    const [all, through] = [
      arrived(whole, 0)!,
      session.read(whole, whole.program.segments[0].at.get("middle")!).slice(),
    ];

    const cut = plan({ from: "logits", ends: ["middle"], at: ["middle"] }, { from: "middle", at: [] });
    const [first, second] = cut.program.segments;
    session.forward(cut, [input.data]);
    session.backward(cut, start, 0);
    const middle = session.read(cut, first.at.get("middle")!).slice();
    expect(middle).toEqual(through);
    const round = arrived(cut, 0);
    expect(round !== undefined).toBe(networks[name].round);

    // One channel at a time, the last one first: a segment may be run again.
    const [, c, ...spatial] = second.value.dims;
    const inChannel = (i: number) => Math.floor(i / size(spatial)) % c;
    const parts = Array.from({ length: c }, (_, k) => {
      session.backward(
        cut,
        middle.map((v, i) => (inChannel(i) === c - 1 - k ? v : 0)),
        1,
      );
      return arrived(cut, 1)!;
    });
    expectNear(sum(...parts, ...(round ? [round] : [])), all);
    // Without what goes round it, or without one channel, it is not whole.
    if (round) expect(() => expectNear(sum(...parts), all)).toThrow();
    const largest = parts.map((part) => part.reduce((m, v) => Math.max(m, Math.abs(v)), 0));
    const fewer = parts.filter((_, k) => k !== largest.indexOf(Math.max(...largest)));
    expect(() => expectNear(sum(...fewer, ...(round ? [round] : [])), all)).toThrow();
  });
});
