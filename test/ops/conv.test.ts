import { describe, expect, test } from "vitest";
import { conv2d, load, ruleOf } from "../../src/entries/index.ts";

import { expectClose, largest } from "../close.ts";
import { explainLayer, network } from "../explain.ts";
import { chain } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, conv, count, type Dims, transposed, turnover, type Window } from "../reference/linear.ts";
import { expectLayer } from "./check.ts";

interface Case {
  readonly x: Dims;
  readonly w: Dims;
  readonly group?: number;
  readonly strides?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly dilations?: readonly [number, number];
  readonly bias?: false;
}

interface LineCase extends Omit<Window, "kernel"> {
  readonly x: Dims;
  readonly w: Dims;
  readonly group?: number;
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

const cases: readonly Case[] = [
  // Tails: every number of channels, outputs and pixels that panels of 8 and tiles of 6 leave over.
  ...range(1, 9).map((c): Case => ({ x: [1, c, 3, 5], w: [5, c, 2, 3] })),
  ...range(1, 17).map((m): Case => ({ x: [1, 3, 3, 5], w: [m, 3, 3, 2] })),
  ...range(1, 13).map((w): Case => ({ x: [1, 5, 1, w], w: [9, 5, 1, 1] })),
  ...range(1, 13).map((c): Case => ({ x: [2, c, 3, 4], w: [c, 1, 3, 3], group: c, pads: [1, 1, 1, 1] })),
  { x: [3, 19, 5, 7], w: [23, 19, 3, 2] },
  // Nothing left over.
  { x: [2, 16, 4, 6], w: [32, 16, 1, 1] },
  { x: [1, 32, 3, 4], w: [40, 32, 3, 3], pads: [1, 1, 1, 1] },
  { x: [1, 36, 4, 5], w: [36, 1, 3, 3], group: 36, pads: [1, 1, 1, 1] },
  // Weights that are made part by part, of whole groups and of some of their rows.
  { x: [1, 250, 3, 3], w: [41, 250, 3, 3], pads: [1, 1, 1, 1] },
  { x: [1, 340, 3, 3], w: [60, 170, 3, 3], group: 2 },
  // Kernels as large as the image, and larger with its padding.
  { x: [2, 3, 5, 7], w: [4, 3, 5, 7] },
  { x: [1, 2, 2, 3], w: [3, 2, 5, 4], pads: [2, 1, 1, 2] },
  { x: [1, 3, 11, 13], w: [2, 3, 11, 1] },
  // Asymmetric padding, also as wide as the kernel.
  { x: [1, 3, 7, 5], w: [5, 3, 3, 3], pads: [0, 1, 2, 3] },
  { x: [1, 2, 5, 4], w: [3, 2, 3, 2], pads: [3, 0, 0, 2] },
  // Strides: uneven, leaving pixels out, larger than the kernel.
  { x: [2, 3, 11, 7], w: [5, 3, 3, 3], strides: [2, 3], pads: [1, 1, 1, 1] },
  { x: [1, 3, 10, 13], w: [4, 3, 3, 2], strides: [4, 3], pads: [0, 1, 1, 0] },
  { x: [1, 4, 13, 11], w: [3, 4, 2, 2], strides: [5, 3] },
  { x: [1, 3, 17, 19], w: [7, 3, 1, 1], strides: [3, 2] },
  { x: [1, 2, 23, 29], w: [5, 2, 11, 7], strides: [4, 5], pads: [2, 3, 1, 0] },
  // First layers, whose strides divide the length: neighbouring positions are worked on together on the way back.
  { x: [1, 3, 8, 8], w: [5, 3, 3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  { x: [1, 3, 9, 12], w: [4, 3, 7, 7], strides: [2, 2], pads: [3, 3, 3, 3] },
  { x: [2, 3, 9, 12], w: [3, 3, 11, 11], strides: [3, 4], pads: [5, 5, 5, 5] },
  { x: [1, 1, 6, 9], w: [4, 1, 2, 5], strides: [3, 3], pads: [0, 2, 0, 2] },
  { x: [1, 2, 6, 8], w: [4, 2, 3, 1], strides: [2, 4] },
  { x: [1, 3, 6, 6], w: [4, 3, 4, 4], strides: [2, 2], pads: [0, 2, 2, 0] },
  // Dilations, with and without strides that share a factor with them.
  { x: [1, 3, 11, 13], w: [5, 3, 3, 3], dilations: [2, 3] },
  { x: [1, 3, 13, 11], w: [5, 3, 3, 2], dilations: [2, 4], strides: [2, 2], pads: [1, 0, 2, 1] },
  { x: [1, 2, 17, 13], w: [3, 2, 3, 3], dilations: [3, 2], strides: [2, 3], pads: [2, 1, 1, 3] },
  { x: [1, 2, 19, 17], w: [3, 2, 2, 3], dilations: [6, 4], strides: [3, 6], pads: [0, 2, 3, 1] },
  // Groups; depthwise with and without a multiplier.
  { x: [2, 6, 5, 7], w: [9, 2, 3, 3], group: 3, pads: [1, 1, 1, 1] },
  { x: [1, 10, 7, 5], w: [4, 5, 2, 3], group: 2, strides: [2, 1], dilations: [1, 2] },
  { x: [1, 5, 7, 8], w: [15, 1, 3, 3], group: 5, pads: [1, 0, 1, 1] },
  { x: [1, 3, 9, 7], w: [6, 1, 3, 2], group: 3, strides: [2, 3], dilations: [2, 1] },
  { x: [1, 11, 9, 10], w: [11, 1, 3, 3], group: 11, strides: [2, 2], pads: [0, 0, 1, 1] },
  { x: [1, 9, 11, 9], w: [9, 1, 5, 3], group: 9, strides: [3, 1], dilations: [2, 3], pads: [4, 3, 0, 2] },
  { x: [1, 7, 5, 3], w: [6, 7, 3, 3], pads: [1, 1, 1, 1], bias: false },
];

const nameOf = ({ x, w, ...rest }: Case) => `[${x}] * [${w}] ${JSON.stringify(rest)}`;

describe("Conv", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", async (_name, { x: dims, w, bias, ...options }) => {
    const [x, weight, b] = [tensor(dims, 11), tensor(w, 3), bias === false ? undefined : tensor([w[0]], 5)];
    const map = conv(dims, weight, b?.data, options);
    const source = network(dims, conv2d({ weight, bias: b, ...options }));
    await expectLayer(source, x, {
      dims: map.dims,
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
    const u = numbers(count(map.dims), 7);
    expectClose((await explainLayer(source, x, u, ruleOf.gradient())).relevance.data, transposed(map, u), 1e-5);
  });

  // One spatial axis, or three and more, as files have them.
  test.each([
    { x: [2, 3, 17], w: [5, 3, 4], strides: [3], pads: [2, 0], dilations: [2] },
    { x: [1, 7, 11], w: [7, 1, 3], strides: [1], pads: [1, 1], dilations: [1], group: 7 },
    { x: [3, 4, 1], w: [9, 4, 1], strides: [1], pads: [0, 0], dilations: [1] },
    { x: [2, 3, 5, 7, 4], w: [5, 3, 3, 2, 3] },
    { x: [2, 3, 7, 5, 6], w: [4, 3, 3, 3, 2], strides: [2, 1, 3], pads: [1, 2, 0, 3, 0, 1], dilations: [3, 1, 2] },
    { x: [1, 2, 11, 3, 4], w: [3, 2, 2, 2, 2], strides: [4, 1, 1], pads: [0, 0, 0, 0, 0, 0] },
    { x: [1, 2, 3, 5, 2], w: [5, 2, 2, 1, 2], pads: [4, 0, 0, 5, 0, 0], dilations: [3, 1, 1] },
    { x: [2, 6, 3, 5, 4], w: [9, 2, 2, 3, 3], pads: [1, 1, 1, 0, 1, 1], group: 3 },
    { x: [2, 5, 4, 3, 5], w: [5, 1, 3, 3, 2], pads: [1, 1, 0, 1, 1, 1], group: 5 },
    { x: [1, 7, 3, 5, 4], w: [7, 1, 1, 3, 3], group: 7 },
    { x: [2, 3, 4, 5, 7], w: [5, 3, 1, 3, 3], pads: [0, 1, 1, 0, 1, 1] },
    { x: [2, 3, 5, 4, 2], w: [5, 3, 3, 1, 1], strides: [2, 1, 1] },
    { x: [1, 17, 3, 9, 8], w: [16, 17, 3, 3, 3], pads: [1, 1, 1, 1, 1, 1] },
    { x: [2, 3, 2, 3, 5, 2, 3], w: [4, 3, 1, 1, 2, 1, 1] },
  ] as readonly LineCase[])("over a line or a volume: $x * $w", async ({ x: dims, w, group = 1, ...window }) => {
    const [x, weight, bias] = [tensor(dims, 11), tensor(w, 3), tensor([w[0]], 5)];
    const map = conv(dims, weight, bias.data, { ...window, group });
    const source = chain(
      ["n", ...dims.slice(1)],
      [{ type: "Conv", attributes: { ...window, group, kernel_shape: w.slice(2) }, parameters: [weight, bias] }],
    );
    await expectLayer(source, x, {
      dims: map.dims,
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
  });

  // out = ⌈length / stride⌉; what is odd of the padding goes to the end (UPPER) or to the beginning (LOWER).
  test.each([
    { length: [7, 8], kernel: [3, 2], strides: [2, 3], dilations: [1, 1] },
    { length: [5, 6], kernel: [2, 4], strides: [1, 1], dilations: [2, 1] },
    { length: [9, 4], kernel: [1, 3], strides: [4, 5], dilations: [1, 1] },
    { length: [11, 7], kernel: [3, 2], strides: [2, 3], dilations: [2, 3] },
    { length: [13], kernel: [4], strides: [3], dilations: [3] },
    { length: [3, 5, 4], kernel: [2, 3, 2], strides: [2, 2, 3], dilations: [2, 1, 3] },
  ])("auto_pad over $length, kernel $kernel, strides $strides", async ({ length, kernel, strides, dilations }) => {
    const [dims, w] = [
      [1, 3, ...length],
      [5, 3, ...kernel],
    ];
    const [x, weight] = [tensor(dims, 11), tensor(w, 3)];
    const totals = length.map((l, a) =>
      Math.max(0, (Math.ceil(l / strides[a]) - 1) * strides[a] + dilations[a] * (kernel[a] - 1) + 1 - l),
    );
    const [less, more] = [totals.map((t) => Math.floor(t / 2)), totals.map((t) => Math.ceil(t / 2))];
    for (const [auto_pad, pads] of [
      ["SAME_UPPER", [...less, ...more]],
      ["SAME_LOWER", [...more, ...less]],
      ["VALID", [...less, ...more].fill(0)],
    ] as const) {
      if (auto_pad === "VALID" && length.some((l, a) => l < dilations[a] * (kernel[a] - 1) + 1)) continue;
      const map = conv(dims, weight, undefined, { strides, dilations, pads });
      const source = chain(
        ["n", ...dims.slice(1)],
        [{ type: "Conv", attributes: { auto_pad, strides, dilations }, parameters: [weight] }],
      );
      await expectLayer(source, x, {
        dims: map.dims,
        forward: (v) => apply(map, v),
        scale: largest(turnover(map, x.data)),
      });
    }
  });

  test("a file's defaults: stride 1, no padding, no dilation, one group; in every opset", async () => {
    const [dims, x, weight] = [[1, 2, 5, 4], tensor([1, 2, 5, 4], 11), tensor([3, 2, 2, 3], 3)];
    const map = conv(dims, weight, undefined);
    for (const opset of [7, 10, 11, 21, 22]) {
      await expectLayer(chain(["n", 2, 5, 4], [{ type: "Conv", parameters: [weight] }], opset), x, {
        dims: [1, 3, 4, 2],
        forward: (v) => apply(map, v),
      });
    }
  });
});

test("what does not fit is an error that names the layer", async () => {
  const explain = (w: Dims, options = {}) =>
    explainLayer(
      network([1, 3, 4, 4], conv2d({ name: "c", weight: tensor(w, 3), ...options })),
      tensor([1, 3, 4, 4], 1),
      [1],
      ruleOf.norm(),
    );
  await expect(explain([2, 4, 3, 3])).rejects.toThrow(
    "node 'c' (Conv): expected an input of 4 channels, as the weight has it",
  );
  await expect(explain([2, 3, 5, 3])).rejects.toThrow("node 'c' (Conv): expected a padded axis of at least 5");
  const file = (dims: Dims, w: Dims, attributes = {}) =>
    load(chain(dims, [{ type: "Conv", attributes, parameters: [tensor(w, 3)] }]));
  await expect(file([1, 2, 3, 3], [2, 2, 2, 2], { ceil_mode: 1 })).rejects.toThrow(
    "relprop does not know the attribute 'ceil_mode'",
  );
  await expect(file([1, 2, 2, 2, 2, 2], [2, 2, 2, 2, 2, 2])).rejects.toThrow(
    "node 'y0' (Conv): expected a window over at most three axes",
  );
  await expect(file([1, 4, 3, 3], [3, 2, 2, 2], { group: 2 })).rejects.toThrow(
    "a number of outputs that is a multiple of 2, the group, got 3",
  );
  await expect(explain([2, 3, 3, 3], { strides: 0 })).rejects.toThrow("node 'c' (Conv): expected 2 strides ≥ 1");
});
