import { insist } from "../base/complaint.ts";
import { aligned } from "./aligned.ts";
import { attention } from "./attention.ts";
import { clip, hardSwish, leakyRelu, pRelu, relu, sigmoid, tanh } from "./activation.ts";
import { add, div, mean, mul, sub, sum } from "./arithmetic.ts";
import { batchNormalization } from "./batchnorm.ts";
import { depthToSpace, expand, spaceToDepth, tile, trilu } from "./blocks.ts";
import { branch } from "./branch.ts";
import { cast, castLike } from "./cast.ts";
import { cone } from "./cone.ts";
import { constant, constantOfShape, nonZero, range, shape, sizeOf } from "./constant.ts";
import { conv } from "./conv/conv.ts";
import { convTranspose } from "./conv/transpose.ts";
import { gemm } from "./gemm.ts";
import { gather } from "./gather.ts";
import { concat, pad, slice, transpose } from "./layout.ts";
import { logics } from "./logic.ts";
import { lrn } from "./lrn.ts";
import { math } from "./math.ts";
import { nonlinear } from "./nonlinear.ts";
import { matMul } from "./matmul.ts";
import { normalizations } from "./normalize.ts";
import type { Op } from "./op.ts";
import { maxPool } from "./max-pool.ts";
import { averagePool, globalAveragePool, globalMaxPool } from "./pool.ts";
import { pow } from "./pow.ts";
import { argMax, argMin, reductions } from "./reduce.ts";
import { dropout, flatten, identity, reshape, squeeze, unsqueeze } from "./reshape.ts";
import { resize, upsample } from "./resize.ts";
import { max, min, where } from "./select.ts";
import { logSoftmax, softmax } from "./softmax.ts";
import { split } from "./split.ts";
import { table as tableRow } from "./table.ts";
import { taylorLayer } from "./taylor.ts";

/** Every operator that relprop runs. Declaration, tests and the README's table read this list. */
// biome-ignore lint/suspicious/noExplicitAny: each row has attributes of its own type, and only the row reads them
const rows: readonly Op<any>[] = [
  conv,
  convTranspose,
  gemm,
  matMul,
  maxPool,
  averagePool,
  globalAveragePool,
  globalMaxPool,
  lrn,
  batchNormalization,
  ...normalizations,
  relu,
  leakyRelu,
  aligned(pRelu, 1),
  clip,
  sigmoid,
  tanh,
  hardSwish,
  ...nonlinear,
  ...math,
  aligned(pow),
  softmax,
  logSoftmax,
  aligned(add),
  aligned(sub),
  sum,
  mean,
  aligned(mul),
  aligned(div),
  min,
  max,
  where,
  ...reductions,
  argMax,
  argMin,
  concat,
  flatten,
  reshape,
  transpose,
  squeeze,
  unsqueeze,
  slice,
  split,
  gather,
  expand,
  tile,
  depthToSpace,
  spaceToDepth,
  trilu,
  pad,
  resize,
  upsample,
  dropout,
  identity,
  constant,
  constantOfShape,
  shape,
  sizeOf,
  range,
  nonZero,
  cast,
  castLike,
  ...logics,
  branch,
  taylorLayer,
  cone,
  tableRow,
  attention,
];

// biome-ignore lint/suspicious/noExplicitAny: as above
const table: Map<string, Op<any>> = new Map(rows.map((row) => [row.type, row]));

/** The rows by their types; those of other domains than ONNX's own by domain and type, as "ai.onnx.ml.Scaler". */
// biome-ignore lint/suspicious/noExplicitAny: as above
export const ops: ReadonlyMap<string, Op<any>> = table;

/** Adds rows for good. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function register(more: readonly Op<any>[]): void {
  for (const row of more) table.set(row.type, row);
}

/** What nothing adds, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  "which draws random numbers": "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
  "which is for training":
    "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss " +
    "preview.training.Adagrad preview.training.Adam preview.training.Gradient preview.training.Momentum",
  "whose decision trees no relevance passes": "ml.TreeEnsemble ml.TreeEnsembleClassifier ml.TreeEnsembleRegressor",
  "which is of strings":
    "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer ml.CategoryMapper ml.DictVectorizer",
  "for which no rule is known": "MaxRoiPool MaxUnpool",
};

/** @param hint what to do where there is none @throws Complaint */
// biome-ignore lint/suspicious/noExplicitAny: as above
export function rowOf(type: string, hint: string): Op<any> {
  const row = ops.get(type);
  const has = (names: string) => names.split(" ").includes(type.replace("ai.onnx.", ""));
  const [why] = Object.entries(REFUSED).find(([, names]) => has(names)) ?? [];
  // One of those that `relprop/operators` adds.
  const fix = ops.has("Einsum")
    ? hint
    : 'Write import "relprop/operators" beside the import of relprop: it adds more operators, or says what to do.';
  const problem = `relprop does not run the operator '${type}'`;
  insist(row, "unsupported", why ? `${problem}, ${why}` : problem, why ? undefined : fix);
  return row;
}
