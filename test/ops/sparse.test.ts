import { describe, expect, test } from "vitest";
import { baseEntries, conv2d, type Model, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { loadInMode, modeName } from "../modes.ts";
import { expectClose, largest } from "../close.ts";
import { explainFrom, network } from "../explain.ts";
import { numbers, tensor } from "../random.ts";
import { apply, conv, count, type Dims, transposed, turnover } from "../reference/linear.ts";
import { alphaBeta, explain } from "../reference/rules.ts";

/*
 * Convolutions of what is mostly zero, input or relevance, which kernels of their own do: with nothing but zeros, with
 * as few as one number, with as many as those kernels are ever given, and with more.
 */

interface Case {
  readonly x: Dims;
  readonly w: Dims;
  readonly strides?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly group?: number;
}

const cases: readonly Case[] = [
  { x: [2, 40, 5, 7], w: [64, 40, 1, 1] },
  { x: [1, 300, 3, 5], w: [33, 300, 1, 1] },
  { x: [1, 32, 6, 5], w: [96, 32, 3, 3] },
  { x: [1, 24, 5, 6], w: [40, 24, 3, 2], pads: [1, 1, 1, 0] },
  { x: [2, 32, 7, 6], w: [64, 32, 2, 2], strides: [2, 2] },
  { x: [1, 8, 6, 7], w: [12, 4, 3, 3], group: 2, pads: [1, 1, 1, 1] },
];

/** Random numbers at `some` of the places, 0 at the others. */
function sparse(dims: Dims, some: number, seed: number): Tensor {
  const order = numbers(count(dims), seed);
  const chosen = new Set([...order.keys()].sort((a, b) => order[a] - order[b]).slice(0, some));
  return { dims, data: numbers(count(dims), seed + 1, 0.5, 1.5).map((v, i) => (chosen.has(i) ? (i % 2 ? v : -v) : 0)) };
}

/** The same as relevance, of which every sample has some. */
function relevance(dims: Dims, some: number, seed: number): Float32Array {
  const { data } = sparse(dims, some, seed);
  return data.map((v, i) => (i % (data.length / dims[0]) === 0 ? 1 : v));
}

/** How many of `all` numbers may differ from 0 where the plan chooses between two ways: the most for each choice. */
function limits(model: Model, dims: Dims, composite: Parameters<Model["printPlan"]>[1], all: number): number[] {
  const shares = [...model.printPlan(dims, composite).matchAll(/where less than (\d\.\d+) of/g)].map(([, share]) =>
    Number(share),
  );
  return shares.map((share) => Math.floor((share - 0.0005) * all));
}

const nameOf = ({ x, w, ...rest }: Case) => `[${x}] * [${w}] ${JSON.stringify(rest)}`;

/** Where one way is forced there is no choice, and no most: then with nothing, with one number and with all. */
const isForced = ["threads-sparse-direct", "relaxed-dense-repacked"].includes(modeName);

describe("convolutions of what is mostly zero", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", async (_name, { x: dims, w, ...options }) => {
    const [weight, bias] = [tensor(w, 3), tensor([w[0]], 5)];
    const map = conv(dims, weight, bias.data, options);
    using model = await loadInMode(network(dims, conv2d({ weight, bias, ...options })), { winograd: false });
    const all = (of: Dims, some: readonly number[]) =>
      [...new Set([0, 1, ...some, count(of)])].filter((n) => n <= count(of));

    const ways = { composite: [{ rule: ruleOf.gradient() }] };
    const onInput = limits(model, dims, ways, count(dims));
    expect(onInput.length > 0).toBe(!isForced);
    for (const some of all(dims, onInput)) {
      const x = sparse(dims, some, 11);
      const scale = largest(turnover(map, x.data)) || 1;
      expectClose(model.predict(x).output.data, apply(map, x.data), 2e-6, scale);
    }

    const x = tensor(dims, 12, 0, 1);
    for (const some of all(map.dims, limits(model, dims, ways, count(map.dims)))) {
      const u = relevance(map.dims, some - dims[0], 13);
      const back = transposed(map, u);
      expectClose(explainFrom(model, x, u, ways).relevance.data, back, 1e-5);
    }

    const plus = { composite: [{ type: "convolution", rule: ruleOf.zPlus() }, ...baseEntries()] };
    for (const some of all(map.dims, limits(model, dims, plus, count(map.dims)))) {
      const u = relevance(map.dims, some - dims[0], 17);
      const literal = explain(map, x.data, u, alphaBeta(1, 0)).relevance;
      expectClose(explainFrom(model, x, u, plus).relevance.data, literal, 1e-5);
    }
  });
});
