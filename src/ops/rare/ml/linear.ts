import { demand, insist } from "../../../base/complaint.ts";
import type { Operand } from "../../../graph/graph.ts";
import type { AttributeReader, Op } from "../../op.ts";
import { type Composition, composed } from "../compose.ts";
import { asFloat, floatsOf, tableOf } from "./shared.ts";
import { standsFor } from "../../says.ts";

/** z = W x + b: the rows of W, one for each score. */
interface Scores {
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** The scores of every sample, as a dense layer. */
function dense(c: Composition, [x]: readonly Operand[], { weights, bias }: Scores): string {
  const { rows, features } = tableOf([x]);
  const known = weights.every((row) => row.length === features);
  demand(known, "shape", `${weights[0].length} features`, `${features}`);
  const table =
    x.dims.length === 1 ? c.reshape(asFloat(c, x.name, x.type), [rows, features]) : asFloat(c, x.name, x.type);
  const w = c.floats(weights.flat(), [weights.length, features]);
  return c.add("Gemm", [table, w, c.floats(bias)], { transposed: false, rowsAreOutputs: true, alpha: 1, beta: 1 });
}

/** A list cut into rows. */
function rowsOf(list: readonly number[], count: number, what: string): readonly (readonly number[])[] {
  const length = list.length / count;
  demand(Number.isInteger(length) && length > 0, "invalid-model", `a multiple of ${count} ${what}`, `${list.length}`);
  return Array.from({ length: count }, (_, i) => list.slice(i * length, (i + 1) * length));
}

const TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC"];

function transformOf(read: AttributeReader): string {
  const transform = read.string("post_transform", "NONE");
  demand(TRANSFORMS.includes(transform), "unsupported", `a post_transform ${TRANSFORMS.join(", ")}`, `'${transform}'`);
  return transform;
}

/** A transform of one score is the standard's to define, and it does not. */
const ofSeveral = (transform: string, count: number): void =>
  insist(count > 1 || transform === "NONE", "unsupported", `its post_transform is ${transform}, of a single score`);

function transformed(c: Composition, scores: string, transform: string): string {
  if (transform === "SOFTMAX") return c.add("Softmax", [scores], { axis: 1, flattened: false });
  return transform === "LOGISTIC" ? c.add("Sigmoid", [scores], { a: 0, b: 0 }) : scores;
}

/** Labels of classes: integers; strings are no numbers, so that there is no output of them. */
interface Labels {
  readonly labels: readonly number[] | undefined;
}

function labelsOf(read: AttributeReader): Labels & { readonly count: number } {
  const [ints, strings] = [read.ints("classlabels_ints", "wide"), read.strings("classlabels_strings")];
  const labels = strings?.length ? undefined : (ints ?? []);
  return { labels, count: labels?.length ?? strings!.length };
}

/** Scores as the second output; the label of the largest of `ranked`, which is the first. */
function classified(
  c: Composition,
  ranked: string,
  scores: string,
  { labels }: Labels,
  [label, own]: readonly string[],
): string | undefined {
  if (own) c.add("Identity", [scores], {}, own);
  if (!label || !labels) return undefined;
  const best = c.add("ArgMax", [ranked], { axis: 1, keepDims: false, last: false });
  return c.add("Gather", [c.ints(labels), best], { axis: 0 });
}

interface ClassifierAttributes extends Scores, Labels {
  readonly transform: string;
  /** Whether one score is that of two classes. */
  readonly isPair?: boolean;
}

const CLASSES = standsFor("dense layer, softmax or sigmoid and ArgMax");

/** Scores of classes and the label of the largest; one score is that of the second of two. Source: ONNX ML LinearClassifier-1. */
const linearClassifier: Op<ClassifierAttributes> = composed<ClassifierAttributes>(
  {
    type: "ai.onnx.ml.LinearClassifier",
    summary: CLASSES,
    takes: "X:feature",
    outputs: 2,
    attributes(read) {
      read.ignore("multi_class");
      const bias = floatsOf(read, "intercepts");
      const weights = rowsOf(floatsOf(read, "coefficients"), bias.length, "coefficients, as there are intercepts");
      const { labels, count } = labelsOf(read);
      const fits = count === bias.length || (bias.length === 1 && (count === 0 || count === 2));
      demand(fits, "invalid-model", `${Math.max(2, bias.length)} labels of classes`, `${count}`);
      const transform = transformOf(read);
      const isPair = bias.length === 1 && count === 2;
      if (!isPair || transform === "SOFTMAX") ofSeveral(transform, bias.length);
      return { weights, bias, labels: count === 0 ? [0, 1] : labels, transform, isPair };
    },
  },
  (c, inputs, a, { outputs }) => {
    const [row] = a.weights;
    if (a.bias.length > 1) {
      const scores = dense(c, inputs, a);
      return classified(c, scores, transformed(c, scores, a.transform), a, outputs);
    }
    const both = [row.map((w) => -w), row];
    const ranked = dense(c, inputs, { weights: both, bias: [-a.bias[0], a.bias[0]] });
    if (!a.isPair) return classified(c, ranked, dense(c, inputs, a), a, outputs);
    const scores =
      a.transform === "NONE" ? c.add("Add", [ranked, c.floats([1, 0])]) : transformed(c, ranked, a.transform);
    return classified(c, ranked, scores, a, outputs);
  },
);

/** Source: ONNX ML LinearRegressor-1. */
const linearRegressor: Op<ClassifierAttributes> = composed<ClassifierAttributes>(
  {
    type: "ai.onnx.ml.LinearRegressor",
    summary: standsFor("dense layer"),
    takes: "X:feature",
    attributes(read) {
      const targets = read.int("targets", 1);
      demand(targets >= 1, "invalid-model", "targets ≥ 1", `${targets}`);
      const weights = rowsOf(floatsOf(read, "coefficients"), targets, "coefficients, as there are targets");
      const bias = read.floats("intercepts") ?? weights.map(() => 0);
      demand(bias.length === targets, "invalid-model", `${targets} intercepts`, `${bias.length}`);
      const transform = transformOf(read);
      ofSeveral(transform, targets);
      return { weights, bias, labels: undefined, transform };
    },
  },
  (c, inputs, a) => transformed(c, dense(c, inputs, a), a.transform),
);

/** Another kernel is no sum of shares of the features. */
function linearKernel(read: AttributeReader): void {
  read.ignore("kernel_params");
  const kernel = read.string("kernel_type", "LINEAR");
  demand(kernel === "LINEAR", "unsupported", "a kernel_type LINEAR, which is a dense layer", kernel);
}

/** Σ_n c_n v_n, in double precision. */
const combined = (coefficients: readonly number[], vectors: readonly (readonly number[])[]): readonly number[] =>
  vectors[0].map((_, i) => coefficients.reduce((sum, c, n) => sum + c * vectors[n][i], 0));

interface Machine extends Scores, Labels {
  readonly transform: string;
  /** Which two classes each score decides between; of none, scores are those of the classes. */
  readonly pairs: readonly (readonly [number, number])[];
  readonly classes: number;
}

/** The score of each pair of classes: Σ over the vectors of both. */
function pairScores(
  read: AttributeReader,
  perClass: readonly number[],
  coefficients: readonly number[],
): Scores & Pick<Machine, "pairs"> {
  const count = perClass.reduce((a, b) => a + b, 0);
  const classes = perClass.length;
  const vectors = rowsOf(floatsOf(read, "support_vectors"), count, "support_vectors, as vectors_per_class has it");
  demand(
    coefficients.length === (classes - 1) * count,
    "invalid-model",
    `${(classes - 1) * count} coefficients`,
    `${coefficients.length}`,
  );
  const first = perClass.map((_, i) => perClass.slice(0, i).reduce((a, b) => a + b, 0));
  const pairs = perClass.flatMap((_, i) => perClass.slice(i + 1).map((_, k) => [i, i + 1 + k] as const));
  const of = (which: number, row: number) => {
    const [from, to] = [first[which], first[which] + perClass[which]];
    return { vectors: vectors.slice(from, to), coefficients: coefficients.slice(row * count + from, row * count + to) };
  };
  const weights = pairs.map(([i, j]) => {
    const [a, b] = [of(i, j - 1), of(j, i)];
    return combined([...a.coefficients, ...b.coefficients], [...a.vectors, ...b.vectors]);
  });
  const bias = floatsOf(read, "rho");
  demand(bias.length === pairs.length, "invalid-model", `${pairs.length} numbers in rho`, `${bias.length}`);
  return { weights, bias, pairs };
}

/** Every pair's winner has a vote; of equal ones the first class wins. */
function votes(c: Composition, scores: string, { pairs, classes }: Machine): string {
  const won = c.add("Cast", [c.add("Greater", [scores, c.floats([0], [])])], { to: "float32" });
  const w = Array.from({ length: classes }, (_, k) => pairs.map(([i, j]) => Number(k === i) - Number(k === j)));
  const bias = w.map((row) => row.filter((v) => v < 0).length);
  const attributes = { transposed: false, rowsAreOutputs: true, alpha: 1, beta: 1 };
  return c.add("Gemm", [won, c.floats(w.flat(), [classes, pairs.length]), c.floats(bias)], attributes);
}

/**
 * Scores of pairs of classes, whose winners vote for the label; without support vectors, scores of the classes. What
 * two classes get has the order and the signs of onnxruntime. Source: ONNX ML SVMClassifier-1.
 */
const svmClassifier: Op<Machine> = composed<Machine>(
  {
    type: "ai.onnx.ml.SVMClassifier",
    summary: CLASSES,
    takes: "X:feature",
    outputs: 2,
    attributes(read) {
      linearKernel(read);
      const isCoupled = [read.floats("prob_a"), read.floats("prob_b")].some((list) => list?.length);
      insist(
        !isCoupled,
        "unsupported",
        "its probabilities (prob_a, prob_b) are coupled over pairs of classes, for which no rule is known",
      );
      const { labels, count } = labelsOf(read);
      const perClass = read.ints("vectors_per_class") ?? [];
      const coefficients = floatsOf(read, "coefficients");
      const transform = transformOf(read);
      const classes = perClass.length || count;
      demand(
        classes >= 2 && (count === classes || count === 0),
        "invalid-model",
        `${Math.max(classes, 2)} labels of classes`,
        `${count}`,
      );
      const common = {
        labels: count === 0 && labels ? Array.from({ length: classes }, (_, i) => i) : labels,
        transform,
        classes,
      };
      insist(classes > 2 || transform !== "SOFTMAX", "unsupported", "its post_transform is SOFTMAX, of a single score");
      if (perClass.length > 0) return { ...common, ...pairScores(read, perClass, coefficients) };
      insist(classes > 2, "unsupported", "it has two classes and no support vectors");
      const weights = rowsOf(coefficients, classes, "coefficients, as there are classes");
      const [bias] = floatsOf(read, "rho");
      return { ...common, weights, bias: weights.map(() => bias), pairs: [] };
    },
  },
  (c, inputs, a, { outputs }) => {
    const scores = dense(c, inputs, a);
    const ranked = a.pairs.length === 0 ? scores : votes(c, scores, a);
    const [row] = a.weights;
    const shown =
      a.classes > 2 ? scores : dense(c, inputs, { weights: [row.map((w) => -w), row], bias: [-a.bias[0], a.bias[0]] });
    return classified(c, ranked, transformed(c, shown, a.transform), a, outputs);
  },
);

interface RegressorAttributes extends Scores {
  readonly oneClass: boolean;
}

/** Source: ONNX ML SVMRegressor-1. */
const svmRegressor: Op<RegressorAttributes> = composed<RegressorAttributes>(
  {
    type: "ai.onnx.ml.SVMRegressor",
    summary: "It passes as through the dense layer that the operator stands for. For one class, no rule is known.",
    takes: "X:feature",
    attributes(read) {
      linearKernel(read);
      const transform = read.string("post_transform", "NONE");
      demand(transform === "NONE", "unsupported", "a post_transform NONE", transform);
      const [count, coefficients] = [read.int("n_supports", 0), floatsOf(read, "coefficients")];
      const bias = floatsOf(read, "rho").slice(0, 1);
      const oneClass = read.int("one_class", 0) === 1;
      if (count === 0) {
        read.ignore("support_vectors");
        return { weights: [coefficients], bias, oneClass };
      }
      demand(coefficients.length === count, "invalid-model", `${count} coefficients`, `${coefficients.length}`);
      const vectors = rowsOf(floatsOf(read, "support_vectors"), count, "support_vectors, as n_supports has it");
      return { weights: [combined(coefficients, vectors)], bias, oneClass };
    },
  },
  (c, inputs, a) => {
    const score = dense(c, inputs, a);
    if (!a.oneClass) return score;
    const inside = c.add("Greater", [score, c.floats([0], [])]);
    return c.add("Where", [inside, c.floats([1], []), c.floats([-1], [])]);
  },
);

export const linearModels = [linearClassifier, linearRegressor, svmClassifier, svmRegressor] as const;
