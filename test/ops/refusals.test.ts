import { expect, test } from "vitest";
import { load } from "../../src/entries/index.ts";
import { type FileNode, type FileTensor, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

/*
 * What operators refuse: inputs that are missing, ranks, lengths and numbers on either side of what they take, and what
 * the message says.
 */

const floats = (...dims: number[]): FileTensor => tensor(dims, 1, 0.5, 1);
const numbers = (...data: number[]): FileTensor => ({ dims: [data.length], data: Float32Array.from(data) });
const ints = (...data: number[]): FileTensor => ({ dims: [data.length], data });
const int = (v: number): FileTensor => ({ dims: [], data: [v] });
const float = (v: number) => ({ float: v });

/** A constant, another input of the network with these dims, or none. */
type Further = FileTensor | readonly number[] | undefined;

interface Row {
  readonly type: string;
  readonly x: readonly number[];
  readonly attributes?: FileNode["attributes"];
  readonly further?: readonly Further[];
  readonly outputs?: number;
  readonly opset?: number;
  readonly says: string;
}

const isTensor = (value: Further): value is FileTensor => value !== undefined && "data" in value;

function fileOf({ type, x, attributes, further = [], outputs = 1, opset = 17 }: Row): Uint8Array {
  const names = further.map((value, i) => (value ? `c${i}` : ""));
  const named = further.map((value, i) => [names[i], value] as const);
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return onnx(
    {
      nodes: [{ type, attributes, inputs: ["x", ...names], outputs: results }],
      initializers: Object.fromEntries(named.flatMap(([name, value]) => (isTensor(value) ? [[name, value]] : []))),
      inputs: {
        x,
        ...Object.fromEntries(named.flatMap(([name, value]) => (value && !isTensor(value) ? [[name, value]] : []))),
      },
      outputs: Object.fromEntries(results.map((name) => [name, []])),
    },
    opset,
  );
}

const image = [1, 4, 5, 6];
const w = floats(4, 4, 3, 3);
const row = (
  type: string,
  x: readonly number[],
  further: readonly Further[],
  says: string,
  more: Partial<Row> = {},
): Row => ({
  type,
  x,
  further,
  says,
  ...more,
});

const rows: readonly Row[] = [
  // Windows.
  row("Conv", image, [], "an input 'W', got none"),
  row("Conv", [1, 4, 5], [w], "input and weight of the same rank, 3 or more, got ranks 3 and 4"),
  row("Conv", [1, 4, 5, 6, 7], [w], "input and weight of the same rank, 3 or more, got ranks 5 and 4"),
  row("Conv", [1, 4], [floats(4, 4)], "input and weight of the same rank, 3 or more, got ranks 2 and 2"),
  ...[0, -1].map((group) => row("Conv", image, [w], `a group ≥ 1, got ${group}`, { attributes: { group } })),
  row("Conv", image, [floats(4, 3, 3, 3)], "an input of 3 channels, as the weight has it, got 4"),
  row("Conv", image, [floats(4, 5, 3, 3)], "an input of 5 channels, as the weight has it, got 4"),
  row("Conv", image, [floats(5, 2, 3, 3)], "a number of outputs that is a multiple of 2, the group, got 5", {
    attributes: { group: 2 },
  }),
  ...[3, 5, 1].map((count) => row("Conv", image, [w, floats(count)], `4 biases, got ${count}`)),
  ...[[3, 2], [2, 3], [3], [3, 3, 3]].map((kernel_shape) =>
    row("Conv", image, [w], `kernel_shape [3,3] as the weight has it, got [${kernel_shape}]`, {
      attributes: { kernel_shape },
    }),
  ),
  row("Conv", image, [[4, 4, 3, 3], floats(3)], "4 biases, got 3"),
  row("Conv", [1, 4, 2, 6], [w], "a padded axis of at least 3 (the kernel's reach is 3), got 2"),
  row("Conv", [1, 4, 4, 6], [w], "the kernel's reach is 5), got 4", { attributes: { dilations: [2, 1] } }),
  row("Conv", image, [w], "2 strides ≥ 1, got [1]", { attributes: { strides: [1] } }),
  row("Conv", image, [w], "2 strides ≥ 1, got [1, 0]", { attributes: { strides: [1, 0] } }),
  row("Conv", image, [w], "2 dilations ≥ 1, got [0, 1]", { attributes: { dilations: [0, 1] } }),
  row("Conv", image, [w], "4 pads ≥ 0, got [1, 1]", { attributes: { pads: [1, 1] } }),
  row("Conv", image, [w], "4 pads ≥ 0, got [0, 0, -1, 0]", { attributes: { pads: [0, 0, -1, 0] } }),
  row("Conv", image, [w], "auto_pad NOTSET, VALID, SAME_UPPER or SAME_LOWER, got SAME", {
    attributes: { auto_pad: "SAME" },
  }),
  row("Conv", [1, 4, 2, 6], [w], "an axis of at least 3, got 2", { attributes: { auto_pad: "VALID" } }),
  row("Conv", [1, 2, 3, 3, 3, 3], [floats(2, 2, 2, 2, 2, 2)], "a window over at most three axes, got 4 axes"),
  row("ConvTranspose", [1, 3, 5, 6], [w], "an input of 4 channels, as the weight has it, got 3"),
  row("ConvTranspose", image, [w], "a number of channels that is a multiple of 3, the group, got 4", {
    attributes: { group: 3 },
  }),
  row("ConvTranspose", [1, 4, 1, 1], [w], "pads of 2 and 1 leave nothing of an output of 3", {
    attributes: { pads: [2, 0, 1, 0] },
  }),
  row("ConvTranspose", image, [w], "2 numbers of output_padding ≥ 0, got [0, -1]", {
    attributes: { output_padding: [0, -1] },
  }),
  row("ConvTranspose", image, [w], "2 sizes of output_shape ≥ 1, got [0, 9]", { attributes: { output_shape: [0, 9] } }),
  ...["MaxPool", "AveragePool", "LpPool"].flatMap((type) => [
    row(type, [3, 4], [], "an input of rank 3 or more, got rank 2", { attributes: { kernel_shape: [2] } }),
    row(type, image, [], "a kernel_shape, got none"),
    row(type, image, [], "2 kernel sizes ≥ 1, got [2]", { attributes: { kernel_shape: [2] } }),
    row(type, image, [], "2 kernel sizes ≥ 1, got [0, 2]", { attributes: { kernel_shape: [0, 2] } }),
    row(type, [1, 4, 2, 6], [], "a padded axis of at least 3 (the kernel's reach is 3), got 2", {
      attributes: { kernel_shape: [3, 3] },
    }),
  ]),
  ...["MaxPool", "AveragePool"].flatMap((type) => [
    row(
      type,
      image,
      [],
      "along axis 2 holds padding alone (kernel 2, stride 1, dilation 1, pads 2 and 0, ceil_mode 0)",
      {
        attributes: { kernel_shape: [2, 2], pads: [2, 0, 0, 0] },
      },
    ),
    row(
      type,
      image,
      [],
      "along axis 3 holds padding alone (kernel 3, stride 1, dilation 1, pads 0 and 5, ceil_mode 1)",
      {
        attributes: { kernel_shape: [3, 3], pads: [0, 0, 0, 5], ceil_mode: 1 },
      },
    ),
  ]),
  row("LpPool", image, [], "p ≥ 1, got 0", { attributes: { kernel_shape: [2, 2], p: 0 } }),

  // Products.
  row("Gemm", [2, 3], [], "an input 'B', got none"),
  row("Gemm", [2, 3, 4], [floats(4, 5)], "A and B of rank 2, got ranks 3 and 2"),
  row("Gemm", [2, 3], [floats(3)], "A and B of rank 2, got ranks 2 and 1"),
  ...[2, 4].map((k) => row("Gemm", [2, 3], [floats(k, 5)], `an A of ${k} columns, got 3`)),
  row("Gemm", [2, 3], [floats(3, 5)], "an A of 5 columns, got 3", { attributes: { transB: 1 } }),
  ...[[3], [4, 5], [2, 2, 5]].map((dims) =>
    row("Gemm", [2, 3], [floats(3, 5), floats(...dims)], `a C that can be broadcast to [2,5], got dims [${dims}]`),
  ),
  row("MatMul", [2, 3], [], "an input 'B', got none"),
  row("MatMul", [], [floats(3)], "factors of rank 1 or more, got ranks 0 and 1"),
  ...[2, 4].map((k) => row("MatMul", [2, 3], [floats(k, 5)], `a first factor of ${k} columns, got 3`)),
  ...[2, 4].map((k) => row("MatMul", [2, 3], [floats(k)], `a first factor of ${k} columns, got 3`)),
  row("MatMul", [2, 4, 3], [floats(3, 3, 5)], "batches that can be broadcast, got [2,4,3] and [3,3,5]"),

  // Sums, products and choices of numbers.
  ...["Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Mean", "Sum"].flatMap((type) => [
    row(type, [2, 3], [floats(2)], "shapes that can be broadcast, got [2, 3] and [2]"),
    row(type, [2, 3], [floats(4)], "shapes that can be broadcast, got [2, 3] and [4]"),
  ]),
  row("PRelu", [2, 3], [], "an input 'slope', got none"),
  row("PRelu", [2, 3], [floats(2)], "a slope that can be broadcast to [2, 3], got [2]"),
  row("PRelu", [2, 3], [floats(4, 2, 3)], "a slope that can be broadcast to [2, 3], got [4, 2, 3]"),
  row("Clip", [2, 3], [numbers(1, 2)], "a bound of one number, got 2"),
  row("Clip", [2, 3], [undefined, { dims: [0, 2], data: new Float32Array() }], "a bound of one number, got 0"),
  row("Pad", [2, 3], [ints(0, 0, 1, 1), numbers(1, 2)], "a value of one number, got 2"),
  row("Trilu", [2, 3], [ints(1, 2)], "a k of one number, got 2"),
  row("Dropout", [2, 3], [undefined, { dims: [2], data: [true, true] }], "a training_mode of one number, got 2"),
  row("Where", [2, 3], [floats(2, 3), floats(2, 3)], "condition of type bool, got float32"),
  row("Equal", [2, 3], [], "an input 'B', got none"),
  row("Equal", [2, 3], [ints(1, 2, 3)], "B of type float32, as the input before it, got int64"),
  row("And", [2, 3], [floats(2, 3)], "A of type bool, got float32"),

  // Moves.
  row("Transpose", [2, 3, 4], [], "a permutation of 3 axes, got [0,1]", { attributes: { perm: [0, 1] } }),
  row("Transpose", [2, 3, 4], [], "a permutation of 3 axes, got [0,1,1]", { attributes: { perm: [0, 1, 1] } }),
  row("Transpose", [2, 3, 4], [], "a permutation of 3 axes, got [0,1,3]", { attributes: { perm: [0, 1, 3] } }),
  row("Transpose", [2, 3], [], "a permutation of 2 axes, got [0,1,2]", { attributes: { perm: [0, 1, 2] } }),
  ...[
    [2, 4, 4],
    [2, 2, 4],
    [3, 3, 4],
    [2, 3],
    [2, 3, 4, 1],
  ].map((dims) =>
    row("Concat", [2, 3, 4], [floats(...dims)], "inputs whose shapes differ along axis 2 only, got [2, 3, 4]", {
      attributes: { axis: 2 },
    }),
  ),
  ...[3, -4].map((axis) =>
    row("Concat", [2, 3, 4], [floats(2, 3, 4)], `an axis of a tensor of rank 3, got ${axis}`, { attributes: { axis } }),
  ),
  row("Concat", [2, 3], [undefined, floats(2, 3)], "an input between others is left out", {
    attributes: { axis: 0 },
  }),
  row("Slice", [2, 3], [ints(0), ints(1, 2)], "as many starts as ends, got 1 and 2"),
  row("Slice", [2, 3], [ints(0)], "an input 'ends', got none"),
  row("Slice", [2, 3], [ints(0), ints(1), ints(0, 1)], "1 axes and steps, one for each start, got 2 and 1"),
  row("Slice", [2, 3], [ints(0), ints(1), ints(0), ints(1, 1)], "1 axes and steps, one for each start, got 1 and 2"),
  row(
    "Slice",
    [2, 3],
    [ints(0), ints(1), ints(2)],
    "axes of a tensor of rank 2 and steps other than 0, got axis 2, step 1",
  ),
  row(
    "Slice",
    [2, 3],
    [ints(0), ints(1), ints(-3)],
    "axes of a tensor of rank 2 and steps other than 0, got axis -3, step 1",
  ),
  row("Slice", [2, 3], [ints(0), ints(1), ints(0), ints(0)], "steps other than 0, got axis 0, step 0"),
  row("Split", [2, 5], [], "an axis whose length is a multiple of 2, got 5", { attributes: { axis: 1 }, outputs: 2 }),
  ...[1, 3, 2 ** 31 - 1].map((num_outputs) =>
    row("Split", [2, 6], [], `num_outputs 2 or a list of lengths, got num_outputs ${num_outputs}`, {
      attributes: { axis: 1, num_outputs },
      outputs: 2,
      opset: 18,
    }),
  ),
  row("Split", [2, 6], [ints(2, 4)], "num_outputs 2 or a list of lengths, got num_outputs 2 and lengths", {
    attributes: { axis: 1, num_outputs: 2 },
    outputs: 2,
    opset: 18,
  }),
  row("Split", [2, 5], [ints(2, 2)], "2 lengths that add up to 5, got [2,2]", { attributes: { axis: 1 }, outputs: 2 }),
  row("Split", [2, 5], [ints(2, 4)], "2 lengths that add up to 5, got [2,4]", { attributes: { axis: 1 }, outputs: 2 }),
  row("Split", [2, 5], [ints(6, -1)], "2 lengths that add up to 5, got [6,-1]", {
    attributes: { axis: 1 },
    outputs: 2,
  }),
  row("Split", [2, 5], [ints(2, 2, 1)], "2 lengths that add up to 5, got [2,2,1]", {
    attributes: { axis: 1 },
    outputs: 2,
  }),
  row("Gather", [2, 3], [], "an input 'indices', got none"),
  row("Gather", [2, 3], [ints(0, 3)], "indices below 3, got 3", { attributes: { axis: 1 } }),
  row("Gather", [2, 3], [ints(-4)], "indices below 3, got -4", { attributes: { axis: 1 } }),
  ...[2, -3].map((axis) =>
    row("Gather", [2, 3], [ints(0)], `an axis of a tensor of rank 2, got ${axis}`, { attributes: { axis } }),
  ),
  row("GatherElements", [2, 3], [], "an input 'indices', got none"),
  row("GatherElements", [2, 3], [ints(0)], "indices that fit [2, 3], got [1]"),
  row("GatherElements", [2, 3], [{ dims: [1, 4], data: [0, 0, 0, 0] }], "indices that fit [2, 3], got [1, 4]"),
  row("GatherElements", [2, 3], [{ dims: [1, 3], data: [0, 2, 0] }], "indices from -2 to 1, got 2"),
  row("GatherElements", [2, 3], [{ dims: [1, 3], data: [0, -3, 0] }], "indices from -2 to 1, got -3"),
  row("GatherND", [2, 3], [{ dims: [1, 3], data: [0, 0, 0] }], "indices that fit [2, 3] with batch_dims 0, got [1, 3]"),
  row("GatherND", [2, 3], [{ dims: [1, 2], data: [0, 3] }], "indices from -3 to 2, got 3"),
  row("GatherND", [2, 3], [{ dims: [3, 1], data: [0, 0, 0] }], "with batch_dims 1, got [3, 1]", {
    attributes: { batch_dims: 1 },
  }),
  row("GatherND", [2, 3], [{ dims: [2], data: [0, 0] }], "with batch_dims 1, got [2]", {
    attributes: { batch_dims: 1 },
  }),
  row("TopK", [2, 3], [], "an input 'K', got none"),
  ...[-1, 4].map((k) => row("TopK", [2, 3], [ints(k)], `a K up to 3, got ${k}`)),
  row("TopK", [2, 3], [ints(1, 2)], "a K of one number, got 2"),
  row("TopK", [2, 3], [ints(1)], "an axis of a tensor of rank 2, got 2", { attributes: { axis: 2 } }),
  row("OneHot", [2], [int(0), numbers(0, 1)], "a depth ≥ 1, got 0"),
  row("OneHot", [2], [int(3), numbers(0, 1, 2)], "two values, off and on, got 3"),
  row("OneHot", [2], [int(3), numbers(0, 1)], "an axis of a tensor of rank 2, got 2", { attributes: { axis: 2 } }),
  row("CumSum", [2, 3], [int(2)], "an axis of a tensor of rank 2, got 2"),
  row("ScatterElements", [2, 3], [ints(0), numbers(1)], "indices that fit [2, 3], got [1]"),
  row("ScatterElements", [3], [ints(0, 1), numbers(1)], "updates [2], got [1]"),
  row("ScatterElements", [3], [ints(3), numbers(1)], "indices from -3 to 2, got 3"),
  row("ScatterElements", [3], [ints(0), numbers(1)], "a reduction none, add, mul, max, min, got sum", {
    attributes: { reduction: "sum" },
  }),
  row("ScatterND", [2, 3], [{ dims: [1, 1], data: [1] }, floats(1, 2)], "updates [1, 3], got [1, 2]"),
  row("ScatterND", [2, 3], [{ dims: [1, 3], data: [0, 0, 0] }, floats(1)], "indices that fit [2, 3]"),
  ...[
    [2, 4, 5],
    [2, 2, 4],
    [1, 2, 5],
    [2, 5],
  ].map((update) =>
    row(
      "TensorScatter",
      [2, 3, 5],
      [floats(...update)],
      `an update that fits [2, 3, 5] along axis 1, got [${update.join(", ")}]`,
      {
        opset: 24,
      },
    ),
  ),
  row("TensorScatter", [2, 3, 5], [floats(2, 1, 5), ints(0)], "2 write_indices, got [1]", { opset: 24 }),
  row("TensorScatter", [2, 3, 5], [floats(2, 1, 5), ints(0, 2 ** 53)], "write_indices from -9007199254740991 to", {
    attributes: { mode: "circular" },
    opset: 24,
  }),
  row("TensorScatter", [2, 3], [floats(2, 3)], "an axis behind that of the samples, got -2", { opset: 24 }),
  row("TensorScatter", [2, 3, 5], [floats(2, 1, 5)], "a mode linear or circular, got ring", {
    attributes: { mode: "ring" },
    opset: 24,
  }),
  row("TensorScatter", [2, 3, 5], [floats(2, 1, 5)], "opset 23 does not have this operator", { opset: 23 }),
  row("Mod", [2, 3], [floats(4)], "shapes that can be broadcast, got [2, 3] and [4]", {
    attributes: { fmod: 1 },
  }),
  row("Expand", [2, 3], [], "an input 'shape', got none"),
  row("Expand", [2, 3], [ints(2, 4)], "shapes that can be broadcast, got [2, 3] and [2, 4]"),
  row("Tile", [2, 3], [], "an input 'repeats', got none"),
  ...[[2], [1, 2, 1]].map((repeats) => row("Tile", [2, 3], [ints(...repeats)], `2 repeats, got [${repeats}]`)),
  row("DepthToSpace", [1, 4, 2, 2], [], "a blocksize ≥ 1, got 0"),
  row("DepthToSpace", [1, 4, 2], [], "an input of rank 4, got rank 3", { attributes: { blocksize: 2 } }),
  row("DepthToSpace", [1, 6, 2, 2], [], "axes whose lengths are multiples of the blocksize, 2, got dims [1, 6, 2, 2]", {
    attributes: { blocksize: 2 },
  }),
  row("SpaceToDepth", [1, 1, 2, 3], [], "axes whose lengths are multiples of the blocksize, 2", {
    attributes: { blocksize: 2 },
  }),
  row("DepthToSpace", [1, 4, 2, 2], [], "mode DCR or CRD, got RCD", { attributes: { blocksize: 2, mode: "RCD" } }),
  row("Trilu", [3], [], "an input of rank 2 or more, got rank 1"),
  row("Pad", [2, 3], [ints(0, 1, 0)], "4 pads for axes of a tensor of rank 2, got 3"),
  row("Pad", [2, 3], [ints(0, 1, 0, 0, 0)], "4 pads for axes of a tensor of rank 2, got 5"),
  row("Pad", [2, 3], [ints(0, 1), undefined, ints(2)], "2 pads for axes of a tensor of rank 2, got 2", { opset: 18 }),
  row("Pad", [2, 3], [ints(-1, 0, -2, 0)], "its pads cut off more than there is, which leaves dims [-1,3]"),
  row("Pad", [2, 3], [ints(0, 1, 0, -1)], "pads ≥ 0 in mode edge, got [0,1,0,-1]", { attributes: { mode: "edge" } }),
  row("Pad", [2, 3], [ints(0, 1, 0, 1)], "mode constant, edge, reflect, wrap, got mirror", {
    attributes: { mode: "mirror" },
  }),
  row("Reshape", [2, 3], [ints(2, 4)], "dims of 6 numbers, as many as the input has, got dims [2,4]"),
  row("Reshape", [2, 3], [ints(0, 0, 2)], "dims of 6 numbers, as many as the input has, got dims [2,3,2]"),
  row("Reshape", [2, 3], [ints(-1, 4)], "output dims ≥ 1, got [1.5,4]"),
  row("Reshape", [2, 3], [], "an input 'shape', got none"),
  row("Reshape", [2, 3], [ints(7)], "dims of 6 numbers, as many as the input has, got dims [7]"),
  ...[3, -3].map((axis) => row("Flatten", [2, 3], [], `an axis up to 2, got ${axis}`, { attributes: { axis } })),
  row("Squeeze", [1, 3], [ints(1)], "axes of length 1, got axes [1] of dims [1,3]"),
  row("Squeeze", [1, 3], [ints(2)], "axes of length 1"),
  row("Unsqueeze", [2, 3], [], "an input 'axes', got none"),
  ...[[3], [-4], [0, 0], [0, -4]].map((axes) =>
    row("Unsqueeze", [2, 3], [ints(...axes)], `different axes of a tensor of rank ${2 + axes.length}, got [${axes}]`),
  ),
  row("Cast", [2, 3], [], "a cast to floats of 16 bits or more, integers, or bool, got string", {
    attributes: { to: 8 },
  }),
  ...(
    [
      [3, "a type of 32 bits, as float32 has, got int8"],
      [11, "a BitCast of integers, bool, or floats of 16 or 32 bits, got one of float32 to float64"],
      [23, "a BitCast of integers, bool, or floats of 16 or 32 bits, got one of float32 to float4e2m1"],
      [14, "a BitCast to integers, bool, or floats, got complex64"],
      [0, "a BitCast to integers, bool, or floats, got undefined"],
    ] as const
  ).map(([to, says]) => row("BitCast", [2, 3], [], says, { attributes: { to }, opset: 26 })),

  // Reductions and normalizations.
  ...[2, -3].flatMap((axis) => [
    row("ReduceMean", [2, 3], [], `different axes of a tensor of rank 2, got [${axis}]`, {
      attributes: { axes: [axis] },
    }),
    row("ArgMax", [2, 3], [], `an axis of a tensor of rank 2, got ${axis}`, { attributes: { axis } }),
    row("Softmax", [2, 3], [], `an axis of a tensor of rank 2, got ${axis}`, { attributes: { axis } }),
    row("LpNormalization", [2, 3], [], `different axes of a tensor of rank 2, got [${axis}]`, { attributes: { axis } }),
  ]),
  row("ReduceMean", [2, 3], [], "different axes of a tensor of rank 2, got [0,-2]", { attributes: { axes: [0, -2] } }),
  row("ReduceMean", [2, 3], [ints(1)], "at most 1 input (data), got 2"),
  row("LRN", [1, 4, 5], [], "a size ≥ 1, got 0"),
  row("LRN", [1, 4], [], "an input of rank 3 or 4, got rank 2", { attributes: { size: 3 } }),
  row("LRN", [1, 4, 2, 2, 2], [], "an input of rank 3 or 4, got rank 5", { attributes: { size: 3 } }),
  row("LRN", image, [], "bias > 0, alpha ≥ 0 and a finite beta, got bias 0", {
    attributes: { size: 3, bias: float(0) },
  }),
  row("LRN", image, [], "bias > 0, alpha ≥ 0 and a finite beta, got bias 1, alpha -", {
    attributes: { size: 3, alpha: float(-1) },
  }),
  row("BatchNormalization", [2, 3], [floats(3), floats(3), floats(3)], "an input 'input_var', got none"),
  ...[2, 4].map((count) =>
    row(
      "BatchNormalization",
      [2, 3],
      [floats(3), floats(3), floats(count), floats(3)],
      `3 numbers in each parameter, got 3, 3, ${count}, 3`,
    ),
  ),
  row("InstanceNormalization", [1, 3], [floats(3), floats(3)], "an input of rank 3 or more, got rank 2"),
  ...[2, 4].map((count) =>
    row(
      "InstanceNormalization",
      [1, 3, 4],
      [floats(3), floats(count)],
      `scale and bias of 3 numbers, got 3 and ${count}`,
    ),
  ),
  row("RMSNormalization", [2, 3], [floats(2)], "a scale and bias that broadcast to [2, 3], got [2]"),
  row("LayerNormalization", [2, 3], [floats(2)], "a scale and bias that broadcast to [2, 3], got [2]"),
  row("LayerNormalization", [2, 3], [floats(4, 2, 3)], "a scale and bias that broadcast to [2, 3], got [4, 2, 3]"),

  // Recurrence.
  ...(
    [
      ["an X of rank 3, got rank 2", {}, [5, 2]],
      ["direction forward, reverse or bidirectional, got both", { direction: "both" }],
      ["W of f32[2, 12, 2], got f32[1, 12, 2]", { direction: "bidirectional" }],
      ["W of f32[1, 16, 2], got f32[1, 12, 2]", { hidden_size: 4 }],
      ["3 activations, got 2", { activations: { strings: ["Tanh", "Tanh"] } }],
      ["activations of Relu, Tanh, ", { activations: { strings: ["Sigmoid", "Gelu", "Tanh"] } }],
      ["an activation_alpha for Affine, got none", { activations: { strings: ["Sigmoid", "Affine", "Tanh"] } }],
      [
        "an activation_beta for ScaledTanh, got none",
        { activations: { strings: ["Sigmoid", "ScaledTanh", "Tanh"] }, activation_alpha: { floats: [1] } },
      ],
      [
        "activation_alpha of the 1 activations that take one, got 3",
        { activations: { strings: ["Sigmoid", "Elu", "Tanh"] }, activation_alpha: { floats: [1, 2, 3] } },
      ],
      ["a clip > 0, got 0", { clip: float(0) }],
      ["relprop does not know the attribute 'linear_before_reset'", { linear_before_reset: 1 }],
      ["relprop does not know the attribute 'output_sequence'", { output_sequence: 1 }],
    ] as const
  ).map(([says, attributes, x = [5, 3, 2]]) =>
    row("LSTM", x, [floats(1, 12, 2), floats(1, 12, 3)], says, { attributes: attributes as Row["attributes"] }),
  ),
  ...(
    [
      [["W of f32[1, 9, 2], got f32[1, 9, 4]"], floats(1, 9, 4), floats(1, 9, 3)],
      [["R of f32[1, 9, 3], got f32[1, 8, 3]"], floats(1, 9, 2), floats(1, 8, 3)],
      [["B of f32[1, 18], got f32[1, 9]"], floats(1, 9, 2), floats(1, 9, 3), floats(1, 9)],
      [["3 sequence_lens, got 2"], floats(1, 9, 2), floats(1, 9, 3), undefined, ints(1, 2)],
      [["sequence_lens from 0 to 5, got 6"], floats(1, 9, 2), floats(1, 9, 3), undefined, ints(1, 2, 6)],
      [["sequence_lens from 0 to 5, got -1"], floats(1, 9, 2), floats(1, 9, 3), undefined, ints(1, 2, -1)],
      [
        ["initial_h of f32[1, 3, 3], got f32[3, 1, 3]"],
        floats(1, 9, 2),
        floats(1, 9, 3),
        undefined,
        undefined,
        floats(3, 1, 3),
      ],
    ] as const
  ).map(([[says], ...further]) => row("GRU", [5, 3, 2], further, says)),
  row(
    "LSTM",
    [5, 3, 2],
    [floats(1, 12, 2), floats(1, 12, 3), undefined, undefined, undefined, [1, 2, 3]],
    "initial_c of f32[1, 3, 3], got f32[1, 2, 3]",
  ),
  row(
    "LSTM",
    [5, 3, 2],
    [floats(1, 12, 2), floats(1, 12, 3), undefined, undefined, undefined, undefined, floats(3, 3)],
    "P of f32[1, 9], got f32[3, 3]",
  ),

  // Sizes.
  row("Resize", image, [ints()], "either scales or sizes, got neither"),
  row("Resize", image, [ints(), numbers(1, 1, 2, 2), ints(1, 4, 9, 9)], "either scales or sizes, got both"),
  row("Resize", image, [ints(), numbers(1, 1, 2)], "4 numbers above 0 in scales, got [1,1,2]"),
  row("Resize", image, [ints(), numbers(1, 1, 2, 0)], "4 numbers above 0 in scales, got [1,1,2,0]"),
  row("Resize", image, [ints(), numbers(1, 1, 2, 2)], "mode nearest, linear, cubic, got 'area'", {
    attributes: { mode: "area" },
  }),
  row("Resize", image, [ints(), numbers(2, 2)], "axes of a tensor of rank 4, got [2,4]", {
    attributes: { axes: [2, 4] },
    opset: 18,
  }),
  row("Resize", image, [undefined, undefined, ints(1, 4, 9, 9)], "a roi for tf_crop_and_resize, got none", {
    attributes: { coordinate_transformation_mode: "tf_crop_and_resize" },
  }),
  row(
    "Resize",
    image,
    [numbers(0, 0, 0, 0.5, 1, 1, 1, 1), numbers(1, 1, 2, 2)],
    "sizes beside a roi that crops, got scales",
    {
      attributes: { coordinate_transformation_mode: "tf_crop_and_resize" },
    },
  ),

  // States.
  ...(
    [
      [[3, 4], [floats(3, 1, 2)], "an input of rank 3, got rank 2"],
      [[1, 3, 4], [floats(3, 2)], "a weight of rank 3, got rank 2"],
      [[1, 3, 4], [floats(4, 1, 2)], "a weight [3, 1, 2], got [4, 1, 2]"],
      [[1, 3, 4], [floats(3, 3, 2)], "a weight [3, 1, 2], got [3, 3, 2]"],
      [[1, 3, 4], [floats(3, 1, 0)], "a weight [3, 1, 1], got [3, 1, 0]"],
      [[1, 3, 4], [floats(3, 1, 3), undefined, floats(1, 3, 3)], "a past_state [1, 3, 2], got [1, 3, 3]"],
    ] as const
  ).map(([x, further, says]) => row("CausalConvWithState", x, further, says, { opset: 27 })),
  row("CausalConvWithState", [1, 3, 4], [floats(3, 1, 2)], "an activation none, silu, swish, got relu", {
    attributes: { activation: "relu" },
    opset: 27,
  }),
  ...(
    [
      [[1, 2, 4], "a query of a multiple of 3 columns, got 4", { q_num_heads: 3, kv_num_heads: 3 }],
      [[1, 2, 4], "a q_num_heads that is a multiple of kv_num_heads, got 2 and 4", { q_num_heads: 2, kv_num_heads: 4 }],
      [[1, 2, 4], "a q_num_heads that is a multiple of kv_num_heads, got 2 and 0", { q_num_heads: 2, kv_num_heads: 0 }],
      [[1, 2, 4], "an update_rule linear, gated, delta, gated_delta, got add", { update_rule: "add" }],
      [[1, 2, 4], "a decay, as update_rule says, got none", { update_rule: "gated" }],
      [[1, 2, 4], "a beta, as update_rule says, got none", { update_rule: "delta" }],
      [[2, 4], "a query of rank 3, got rank 2", {}],
    ] as const
  ).map(([x, says, more]) =>
    row("LinearAttention", x, [floats(1, 2, 4), floats(1, 2, 6)], says, {
      attributes: { q_num_heads: 2, kv_num_heads: 2, update_rule: "linear", ...more },
      opset: 27,
    }),
  ),
  ...(
    [
      [[floats(1, 2, 2), floats(1, 2, 6)], "a key [1, 2, 4], got [1, 2, 2]"],
      [[floats(1, 2, 4), floats(1, 3, 6)], "a value [1, 2, 6], got [1, 3, 6]"],
      [[floats(1, 2, 4), floats(1, 2, 5)], "a value of a multiple of 2 columns, got 5"],
      [[floats(1, 2, 4), floats(1, 2, 0)], "a query and a value that are not empty, got none"],
      [[floats(1, 2, 4), floats(2, 6)], "a value of rank 3, got rank 2"],
      [[floats(1, 2, 4), floats(1, 2, 6), floats(1, 2, 3, 2)], "a past_state [1, 2, 2, 3], got [1, 2, 3, 2]"],
      [[floats(1, 2, 4), floats(1, 2, 6), undefined, floats(1, 2, 2)], "no decay, as update_rule says, got one"],
      [
        [floats(1, 2, 4), floats(1, 2, 6), undefined, undefined, floats(1, 2, 2)],
        "no beta, as update_rule says, got one",
      ],
    ] as const
  ).map(([further, says]) =>
    row("LinearAttention", [1, 2, 4], further, says, {
      attributes: { q_num_heads: 2, kv_num_heads: 2, update_rule: "linear" },
      opset: 27,
    }),
  ),
  ...(
    [
      [floats(1, 2, 3), floats(1, 2, 2), "a decay [1, 2, 2], got [1, 2, 3]"],
      [floats(1, 2, 4), floats(1, 2, 3), "a beta [1, 2, 2], got [1, 2, 3]"],
    ] as const
  ).map(([decay, beta, says]) =>
    row("LinearAttention", [1, 2, 4], [floats(1, 2, 4), floats(1, 2, 6), undefined, decay, beta], says, {
      attributes: { q_num_heads: 2, kv_num_heads: 2 },
      opset: 27,
    }),
  ),

  // Numbers that must be known while loading.
  row(
    "ImageDecoder",
    [2, 3],
    [],
    "relprop does not run the operator 'ImageDecoder'. The reference lists those that it runs",
  ),
  ...["Bernoulli", "RandomNormalLike", "RandomUniformLike", "Multinomial"].map((type) =>
    row(type, [2, 3], [], `relprop does not run the operator '${type}', which draws random numbers.`),
  ),
  row(
    "SoftmaxCrossEntropyLoss",
    [2, 3],
    [ints(0, 1)],
    "the operator 'SoftmaxCrossEntropyLoss', which is for training.",
  ),
  row("MaxUnpool", [1, 1, 2, 2], [], "the operator 'MaxUnpool', for which no rule is known."),
  row("Relu", [2, 3], [], "relprop does not know the attribute 'alpha'", { attributes: { alpha: float(1) } }),
  row("Gemm", [2, 3], [floats(3, 5)], "attribute 'transB' must be INT, but is FLOAT", {
    attributes: { transB: float(1) },
  }),
];

const nameOf = ({ type, x, attributes = {}, further = [], says }: Row) =>
  `${type} of [${x}] ${JSON.stringify(attributes)} ` +
  `${further.map((f) => (isTensor(f) ? `[${f.dims}]` : "-")).join(" ")}: ${says}`;

/** Loads and runs it: what further inputs decide is known with the first call alone. */
async function attempt(one: Row): Promise<void> {
  using model = await load(fileOf(one));
  model.predict(Object.fromEntries(model.inputs.map(({ name, dims }) => [name, tensor(dims as number[], 2)])));
}

test.each(rows.map((one) => [nameOf(one), one] as const))("%s", async (_name, one) => {
  const error = await attempt(one).catch((e: Error) => e);
  expect(error).toMatchObject({ name: "LrpError", message: expect.stringContaining(`(${one.type}): `) });
  expect((error as Error).message).toContain(one.says);
});
