import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chain, type FileNode, type FileTensor, int32, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";

const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const floats = (...data: number[]): FileTensor => ({ dims: [data.length], data: Float32Array.from(data) });
const image = [1, 4, 5, 6];

type Row = readonly [
  type: string,
  dims: readonly number[],
  attributes?: FileNode["attributes"],
  parameters?: readonly (FileTensor | undefined)[],
  opset?: number,
];

/** A node of every kind that reads constants or attributes, each in a small network of its own. */
const rows: readonly Row[] = [
  ["Conv", image, { strides: [2, 1], pads: [1, 1, 0, 1] }, [tensor([3, 4, 3, 2], 1), tensor([3], 2)]],
  ["Conv", image, { group: 2, dilations: [2, 1], auto_pad: "SAME_UPPER" }, [tensor([4, 2, 2, 3], 1)]],
  ["Conv", [1, 2, 4, 3, 5], { strides: [2, 1, 1] }, [tensor([3, 2, 2, 2, 2], 1)]],
  ["ConvTranspose", image, { strides: [2, 3], output_padding: [1, 0] }, [tensor([4, 2, 2, 3], 1), tensor([2], 2)]],
  ["MaxPool", image, { kernel_shape: [2, 3], strides: [1, 2], pads: [1, 0, 0, 1] }],
  ["AveragePool", image, { kernel_shape: [3, 2], auto_pad: "SAME_LOWER", count_include_pad: 1 }],
  ["LpPool", image, { kernel_shape: [2, 2], p: 2 }],
  ["GlobalAveragePool", image],
  ["GlobalMaxPool", image],
  ["LRN", image, { size: 3 }],
  ["BatchNormalization", image, {}, [1, 2, 3, 4].map((seed) => tensor([4], seed, 0.5, 1))],
  ["InstanceNormalization", image, {}, [tensor([4], 1), tensor([4], 2)]],
  ["GroupNormalization", image, { num_groups: 2 }, [tensor([4], 1), tensor([4], 2)], 21],
  ["LayerNormalization", image, { axis: -1 }, [tensor([6], 1), tensor([6], 2)]],
  ["LpNormalization", image, { axis: 1, p: 2 }],
  ["MeanVarianceNormalization", image],
  [
    "LSTM",
    [4, 2, 3],
    { hidden_size: 5, direction: "bidirectional", clip: { float: 3 }, input_forget: 1 },
    [[2, 20, 3], [2, 20, 5], [2, 40], undefined, [2, 2, 5], [2, 2, 5], [2, 15]].map((dims, i) =>
      dims ? tensor(dims, i) : int32(4, 2),
    ),
  ],
  [
    "GRU",
    [2, 4, 3],
    { hidden_size: 2, layout: 1, linear_before_reset: 1, activations: { strings: ["HardSigmoid", "Elu"] } },
    [[1, 6, 3], [1, 6, 2], [1, 12], undefined, [2, 1, 2]].map((dims, i) => (dims ? tensor(dims, i) : int32(0, 3))),
  ],
  [
    "RNN",
    [3, 1, 2],
    {
      direction: "reverse",
      activations: { strings: ["ScaledTanh"] },
      activation_alpha: { floats: [2] },
      activation_beta: { floats: [0.5] },
    },
    [tensor([1, 4, 2], 1), tensor([1, 4, 4], 2)],
  ],
  ["Gemm", [2, 6], { transB: 1, alpha: { float: 0.5 } }, [tensor([3, 6], 1), tensor([3], 2)]],
  ["MatMul", [2, 3, 4], {}, [tensor([2, 4, 5], 1)]],
  ["PRelu", image, {}, [tensor([4, 1, 1], 1)]],
  [
    "Clip",
    image,
    {},
    [
      { dims: [], data: Float32Array.of(-1) },
      { dims: [], data: Float32Array.of(1) },
    ],
  ],
  ["LeakyRelu", image, { alpha: { float: 0.1 } }],
  ["Softmax", image, { axis: 1 }],
  ["Add", image, {}, [tensor([4, 1, 6], 1)]],
  ["Mul", image, {}, [tensor([4, 1, 1], 1)]],
  ["Pow", image, {}, [floats(2)]],
  ["Max", image, {}, [tensor([6], 1), tensor([1], 2)]],
  ["ReduceSum", image, { keepdims: 0 }, [ints(1, 3)]],
  ["ReduceMean", image, { axes: [2] }],
  ["ReduceMax", image, { axes: [1, 2] }],
  ["ReduceL2", image, { axes: [-1] }],
  ["ReduceLogSumExp", image, { axes: [1] }],
  ["ArgMax", image, { axis: 1 }],
  ["Concat", image, { axis: 1 }, [tensor([1, 2, 5, 6], 1)]],
  ["Flatten", image, { axis: 2 }],
  ["Reshape", image, {}, [ints(0, -1, 3)]],
  ["Transpose", image, { perm: [0, 2, 3, 1] }],
  ["Squeeze", [1, 4, 1, 6], {}, [ints(2)]],
  ["Unsqueeze", image, {}, [ints(0, -1)]],
  ["Slice", image, {}, [ints(1, 5), ints(3, 0), ints(1, 2), ints(1, -2)]],
  ["Gather", image, { axis: 1 }, [ints(0, 3, -1, 3)]],
  ["GatherElements", [2, 3], { axis: 1 }, [{ dims: [2, 2], data: [0, 2, 1, -1] }]],
  ["GatherND", image, { batch_dims: 1 }, [{ dims: [1, 2, 2], data: [0, 1, 3, 2] }]],
  ["TopK", image, { axis: 1, largest: 0 }, [ints(3)]],
  ["CumSum", image, { exclusive: 1, reverse: 1 }, [ints(2)]],
  [
    "ScatterElements",
    [2, 3],
    { axis: 1, reduction: "max" },
    [{ dims: [2, 2], data: [0, 2, 1, -1] }, tensor([2, 2], 1)],
    18,
  ],
  ["ScatterND", [2, 3], { reduction: "add" }, [{ dims: [2, 1], data: [1, 0] }, tensor([2, 3], 1)], 18],
  ["TensorScatter", [2, 3, 4], { mode: "circular" }, [tensor([2, 2, 4], 1), ints(5, 0)], 24],
  ["Einsum", [2, 3, 4], { equation: "bij,...jk->b...ik" }, [tensor([4, 5], 1)]],
  ["Einsum", [2, 3, 3], { equation: "bii,b->i" }, [tensor([2], 1)]],
  ["Mod", image, { fmod: 1 }, [floats(0.7)]],
  ["CastLike", image, {}, [floats(1)]],
  ["Swish", image, { alpha: { float: 1.5 } }, [], 22],
  ["RMSNormalization", image, { axis: -2 }, [tensor([5, 6], 1)], 22],
  ["Expand", [1, 3, 1, 4], {}, [ints(2, 3, 5, 4)]],
  ["Tile", [2, 3, 4], {}, [ints(1, 2, 3)]],
  ["DepthToSpace", image, { blocksize: 2 }],
  ["SpaceToDepth", [1, 2, 4, 6], { blocksize: 2, mode: "DCR" }],
  ["Trilu", image, { upper: 0 }, [{ dims: [], data: [1] }]],
  ["Pad", image, { mode: "reflect" }, [ints(0, 0, 1, 2, 0, 0, 2, 1)]],
  ["Pad", image, {}, [ints(0, 1, -1, 2, 0, 0, 2, 1), floats(0.5)]],
  ["Resize", image, { mode: "linear" }, [undefined, floats(1, 1, 0.5, 1.5)]],
  [
    "Resize",
    image,
    { mode: "cubic", coordinate_transformation_mode: "align_corners" },
    [undefined, undefined, ints(1, 4, 7, 3)],
  ],
  ["Resize", image, {}, [undefined, floats(1, 1, 2, 2)]],
  ["Upsample", image, {}, [floats(1, 1, 2, 3)], 9],
  ["Cast", image, { to: 1 }],
  ["Erf", image],
  ["Atan", image],
  ["Asinh", image],
  ["GridSample", image, { mode: "cubic", padding_mode: "reflection" }, [tensor([1, 3, 2, 2], 1)], 20],
  ["GridSample", [1, 2, 3, 4, 2], { align_corners: 1 }, [tensor([1, 2, 3, 2, 3], 1)], 20],
  ["AffineGrid", [1, 2, 3], {}, [ints(1, 1, 3, 4)], 20],
  ["RoiAlign", image, { output_height: 2, output_width: 3, sampling_ratio: 2 }, [tensor([1, 4], 1), ints(0)], 16],
  ["RoiAlign", image, { mode: "max", spatial_scale: { float: 0.5 } }, [tensor([1, 4], 1), ints(0)], 16],
  [
    "DeformConv",
    image,
    { pads: [1, 0, 0, 1], strides: [1, 2], offset_group: 2 },
    [tensor([3, 4, 2, 2], 1), tensor([1, 16, 5, 3], 2), tensor([3], 3), tensor([1, 8, 5, 3], 4)],
    19,
  ],
  ["ReverseSequence", [4, 2, 3], {}, [ints(3, 1)]],
  ["CenterCropPad", image, { axes: [2, 3] }, [ints(3, 9)], 18],
  ["Col2Im", [1, 12, 12], { pads: [0, 1, 0, 0] }, [ints(4, 4), ints(2, 3)], 18],
  ["Compress", image, { axis: 2 }, [{ dims: [4], data: [true, false, true, true] }]],
  ["Hardmax", image, { axis: 1 }],
  ["DFT", [2, 6, 1], { axis: 1, onesided: 1 }],
  [
    "DFT",
    [2, 6, 2],
    { inverse: 1 },
    [
      { dims: [], data: [5] },
      { dims: [], data: [1] },
    ],
    20,
  ],
  ["STFT", [1, 16, 1], {}, [{ dims: [], data: [4] }, tensor([6], 1)]],
  [
    "Attention",
    [1, 4, 3, 2],
    { is_causal: 1, softcap: { float: 2 } },
    [
      tensor([1, 2, 3, 2], 1),
      tensor([1, 2, 3, 5], 2),
      tensor([3, 5], 3),
      tensor([1, 2, 2, 2], 4),
      tensor([1, 2, 2, 5], 5),
    ],
    23,
  ],
  [
    "Attention",
    [1, 3, 4],
    { q_num_heads: 2, kv_num_heads: 1 },
    [tensor([1, 3, 2], 1), tensor([1, 3, 2], 2), undefined, undefined, undefined, ints(2)],
    24,
  ],
  [
    "RotaryEmbedding",
    [1, 3, 8],
    { num_heads: 2, interleaved: 1 },
    [tensor([4, 2], 1), tensor([4, 2], 2), { dims: [1, 3], data: [0, 3, 1] }],
    23,
  ],
  [
    "CausalConvWithState",
    [1, 3, 4],
    { activation: "silu" },
    [tensor([3, 1, 3], 1), tensor([3], 2), tensor([1, 3, 2], 3)],
    27,
  ],
  [
    "LinearAttention",
    [1, 3, 8],
    { q_num_heads: 4, kv_num_heads: 2 },
    [
      [1, 3, 4],
      [1, 3, 6],
      [1, 2, 2, 3],
      [1, 3, 4],
      [1, 3, 1],
    ].map((dims, i) => tensor(dims, i)),
    27,
  ],
  ["CumProd", image, { reverse: 1 }, [{ dims: [], data: [2] }], 26],
  ["Det", [2, 3, 3]],
  ["ImageScaler", [1, 3, 4, 5], { scale: { float: 2 }, bias: { floats: [1, 2, 3] } }, [], 6],
  ["Crop", image, { border: [1, 1, 0, 2] }, [], 6],
  ["ParametricSoftplus", image, { alpha: { float: 2 }, beta: { float: 0.5 } }, [], 6],
  ["Dropout", image],
];

const node = (
  type: string,
  inputs: string[],
  outputs: string[],
  attributes: FileNode["attributes"] = {},
): FileNode => ({
  type,
  inputs,
  outputs,
  attributes,
});

/** What is made of constants alone. */
const made = (
  type: string,
  inputs: Readonly<Record<string, FileTensor>>,
  attributes: FileNode["attributes"] = {},
): Uint8Array =>
  onnx({
    nodes: [
      node(type, Object.keys(inputs), ["m"], attributes),
      node("Cast", ["m"], ["f"], { to: 1 }),
      node("Mul", ["x", "f"], ["z"]),
    ],
    initializers: inputs,
    inputs: { x: [1] },
    outputs: { z: [] },
  });
const int = (v: number): FileTensor => ({ dims: [], data: [v] });
const float = (v: number): FileTensor => ({ dims: [], data: Float32Array.of(v) });
const fromConstants: readonly Uint8Array[] = [
  made("HannWindow", { n: int(7) }),
  made("BlackmanWindow", { n: int(7) }, { periodic: 0 }),
  made("MelWeightMatrix", { b: int(4), l: int(16), r: int(8000), f: float(20), t: float(4000) }),
  made("EyeLike", { a: tensor([3, 4], 1) }, { k: 1 }),
  made("Unique", { a: floats(2, 1, 2) }),
  made("Unique", { a: tensor([3, 2], 1) }, { axis: 0, sorted: 0 }),
  made("NonMaxSuppression", { b: tensor([1, 5, 4], 1), s: tensor([1, 2, 5], 2), m: ints(3), t: floats(0.5) }),
  made("BitwiseXor", { a: ints(5, 6), b: ints(3, 9) }),
  made("BitwiseNot", { a: ints(5, 6) }),
  made("IsInf", { a: floats(5, 6) }, { detect_negative: 0 }),
  made("IsNaN", { a: floats(5, 6) }),
];

/** Graphs that compute shapes, masks and choices while they are loaded, or from a further input. */
const graphs: readonly Uint8Array[] = [
  onnx(
    {
      nodes: [
        node("Cast", ["x"], ["s"], { to: 5 }),
        node("BitCast", ["s"], ["u"], { to: 4 }),
        node("Cast", ["u"], ["z"], { to: 1 }),
      ],
      inputs: { x: [2, 3] },
      outputs: { z: [] },
    },
    26,
  ),
  onnx({
    nodes: [
      node("Shape", ["x"], ["s"]),
      node("Gather", ["s", "one"], ["c"]),
      node("Range", ["zero", "c0", "step"], ["r"]),
      node("Squeeze", ["c"], ["c0"]),
      node("Cast", ["r"], ["f"], { to: 1 }),
      node("ConstantOfShape", ["s"], ["o"], { value: { tensor: floats(1) } }),
      node("Mul", ["x", "o"], ["m"]),
      node("Add", ["m", "f"], ["y"]),
      node("Relu", ["y"], ["z"]),
    ],
    initializers: { one: ints(1), zero: { dims: [], data: [0] }, step: { dims: [], data: [1] } },
    inputs: { x: ["n", 4] },
    outputs: { z: ["n", 4] },
  }),
  onnx({
    nodes: [
      node("Greater", ["x", "h"], ["b"]),
      node("Where", ["b", "x", "h"], ["w"]),
      node("Split", ["w", "parts"], ["p", "q"], { axis: 1 }),
      node("MatMul", ["p", "t"], ["u"]),
      node("Sum", ["u", "u", "q"], ["v"]),
      node("Gather", ["table", "i"], ["e"]),
      node("Add", ["v", "e"], ["z"]),
    ],
    initializers: { h: tensor([1], 1), parts: ints(2, 3), t: tensor([2, 3], 2), table: tensor([5, 3], 3) },
    inputs: { x: [1, 5], i: [1] },
    outputs: { z: [] },
    types: { i: 7 },
  }),
  onnx({
    nodes: [
      node("If", ["c"], ["a"], {
        then_branch: { graph: { nodes: [node("Relu", ["x"], ["t"])], outputs: { t: [] } } },
        else_branch: { graph: { nodes: [node("Neg", ["x"], ["e"])], outputs: { e: [] } } },
      }),
      node("NonZero", ["mask"], ["at"]),
      node("GatherND", ["a", "tt"], ["z"]),
      node("Transpose", ["at"], ["tt"], { perm: [1, 0] }),
    ],
    initializers: { c: { dims: [], data: [true] }, mask: { dims: [1, 4], data: numbers(4, 1) } },
    inputs: { x: [1, 4] },
    outputs: { z: [] },
  }),
  onnx({
    nodes: [
      node("Loop", ["times", "", "x"], ["l", "g"], {
        body: {
          graph: {
            nodes: [
              node("Less", ["i", "last"], ["c"]),
              node("Add", ["v", "x"], ["w"]),
              node("ReduceSum", ["w"], ["r"], { keepdims: 0 }),
            ],
            initializers: { last: { dims: [], data: [2] } },
            inputs: { i: [], on: [], v: [2, 3] },
            types: { i: 7, on: 9, c: 9 },
            outputs: { c: [], w: [2, 3], r: [] },
          },
        },
      }),
      node("Scan", ["start", "l"], ["t", "u"], {
        body: {
          graph: {
            nodes: [node("Max", ["s", "e"], ["m"]), node("Sub", ["e", "m"], ["d"])],
            inputs: { s: [2], e: [2] },
            outputs: { m: [2], d: [2] },
          },
        },
        num_scan_inputs: 1,
        scan_input_axes: [-1],
        scan_output_axes: [1],
      }),
      node("SplitToSequence", ["u", "parts"], ["q"], { axis: 1 }),
      node("SequenceInsert", ["q", "u", "one"], ["p"]),
      node("SequenceErase", ["p", "zero"], ["o"]),
      node("ConcatFromSequence", ["o"], ["z"], { axis: -1 }),
    ],
    initializers: {
      times: { dims: [], data: [4] },
      start: tensor([2], 1),
      parts: ints(1, 2),
      zero: { dims: [], data: [0] },
      one: { dims: [], data: [1] },
    },
    inputs: { x: [2, 3] },
    outputs: { z: [], g: [] },
  }),
  onnx({
    nodes: [
      node("OneHot", ["i", "depth", "values"], ["o"], { axis: 1 }),
      node("Flatten", ["o"], ["f"]),
      node("MatMul", ["f", "w"], ["z"]),
    ],
    initializers: { depth: { dims: [], data: [3] }, values: floats(0, 1), w: tensor([6, 2], 1) },
    inputs: { i: [1, 2] },
    outputs: { z: [] },
    types: { i: 7 },
  }),
];

const ml = (type: string, attributes: FileNode["attributes"], outputs = ["z"]): Uint8Array =>
  onnx(
    {
      nodes: [{ ...node(type, ["x"], outputs, attributes), domain: "ai.onnx.ml" }],
      inputs: { x: ["n", 3] },
      outputs: Object.fromEntries(outputs.map((name) => [name, []])),
      types: { label: 7 },
    },
    3,
    "ai.onnx.ml",
  );
const list = (...values: number[]) => ({ floats: values });
const both = ["label", "z"];

/** Those of scikit-learn's files. */
const learned: readonly Uint8Array[] = [
  ml(
    "LinearClassifier",
    {
      coefficients: list(1, 2, -1, 0, 1, 2),
      intercepts: list(0, 1),
      classlabels_ints: [3, 4],
      post_transform: "SOFTMAX",
    },
    both,
  ),
  ml("LinearClassifier", { coefficients: list(1, 2, -1), intercepts: list(1), classlabels_ints: [3, 4] }, both),
  ml("LinearRegressor", { coefficients: list(1, 2, -1, 0, 1, 2), intercepts: list(0, 1), targets: 2 }),
  ml(
    "SVMClassifier",
    {
      ...{ coefficients: list(1, 2, -1, 0.5, 1, 2, 3, 4), support_vectors: list(1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3) },
      ...{ vectors_per_class: [1, 2, 1], rho: list(0.1, 0.2, 0.3), classlabels_ints: [1, 2, 3], kernel_type: "LINEAR" },
    },
    both,
  ),
  ml("SVMRegressor", {
    coefficients: list(1, -2),
    support_vectors: list(1, 2, 3, 4, 5, 6),
    rho: list(0.5),
    n_supports: 2,
  }),
  ml("Scaler", { offset: list(1, 2, 3), scale: list(0.5) }),
  ml("Normalizer", { norm: "MAX" }),
  ml("Imputer", { imputed_value_floats: list(1, 2, 3), replaced_value_float: { float: 0 } }),
  ml("Binarizer", { threshold: { float: 0.5 } }),
  ml("FeatureVectorizer", { inputdimensions: [3] }),
  ml("OneHotEncoder", { cats_int64s: [0, 1, 2] }),
  ml("LabelEncoder", { keys_floats: list(0, 1), values_int64s: [5, 6] }, ["label"]),
  ml("ZipMap", { classlabels_int64s: [0, 1, 2] }),
];

/** Small files of the project: one for each operator with parameters, graphs of several, the cases and the demo. */
export function seeds(root: string): Uint8Array[] {
  const own = rows.map(([type, dims, attributes, parameters, opset]) =>
    chain(dims, [{ type: "Relu" }, { type, attributes, parameters }, { type: "LeakyRelu" }], opset),
  );
  return [
    ...own,
    ...graphs,
    ...fromConstants,
    ...learned,
    ...filesIn(join(root, "test/cases"), 20_000),
    ...filesIn(join(root, "demo")),
  ];
}

/** Every ONNX file at and below a folder that is not large: what takes long to judge is judged rarely. */
export function filesIn(folder: string, largest = 200_000): Uint8Array[] {
  return readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".onnx"))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))))
    .filter((bytes) => bytes.length <= largest);
}
