import { stridesOf } from "../step.ts";
import { broadcast, type Dims, normalizeAxis, shapeText, size, strides } from "../tensor.ts";
import { broadcastStrides } from "./arithmetic.ts";
import { along, type Numbers, otherAxes, total } from "./cells.ts";
import { type AttributeReader, type Op, type Operands, require } from "./op.ts";
import { pNorm } from "./p-norm.ts";

/** What one cell is moved and scaled by. */
type Statistics = (x: Numbers, base: number, taps: Int32Array) => readonly [centre: number, factor: number];

interface Attributes {
  readonly statistics: Statistics;
  readonly axes?: readonly number[];
  /** Into how many groups the channels are cut; 0: as many as there are. */
  readonly groups?: number;
  /** Whether scale and shift belong to a group, not to a channel. */
  readonly perGroup?: boolean;
}

/** All that shapes have to say. */
interface Plan extends Attributes {
  /** x with its channels cut into groups, if there are any. */
  readonly split: Dims;
  readonly axes: readonly number[];
  /** Dims of scale and shift, as they broadcast to `split`. */
  readonly parameters: readonly Dims[];
  /** Of centre and factor, where they are outputs. */
  readonly further: readonly Dims[];
}

/** mean and 1 / (√(var + ε) + δ) */
const moments =
  (epsilon: number, delta = 0): Statistics =>
  (x, base, taps) => {
    const n = taps.length;
    const mean = total(x, base, taps, n) / n;
    let squares = 0;
    for (let i = 0; i < n; i++) squares += (x[base + taps[i]] - mean) ** 2;
    return [mean, 1 / (Math.sqrt(squares / n + epsilon) + delta)];
  };

const ONE = Float32Array.of(1);
const ZERO = Float32Array.of(0);

/** y = (x − centre) · factor · scale + shift, the first two for each cell. @param steps how far the axes of `split` go in x and y */
function standardize(
  a: Plan,
  steps: readonly number[],
  x: Numbers,
  y: Numbers,
  parameters: readonly Numbers[],
  further: readonly Numbers[],
): void {
  const { split, axes } = a;
  const lists = [otherAxes(split, axes), axes];
  const [bases, taps] = lists.map((list) => along(list, split, steps));
  const [scale, shift] = [ONE, ZERO].map((otherwise, i) => {
    const dims = parameters[i] ? a.parameters[i] : [];
    const [at, by] = lists.map((list) => along(list, split, broadcastStrides(dims, strides(dims), split)));
    return { data: parameters[i] ?? otherwise, at, by };
  });
  bases.forEach((base, cell) => {
    const statistics = a.statistics(x, base, taps);
    const [centre, factor] = statistics;
    for (let i = 0; i < taps.length; i++) {
      const v = (x[base + taps[i]] - centre) * factor;
      y[base + taps[i]] = v * scale.data[scale.at[cell] + scale.by[i]] + shift.data[shift.at[cell] + shift.by[i]];
    }
    further.forEach((to, i) => {
      to[cell] = statistics[i];
    });
  });
}

/** The steps of x, cut into groups as `split` is. */
function splitSteps(steps: readonly number[], { groups, split }: Plan): readonly number[] {
  return groups === undefined ? steps : [steps[0], split[2] * steps[1], ...steps.slice(1)];
}

/** The shapes of one of these operators. */
type Shapes = (x: Dims, inputs: Operands, a: Attributes) => Omit<Plan, keyof Attributes> & Pick<Plan, "axes">;

/** Groups of channels at all positions; scale and shift for each channel or group. */
const byGroups: Shapes = ([n, c, ...spatial], inputs, { groups, perGroup }) => {
  const cut = groups || c;
  require(c % cut === 0, "invalid-model", `groups that divide ${c} channels`, `${cut}`);
  const dims = [cut, perGroup ? 1 : c / cut, ...spatial.map(() => 1)];
  const given = [inputs[1], inputs[2]].map((p) => p?.dims.join() ?? "none");
  require(given.every((d) => d === `${size(dims)}`), "shape", `scale and bias of ${size(dims)} numbers`, given.join(" and "));
  const split = [n, cut, c / cut, ...spatial];
  return { split, axes: split.map((_, i) => i).slice(2), parameters: [dims, dims], further: [] };
};

/** All axes from one on; scale and shift broadcast. */
const fromAxis: Shapes = (x, inputs, { axes: [first] = [] }) => {
  require(inputs[1], "invalid-model", "a scale", "none");
  const parameters = [inputs[1], inputs[2]].map((p) => p?.dims ?? []);
  const fits = parameters.every((dims) => broadcast([x, dims])?.join() === x.join());
  require(fits, "shape", `a scale and bias that broadcast to ${shapeText(x, "")}`, parameters
    .map((dims) => shapeText(dims, ""))
    .join(" and "));
  const further = x.map((d, i) => (i < first ? d : 1));
  return { split: x, axes: x.map((_, i) => i).slice(first), parameters, further: [further, further] };
};

const overGiven: Shapes = (x, _inputs, { axes }) => ({ split: x, axes: axes!, parameters: [], further: [] });

function row(type: string, least: number, attributes: (read: AttributeReader) => Attributes, shapes: Shapes): Op<Attributes> {
  return {
    type,
    family: "normalization",
    summary: "no rule",
    attributes,
    infer(inputs, a) {
      const [x] = inputs;
      require(x, "invalid-model", "an input", "none");
      const rank = x.dims.length;
      require(rank >= least, "shape", `an input of rank ${least} or more`, `rank ${rank}`);
      const axes = a.axes?.map((axis) => normalizeAxis(axis, rank));
      const distinct = !axes || (axes.every((axis) => axis !== undefined) && new Set(axes).size === axes.length);
      require(distinct, "invalid-model", `different axes of a tensor of rank ${rank}`, `[${a.axes}]`);
      const plan: Plan = { ...a, ...shapes(x.dims, inputs, { ...a, axes: axes as number[] | undefined }) };
      return { dims: [x.dims, ...plan.further], attributes: plan };
    },
    fold([x, ...parameters], a, dims) {
      const outputs = dims.map((d) => new Float32Array(size(d)));
      const given = parameters.flatMap((p) => (p ? [p.data] : []));
      standardize(a as Plan, splitSteps(strides(x!.dims), a as Plan), x!.data, outputs[0], given, outputs.slice(1));
      return outputs.map((data, i) => ({ type: "float32", dims: dims[i], data }));
    },
    forward(e, call) {
      const plan = call.attributes as Plan;
      const x = call.x(0);
      const y = e.temp(call.outputs[0].name, x.dims, x.layout);
      const steps = splitSteps(stridesOf(x), plan);
      const further = plan.further.map((dims, i) => e.temp(call.node.outputs[i + 1] || `${call.node.name}:${i}`, dims));
      const parameters = [1, 2].flatMap((i) => (call.inputs[i] ? [e.as(call.x(i), "first")] : []));
      e.host(type, [x, y, ...parameters, ...further], (from, to, ...rest) =>
        standardize(plan, steps, from, to, rest.slice(0, parameters.length), rest.slice(parameters.length)),
      );
      return [y, ...further];
    },
    relevance: { kind: "none", why: "a normalization whose statistics depend on the input" },
  };
}

/** Source: ONNX InstanceNormalization-6. */
const instance = row("InstanceNormalization", 3, (read) => ({ statistics: moments(read.float("epsilon", 1e-5)), groups: 0 }), byGroups);

/** Until opset 20 scale and bias are those of the groups. Source: ONNX GroupNormalization-18 and -21. */
const group = row(
  "GroupNormalization",
  2,
  (read) => {
    const groups = read.int("num_groups", 0);
    require(groups >= 1, "invalid-model", "num_groups ≥ 1", `${groups}`);
    checkStash(read);
    return { statistics: moments(read.float("epsilon", 1e-5)), groups, perGroup: read.opset < 21 };
  },
  byGroups,
);

/** Statistics are computed in double here, which is no less than float32 (1) and as much as double (11). */
function checkStash(read: AttributeReader): void {
  const type = read.int("stash_type", 1);
  require(type === 1 || type === 11, "unsupported", "stash_type float or double", `${type}`);
}

/** Further outputs are mean and 1 / √(var + ε). Source: ONNX LayerNormalization-17. */
const layer = row(
  "LayerNormalization",
  1,
  (read) => {
    checkStash(read);
    return { statistics: moments(read.float("epsilon", 1e-5)), axes: [read.int("axis", -1)] };
  },
  fromAxis,
);

/** (x − mean) / (√var + 1e-9). Source: ONNX MeanVarianceNormalization-13. */
const meanVariance = row(
  "MeanVarianceNormalization",
  1,
  (read) => ({ statistics: moments(0, 1e-9), axes: read.ints("axes") ?? [0, 2, 3] }),
  overGiven,
);

/** x / ‖x‖ along one axis; zeros stay. Source: ONNX LpNormalization-22. */
const lp = row(
  "LpNormalization",
  1,
  (read) => {
    const p = read.int("p", 2);
    require(p === 1 || p === 2, "invalid-model", "p = 1 or 2", `${p}`);
    const norm = pNorm(p);
    const factor = (z: number) => (z === 0 ? 0 : 1 / z);
    return { statistics: (x, base, taps) => [0, factor(norm(x, base, taps, 1))], axes: [read.int("axis", -1)] };
  },
  overGiven,
);

export const normalizations: readonly Op<Attributes>[] = [instance, group, layer, meanVariance, lp];
