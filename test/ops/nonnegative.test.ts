import { describe, expect, test } from "vitest";
import { load } from "../../src/entries/index.ts";
import { infer } from "../../src/infer/infer.ts";
import { open } from "../../src/read/open.ts";
import { ops } from "../../src/ops/index.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

/*
 * Operators say where their outputs cannot be negative, and rules leave out work because of it. What they say must be
 * true: here it is held against outputs for inputs of either sign, and for inputs that are not negative.
 */

const dims = [1, 3, 4, 6];
const float = (v: number) => ({ float: v });
const scalar = (v: number): FileTensor => ({ dims: [], data: Float32Array.of(v) });
const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const either = tensor(dims, 5, -1, 1);
const positive = tensor(dims, 6, 0.1, 1);
const window = { kernel_shape: [2, 2] };

type Row = readonly [
  type: string,
  attributes: FileNode["attributes"],
  constants?: readonly FileTensor[],
  opset?: number,
];

const rows: readonly Row[] = [
  ...["Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Abs", "Neg", "Sign", "Ceil", "Floor", "Round", "Sin", "Cos"].map(
    (t): Row => [t, {}],
  ),
  ...["Softplus", "Softsign", "HardSwish", "Identity", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"].map(
    (t): Row => [t, {}],
  ),
  ...["Atan", "Sinh", "Cosh", "Asinh"].map((t): Row => [t, {}]),
  ["Gelu", {}, [], 20],
  ["Gelu", { approximate: "tanh" }, [], 20],
  ["Mish", {}, [], 18],
  ...[0.25, -0.5, -2].flatMap((alpha): Row[] => [
    ["LeakyRelu", { alpha: float(alpha) }],
    ["Elu", { alpha: float(alpha) }],
    ["Celu", { alpha: float(alpha) }],
    ["ThresholdedRelu", { alpha: float(alpha) }],
    ["HardSigmoid", { alpha: float(alpha), beta: float(-0.25) }],
    ["PRelu", {}, [scalar(alpha)]],
  ]),
  ["Selu", {}],
  ["Selu", { gamma: float(-1) }],
  ["Shrink", { bias: float(0.25), lambd: float(0.5) }],
  ["Shrink", { bias: float(0.75), lambd: float(0.5) }],
  ["Shrink", { bias: float(-2), lambd: float(-0.5) }],
  ["Clip", {}, [scalar(-0.5), scalar(0.5)]],
  ["Clip", {}, [scalar(0), scalar(0.5)]],
  ["Clip", {}, [scalar(-1), scalar(-0.25)]],
  ...["Add", "Sub", "Mul", "Div", "Min", "Max", "Sum", "Mean"].flatMap((t): Row[] => [
    [t, {}, [either]],
    [t, {}, [positive]],
  ]),
  ["Pow", {}, [scalar(2)]],
  ["Pow", {}, [scalar(3)]],
  ["MaxPool", window],
  ["AveragePool", window],
  ["LpPool", window],
  ["LRN", { size: 3 }],
  ["Softmax", { axis: 1 }],
  ["LogSoftmax", { axis: 1 }],
  ["InstanceNormalization", {}, [tensor([3], 7, 0.5, 1), tensor([3], 8, 0, 1)]],
  ["LpNormalization", {}],
  ...["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceProd", "ReduceSumSquare"].map(
    (t): Row => [t, {}],
  ),
  ...["ReduceLogSumExp", "Flatten", "Dropout", "Transpose"].map((t): Row => [t, {}]),
  ["ArgMax", { axis: 1 }],
  ["Cast", { to: 6 }],
  ["Concat", { axis: 1 }, [either]],
  ["Concat", { axis: 1 }, [positive]],
  ["Pad", {}, [ints(0, 0, 1, 0, 0, 0, 0, 1), scalar(-1)]],
  ["Pad", { mode: "edge" }, [ints(0, 0, 1, 0, 0, 0, 0, 1)]],
  ["Reshape", {}, [ints(1, -1)]],
  ["Slice", {}, [ints(0), ints(2), ints(1)]],
  ["Gather", { axis: 1 }, [ints(0, 2)]],
  ["Expand", {}, [ints(2, 3, 4, 6)]],
  ["Tile", {}, [ints(1, 2, 1, 1)]],
  ["DepthToSpace", { blocksize: 1 }],
  ["SpaceToDepth", { blocksize: 2 }],
  ["Trilu", {}],
  ["GridSample", {}, [tensor([1, 2, 5, 2], 4, -1.2, 1.2)], 16],
  ["GridSample", { mode: "bicubic" }, [tensor([1, 2, 5, 2], 4, -1.2, 1.2)], 16],
  ["RoiAlign", { output_height: 2, output_width: 2 }, [tensor([2, 4], 4, 0, 5), ints(0, 0)], 16],
  ["CenterCropPad", { axes: [2, 3] }, [ints(3, 9)], 18],
  ["TensorScatter", {}, [tensor([1, 3, 2, 6], 7, -1, 1)], 24],
  ["TensorScatter", {}, [tensor([1, 3, 2, 6], 7, 0.1, 1)], 24],
  ["Hardmax", { axis: 1 }],
  ["CumProd", {}, [ints(2)], 26],
  ["ParametricSoftplus", { alpha: float(-1) }, [], 6],
  ["ScaledTanh", { alpha: float(2), beta: float(0.5) }, [], 6],
  ["ScaledTanh", { alpha: float(-2), beta: float(0.5) }, [], 6],
  ["Resize", { mode: "linear" }, [ints(), { dims: [4], data: Float32Array.of(1, 1, 2, 1.5) }]],
  ["Resize", { mode: "cubic" }, [ints(), { dims: [4], data: Float32Array.of(1, 1, 2, 1.5) }]],
];

/** The operator behind x, or behind a ReLU of it. */
function fileOf([type, attributes, constants = [], opset = 13]: Row, rectified: boolean): Uint8Array {
  const names = constants.map((_, i) => `c${i}`);
  const nodes: FileNode[] = [
    {
      type: rectified ? "Relu" : "LeakyRelu",
      attributes: rectified ? {} : { alpha: float(1) },
      inputs: ["x"],
      outputs: ["h"],
    },
    { type, attributes, inputs: ["h", ...names], outputs: ["y"] },
  ];
  const initializers = Object.fromEntries(constants.map((value, i) => [names[i], value]));
  return onnx({ nodes, initializers, inputs: { x: dims }, outputs: { y: [] }, types: outputType[type] }, opset);
}
const outputType: Readonly<Record<string, { y: number }>> = { ArgMax: { y: 7 }, Cast: { y: 6 } };

describe.each([false, true])("behind a ReLU: %s", (rectified) => {
  test.each(rows.map((row) => ({ row })))("$row", async ({ row }) => {
    const bytes = fileOf(row, rectified);
    const graph = infer(await open(bytes, {}), new Map([["x", { dims }]]))!;
    const claims = graph.nodes.slice(1).map((node) => {
      const flags = node.inputs.map((name) =>
        name === "h" ? rectified : (graph.constants.get(name)?.data.every((v) => v >= 0) ?? false),
      );
      return ops.get(node.type)!.nonnegative?.(flags, node.attributes) ?? false;
    });
    // An operator that stands for others is judged by these, one by one, elsewhere.
    if (graph.nodes.length !== 2 || !claims[0]) return;
    using model = await load(bytes);
    for (let seed = 1; seed <= 8; seed++) {
      const { data } = model.predict(tensor(dims, seed, -2, 2)).output;
      expect(Math.min(...Array.from(data as ArrayLike<number>, Number))).toBeGreaterThanOrEqual(0);
    }
  });
});
