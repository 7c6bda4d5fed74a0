import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, largest, total } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { type Attribute, chain, type FileTensor } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { apply, count, transposed, turnover } from "../reference/linear.ts";
import { type ResizeCase, resize } from "../reference/resize.ts";
import { alphaBeta, epsilon, explain, flat, gamma, type NeuronRule, wSquare } from "../reference/rules.ts";
import { expectLayer } from "./check.ts";

const floats = (data: readonly number[] | undefined): FileTensor | undefined =>
  data && { dims: [data.length], data: Float32Array.from(data) };
const ints = (data: readonly number[] | undefined): FileTensor | undefined => data && { dims: [data.length], data };

/** A file with all that the case says. */
function fileOf(c: ResizeCase, opset = 19, more: Readonly<Record<string, Attribute>> = {}): Uint8Array {
  const attributes: Record<string, Attribute> = { ...more };
  if (c.mode) attributes.mode = c.mode;
  if (c.transformation) attributes.coordinate_transformation_mode = c.transformation;
  if (c.nearest) attributes.nearest_mode = c.nearest;
  if (c.a !== undefined) attributes.cubic_coeff_a = { float: c.a };
  if (c.excludeOutside) attributes.exclude_outside = 1;
  if (c.antialias) attributes.antialias = 1;
  if (c.extrapolation) attributes.extrapolation_value = { float: c.extrapolation };
  const parameters = [floats(c.roi), floats(c.scales), ints(c.sizes)];
  return chain(["n", ...c.dims.slice(1)], [{ type: "Resize", attributes, parameters }], opset);
}

const all = ["half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"];
const [up, down, both] = [
  { dims: [2, 3, 5, 7], scales: [1, 1, 2, 3] },
  { dims: [1, 2, 7, 5], scales: [1, 1, 0.5, 0.75] },
  { dims: [2, 3, 5, 7], sizes: [2, 3, 8, 3] },
];
const crop = {
  dims: [1, 2, 5, 7],
  sizes: [1, 2, 3, 4],
  roi: [0, 0, 0.25, -0.25, 1, 1, 0.75, 1.25],
  transformation: "tf_crop_and_resize",
};

const cases: readonly ResizeCase[] = [
  ...all.flatMap((transformation) => [up, down, both].map((c) => ({ ...c, transformation }))),
  ...["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"].flatMap((nearest) =>
    [up, down, both].map((c) => ({ ...c, nearest, transformation: "half_pixel" })),
  ),
  ...all.flatMap((transformation) => [up, down, both].map((c) => ({ ...c, transformation, mode: "linear" as const }))),
  { ...up, mode: "cubic" },
  { ...both, mode: "cubic", a: -0.5, excludeOutside: true },
  { ...down, mode: "cubic", antialias: true },
  { ...down, mode: "linear", antialias: true, excludeOutside: true },
  { ...both, mode: "linear", antialias: true },
  { ...crop, extrapolation: 1.5 },
  { ...crop, mode: "linear", extrapolation: -2 },
  { ...crop, mode: "cubic" },
  { ...crop, sizes: [1, 2, 1, 4], mode: "linear" },
  { dims: [3, 5], scales: [1, 1.6], mode: "linear" },
  { dims: [2, 7], sizes: [2, 11], mode: "cubic" },
  { dims: [1, 2, 3, 2, 5], scales: [1, 1, 2, 1.5, 0.6], mode: "linear", transformation: "asymmetric" },
  { dims: [1, 2, 3, 2, 5], scales: [1, 2, 2, 1.5, 0.6], transformation: "asymmetric", nearest: "floor" },
  { dims: [2, 3, 5, 7], sizes: [2, 3, 1, 1], mode: "linear", transformation: "pytorch_half_pixel" },
  { dims: [2, 3, 5, 7], scales: [1, 1, 1, 1], mode: "linear" },
];
const named = cases.map((c) => [JSON.stringify(c).replaceAll('"', ""), c] as const);

const rules = [
  [ruleOf.epsilon({ epsilon: 0.25 }), epsilon, 0.25],
  [ruleOf.zPlus(), alphaBeta(1, 0), 1e-6],
  [ruleOf.alphaBeta(), alphaBeta(2, 1), 1e-6],
  [ruleOf.gamma(), gamma(0.25), 1e-6],
  [ruleOf.wSquare(), wSquare, 1e-6],
  [ruleOf.flat(), flat, 1e-6],
] as const satisfies readonly (readonly [unknown, NeuronRule, number])[];

describe("Resize", () => {
  test.each(named)("%s", async (_name, c) => {
    const [map, x] = [resize(c), tensor(c.dims, 11)];
    const file = fileOf(c);
    await expectLayer(file, x, {
      dims: map.dims,
      forward: (v) => apply(map, v),
      scale: largest(turnover(map, x.data)),
    });
    using model = await loadInMode(file);
    const r = numbers(count(map.dims), 7, 0.5, 1);
    const moves = map.connections.every((list) => list.length === 1 && list[0].w === 1);
    for (const [rule, neuron, e] of rules) {
      const { relevance, ledger } = explainFrom(model, x, r, { composite: [{ rule }] });
      const stab = (z: number) => (z >= 0 ? z + e : z - e);
      const expected = moves ? { relevance: transposed(map, r), bias: 0 } : explain(map, x.data, r, neuron, { stab });
      expectClose(relevance.data, expected.relevance, 2e-4, largest(expected.relevance) + 1);
      expect(total(ledger.map((row) => row.gap)), rule.name).toBeCloseTo(0, 3);
      expect(total(ledger.map((row) => row.bias)), rule.name).toBeCloseTo(expected.bias, 2);
    }
  });

  test.each([
    ["opset 10, up", "Resize", 10, [1, 1, 2, 3], "floor"],
    ["opset 10, down", "Resize", 10, [1, 1, 0.6, 0.6], "ceil"],
    ["Upsample of opset 9", "Upsample", 9, [1, 1, 2, 3], "floor"],
    ["Upsample of opset 7", "Upsample", 7, [1, 1, 2, 3], "floor"],
  ] as const)("%s", async (_name, type, opset, scales, nearest) => {
    for (const mode of ["nearest", "linear"] as const) {
      const [x, map] = [
        tensor([2, 3, 5, 7], 11),
        resize({ dims: [2, 3, 5, 7], scales, mode, nearest, transformation: "asymmetric" }),
      ];
      const attributes: Record<string, Attribute> = opset === 7 ? { mode, scales: { floats: scales } } : { mode };
      const file = chain(
        ["n", 3, 5, 7],
        [{ type, attributes, parameters: opset === 7 ? [] : [floats(scales)] }],
        opset,
      );
      await expectLayer(file, x, { dims: map.dims, forward: (v) => apply(map, v), scale: 2 });
    }
  });

  test.each([
    [
      "opset 11, tf_half_pixel_for_nn",
      11,
      { coordinate_transformation_mode: "tf_half_pixel_for_nn" },
      [1, 1, 10, 14],
      [1, 1, 2, 2],
    ],
    ["not_larger", 18, { keep_aspect_ratio_policy: "not_larger", axes: [2, 3] }, [1, 1, 7, 9], [1, 1, 9 / 7, 9 / 7]],
    ["not_smaller", 18, { keep_aspect_ratio_policy: "not_smaller", axes: [-2, -1] }, [1, 1, 7, 21], [1, 1, 3, 3]],
  ] as const)("%s", async (_name, opset, more, sizes, scales) => {
    const dims = [1, 1, 5, 7];
    const out = scales.map((s, k) => Math.floor(dims[k] * s + 0.5));
    const transformation =
      "coordinate_transformation_mode" in more ? more.coordinate_transformation_mode : "half_pixel";
    const map = resize({ dims, scales, sizes: out, mode: "linear", transformation });
    const parameters = [floats([]), floats([]), ints("axes" in more ? sizes.slice(2) : sizes)];
    const file = chain(dims, [{ type: "Resize", attributes: { ...more, mode: "linear" }, parameters }], opset);
    await expectLayer(file, tensor(dims, 11), { dims: out, forward: (v) => apply(map, v), scale: 2 });
  });

  test.each([
    [{ mode: "lanczos" }, up, "mode nearest, linear, cubic, got 'lanczos'"],
    [{ nearest_mode: "up" }, up, "nearest_mode round_prefer_floor"],
    [{ coordinate_transformation_mode: "middle" }, up, "coordinate_transformation_mode half_pixel"],
    [{ keep_aspect_ratio_policy: "never" }, both, "keep_aspect_ratio_policy stretch, not_larger, not_smaller"],
    [{}, { ...up, scales: [1, 1, 2] }, "4 numbers above 0 in scales, got [1,1,2]"],
    [{}, { ...up, scales: [1, 1, 2, -1] }, "4 numbers above 0 in scales, got [1,1,2,-1]"],
    [{}, { ...up, sizes: [2, 3, 5, 7] }, "either scales or sizes, got both"],
    [{}, { dims: [2, 3, 5, 7] }, "either scales or sizes, got neither"],
    [{}, { ...crop, roi: undefined }, "a roi for tf_crop_and_resize, got none"],
    [{ axes: [2, 4] }, { dims: [1, 1, 5, 7], scales: [2, 2] }, "axes of a tensor of rank 4, got [2,4]"],
  ] as const)("%j, %j", async (more, c, message) => {
    await expect(loadInMode(fileOf(c as ResizeCase, 19, more))).rejects.toThrow(message);
  });
});
