import { demand } from "../base/complaint.ts";
import type { Operands } from "../graph/graph.ts";
import { broadcast, type Dims, shapeText, size, strides } from "../base/tensor.ts";
import { axesOf, type AttributeReader, type Op } from "./op.ts";
import { splitSteps, type Standard, standardize } from "./standardize.ts";
import { standardizeWay } from "./standardize-way.ts";
import { moments, reciprocalNorm, rootMeanSquare, type Spread } from "./statistics.ts";

interface Attributes {
  readonly epsilon: number;
  readonly p?: 1 | 2;
  readonly axes?: readonly number[];
  /** Into how many groups the channels are cut; 0: as many as there are. */
  readonly groups?: number;
  /** Whether scale and shift belong to a group, not to a channel. */
  readonly perGroup?: boolean;
}

type Shaped = Attributes & Standard;

/** The shapes of one of these operators. */
type Shapes = (x: Dims, inputs: Operands, a: Attributes) => Pick<Standard, "split" | "axes" | "parameters" | "further">;

/** Groups of channels at all positions; scale and shift for each channel or group. */
const byGroups: Shapes = ([n, c, ...spatial], inputs, { groups, perGroup }) => {
  const cut = groups || c;
  demand(c % cut === 0, "invalid-model", `a number of groups that divides ${c} channels`, `${cut}`);
  const dims = [cut, perGroup ? 1 : c / cut, ...spatial.map(() => 1)];
  const given = [inputs[1], inputs[2]].map((p) => p?.dims.join() ?? "none");
  demand(
    given.every((d) => d === `${size(dims)}`),
    "shape",
    `scale and bias of ${size(dims)} numbers`,
    given.join(" and "),
  );
  const split = [n, cut, c / cut, ...spatial];
  return { split, axes: split.map((_, i) => i).slice(2), parameters: [dims, dims], further: [] };
};

/** All axes from one on; scale and shift broadcast. */
const fromAxis: Shapes = (x, inputs, { axes: [first] = [] }) => {
  const parameters = [inputs[1], inputs[2]].map((p) => p?.dims ?? []);
  const fits = parameters.every((dims) => broadcast([x, dims])?.join() === x.join());
  demand(
    fits,
    "shape",
    `a scale and bias that broadcast to ${shapeText(x, "")}`,
    parameters.map((dims) => shapeText(dims, "")).join(" and "),
  );
  const further = x.map((d, i) => (i < first ? d : 1));
  return { split: x, axes: x.map((_, i) => i).slice(first), parameters, further: [further, further] };
};

const overGiven: Shapes = (x, _inputs, { axes }) => ({ split: x, axes: axes!, parameters: [], further: [] });

function row(
  type: string,
  takes: string,
  least: number,
  attributes: (read: AttributeReader) => Attributes,
  spread: (a: Attributes) => Spread,
  shapes: Shapes,
): Op<Attributes> {
  return {
    type,
    family: "layer-norm",
    summary:
      "The operator has rules of its own: identity, for which the standard deviation is a constant, and gradient.",
    takes,
    outputs: shapes === fromAxis ? 3 : 1,
    attributes,
    infer(inputs, a) {
      const x = inputs[0]!;
      const rank = x.dims.length;
      demand(rank >= least, "shape", `an input of rank ${least} or more`, `rank ${rank}`);
      const shaped = shapes(x.dims, inputs, { ...a, axes: a.axes && axesOf(a.axes, rank) });
      const plan: Shaped = { ...a, ...shaped, spread: spread(a) };
      return { dims: [x.dims, ...plan.further], types: [x.type, "float32", "float32"], attributes: plan };
    },
    fold([x, ...parameters], a, dims) {
      const outputs = dims.map((d) => new Float32Array(size(d)));
      const given = parameters.flatMap((p) => (p ? [p.data] : []));
      standardize(a as Shaped, splitSteps(strides(x!.dims), a as Shaped), x!.data, outputs[0], given, outputs.slice(1));
      return outputs.map((data, i) => ({ type: i === 0 ? x!.type : "float32", dims: dims[i], data }));
    },
    node: (site) => standardizeWay(site, site.attributes as Shaped),
  };
}

const epsilonOf = (read: AttributeReader) => read.float("epsilon", 1e-5);
const byMoments = ({ epsilon }: Attributes) => moments(epsilon);

/** Source: ONNX InstanceNormalization-6. */
const instance = row(
  "InstanceNormalization",
  "input scale B",
  3,
  (read) => ({ epsilon: epsilonOf(read), groups: 0 }),
  byMoments,
  byGroups,
);

/** Until opset 20 scale and bias are those of the groups. Source: ONNX GroupNormalization-18 and -21. */
const group = row(
  "GroupNormalization",
  "X scale bias",
  2,
  (read) => {
    const groups = read.int("num_groups", 0);
    demand(groups >= 1, "invalid-model", "num_groups ≥ 1", `${groups}`);
    checkStash(read);
    return { epsilon: epsilonOf(read), groups, perGroup: read.opset < 21 };
  },
  byMoments,
  byGroups,
);

/** Statistics are computed in double here, which is no less than float32 (1) and as much as double (11). */
function checkStash(read: AttributeReader): void {
  const type = read.int("stash_type", 1);
  demand(type === 1 || type === 11, "unsupported", "stash_type float or double", `${type}`);
}

function readLayer(read: AttributeReader): Attributes {
  checkStash(read);
  return { epsilon: epsilonOf(read), axes: [read.int("axis", -1)] };
}

/** Further outputs are mean and 1 / √(var + ε). Source: ONNX LayerNormalization-17. */
const layer = row("LayerNormalization", "X Scale B?", 1, readLayer, byMoments, fromAxis);

/** x / √(mean x² + ε). Source: ONNX RMSNormalization-23. */
const rms = row(
  "RMSNormalization",
  "X scale",
  1,
  readLayer,
  ({ epsilon }) => rootMeanSquare(epsilon),
  (...given) => ({ ...fromAxis(...given), further: [] }),
);

/** (x − mean) / (√var + 1e-9). Source: ONNX MeanVarianceNormalization-13. */
const meanVariance = row(
  "MeanVarianceNormalization",
  "X",
  1,
  (read) => ({ epsilon: 1e-9, axes: read.ints("axes") ?? [0, 2, 3] }),
  ({ epsilon }) => moments(0, epsilon),
  overGiven,
);

/** x / ‖x‖ along one axis; zeros stay. Source: ONNX LpNormalization-22. */
const lp = row(
  "LpNormalization",
  "input",
  1,
  (read) => {
    const p = read.int("p", 2);
    demand(p === 1 || p === 2, "invalid-model", "p = 1 or 2", `${p}`);
    return { epsilon: 0, p: p as 1 | 2, axes: [read.int("axis", -1)] };
  },
  ({ p }) => reciprocalNorm(p!),
  overGiven,
);

export const normalizations: readonly Op<Attributes>[] = [instance, group, layer, rms, meanVariance, lp];
