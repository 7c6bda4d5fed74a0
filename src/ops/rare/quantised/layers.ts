import { demand, insist } from "../../../base/complaint.ts";
import type { Operand } from "../../../graph/graph.ts";
import { conv } from "../../conv/conv.ts";
import { gemm } from "../../gemm.ts";
import { type AttributeReader, type Op, NONE, type None } from "../../op.ts";
import { averagePool, globalAveragePool } from "../../pool.ts";
import { countOf } from "../../takes.ts";
import { type Composition, composed } from "../compose.ts";
import { WHOLE } from "./grid.ts";

/*
 * Layers of integers, as the layer of floats between a DequantizeLinear of each input and a QuantizeLinear.
 */

const SUMMARY =
  "It passes as through the layer of floats that the operator stands for, and rounding passes it unchanged.";

type Maybe = Operand | undefined;
type Names = readonly Maybe[];

/** Without those at the end that are left out. */
const named = (inputs: Names) => {
  const names = inputs.map((x) => x?.name ?? "");
  return names.slice(0, countOf(names));
};

/** The floats that integers stand for. @param axis along which scales differ, if they do */
const floatOf = (c: Composition, inputs: Names, axis = WHOLE.axis): string =>
  c.add("DequantizeLinear", named(inputs), { ...WHOLE, axis });

/** Integers of a scale and zero point. */
const integersOf = (c: Composition, x: string, parameters: Names): string =>
  c.add("QuantizeLinear", [x, ...named(parameters)], WHOLE);

/** A bias of the scale of its sums. */
function biasOf(c: Composition, bias: Operand, scales: readonly Operand[]): string {
  const scale = c.add("Mul", [scales[0].name, scales[1].name]);
  return c.add("Mul", [c.add("Cast", [bias.name], { to: "float32" }), scale]);
}

interface Placed<A extends object> {
  readonly own: A;
  readonly last: boolean;
}

const placed =
  <A extends object>(own: (read: AttributeReader) => A) =>
  (read: AttributeReader): Placed<A> => ({
    last: read.int("channels_last", 0) === 1,
    own: own(read),
  });

/** A layer whose channels may be the last axis. */
function turned(c: Composition, x: string, { dims }: Operand, last: boolean, layer: (x: string) => string): string {
  const axes = dims.map((_, i) => i);
  if (!last) return layer(x);
  demand(axes.length >= 3, "shape", "an input of rank 3 or more", `rank ${axes.length}`);
  return c.transpose(layer(c.transpose(x, [0, axes.length - 1, ...axes.slice(1, -1)])), [0, ...axes.slice(2), 1]);
}

const qLinearConv = (type: string): Op<Placed<object>> =>
  composed<Placed<object>>(
    {
      type,
      summary: SUMMARY,
      takes:
        "x:number1 x_scale:float2 x_zero_point:number1 w:number3 w_scale:float2 w_zero_point:number3 " +
        "y_scale:float2 y_zero_point:number4 B:int?",
      attributes: placed(conv.attributes),
    },
    (c, [x, xs, xz, w, ws, wz, ys, yz, b], { own, last }) => {
      const weight = floatOf(c, [w, ws, wz], 0);
      const bias = b ? [biasOf(c, b, [xs, ws])] : [];
      const y = turned(c, floatOf(c, [x, xs, xz]), x, last, (given) => c.add("Conv", [given, weight, ...bias], own));
      return integersOf(c, y, [ys, yz]);
    },
  );

/** Scales of columns are those of the last axis, of rows those of the last but one. */
const qLinearMatMul: Op<None> = composed<None>(
  {
    type: "QLinearMatMul",
    summary: SUMMARY,
    takes:
      "a:number1 a_scale:float2 a_zero_point:number1 b:number3 b_scale:float2 b_zero_point:number3 " +
      "y_scale:float2 y_zero_point:number4",
    attributes: () => NONE,
  },
  (c, [a, as, az, b, bs, bz, ys, yz]) => {
    const product = c.matMul(floatOf(c, [a, as, az], a.dims.length - 2), floatOf(c, [b, bs, bz], b.dims.length - 1));
    return integersOf(c, product, [ys, yz]);
  },
);

const TWO =
  "A:number1 A_scale:float2 A_zero_point:number1? B:number1 B_scale:float2 B_zero_point:number1? C_scale:float2 C_zero_point:number1?";
const ONE = "X:number1 X_scale:float2 X_zero_point:number1? Y_scale:float2 Y_zero_point:number1?";

/** Of two tensors, element by element. */
const qBinary = (type: string, float: string): Op<None> =>
  composed<None>(
    { type: `com.microsoft.${type}`, summary: SUMMARY, takes: TWO, attributes: () => NONE },
    (c, [a, as, az, b, bs, bz, cs, cz]) =>
      integersOf(c, c.add(float, [floatOf(c, [a, as, az]), floatOf(c, [b, bs, bz])]), [cs, cz]),
  );

/** Of one tensor. */
const qUnary = <A extends object>(
  type: string,
  attributes: (read: AttributeReader) => A,
  layer: (c: Composition, x: string, given: Operand, a: A) => string,
): Op<A> =>
  composed<A>(
    { type: `com.microsoft.${type}`, summary: SUMMARY, takes: ONE, attributes },
    (c, [x, xs, xz, ys, yz], a) => integersOf(c, layer(c, floatOf(c, [x, xs, xz]), x, a), [ys, yz]),
  );

const concat: Op<{ axis: number }> = composed<{ axis: number }>(
  {
    type: "com.microsoft.QLinearConcat",
    summary: SUMMARY,
    takes: "Y_scale:float Y_zero_point:number inputs...:each",
    attributes: (read) => ({ axis: read.int("axis", Number.NaN) }),
  },
  (c, [ys, yz, ...rest], { axis }) => {
    demand(rest.length % 3 === 0 && rest.length > 0, "invalid-model", "inputs by threes", `${rest.length}`);
    const parts = Array.from({ length: rest.length / 3 }, (_, i) => floatOf(c, rest.slice(3 * i, 3 * i + 3)));
    return integersOf(c, c.add("Concat", parts, { axis }), [ys, yz]);
  },
);

const where: Op<None> = composed<None>(
  {
    type: "com.microsoft.QLinearWhere",
    summary: SUMMARY,
    takes:
      "condition:bool X:number1 x_scale:float2 x_zero_point:number1 Y:number1 y_scale:float2 y_zero_point:number1 " +
      "z_scale:float2 z_zero_point:number1",
    attributes: () => NONE,
  },
  (c, [condition, x, xs, xz, y, ys, yz, zs, zz]) =>
    integersOf(c, c.add("Where", [condition.name, floatOf(c, [x, xs, xz]), floatOf(c, [y, ys, yz])]), [zs, zz]),
);

interface GemmAttributes {
  readonly transposed: boolean;
  readonly rowsAreOutputs: boolean;
  readonly alpha: number;
  readonly beta: number;
}

/** alpha · (A B + C), where C has the scale of the product; without a scale of Y, Y is floats. */
const qGemm: Op<GemmAttributes> = composed<GemmAttributes>(
  {
    type: "com.microsoft.QGemm",
    summary: SUMMARY,
    takes:
      "A:number1 a_scale:float2 a_zero_point:number1 B:number3 b_scale:float2 b_zero_point:number3 C:int? " +
      "y_scale:float2? y_zero_point:number4?",
    attributes: (read) => {
      const own = gemm.attributes(read) as GemmAttributes;
      return { ...own, beta: own.alpha };
    },
  },
  (c, [a, as, az, b, bs, bz, bias, ys, yz], attributes) => {
    const weight = floatOf(c, [b, bs, bz], attributes.rowsAreOutputs ? 0 : 1);
    const inputs = [floatOf(c, [a, as, az]), weight, ...(bias ? [biasOf(c, bias, [as, bs])] : [])];
    const y = c.add("Gemm", inputs, attributes);
    return ys ? integersOf(c, y, [ys, yz]) : y;
  },
);

const axesOf = (read: AttributeReader) => {
  const axes = read.ints("axes");
  insist(axes, "unsupported", "it has no axes, and relprop does not take all for them");
  return { axes, keepDims: read.int("keepdims", 1) === 1 };
};

const readSoftmax = (read: AttributeReader) => ({ axis: read.int("axis", -1), opset: read.int("opset", 13) });

export const quantisedLayers = [
  qLinearConv("QLinearConv"),
  qLinearConv("com.microsoft.QLinearConv"),
  qLinearMatMul,
  qBinary("QLinearAdd", "Add"),
  qBinary("QLinearMul", "Mul"),
  qUnary(
    "QLinearSigmoid",
    () => NONE,
    (c, x) => c.add("Sigmoid", [x], { a: 0, b: 0 }),
  ),
  qUnary(
    "QLinearLeakyRelu",
    (read) => ({ a: 1, b: read.float("alpha", 0.01) }),
    (c, x, _, a) => c.add("LeakyRelu", [x], a),
  ),
  qUnary("QLinearAveragePool", placed(averagePool.attributes), (c, x, given, { own, last }) =>
    turned(c, x, given, last, (value) => c.add("AveragePool", [value], own)),
  ),
  qUnary("QLinearGlobalAveragePool", placed(globalAveragePool.attributes), (c, x, given, { own, last }) =>
    turned(c, x, given, last, (value) => c.add("GlobalAveragePool", [value], own)),
  ),
  qUnary("QLinearReduceMean", axesOf, (c, x, _, { axes, keepDims }) =>
    c.add("ReduceMean", [x], { keepDims, axes, emptyMeansNone: false, asInput: false }),
  ),
  qUnary("QLinearSoftmax", readSoftmax, (c, x, { dims }, { axis, opset }) => {
    const at = axis < 0 ? axis + dims.length : axis;
    return c.add("Softmax", [x], { axis: at, flattened: opset < 13 });
  }),
  concat,
  where,
  qGemm,
] as const;
