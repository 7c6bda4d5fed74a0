import { describe, expect, test } from "vitest";
import { ruleOf } from "../../src/entries/index.ts";
import { expectClose } from "../close.ts";
import { explainFrom } from "../explain.ts";
import { loadInMode } from "../modes.ts";
import { onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count, type LinearMap, place, positions } from "../reference/linear.ts";
import { alphaBeta, epsilon, wSquare } from "../reference/rules.ts";
import { checkRule, expectLayer } from "./check.ts";
import { checkRow, fileOf, int, ints, type OperatorRow } from "./rows.ts";

type Numbers = ArrayLike<number>;

/** A linear function as the list of inputs of every output. */
function mapOf(inputs: number, dims: readonly number[], forward: (x: Numbers) => Numbers): LinearMap {
  const connections: { i: number; w: number }[][] = Array.from({ length: count(dims) }, () => []);
  for (let i = 0; i < inputs; i++) {
    const column = forward(Float64Array.from({ length: inputs }, (_, k) => Number(k === i)));
    for (const [to, list] of connections.entries()) if (column[to] !== 0) list.push({ i, w: column[to] });
  }
  return { dims, inputs, connections, bias: connections.map(() => 0) };
}

describe("GridSample", () => {
  interface Kind {
    readonly mode: string;
    readonly padding_mode: string;
    readonly align_corners: 0 | 1;
  }

  /** A position beyond an end comes back from it. Source: ONNX's reference implementation, in words */
  function reflect(v: number, low: number, high: number): number {
    let at = v;
    for (let n = 0; n < 1000 && (at < low || at > high); n++) at = at < low ? 2 * low - at : 2 * high - at;
    return at;
  }
  const even = (v: number) => (Math.abs(v - Math.trunc(v)) === 0.5 ? 2 * Math.round(v / 2) : Math.round(v));
  const keys = (d: number, a = -0.75) =>
    d < 1 ? (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1 : d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;

  /** x[n, c, y, x] between its numbers, point by point. */
  function sampled(
    x: Numbers,
    [n, c, ...lengths]: readonly number[],
    grid: Numbers,
    out: readonly number[],
    kind: Kind,
  ): Float64Array {
    const k = lengths.length;
    const y = new Float64Array(n * c * count(out));
    const ends = lengths.map((d) => (kind.align_corners ? [0, d - 1] : [-0.5, d - 0.5]));
    const pixel = (sample: number, channel: number, at: readonly number[]) => {
      const inside = at.every((v, i) => v >= 0 && v < lengths[i]);
      if (!inside && kind.padding_mode === "zeros") return 0;
      const kept = at.map((v, i) =>
        kind.padding_mode === "border" ? Math.min(Math.max(v, 0), lengths[i] - 1) : reflect(v, ends[i][0], ends[i][1]),
      );
      return x[place([n, c, ...lengths], [sample, channel, ...(inside ? at : kept)])];
    };
    const points = positions(out);
    for (let sample = 0; sample < n; sample++)
      for (let channel = 0; channel < c; channel++)
        points.forEach((_, p) => {
          const at = lengths.map((d, axis) => {
            const g = grid[(sample * points.length + p) * k + (k - 1 - axis)];
            const v = kind.align_corners ? ((g + 1) / 2) * (d - 1) : ((g + 1) * d - 1) / 2;
            const near = kind.mode === "nearest" ? even(v) : v;
            const [low, high] = ends[axis];
            if (near >= low && near <= high) return near;
            if (kind.padding_mode === "border") return Math.min(Math.max(near, 0), d - 1);
            return kind.padding_mode === "reflection" ? reflect(near, low, high) : near;
          });
          const reach = kind.mode === "nearest" ? [0] : kind.mode === "cubic" ? [-1, 0, 1, 2] : [0, 1];
          const base = at.map((v) => (kind.mode === "nearest" ? even(v) : Math.floor(v)));
          let sum = 0;
          for (const step of positions(lengths.map(() => reach.length))) {
            const near = base.map((b, i) => b + reach[step[i]]);
            const weight = near.reduce((w, v, i) => {
              const d = Math.abs(at[i] - v);
              return w * (kind.mode === "nearest" ? 1 : kind.mode === "cubic" ? keys(d) : Math.max(1 - d, 0));
            }, 1);
            if (weight !== 0) sum += weight * pixel(sample, channel, near);
          }
          y[place([n, c, count(out)], [sample, channel, p])] = sum;
        });
    return y;
  }

  const kinds = ["linear", "nearest", "cubic"].flatMap((mode) =>
    ["zeros", "border", "reflection"].flatMap((padding_mode) =>
      ([0, 1] as const).map((align_corners): Kind => ({ mode, padding_mode, align_corners })),
    ),
  );

  function rowOf(kind: Kind, x: readonly number[], out: readonly number[]): OperatorRow {
    const grid = tensor([x[0], ...out, x.length - 2], 5, -1.6, 1.6);
    const forward = (v: Numbers) => sampled(v, x, grid.data, out, kind);
    return {
      type: "GridSample",
      x,
      dims: [x[0], x[1], ...out],
      attributes: { ...kind },
      parameters: [grid],
      opset: 22,
      forward,
      scale: 2,
    };
  }

  test.each(kinds)("$mode, $padding_mode, corners $align_corners", async (kind) => {
    for (const [x, out] of [
      [
        [2, 3, 5, 4],
        [3, 7],
      ],
      [
        [1, 1, 1, 3],
        [2, 2],
      ],
      [
        [1, 2, 3, 2, 4],
        [2, 3, 2],
      ],
      [[2, 2, 6], [5]],
    ])
      await checkRow(rowOf(kind, x, out));
  });

  test("of opset 16, bilinear", async () => {
    const row = rowOf(kinds[0], [1, 2, 5, 4], [3, 7]);
    await checkRow({ ...row, attributes: { ...row.attributes, mode: "bilinear" }, opset: 16 });
  });

  test.each(kinds.filter(({ align_corners }) => align_corners === 0))(
    "has the rules of its weights: $mode, $padding_mode",
    async (kind) => {
      const row = rowOf(kind, [1, 2, 5, 4], [3, 3]);
      const map = mapOf(40, row.dims, row.forward);
      for (const [rule, by] of [
        [ruleOf.norm(), epsilon],
        [ruleOf.alphaBeta(), alphaBeta(2, 1)],
        [ruleOf.wSquare(), wSquare],
      ] as const)
        await checkRule(fileOf(row), map, tensor(row.x, 5), rule, by);
    },
  );

  test("with a computed grid relevance goes back by the weights, and none to the grid", async () => {
    const [kind] = kinds;
    const [x, grid] = [tensor([1, 2, 5, 4], 3), tensor([1, 3, 3, 2], 5, -0.7, 0.7)];
    using model = await loadInMode(
      onnx(
        {
          nodes: [{ type: "GridSample", inputs: ["x", "g"], outputs: ["y"], attributes: { ...kind } }],
          inputs: { x: x.dims, g: grid.dims },
          outputs: { y: [] },
        },
        22,
      ),
      { batch: false },
    );
    const given = { x, g: grid };
    const forward = (v: Numbers) => sampled(v, x.dims, grid.data, [3, 3], kind);
    expectClose(model.predict(given).output.data as Float32Array, forward(x.data), 2e-6);
    const r = numbers(18, 7);
    const { inputs, ledger, notes } = explainFrom(model, given as never, r, { composite: [{ rule: ruleOf.pass() }] });
    expect(notes.join()).toContain(
      "takes its numbers where 'g' says: relevance and gradients go to the numbers, and none to the places.",
    );
    const expected = new Float64Array(40);
    mapOf(40, [1, 2, 3, 3], forward).connections.forEach((list, to) => {
      for (const { i, w } of list) expected[i] += w * r[to];
    });
    expectClose(inputs.x.data, expected, 1e-5);
    expect(ledger[0].rule).toBe("route");
  });
});

test.each([
  [[2, 3, 4, 5], 0],
  [[2, 3, 4, 5], 1],
  [[1, 2, 3, 2, 4], 0],
  [[1, 2, 3, 1, 4], 1],
])("AffineGrid of %j, corners %i", async (size, align_corners) => {
  const [n, , ...lengths] = size;
  const k = lengths.length;
  const x = [n, k, k + 1];
  const dims = [n, ...lengths, k];
  const along = (i: number, d: number) =>
    align_corners ? (d === 1 ? 0 : -1 + (2 * i) / (d - 1)) : -1 + (2 * i + 1) / d;
  const forward = (theta: Numbers) =>
    Float64Array.from(positions(dims), (p) => {
      const point = [...lengths.map((d, i) => along(p[1 + i], d)).reverse(), 1];
      return point.reduce((sum, v, i) => sum + v * theta[(p[0] * k + p[k + 1]) * (k + 1) + i], 0);
    });
  await checkRow({
    type: "AffineGrid",
    x,
    dims,
    attributes: { align_corners },
    parameters: [ints(...size)],
    opset: 20,
    forward,
    scale: 3,
  });
});

describe("RoiAlign", () => {
  const rois = { dims: [3, 4], data: Float32Array.of(0.5, 1, 5.5, 4, -2, -1, 3, 9, 2, 2, 2.25, 3) };
  const batch = ints(1, 0, 1);
  const x = [2, 2, 6, 7];
  const dims = [3, 2, 3, 2];

  /** The weighted numbers that one of the output is made of, in the order of points. */
  function partsOf(at: readonly number[], ratio: number, half: boolean): { i: number; w: number }[] {
    const [roi, channel, row, column] = at;
    const shift = half ? 0.5 : 0;
    const [x0, y0, x1, y1] = [0, 1, 2, 3].map((k) => rois.data[4 * roi + k] * 0.75 - shift);
    const [h, w] = half ? [y1 - y0, x1 - x0] : [Math.max(y1 - y0, 1), Math.max(x1 - x0, 1)];
    const [rows, columns] = [ratio || Math.ceil(h / 3), ratio || Math.ceil(w / 2)];
    const list: { i: number; w: number }[] = [];
    for (let p = 0; p < rows; p++)
      for (let q = 0; q < columns; q++) {
        let y = y0 + (row + (p + 0.5) / rows) * (h / 3);
        let across = x0 + (column + (q + 0.5) / columns) * (w / 2);
        if (y < -1 || y > 6 || across < -1 || across > 7) continue;
        [y, across] = [Math.min(Math.max(y, 0), 5), Math.min(Math.max(across, 0), 6)];
        for (const a of [0, 1])
          for (const b of [0, 1]) {
            const [r, c] = [Math.min(Math.floor(y) + a, 5), Math.min(Math.floor(across) + b, 6)];
            const weight = (a ? y % 1 : 1 - (y % 1)) * (b ? across % 1 : 1 - (across % 1));
            list.push({ i: place(x, [batch.data[roi] as number, channel, r, c]), w: weight / (rows * columns) });
          }
      }
    return list;
  }

  const cases = [0, 2].flatMap((sampling_ratio) => [true, false].map((half) => ({ sampling_ratio, half })));
  const rowOf = ({ sampling_ratio, half }: (typeof cases)[number], mode: string): OperatorRow => ({
    ...{ type: "RoiAlign", x, dims, parameters: [rois, batch], opset: half ? 16 : 10, scale: 2 },
    attributes: { mode, sampling_ratio, output_height: 3, output_width: 2, spatial_scale: { float: 0.75 } },
    forward: (v) =>
      Float64Array.from(positions(dims), (p) => {
        const list = partsOf(p, sampling_ratio, half);
        if (mode === "avg") return list.reduce((sum, { i, w }) => sum + w * v[i], 0);
        const share = list.length / 4;
        return list.length === 0
          ? 0
          : Math.max(...list.map(({ i, w }) => w * v[i])) * (sampling_ratio ? sampling_ratio ** 2 : share);
      }),
  });

  test.each(cases)("means: ratio $sampling_ratio, half a pixel $half", async (c) => {
    await checkRow(rowOf(c, "avg"));
    const map = mapOf(count(x), dims, rowOf(c, "avg").forward);
    await checkRule(fileOf(rowOf(c, "avg")), map, tensor(x, 5), ruleOf.norm(), epsilon);
  });

  test("the largest", async () => {
    const row = rowOf({ sampling_ratio: 2, half: true }, "max");
    await checkRow({ ...row, low: 0.5, high: 2 });
  });
});

describe("DeformConv", () => {
  interface Kind {
    readonly group: number;
    readonly offset_group: number;
    readonly strides: readonly number[];
    readonly pads: readonly number[];
    readonly dilations: readonly number[];
    readonly masked: boolean;
  }
  const kinds: readonly Kind[] = [
    { group: 1, offset_group: 1, strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], masked: false },
    { group: 2, offset_group: 2, strides: [2, 1], pads: [1, 0, 1, 2], dilations: [1, 2], masked: true },
    { group: 1, offset_group: 4, strides: [1, 2], pads: [0, 1, 1, 0], dilations: [2, 1], masked: true },
  ];

  test.each(kinds)("group $group, offset_group $offset_group, masked $masked", async (kind) => {
    const { masked, ...attributes } = kind;
    const [n, c, h, w, m, kh, kw] = [2, 4, 6, 7, 6, 2, 3];
    const [oh, ow] = [h, w].map(
      (d, i) =>
        Math.floor(
          (d + kind.pads[i] + kind.pads[i + 2] - kind.dilations[i] * ([kh, kw][i] - 1) - 1) / kind.strides[i],
        ) + 1,
    );
    const weight = tensor([m, c / kind.group, kh, kw], 5);
    const offset = tensor([n, 2 * kind.offset_group * kh * kw, oh, ow], 6, -1.5, 1.5);
    const [bias, mask] = [tensor([m], 7), tensor([n, kind.offset_group * kh * kw, oh, ow], 8, 0, 1)];
    const dims = [n, m, oh, ow];
    const forward = (x: Numbers) =>
      Float64Array.from(positions(dims), ([b, o, i, j]) => {
        let sum = bias.data[o];
        for (let ci = 0; ci < c / kind.group; ci++) {
          const channel = Math.floor(o / (m / kind.group)) * (c / kind.group) + ci;
          const g = Math.floor(channel / (c / kind.offset_group));
          for (let a = 0; a < kh; a++)
            for (let d = 0; d < kw; d++) {
              const tap = g * kh * kw + a * kw + d;
              const moved = (which: number) => offset.data[place(offset.dims, [b, 2 * tap + which, i, j])];
              const y = i * kind.strides[0] - kind.pads[0] + a * kind.dilations[0] + moved(0);
              const across = j * kind.strides[1] - kind.pads[1] + d * kind.dilations[1] + moved(1);
              let value = 0;
              for (let r = 0; r < h; r++)
                for (let s = 0; s < w; s++)
                  value +=
                    Math.max(1 - Math.abs(y - r), 0) *
                    Math.max(1 - Math.abs(across - s), 0) *
                    x[place([n, c, h, w], [b, channel, r, s])];
              const factor = masked ? mask.data[place(mask.dims, [b, tap, i, j])] : 1;
              sum += weight.data[place(weight.dims, [o, ci, a, d])] * factor * value;
            }
        }
        return sum;
      });
    const inputs = ["x", "w", "o", "b", ...(masked ? ["m"] : [])];
    const file = onnx(
      {
        nodes: [{ type: "DeformConv", inputs, outputs: ["y"], attributes }],
        initializers: { w: weight, o: offset, b: bias, ...(masked && { m: mask }) },
        inputs: { x: [n, c, h, w] },
        outputs: { y: [] },
      },
      19,
    );
    await expectLayer(file, tensor([n, c, h, w], 3), { dims, forward, scale: 4 }, { batch: false });
  });
});

test("what they refuse", async () => {
  const refused = async (row: Partial<OperatorRow> & Pick<OperatorRow, "type" | "x">) => {
    using model = await loadInMode(fileOf({ dims: [], forward: (v) => v, ...row }), { batch: false });
    return model;
  };
  const grid = tensor([1, 2, 2, 2], 1);
  await expect(
    refused({ type: "GridSample", x: [1, 2, 3, 4], parameters: [tensor([1, 2, 2, 3], 1)], opset: 20 }),
  ).rejects.toThrow("a grid [1, …, 2] of rank 4");
  await expect(
    refused({ type: "GridSample", x: [1, 2, 3, 4], parameters: [grid], attributes: { mode: "bicubic5" }, opset: 20 }),
  ).rejects.toThrow("a mode linear, nearest, cubic");
  await expect(
    refused({ type: "AffineGrid", x: [1, 2, 4], parameters: [ints(1, 1, 2, 2)], opset: 20 }),
  ).rejects.toThrow("a theta [1, 2, 3]");
  await expect(
    refused({ type: "RoiAlign", x: [1, 1, 4, 4], parameters: [tensor([2, 4], 1), int(0)], opset: 16 }),
  ).rejects.toThrow("rois [n, 4] and n batch_indices");
  await expect(
    refused({ type: "DeformedTaps", x: [1, 1, 4, 4], parameters: [tensor([1, 2, 4, 4], 1)] }),
  ).rejects.toThrow("a part of DeformConv");
});
