import { demand } from "../../../base/complaint.ts";
import { isFloat, size } from "../../../base/tensor.ts";
import type { Operand } from "../../../graph/graph.ts";
import { type AttributeReader, type Op, NONE, type None } from "../../op.ts";
import { unary } from "../../unary.ts";
import { composed } from "../compose.ts";
import { hosted } from "../hosted.ts";
import { asFloat, floatsOf, perFeature, tableOf, withoutStrings } from "./shared.ts";
import { SLICES, standsFor } from "../../says.ts";

interface ScalerAttributes {
  readonly offset: readonly number[];
  readonly scale: readonly number[];
}

/** (x − offset) · scale, for each feature. Source: ONNX ML Scaler-1. */
const scaler: Op<ScalerAttributes> = composed<ScalerAttributes>(
  {
    type: "ai.onnx.ml.Scaler",
    summary: standsFor("Sub and Mul"),
    takes: "X:feature",
    attributes: (read) => ({ offset: floatsOf(read, "offset"), scale: floatsOf(read, "scale") }),
  },
  (c, [x], { offset, scale }) => {
    const { features } = tableOf([x]);
    const shifted = c.add("Sub", [asFloat(c, x.name, x.type), c.floats(perFeature(offset, features, "offset"))]);
    return c.add("Mul", [shifted, c.floats(perFeature(scale, features, "scale"))]);
  },
);

/** x / ‖x‖ of each sample, or x / max x; zeros stay. Source: ONNX ML Normalizer-1. */
const normalizer: Op<{ norm: string }> = composed<{ norm: string }>(
  {
    type: "ai.onnx.ml.Normalizer",
    summary:
      "It passes as through the LpNormalization that the operator stands for; the norm MAX stands for Div and ReduceMax.",
    takes: "X:feature",
    attributes(read) {
      const norm = read.string("norm", "MAX");
      demand(["MAX", "L1", "L2"].includes(norm), "invalid-model", "a norm MAX, L1, L2", `'${norm}'`);
      return { norm };
    },
  },
  (c, [x], { norm }) => {
    tableOf([x]);
    const given = asFloat(c, x.name, x.type);
    const axes = [x.dims.length - 1];
    if (norm !== "MAX") return c.add("LpNormalization", [given], { epsilon: 0, p: norm === "L1" ? 1 : 2, axes });
    const most = c.add("ReduceMax", [given], { keepDims: true, axes, emptyMeansNone: false, asInput: false });
    const isNone = c.add("Equal", [most, c.floats([0], [])]);
    return c.add("Div", [given, c.add("Where", [isNone, c.floats([1], []), most])]);
  },
);

interface ImputerAttributes {
  readonly floats: readonly number[] | undefined;
  readonly integers: readonly number[] | undefined;
  readonly replaced: readonly [float: number, integer: number];
}

/** Another number in the place of one that stands for nothing, NaN above all. Source: ONNX ML Imputer-1. */
const imputer: Op<ImputerAttributes> = composed<ImputerAttributes>(
  {
    type: "ai.onnx.ml.Imputer",
    summary:
      "It passes as through the Where that the operator stands for. A number that is put in for a missing one has none to pass.",
    takes: "X:feature",
    attributes: (read) => ({
      floats: read.floats("imputed_value_floats"),
      integers: read.ints("imputed_value_int64s", "wide"),
      replaced: [read.float("replaced_value_float", 0, "NaN"), read.int("replaced_value_int64", 0, "wide")],
    }),
  },
  (c, [x], { floats, integers, replaced }) => {
    const isReal = isFloat(x.type);
    const given = isReal ? floats : integers;
    demand(given?.length, "invalid-model", `numbers in imputed_value_${isReal ? "floats" : "int64s"}`, "none");
    const values = perFeature(given, tableOf([x]).features, "the imputed values");
    const one = (list: readonly number[], dims?: readonly number[]) =>
      c.constant({
        type: x.type,
        dims: dims ?? [list.length],
        data: isReal ? Float32Array.from(list) : Float64Array.from(list),
      });
    const gone = replaced[isReal ? 0 : 1];
    const isGone = Number.isNaN(gone) ? c.add("IsNaN", [x.name]) : c.add("Equal", [x.name, one([gone], [])]);
    return c.add("Where", [isGone, one(values), x.name]);
  },
);

/** Features of every sample by their indices. Source: ONNX ML ArrayFeatureExtractor-1. */
const extractor: Op<None> = composed<None>(
  {
    type: "ai.onnx.ml.ArrayFeatureExtractor",
    summary: standsFor("Gather"),
    takes: "X:any Y:int",
    attributes: () => NONE,
  },
  (c, [x, y]) => {
    const count = size(y.dims);
    demand(x.dims.length > 0, "shape", "an input of rank 1 or more", "rank 0");
    const chosen = c.add("Gather", [x.name, c.reshape(y.name, [count])], { axis: x.dims.length - 1 });
    return x.dims.length === 1 ? c.reshape(chosen, [1, count]) : chosen;
  },
);

/** 1 above a threshold, 0 elsewhere. Source: ONNX ML Binarizer-1. */
const binarizer: Op<{ threshold: number }> = {
  ...unary<{ threshold: number }>({
    type: "ai.onnx.ml.Binarizer",
    attributes: (read) => ({ threshold: read.float("threshold", 0) }),
    anyType: true,
    f(x, y, { threshold }) {
      for (let i = 0; i < x.length; i++) y[i] = Number(x[i] > threshold);
    },
    slope: () => 0,
    nonnegative: () => true,
  }),
  takes: "X:feature",
};

/** Features of several tables beside each other. Source: ONNX ML FeatureVectorizer-1. */
const vectorizer: Op<{ lengths: readonly number[] }> = composed<{ lengths: readonly number[] }>(
  {
    type: "ai.onnx.ml.FeatureVectorizer",
    summary: SLICES,
    takes: "X...:feature",
    attributes: (read) => ({ lengths: read.ints("inputdimensions") ?? [] }),
  },
  (c, inputs, { lengths }) => {
    const own = inputs.map((x) => tableOf([x]).features);
    demand(`${own}` === `${lengths}`, "shape", `inputs of [${lengths}] features`, `[${own}]`);
    const tables = inputs.map((x) => (x.dims.length === 1 ? c.reshape(x.name, [1, x.dims[0]]) : x.name));
    return c.add(
      "Concat",
      tables.map((name, i) => asFloat(c, name, inputs[i].type)),
      { axis: 1 },
    );
  },
);

/** The position of each number in a list, by the number. */
const positionsOf = (list: readonly number[]): ReadonlyMap<number, number> =>
  new Map([...list].reverse().map((v, i) => [v, list.length - 1 - i]));

interface EncoderAttributes {
  readonly keys: readonly number[];
  readonly zeros: boolean;
}

/** A column for each category; relevance of all of them is that of the number. Source: ONNX ML OneHotEncoder-1. */
const oneHotEncoder: Op<EncoderAttributes> = hosted<EncoderAttributes>({
  type: "ai.onnx.ml.OneHotEncoder",
  family: "route",
  summary: "It goes to the category.",
  takes: "X:feature",
  anyType: true,
  attributes(read) {
    withoutStrings(read, "cats_strings");
    const keys = read.ints("cats_int64s", "wide") ?? [];
    demand(keys.length > 0, "invalid-model", "categories in cats_int64s", "none");
    return { keys, zeros: read.int("zeros", 1) === 1 };
  },
  infer: ([x], { keys }) => ({ dims: [[...x!.dims, keys.length]], types: ["float32"] }),
  run([x], [y], { keys, zeros }) {
    const places = positionsOf(keys);
    for (let i = 0; i < x!.length; i++) {
      const at = places.get(Math.trunc(x![i]));
      demand(at !== undefined || zeros, "invalid-model", `a category of ${keys.length}`, `${x![i]}`);
      for (let k = 0; k < keys.length; k++) y[i * keys.length + k] = Number(k === at);
    }
  },
  back(r, [to], _, { keys }) {
    for (let i = 0; i < r.length; i++) to![Math.floor(i / keys.length)] += r[i];
  },
  way: () => ({ kind: "route" }),
  nonnegative: () => true,
});

interface LabelAttributes {
  readonly keys: readonly number[];
  readonly values: readonly number[];
  readonly otherwise: number;
  readonly keysAre: "int64" | "float32";
  readonly valuesAre: "int64" | "float32";
}

/** What one side of the table is, and its numbers. */
function sideOf(read: AttributeReader, side: "keys" | "values") {
  const [ints, floats] = [read.ints(`${side}_int64s`, "wide"), read.floats(`${side}_floats`)];
  const tensor = read.tensor(`${side}_tensor`);
  const [list] = [tensor && Array.from(tensor.data), ints, floats].filter((given) => given?.length);
  demand(list, "invalid-model", `numbers in ${side}_int64s, ${side}_floats or ${side}_tensor`, "none");
  const isReal = tensor ? isFloat(tensor.type) : !ints?.length;
  return { list, type: isReal ? "float32" : "int64" } as const;
}

/** What a table has for a number. Source: ONNX ML LabelEncoder-4; strings it may not have. */
const labelEncoder: Op<LabelAttributes> = hosted<LabelAttributes>({
  type: "ai.onnx.ml.LabelEncoder",
  family: "other",
  summary: "No rule is known. Behind an index, relevance starts from the scores.",
  takes: "X:any",
  anyType: true,
  attributes(read) {
    withoutStrings(read, "classes_strings", "keys_strings", "values_strings");
    read.ignore("default_string");
    const [keys, values] = [sideOf(read, "keys"), sideOf(read, "values")];
    demand(
      keys.list.length === values.list.length,
      "invalid-model",
      `${keys.list.length} values`,
      `${values.list.length}`,
    );
    const [whole, real] = [read.int("default_int64", -1, "wide"), read.float("default_float", -0)];
    const own = read.tensor("default_tensor")?.data[0];
    const otherwise = own ?? (values.type === "int64" ? whole : real);
    return { keys: keys.list, values: values.list, keysAre: keys.type, valuesAre: values.type, otherwise };
  },
  infer([x], { keysAre, valuesAre }) {
    demand(
      isFloat(x!.type) === (keysAre === "float32"),
      "invalid-model",
      `numbers of type ${keysAre}, as its keys`,
      x!.type,
    );
    return { dims: [x!.dims], types: [valuesAre] };
  },
  run([x], [y], { keys, values, otherwise }) {
    const places = positionsOf(keys.map((key) => Math.fround(key)));
    for (let i = 0; i < x!.length; i++) y[i] = values[places.get(Math.fround(x![i])) ?? -1] ?? otherwise;
  },
  way: () => ({ kind: "none", why: "it looks numbers up in a table" }),
});

/** Names of classes are left out: the output is the tensor. Source: ONNX ML ZipMap-1. */
const zipMap: Op<None> = composed<None>(
  {
    type: "ai.onnx.ml.ZipMap",
    summary: "It passes unchanged. The names of the columns are left out.",
    takes: "X",
    attributes(read) {
      read.ignore("classlabels_strings", "classlabels_int64s");
      return NONE;
    },
  },
  (_c, [x]: readonly Operand[]) => x.name,
);

export const features = [
  scaler,
  normalizer,
  imputer,
  extractor,
  binarizer,
  vectorizer,
  oneHotEncoder,
  labelEncoder,
  zipMap,
] as const;
