import { describe, expect, test } from "vitest";
import { load, ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, largest } from "../close.ts";
import { explainLayer } from "../explain.ts";
import { type Attribute, chain } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, convTranspose, count, type Dims, type LinearMap, transposed, turnover } from "../reference/linear.ts";
import { explain } from "../reference/rules.ts";
import { rules, weighted } from "../rules/cases.ts";
import { expectLayer } from "./check.ts";

interface Window {
  readonly strides?: Dims;
  readonly pads?: Dims;
  readonly dilations?: Dims;
  readonly output_padding?: Dims;
  readonly group?: number;
}

interface Case extends Window {
  readonly x: Dims;
  readonly w: Dims;
  readonly bias?: false;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const cases: readonly Case[] = [
  // Tails of panels: inputs, outputs, pixels; outputs of several phases together.
  ...range(1, 9).map((c): Case => ({ x: [1, c, 3, 5], w: [c, 5, 2, 3] })),
  ...range(1, 17).map((m): Case => ({ x: [1, 3, 3, 5], w: [3, m, 3, 2], strides: [2, 2] })),
  ...range(1, 9).map((m): Case => ({ x: [2, m, 3, 4], w: [m, 1, 3, 3], group: m, pads: [1, 1, 1, 1] })),
  { x: [2, 7, 3, 5], w: [7, 3, 4, 4], strides: [2, 2], pads: [1, 1, 1, 1] },
  { x: [1, 17, 9, 8], w: [17, 16, 3, 3], pads: [1, 1, 1, 1] },
  // Strides larger than the kernel leave pixels that have the bias only; some are behind the last window.
  { x: [2, 3, 5, 3], w: [3, 5, 2, 1], strides: [3, 4], output_padding: [2, 3] },
  { x: [2, 5, 5, 3], w: [5, 5, 1, 1], strides: [2, 3], output_padding: [1, 0], bias: false },
  { x: [2, 5, 3, 4], w: [5, 1, 2, 2], strides: [3, 3], group: 5, output_padding: [2, 1] },
  // Asymmetric pads, wider than the kernel's reach too.
  { x: [1, 2, 7, 5], w: [2, 3, 3, 3], pads: [0, 1, 2, 3] },
  { x: [1, 2, 11, 9], w: [2, 3, 2, 3], pads: [4, 0, 3, 5] },
  { x: [1, 3, 5, 7], w: [3, 2, 3, 3], strides: [2, 3], pads: [2, 1, 0, 1], output_padding: [1, 2], dilations: [2, 3] },
  { x: [1, 2, 4, 5], w: [2, 3, 3, 2], strides: [2, 3], dilations: [4, 6], pads: [1, 0, 2, 5] },
  { x: [1, 3, 5, 4], w: [3, 2, 2, 3], dilations: [3, 2], output_padding: [2, 1] },
  // Groups.
  { x: [2, 6, 3, 5], w: [6, 3, 3, 2], group: 3, strides: [2, 1] },
  { x: [1, 10, 3, 2], w: [10, 3, 2, 3], group: 2, pads: [1, 0, 0, 1], strides: [1, 3] },
  { x: [1, 3, 5, 4], w: [3, 4, 3, 2], group: 3, dilations: [2, 1] },
  // One, three and more axes.
  { x: [2, 3, 7], w: [3, 5, 4], strides: [3], pads: [2, 0], output_padding: [1] },
  { x: [1, 5, 7], w: [5, 1, 3], group: 5, dilations: [2] },
  { x: [2, 3, 3, 5, 4], w: [3, 5, 2, 3, 2] },
  {
    x: [1, 3, 4, 3, 5],
    w: [3, 2, 3, 2, 3],
    strides: [2, 1, 3],
    pads: [1, 0, 2, 0, 1, 1],
    output_padding: [1, 0, 2],
    dilations: [1, 2, 1],
  },
  { x: [2, 2, 3, 2, 3], w: [2, 3, 2, 1, 2], strides: [3, 2, 1], output_padding: [2, 1, 0] },
  { x: [1, 6, 3, 3, 2], w: [6, 3, 2, 3, 3], group: 2, dilations: [3, 1, 2] },
  { x: [2, 3, 4, 5, 3], w: [3, 5, 1, 3, 2], strides: [1, 2, 1] },
  { x: [2, 3, 2, 3, 2, 3], w: [3, 2, 1, 1, 2, 2] },
];

const fileOf = (
  x: Dims,
  attributes: Record<string, Attribute>,
  parameters: Parameters<typeof chain>[1][number]["parameters"],
  opset = 17,
) => chain(["n", ...x.slice(1)], [{ type: "ConvTranspose", attributes, parameters }], opset);

const nameOf = ({ x, w, ...rest }: Case) => `[${x}] * [${w}] ${JSON.stringify(rest)}`;

describe("ConvTranspose", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", async (_name, { x: dims, w, bias, ...options }) => {
    const m = w[1] * (options.group ?? 1);
    const [x, weight, b] = [tensor(dims, 11), tensor(w, 3), bias === false ? undefined : tensor([m], 5)];
    const map = convTranspose(dims, weight, b?.data, options);
    const source = fileOf(dims, { ...options, kernel_shape: w.slice(2) } as Record<string, Attribute>, [weight, b]);
    await expectLayer(source, x, {
      dims: map.dims,
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
    const u = numbers(count(map.dims), 7);
    expectClose((await explainLayer(source, x, u, ruleOf.gradient())).relevance.data, transposed(map, u), 1e-5);
  });

  // total = stride · (in − 1) + output_padding + reach − out; odd totals: more at the end (UPPER), else more at the
  // beginning.
  const split = (totals: Dims, upper: boolean) => {
    const [less, more] = [totals.map((t) => Math.floor(t / 2)), totals.map((t) => t - Math.floor(t / 2))];
    return upper ? [...less, ...more] : [...more, ...less];
  };
  test.each([
    { x: [1, 2, 5, 3], w: [2, 3, 3, 4], strides: [2, 1], dilations: [1, 1], output_padding: [0, 0] },
    { x: [2, 3, 4, 5], w: [3, 2, 3, 2], strides: [1, 3], dilations: [2, 3], output_padding: [0, 2] },
    { x: [1, 2, 3, 4], w: [2, 3, 1, 2], strides: [4, 3], dilations: [1, 1], output_padding: [0, 0] },
  ])(
    "auto_pad, output_shape: $x * $w, strides $strides",
    async ({ x: dims, w, strides, dilations, output_padding }) => {
      const [x, weight, bias] = [tensor(dims, 11), tensor(w, 3), tensor([w[1]], 5)];
      const reach = strides.map(
        (s, a) => s * (dims[a + 2] - 1) + output_padding[a] + dilations[a] * (w[a + 2] - 1) + 1,
      );
      const same = strides.map((s, a) => s * dims[a + 2]);
      const check = async (attributes: Record<string, Attribute>, pads: Dims) => {
        const window = { strides, dilations, output_padding };
        const map = convTranspose(dims, weight, bias.data, { ...window, pads });
        await expectLayer(fileOf(dims, { ...window, ...attributes }, [weight, bias]), x, {
          dims: map.dims,
          forward: (v) => apply(map, v),
          scale: largest(turnover(map, x.data)),
        });
      };
      for (const auto_pad of ["SAME_UPPER", "SAME_LOWER"]) {
        await check(
          { auto_pad },
          split(
            reach.map((r, a) => r - same[a]),
            auto_pad === "SAME_UPPER",
          ),
        );
      }
      await check({ auto_pad: "VALID" }, [0, 0, 0, 0]);
      for (const auto_pad of ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]) {
        for (const less of [
          [1, 2],
          [3, 0],
        ]) {
          const shape = reach.map((r, a) => Math.max(1, r - less[a]));
          const totals = reach.map((r, a) => r - shape[a]);
          await check({ auto_pad, output_shape: shape }, split(totals, auto_pad === "SAME_UPPER"));
        }
      }
      // What is too much is added to the end, as output_padding is; stated pads do not count.
      await check({ output_shape: reach.map((r, a) => r + a + 1), pads: [1, 1, 1, 1] }, [0, 0, -1, -2]);
    },
  );

  test("a file's defaults: stride 1, no padding, no dilation, one group, no bias; in every opset", async () => {
    const [dims, x, weight] = [[1, 2, 3, 4], tensor([1, 2, 3, 4], 11), tensor([2, 3, 2, 3], 3)];
    const map = convTranspose(dims, weight, undefined);
    for (const opset of [7, 10, 11, 21, 22]) {
      await expectLayer(fileOf(dims, {}, [weight], opset), x, { dims: [1, 3, 4, 6], forward: (v) => apply(map, v) });
    }
  });

  test("BatchNormalization behind it is folded in, also in groups; before it, it passes", async () => {
    const [dims, w] = [
      [2, 4, 3, 4],
      [4, 3, 2, 3],
    ];
    const [x, weight, b] = [tensor(dims, 11), tensor(w, 3), tensor([6], 5)];
    const window = { group: 2, strides: [2, 2], output_padding: [1, 1] };
    const map = convTranspose(dims, weight, b.data, window);
    const norm = (c: number) => [tensor([c], 21, -0.5, 2), tensor([c], 22), tensor([c], 23), tensor([c], 24, 0.2, 2)];
    const after = norm(6);
    const [scale, shift, mean, variance] = after.map((t) => t.data);
    const factor = Array.from(scale, (s, c) => s / Math.sqrt(variance[c] + 1e-3));
    const channelOf = (j: number) => Math.floor(j / count(map.dims.slice(2))) % 6;
    const scaled: LinearMap = {
      ...map,
      connections: map.connections.map((list, j) => list.map(({ i, w: v }) => ({ i, w: v * factor[channelOf(j)] }))),
      bias: map.bias.map((v, j) => (v - mean[channelOf(j)]) * factor[channelOf(j)] + shift[channelOf(j)]),
    };
    const epsilon = { float: 1e-3 };
    const conv = { type: "ConvTranspose", attributes: window, parameters: [weight, b] };
    const file = chain(
      ["n", 4, 3, 4],
      [conv, { type: "BatchNormalization", attributes: { epsilon }, parameters: after }],
    );
    const z = apply(scaled, x.data);
    const r = numbers(z.length, 7).map((v, j) => (Math.abs(z[j]) > 0.1 ? v : 0));
    for (const [, rule, literal, off] of rules) {
      const { output, relevance, ledger } = await explainLayer(file, x, r, weighted(rule));
      expectClose(output.data, z, 3e-6);
      expectClose(relevance.data, explain(scaled, x.data, r, literal).relevance, off);
      expect(ledger).toHaveLength(1);
    }
    using model = await loadInMode(
      chain(["n", 4, 3, 4], [{ type: "BatchNormalization", attributes: { epsilon }, parameters: norm(4) }, conv]),
    );
    expect(model.inspect().nodes.map((n) => n.type)).toEqual(["BatchNormalization", "ConvTranspose"]);
  });
});

test("what does not fit is an error that names the node", async () => {
  const file = (w: Dims, attributes: Record<string, Attribute> = {}, b?: Dims) =>
    load(chain([1, 4, 3, 3], [{ type: "ConvTranspose", attributes, parameters: [tensor(w, 3), b && tensor(b, 4)] }]));
  const where = "node 'y0' (ConvTranspose): expected ";
  await expect(file([3, 4, 3, 3])).rejects.toThrow(`${where}an input of 3 channels`);
  await expect(file([4, 2, 3, 3], { group: 3 })).rejects.toThrow(
    `${where}a number of channels that is a multiple of 3, the group, got 4`,
  );
  await expect(file([4, 2, 3, 3], { group: 0 })).rejects.toThrow(`${where}a group ≥ 1`);
  await expect(file([4, 2, 3])).rejects.toThrow(`${where}input and weight of the same rank`);
  await expect(file([4, 2, 3, 3], { group: 2 }, [2])).rejects.toThrow(`${where}4 biases`);
  await expect(file([4, 2, 3, 3], { pads: [3, 3, 3, 3] })).rejects.toThrow(
    "node 'y0' (ConvTranspose): pads of 3 and 3 leave nothing of an output of 5",
  );
  await expect(file([4, 2, 3, 3], { output_shape: [1, 2, 5, 5] })).rejects.toThrow(
    `${where}2 sizes of output_shape ≥ 1`,
  );
  await expect(file([4, 2, 3, 3], { output_padding: [-1, 0] })).rejects.toThrow(
    `${where}2 numbers of output_padding ≥ 0`,
  );
  await expect(file([4, 2, 3, 3], { kernel_shape: [2, 2] })).rejects.toThrow(
    `${where}kernel_shape [3,3] as the weight has it`,
  );
  await expect(file([4, 2, 3, 3], { auto_pad: "SAME" })).rejects.toThrow(`${where}auto_pad NOTSET`);
});
