import { describe, expect, test } from "vitest";
import { load, LrpError, network, op, sequential } from "../../src/entries/index.ts";
import { ops } from "../../src/ops/index.ts";
import { checkCounts, checkTypes } from "../../src/ops/takes.ts";
import type { ElementType } from "../../src/base/tensor.ts";
import { type FileNode, onnx } from "../onnx-writer.ts";

/*
 * How many inputs and outputs operators have, and of which types: ONNX's schemas of opset 27, against the table.
 */

/** Types of the inputs as the schemas have them: a letter behind them is the type that all of that letter have. */
const FLOATS = "float32 float16 float64 bfloat16";
const FLOAT = `${FLOATS} T`;
const INT = "int32 int64";
const INTEGERS = "int8 int16 int32 int64 uint8 uint16 uint32 uint64";
const NUMBERS = `${FLOATS} ${INTEGERS}`;
/** Of scikit-learn's tables. */
const FEATURE = "float32 float64 int32 int64 T";
const T = `${NUMBERS} T`;
const ANY = `${NUMBERS} bool T`;
const EACH = `${NUMBERS} bool`;

/** Least and most inputs, outputs, and the types of the inputs, the last of which goes on. */
type Schema = readonly [least: number, most: number, outputs: number, ...types: string[]];

const each = <T>(names: string, value: T) => Object.fromEntries(names.split(" ").map((name) => [name, value]));

const ml = (names: string, schema: Schema) => each(names.replaceAll(/\w+/g, "ai.onnx.ml.$&"), schema);

const fused = <T>(names: string, value: T) => each(names.replaceAll(/\w+/g, "com.microsoft.$&"), value);
const ms = (names: string, schema: Schema) => fused(names, schema);

/** Inputs that may be left out before others that may not. */
const HOLES: Readonly<Record<string, readonly number[]>> = {
  "com.microsoft.EmbedLayerNormalization": [1, 4],
  "com.microsoft.GroupQueryAttention": [1, 2, 3, 4],
  "com.microsoft.QEmbedLayerNormalization": [1, 4, 7, 10, 15],
  ...fused("QLinearAdd QLinearMul", [2, 5]),
  ...fused(
    "QLinearSigmoid QLinearLeakyRelu QLinearAveragePool QLinearGlobalAveragePool QLinearSoftmax QLinearReduceMean",
    [2],
  ),
};

/** Integers, their scale and zero point: of two inputs, and of the output. */
const THREES = [`${NUMBERS} T`, `${FLOATS} U`, `${NUMBERS} T`, `${NUMBERS} V`, `${FLOATS} U`, `${NUMBERS} V`];
const ONES = THREES.slice(0, 3);
const OUTPUT = [`${FLOATS} U`, `${NUMBERS} W`];

const schemas: Readonly<Record<string, Schema>> = {
  ...each("Conv ConvTranspose", [2, 3, 1, FLOAT]),
  Gemm: [2, 3, 1, T],
  Einsum: [1, Infinity, 1, T],
  MatMul: [2, 2, 1, T],
  MaxPool: [1, 1, 2, T],
  ...each("AveragePool GlobalAveragePool GlobalMaxPool LpPool GlobalLpPool LRN", [1, 1, 1, FLOAT]),
  // In training mode; a test of its own says that it is refused.
  BatchNormalization: [5, 5, 5, FLOAT, `${FLOATS} U`, `${FLOATS} U`, `${FLOATS} V`, `${FLOATS} V`],
  ...each("InstanceNormalization GroupNormalization", [3, 3, 1, FLOAT]),
  LayerNormalization: [2, 3, 3, FLOAT],
  LSTM: [3, 8, 3, FLOAT, FLOAT, FLOAT, FLOAT, INT, FLOAT],
  ...each("GRU RNN", [3, 6, 2, FLOAT, FLOAT, FLOAT, FLOAT, INT, FLOAT]),
  RMSNormalization: [2, 2, 1, FLOAT],
  ...each("MeanVarianceNormalization LpNormalization Softmax LogSoftmax", [1, 1, 1, FLOAT]),
  ...each("LeakyRelu Sigmoid Tanh Elu Selu Celu Gelu Mish HardSigmoid HardSwish Swish Softplus Softsign", [
    1,
    1,
    1,
    FLOAT,
  ]),
  ...each("ThresholdedRelu Shrink Erf Exp Log Sqrt Reciprocal Ceil Floor Round Sin Cos Tan", [1, 1, 1, FLOAT]),
  ...each("Relu Abs Neg Sign", [1, 1, 1, T]),
  CastLike: [2, 2, 1, `${NUMBERS} bool`],
  PRelu: [2, 2, 1, T],
  Clip: [1, 3, 1, T],
  Pow: [2, 2, 1, NUMBERS],
  ...each("Add Sub Mul Div Mod", [2, 2, 1, T]),
  ...each("Sum Mean", [1, Infinity, 1, FLOAT]),
  ...each("Min Max", [1, Infinity, 1, T]),
  Where: [3, 3, 1, "bool", ANY],
  ...each("ReduceSum ReduceMean ReduceL1 ReduceL2 ReduceProd ReduceSumSquare ReduceLogSum ReduceLogSumExp", [
    1,
    2,
    1,
    T,
    INT,
  ]),
  ...each("ReduceMax ReduceMin", [1, 2, 1, ANY, INT]),
  ...each("ArgMax ArgMin", [1, 1, 1, T]),
  Concat: [1, Infinity, 1, ANY],
  ...each("Flatten Transpose Identity DepthToSpace SpaceToDepth Shape Size NonZero Cast", [1, 1, 1, ANY]),
  ...each("Reshape Expand Tile Unsqueeze Gather GatherElements GatherND", [2, 2, 1, ANY, INT]),
  ...each("Scatter ScatterElements ScatterND", [3, 3, 1, ANY, INT, ANY]),
  TensorScatter: [2, 3, 1, ANY, ANY, INT],
  TopK: [2, 2, 2, T, INT],
  OneHot: [3, 3, 1, T, NUMBERS, ANY],
  CumSum: [2, 2, 1, T, INT],
  ...each("Squeeze Trilu", [1, 2, 1, ANY, INT]),
  Slice: [3, 5, 1, ANY, INT],
  Split: [1, 2, Infinity, ANY, INT],
  Pad: [2, 4, 1, ANY, INT, ANY, INT],
  Resize: [1, 4, 1, ANY, FLOATS, FLOATS, INT],
  Upsample: [2, 2, 1, ANY, FLOATS],
  Dropout: [1, 3, 2, FLOAT, FLOATS, "bool"],
  Constant: [0, 0, 1],
  ConstantOfShape: [1, 1, 1, INT],
  Range: [3, 3, 1, T],
  Equal: [2, 2, 1, ANY],
  ...each("Greater GreaterOrEqual Less LessOrEqual", [2, 2, 1, T]),
  ...each("And Or Xor", [2, 2, 1, "bool"]),
  If: [1, 1, Infinity, "bool"],
  Loop: [0, Infinity, Infinity, INT, "bool", EACH],
  Scan: [1, Infinity, Infinity, EACH],
  ...each("SequenceConstruct", [1, Infinity, 1, ANY]),
  SequenceEmpty: [0, 0, 1],
  SequenceAt: [2, 2, 1, EACH, INT],
  SequenceInsert: [2, 3, 1, EACH, EACH, INT],
  SequenceErase: [1, 2, 1, EACH, INT],
  ...each("SequenceLength ConcatFromSequence OptionalGetElement", [1, 1, 1, EACH]),
  SplitToSequence: [1, 2, 1, EACH, INT],
  SequenceMap: [1, Infinity, Infinity, EACH],
  ...each("Optional OptionalHasElement", [0, 1, 1, EACH]),
  Not: [1, 1, 1, "bool"],
  ...each("Acos Asin Atan Sinh Cosh Asinh Acosh Atanh IsNaN IsInf", [1, 1, 1, FLOAT]),
  BitShift: [2, 2, 1, "uint8 uint16 uint32 uint64 T"],
  ...each("BitwiseAnd BitwiseOr BitwiseXor", [2, 2, 1, `${INTEGERS} T`]),
  BitwiseNot: [1, 1, 1, `${INTEGERS} T`],
  BitCast: [1, 1, 1, ANY],
  GridSample: [2, 2, 1, FLOATS, FLOATS],
  AffineGrid: [2, 2, 1, FLOAT, INT],
  RoiAlign: [3, 3, 1, FLOAT, FLOAT, INT],
  DeformedTaps: [2, 2, 1, FLOAT],
  DeformConv: [3, 5, 1, FLOAT],
  ReverseSequence: [2, 2, 1, ANY, INT],
  CenterCropPad: [2, 2, 1, ANY, INT],
  Col2Im: [3, 3, 1, ANY, INT, INT],
  ...each("EyeLike", [1, 1, 1, ANY]),
  Compress: [2, 2, 1, ANY, "bool"],
  Unique: [1, 1, 4, ANY],
  NonMaxSuppression: [2, 5, 1, FLOAT, FLOAT, INT, FLOAT, FLOAT],
  ...each("Hardmax Affine Scale ImageScaler Crop ParametricSoftplus ScaledTanh", [1, 1, 1, FLOAT]),
  ...each("HannWindow HammingWindow BlackmanWindow", [1, 1, 1, INT]),
  MelWeightMatrix: [5, 5, 1, INT, INT, INT, FLOAT, FLOAT],
  DFT: [1, 3, 1, FLOAT, INT, INT],
  STFT: [2, 4, 1, FLOAT, INT, FLOAT, INT],
  Attention: [3, 7, 4, FLOAT, FLOAT, `${FLOATS} U`, `${NUMBERS} bool`, FLOAT, `${FLOATS} U`, INT],
  RotaryEmbedding: [3, 4, 1, FLOAT, FLOAT, FLOAT, INT],
  CausalConvWithState: [2, 4, 2, FLOAT],
  LinearAttention: [3, 6, 2, FLOAT, FLOAT, FLOAT, `${FLOATS} U`, FLOAT, FLOAT],
  CumProd: [2, 2, 1, T, INT],
  Det: [1, 1, 1, FLOAT],
  ...ml("LinearClassifier SVMClassifier", [1, 1, 2, FEATURE]),
  ...ml("LinearRegressor SVMRegressor Scaler Normalizer Imputer Binarizer", [1, 1, 1, FEATURE]),
  ...ml("FeatureVectorizer", [1, Infinity, 1, FEATURE]),
  // Strings apart.
  ...ml("OneHotEncoder", [1, 1, 1, FEATURE]),
  ...ml("ArrayFeatureExtractor", [2, 2, 1, ANY, INT]),
  ...ml("LabelEncoder", [1, 1, 1, ANY]),
  ...ml("ZipMap", [1, 1, 1, FLOAT]),
  ...ms("Attention", [2, 7, 2, FLOAT, FLOAT, FLOAT, INT, FLOAT, FLOAT, INT]),
  ...ms("MultiHeadAttention", [1, 10, 4, FLOAT, FLOAT, FLOAT, FLOAT, INT, FLOAT, FLOAT, FLOAT, INT, INT]),
  ...ms("PackedAttention", [5, 6, 1, FLOAT, FLOAT, FLOAT, INT, INT, FLOAT]),
  ...ms("GroupQueryAttention", [
    7,
    14,
    4,
    ...[FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, INT, INT, FLOAT, FLOAT, INT, FLOAT, FLOAT, `${FLOATS} U`, `${FLOATS} U`],
  ]),
  ...ms("RotaryEmbedding", [4, 4, 1, FLOAT, INT, FLOAT, FLOAT]),
  ...ms("SkipLayerNormalization", [3, 5, 4, FLOAT]),
  ...ms("SkipSimplifiedLayerNormalization", [3, 4, 4, FLOAT]),
  SimplifiedLayerNormalization: [2, 2, 2, `${FLOATS} T`, `${FLOATS} U`],
  ...ms("SimplifiedLayerNormalization", [2, 2, 2, `${FLOATS} T`, `${FLOATS} U`]),
  ...ms("EmbedLayerNormalization", [7, 9, 3, INT, INT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, INT, INT]),
  ...ms("GroupNorm", [3, 3, 1, `${FLOATS} T`, `${FLOATS} U`, `${FLOATS} U`]),
  ...ms("Gelu QuickGelu", [1, 1, 1, FLOAT]),
  ...ms("FastGelu", [1, 2, 1, FLOAT]),
  ...ms("BiasGelu BiasSplitGelu FusedMatMul TransposeMatMul", [2, 2, 1, FLOAT]),
  ...ms("FusedConv NhwcFusedConv", [2, 4, 1, FLOAT]),
  ...ms("NhwcConv FusedGemm", [2, 3, 1, FLOAT]),
  ...each("QuantizeLinear com.microsoft.QuantizeLinear", [2, 3, 1, `${NUMBERS} T`, `${FLOATS} U`, `${NUMBERS} V`]),
  ...each("DequantizeLinear com.microsoft.DequantizeLinear", [2, 3, 1, `${NUMBERS} T`, `${FLOATS} U`, `${NUMBERS} T`]),
  Rounding: [2, 3, 1, `${FLOATS} T`, `${FLOATS} U`, `${NUMBERS} V`],
  DynamicQuantizeLinear: [1, 1, 3, FLOAT],
  DynamicRounding: [1, 1, 1, FLOAT],
  ...each("QLinearConv com.microsoft.QLinearConv", [8, 9, 1, ...THREES, ...OUTPUT, INT]),
  QLinearMatMul: [8, 8, 1, ...THREES, ...OUTPUT],
  ...each("MatMulInteger ConvInteger", [2, 4, 1, `${INTEGERS} T`, `${INTEGERS} U`, `${INTEGERS} T`, `${INTEGERS} U`]),
  ...ms("DynamicQuantizeMatMul", [3, 5, 1, FLOAT, `${INTEGERS} U`, FLOAT, `${INTEGERS} U`, FLOAT]),
  ...ms("MatMulIntegerToFloat", [
    ...([4, 7, 1] as const),
    ...[`${INTEGERS} U`, `${INTEGERS} V`, FLOAT, FLOAT, `${INTEGERS} U`, `${INTEGERS} V`, FLOAT],
  ]),
  ...ms("QAttention", [
    ...([5, 9, 2] as const),
    ...[`${INTEGERS} T`, `${INTEGERS} U`, FLOAT, FLOAT, FLOAT, INT, `${INTEGERS} T`, `${INTEGERS} U`, FLOAT],
  ]),
  ...ms("QEmbedLayerNormalization", [
    ...([18, 18, 2] as const),
    ...[INT, INT, ...Array(5).fill(`${INTEGERS} U`), INT, ...Array(5).fill(FLOAT), ...Array(5).fill(`${INTEGERS} U`)],
  ]),
  ...ms("MatMulNBits", [3, 6, 1, FLOAT, INTEGERS, `${FLOATS} U`, NUMBERS, INT, FLOAT]),
  ...ms("GatherBlockQuantized", [3, 4, 1, `${INTEGERS} T`, INT, FLOATS, `${INTEGERS} T`]),
  ...ms("QLinearAdd QLinearMul", [7, 8, 1, ...ONES, ...ONES, ...ONES.slice(1)]),
  ...ms("QLinearSigmoid QLinearLeakyRelu QLinearAveragePool QLinearGlobalAveragePool", [
    4,
    5,
    1,
    ...ONES,
    ...ONES.slice(1),
  ]),
  ...ms("QLinearSoftmax QLinearReduceMean", [4, 5, 1, ...ONES, ...ONES.slice(1)]),
  ...ms("QLinearConcat", [3, Infinity, 1, FLOAT, `${NUMBERS} V`, EACH]),
  ...ms("QLinearWhere", [9, 9, 1, "bool", ...ONES, ...ONES, ...ONES.slice(1)]),
  ...ms("QGemm", [6, 9, 1, ...THREES, INT, ...OUTPUT]),
  TaylorNeurons: [1, 1, 1, FLOAT],
  Cone: [2, Infinity, 1, FLOAT],
  Table: [1, 1, 1, FLOAT],
  DotProductAttention: [3, Infinity, 1, FLOAT],
};

const given = (n: number) => Array.from({ length: n }, (_, i) => `v${i}`);
const refusal = (task: () => void): string | undefined => {
  try {
    task();
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
};
const counted = (type: string, inputs: readonly string[], outputs = 1, opset = 27) =>
  refusal(() => checkCounts(ops.get(type)!, opset, { inputs, outputs: given(outputs) }));

describe("every operator", () => {
  test("is here", () => {
    expect(Object.keys(schemas).sort()).toEqual([...ops.keys()].sort());
  });

  test.each(Object.entries(schemas))("%s counts %j", (type, [least, most, outputs]) => {
    for (const n of [least, Math.max(least, Math.min(most, 13))]) expect(counted(type, given(n))).toBeUndefined();
    if (least > 0) expect(counted(type, given(least - 1))).toMatch(/^expected an input '\w+', got none$/);
    if (most < Infinity) expect(counted(type, given(most + 1))).toContain(`at most ${most} input`);
    for (let left = 0; left < least; left++) {
      if (HOLES[type]?.includes(left)) continue;
      const holed = given(Math.min(most, 13)).map((name, i) => (i === left ? "" : name));
      expect(counted(type, holed)).toMatch(/an input|without a gap/);
    }
    expect(counted(type, given(least), Math.min(outputs, 13))).toBeUndefined();
    if (outputs < Infinity) expect(counted(type, given(least), outputs + 1)).toContain(`at most ${outputs} output`);
  });

  test("is judged in every opset", () => {
    for (const type of ops.keys())
      for (let opset = 1; opset <= 27; opset++)
        expect(counted(type, given(9), 1, opset) ?? "").not.toContain("undefined");
  });

  test.each(Object.entries(schemas))("%s takes the types %j", (type, [least, most, , ...types]) => {
    const count = Math.min(most, Math.max(least, types.length, 2));
    const kinds = Array.from({ length: count }, (_, i) => types[Math.min(i, types.length - 1)]);
    const operands = (chosen: readonly ElementType[]) => chosen.map((type, i) => ({ name: `v${i}`, dims: [2], type }));
    const judged = (chosen: readonly ElementType[]) => refusal(() => checkTypes(ops.get(type)!, 27, operands(chosen)));
    const all = ANY.split(" ").slice(0, -1) as ElementType[];
    const right = kinds.map((kind) => kind.split(" ")[0] as ElementType);
    expect(judged(right)).toBeUndefined();
    kinds.forEach((kind, i) => {
      const isShared = / [T-W]$/.test(kind);
      for (const other of all) {
        const alike = kinds.map((k, j) => (j === i || (isShared && k === kind) ? other : right[j]));
        expect(judged(alike) === undefined, `${alike}`).toBe(kind.split(" ").includes(other));
        const alone = right.map((v, j) => (j === i ? other : v));
        const isAlone = kinds.filter((k) => k === kind).length === 1;
        const fits = kind.split(" ").includes(other) && (!isShared || isAlone || other === right[i]);
        expect(judged(alone) === undefined, `${alone}`).toBe(fits);
      }
    });
  });

  // What became an input later: [the first opset that has it, inputs before, inputs since].
  test.each([
    ["Clip", 11, 1, 3],
    ["DFT", 20, 2, 3],
    ["Dropout", 12, 1, 3],
    ["Pad", 11, 1, 3],
    ["Pad", 18, 3, 4],
    ["ReduceMax", 18, 1, 2],
    ["ReduceSum", 13, 1, 2],
    ["Resize", 11, 2, 4],
    ["Slice", 10, 1, 5],
    ["Split", 13, 1, 2],
    ["Squeeze", 13, 1, 2],
    ["TopK", 10, 1, 2],
    ["Unsqueeze", 13, 1, 2],
    ["Upsample", 9, 1, 2],
  ])("%s of opset %i", (type, since, before, then) => {
    expect(counted(type, given(before), 1, since - 1)).toBeUndefined();
    expect(counted(type, given(before + 1), 1, since - 1)).toContain("at most");
    expect(counted(type, given(then), 1, since)).toBeUndefined();
    expect(counted(type, given(then + 1), 1, since)).toContain("at most");
  });
});

const file = (nodes: readonly FileNode[], more: Partial<Parameters<typeof onnx>[0]> = {}) =>
  onnx({ nodes, inputs: { x: [1, 3] }, outputs: { y: [] }, ...more });
const issuesOf = async (source: Parameters<typeof load>[0]) => {
  const error = await load(source).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(LrpError);
  return { code: error.code, issues: error.message.split("\n") };
};

describe("a file", () => {
  test("tells all that is wrong, each once", async () => {
    const nodes = [
      { type: "Relu", inputs: ["x"], outputs: ["r", "s"] },
      { type: "Transpose", inputs: ["r", "r"], outputs: ["t"] },
      { type: "Concat", attributes: { axis: 0 }, inputs: ["t", "", "t"], outputs: ["c"] },
      { type: "LeakyRelu", attributes: { slope: 3 }, inputs: [], outputs: ["l"] },
      { type: "Add", inputs: ["c", "", ""], outputs: ["y"] },
    ];
    expect(await issuesOf(file([...nodes.slice(0, 3), nodes[4]]))).toEqual({
      code: "invalid-model",
      issues: [
        "node 'r' (Relu): expected at most 1 output, got 2.",
        "node 't' (Transpose): expected at most 1 input (data), got 2.",
        "node 'c' (Concat): an input between others is left out.",
        "node 'y' (Add): expected an input 'B', got none.",
      ],
    });
    const attribute = "node 'l' (LeakyRelu): relprop does not know the attribute 'slope'.";
    expect((await issuesOf(file([nodes[3], { type: "Relu", inputs: ["l"], outputs: ["y"] }]))).issues).toEqual([
      attribute,
    ]);
  });

  test("whose inputs are left out at the end has none there", async () => {
    using model = await load(file([{ type: "Relu", inputs: ["x", ""], outputs: ["y", ""] }]));
    expect([...model.predict({ data: Float32Array.of(1, -1, 2), dims: [1, 3] }).output.data]).toEqual([1, 0, 2]);
  });

  const branch = (count: number, shift = 0) => ({
    graph: {
      nodes: given(count).map((name, i) => ({ type: "Identity", inputs: ["x"], outputs: [`${name}${i + shift}`] })),
      outputs: Object.fromEntries(given(count).map((name, i) => [`${name}${i + shift}`, []])),
    },
  });
  const choice = (inputs: string[], then: number, otherwise: number) => ({
    type: "If",
    inputs,
    outputs: ["y"],
    attributes: { then_branch: branch(then), else_branch: branch(otherwise, 5) },
  });

  test.each([
    [["c"], 0, 1, 9, "1 outputs of each branch, got 0 and 1"],
    [["c"], 1, 2, 9, "1 outputs of each branch, got 1 and 2"],
    [["c", "c"], 1, 1, 9, "at most 1 input (cond), got 2"],
    [[], 1, 1, 9, "an input 'cond', got none"],
    [["x"], 1, 1, 9, "cond of type bool, got float32"],
    [["c"], 1, 1, 7, "cond of type bool, got int64"],
  ])(
    "If of %j with branches of %i and %i outputs, condition of type %i",
    async (inputs, then, otherwise, type, says) => {
      const source = file([choice(inputs, then, otherwise)], { inputs: { x: [1, 3], c: [] }, types: { c: type } });
      expect(await issuesOf(source)).toEqual({
        code: "invalid-model",
        issues: [`node 'y' (If): expected ${says}.`],
      });
    },
  );
});

describe("code", () => {
  const x = { x: [2] };

  test("is told of inputs that are missing, or too many, once", () => {
    const wrong = () =>
      network({
        inputs: x,
        build: (g, { x }) => ({ y: g.node(op("Add"), x), z: g.node(op("Relu", { name: "r" }), x, x, 0.5 as never) }),
      });
    expect(refusal(wrong)?.split("\n")).toEqual([
      "node 'add0' (Add): expected an input 'B', got none.",
      "input 3 of node 'r' (Relu): expected a tensor { data, dims }, got 0.5.",
    ]);
    expect(refusal(() => network({ inputs: x, build: (g, { x }) => ({ y: g.outputs(2, op("Relu"), x)[1] }) }))).toBe(
      "node 'relu0' (Relu): expected at most 1 output, got 2.",
    );
    expect(refusal(() => sequential({ input: [2] }, [op("Add"), op("Relu", { name: "r" }, [1])]))?.split("\n")).toEqual(
      ["node 'add0' (Add): expected an input 'B', got none.", "node 'r' (Relu): expected at most 1 input (X), got 2."],
    );
  });

  test("is told of types when it is loaded", async () => {
    const indices = { data: Float32Array.of(0), dims: [1] };
    expect(await issuesOf(sequential({ input: [2] }, [op("Gather", { axis: 1, name: "g" }, indices)]))).toEqual({
      code: "invalid-model",
      issues: ["node 'g' (Gather): expected indices of type int32 or int64, got float32."],
    });
  });
});
