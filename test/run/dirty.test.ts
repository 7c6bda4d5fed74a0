import { describe, expect, it } from "vitest";
import { simd } from "../../src/core.gen.ts";
import { type Composite, load, ruleOf } from "../../src/entries/index.ts";
import { Model } from "../../src/model/model.ts";
import { open } from "../../src/read/open.ts";
import { compileText, instantiate } from "../../src/run/wasm.ts";
import { explainFrom } from "../explain.ts";
import { chain, type FileNode, type FileTensor } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count } from "../reference/linear.ts";

/*
 * A memory that is new is full of zeros, which hides what is read before it is written. In one that is full of NaN the
 * results are the same.
 */

/** A model whose memory, as far as it needs any, holds NaN. */
async function dirty(source: Uint8Array): Promise<Model> {
  const instance = instantiate(await compileText(simd));
  instance.memory.grow(64);
  new Uint32Array(instance.memory.buffer, 16 * Math.ceil(instance.kernels.heapBase() / 16)).fill(0x7fc00001);
  return new Model(await open(source, {}), { instance, end() {} }, {});
}

type Row = readonly [
  type: string,
  x: readonly number[],
  attributes: FileNode["attributes"],
  parameters?: readonly FileTensor[],
];
const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const scales = (...data: number[]): FileTensor => ({ dims: [data.length], data: Float32Array.from(data) });

/** Layers that leave some of their input alone, or make some of their output of nothing. */
const rows: readonly Row[] = [
  ["Conv", [2, 3, 7, 8], { strides: [4, 3] }, [tensor([5, 3, 2, 2], 1), tensor([5], 2)]],
  ["Conv", [1, 3, 7, 8], { strides: [1, 3] }, [tensor([5, 3, 2, 2], 1)]],
  ["Conv", [1, 4, 9, 9], { strides: [3, 3], dilations: [2, 3], pads: [2, 1, 0, 3] }, [tensor([5, 4, 2, 3], 1)]],
  ["Conv", [1, 6, 9, 9], { strides: [5, 4], group: 3 }, [tensor([9, 2, 3, 3], 1), tensor([9], 2)]],
  ["Conv", [1, 6, 9, 9], { strides: [5, 4], group: 6 }, [tensor([6, 1, 3, 3], 1), tensor([6], 2)]],
  ["Conv", [1, 2, 5, 6, 7], { strides: [3, 2, 4] }, [tensor([3, 2, 2, 1, 2], 1)]],
  ["Conv", [1, 16, 13, 14], { pads: [1, 1, 1, 1] }, [tensor([16, 16, 3, 3], 1), tensor([16], 2)]],
  ["ConvTranspose", [1, 3, 4, 3], { strides: [4, 3] }, [tensor([3, 5, 2, 2], 1), tensor([5], 2)]],
  ["ConvTranspose", [1, 4, 4, 3], { strides: [4, 3], group: 2, output_padding: [2, 1] }, [tensor([4, 5, 2, 2], 1)]],
  ["ConvTranspose", [1, 4, 4, 3], { strides: [3, 3], group: 4 }, [tensor([4, 1, 2, 2], 1), tensor([4], 2)]],
  ["ConvTranspose", [1, 2, 3, 4, 3], { strides: [3, 2, 4] }, [tensor([2, 3, 2, 1, 2], 1), tensor([3], 2)]],
  ["MaxPool", [1, 5, 8, 9], { kernel_shape: [2, 2], strides: [3, 4] }],
  ["MaxPool", [1, 2, 5, 6, 7], { kernel_shape: [2, 1, 2], strides: [3, 2, 3] }],
  ["AveragePool", [1, 5, 8, 9], { kernel_shape: [2, 2], strides: [3, 4], pads: [1, 1, 1, 1] }],
  ["AveragePool", [1, 2, 5, 6, 7], { kernel_shape: [2, 1, 2], strides: [3, 2, 3] }],
  ["LpPool", [1, 5, 8, 9], { kernel_shape: [2, 2], strides: [3, 4] }],
  ["Slice", [1, 3, 6, 7], {}, [ints(1, 5), ints(3, 0), ints(1, 2), ints(1, -2)]],
  ["Pad", [1, 3, 4, 5], {}, [ints(0, 0, 1, 0, 0, 0, -1, 2)]],
  ["Pad", [1, 3, 4, 5], { mode: "reflect" }, [ints(0, 0, 1, 0, 0, 0, 2, 3)]],
  ["Gather", [1, 5, 4], { axis: 1 }, [ints(0, 3, 3)]],
  ["Expand", [1, 3, 1, 4], {}, [ints(2, 3, 5, 4)]],
  ["Tile", [1, 3, 4], {}, [ints(2, 1, 3)]],
  ["Trilu", [2, 4, 5], {}],
  ["Resize", [1, 2, 5, 6], { mode: "linear" }, [ints(), scales(1, 1, 0.5, 1.5)]],
  ["Resize", [1, 2, 5, 6], {}, [ints(), scales(1, 1, 0.5, 1.5)]],
  ["ReduceMax", [1, 3, 4, 5], { axes: [1, 3] }],
  ["ReduceMean", [1, 3, 4, 5], { axes: [1, 3] }],
  ["MatMul", [2, 3, 4], {}, [tensor([4, 5], 1)]],
  ["MatMul", [1, 3, 4], {}, [tensor([6, 4, 5], 1)]],
  ["Gemm", [1, 5], { transB: 1 }, [tensor([7, 5], 1), tensor([7], 2)]],
  ["LRN", [2, 7, 3, 4], { size: 5 }],
  ["Add", [1, 3, 4, 5], {}, [tensor([3, 1, 1], 1)]],
  ["Softmax", [1, 3, 4, 5], { axis: 1 }],
  ["LayerNormalization", [2, 3, 7], {}, [tensor([7], 1)]],
];

const rules = [ruleOf.gradient(), ruleOf.epsilon(), ruleOf.zPlus(), ruleOf.gamma(), ruleOf.alphaBeta()];

describe.each(rows.map((row) => ({ row })))("$row", ({ row: [type, dims, attributes, parameters] }) => {
  it.each([false, true])("channels last before it: %s", async (last) => {
    const turned =
      last && dims.length > 2 ? [{ type: "MaxPool", attributes: { kernel_shape: dims.slice(2).map(() => 1) } }] : [];
    const source = chain([...dims], [...turned, { type, attributes, parameters }, { type: "LeakyRelu" }]);
    const [clean, other] = await Promise.all([load(source, { relaxed: "never" }), dirty(source)]);
    const x = tensor(dims, 3);
    const { output } = clean.predict(x);
    expect(other.predict(x).output).toEqual(output);
    // All relevance, and little of it.
    const r = numbers(count(output.dims), 5);
    for (const some of [r, r.map((v, i) => (i % 11 === 0 ? v : 0))]) {
      for (const rule of rules) {
        const composite: Composite = [
          { type: "LeakyRelu", rule: ruleOf.pass() },
          { type: ["convolution", "dense", "average", "sum"], rule },
          { rule: ruleOf.gradient() },
        ];
        const [a, b] = [clean, other].map((model) => explainFrom(model, x, some, { composite, unknown: "gradient" }));
        expect(b, rule.name).toEqual(a);
        expect(b.relevance.data.every(Number.isFinite), rule.name).toBe(true);
      }
    }
  });
});
