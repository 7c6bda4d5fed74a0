import type { FileGraph } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { firstMaximum, softmax } from "./layers.ts";
import { apply, type Connection, type Dims, fed, type LinearMap, scaled, turnover } from "./linear.ts";
import { lrnForward, neighbourhoods } from "./lrn.ts";
import type { Action, Known, Literal, Stage } from "./meaning.ts";
import { meaningOf, shiftOf } from "./nodes.ts";
import { originOf, withPads, withUnits } from "./units.ts";

/*
 * Whole networks, literally: a file's nodes as a list of stages, merged where the documentation says so, and run in
 * double precision.
 */

type Numbers = ArrayLike<number>;

/** The stages of a file, for an input of these dims. */
export function literal({ nodes, initializers = {}, outputs }: FileGraph, x: Dims): Literal {
  const known = new Map<string, Known>([["x", { dims: x }]]);
  for (const [name, { dims, data }] of Object.entries(initializers)) known.set(name, { dims, data: data as Numbers });
  const stages = nodes.map((node): Stage => {
    const inputs = node.inputs.map((name) => known.get(name));
    const { dims, family, terms, does } = meaningOf(node, inputs);
    const [output] = node.outputs;
    known.set(output, { dims });
    const shift = shiftOf(node.type, inputs);
    const own = does.kind === "pointwise" && does.scaling ? { ...does.scaling, data: terms[0] } : undefined;
    const affine = shift ?? own;
    const scaling = affine && { ...affine, input: node.inputs[affine.data] };
    return {
      name: node.name ?? output,
      type: node.type,
      node,
      family,
      inputs: terms.map((t) => node.inputs[t]),
      output,
      dims,
      does,
      scaling,
      merged: [],
    };
  });
  const constants = new Map(Object.entries(initializers).map(([name, { data }]) => [name, data as Numbers]));
  return { stages, constants, output: Object.keys(outputs)[0], x };
}

/** Without what leaves no trace: who reads the output of an Identity reads its input. */
function withoutIdentities(net: Literal): Literal {
  const stands = new Map<string, string>();
  const stages = net.stages.flatMap((stage) => {
    const inputs = stage.inputs.map((name) => stands.get(name) ?? name);
    const scaling = stage.scaling && {
      ...stage.scaling,
      input: stands.get(stage.scaling.input) ?? stage.scaling.input,
    };
    if (!["Identity", "Dropout"].includes(stage.type) || stage.output === net.output)
      return [{ ...stage, inputs, scaling }];
    stands.set(stage.output, inputs[0]);
    return [];
  });
  return { ...net, stages };
}

/**
 * A scaling becomes part of the linear layer before it, or of that after it where that has no padding, if nothing else
 * reads the value between them and it is the same wherever the layer's weights are; until there is none left.
 */
function folded(net: Literal): Literal {
  for (const affine of net.stages) {
    const { scaling } = affine;
    if (!scaling) continue;
    const readers = (name: string) =>
      net.stages.flatMap((s) => s.inputs).filter((input) => input === name).length + (name === net.output ? 1 : 0);
    const fits = ({ does }: Stage) =>
      does.kind === "linear" && (scaling.axis === "none" || scaling.axis === does.channels);
    const before = net.stages.find((s) => s.output === scaling.input && s.does.kind === "linear" && s.does.channels);
    // Of the input it is a change of units.
    const after =
      originOf(net, scaling.input) === "input"
        ? undefined
        : net.stages.find((s) => s.inputs[0] === affine.output && s.does.kind === "linear" && s.does.channels);
    const itself = (i: number) => i;
    const merge = (linear: Stage, map: (m: LinearMap) => LinearMap, changes: Partial<Stage>): Literal => {
      const does = linear.does as Extract<Action, { kind: "linear" }>;
      const merged = [...linear.merged, affine.output, ...affine.merged];
      const joined: Stage = { ...linear, does: { ...does, map: map(does.map) }, merged, ...changes };
      return folded({ ...net, stages: net.stages.filter((s) => s !== affine).map((s) => (s === linear ? joined : s)) });
    };
    if (before && fits(before) && readers(scaling.input) === 1) {
      return merge(before, (m) => scaled(m, itself, scaling.scale, scaling.shift), { output: affine.output });
    }
    const open = after?.does.kind === "linear" && after.does.unpadded;
    if (after && open && fits(after) && readers(affine.output) === 1) {
      return merge(after, (m) => fed(m, itself, scaling.scale, scaling.shift), { inputs: [scaling.input] });
    }
  }
  return net;
}

/** The form for which rules are meant. */
export function canonical(graph: FileGraph, x: Dims): Literal {
  return withUnits(folded(withPads(withoutIdentities(literal(graph, x)))));
}

/** How numbers are computed: exactly, or with errors such as float32 makes. */
export interface Arithmetic {
  /** A linear layer at x. */
  map(map: LinearMap, x: Numbers): LinearMap;
  /** Results of anything else but moving. */
  values(values: Float64Array): Float64Array;
  /** Relevance that arrives, each number to be divided. */
  relevance(r: Float64Array): Float64Array;
}

export const exact: Arithmetic = { map: (map) => map, values: (values) => values, relevance: (r) => r };

/**
 * Errors as large as float32 makes them, wherever float32 is not exact: every neuron's z is pushed by one part in 2^23
 * of all that comes together in it, other results and relevance by one part of themselves; up or down at random, and in
 * the opposite `direction` the other way. Where every product and every sum on the way is a float32 number nothing is
 * pushed: ties stay ties, and zeros zeros.
 */
export function shaken(direction: 1 | -1): Arithmetic {
  const chance = numbers(997, 1);
  const push = (v: number, i: number, sign = 1) =>
    v * (1 + sign * direction * Math.sign(chance[i % chance.length]) * 2 ** -23);
  const isFloat = (v: number) => v === Math.fround(v);
  const isExact = (list: readonly Connection[], bias: number, x: Numbers) => {
    let z = bias;
    return isFloat(z) && list.every(({ i, w }) => isFloat(w) && isFloat(w * x[i]) && isFloat((z += w * x[i])));
  };
  return {
    map(map, x) {
      const still = map.connections.map((list, j) => isExact(list, map.bias[j], x));
      return {
        ...map,
        connections: map.connections.map((list, j) =>
          still[j] ? list : list.map(({ i, w }) => ({ i, w: push(w, j, Math.sign(w * x[i])) })),
        ),
        bias: map.bias.map((b, j) => (still[j] ? b : push(b, j, Math.sign(b)))),
      };
    },
    values: (values) => values.map((v, i) => (isFloat(v) ? v : push(v, i))),
    relevance: (r) => r.map((v, i) => push(v, i, Math.sign(v))),
  };
}

/** What one stage makes of the numbers that it reads. */
function run(does: Action, dims: Dims, x: Numbers, arithmetic: Arithmetic): Float64Array {
  switch (does.kind) {
    case "linear":
      return apply(arithmetic.map(does.map, x), x);
    case "route":
      return Float64Array.from(does.candidates, (list) => (list.length === 0 ? does.fill : x[firstMaximum(x, list)]));
    case "pointwise":
      return arithmetic.values(Float64Array.from(x, does.f));
    case "lrn":
      return arithmetic.values(lrnForward(x, dims, does.lrn));
    case "softmax":
      return arithmetic.values(softmax(x, does.length, does.inner));
  }
}

/** All that a stage reads, as one list. */
export function gathered({ inputs }: Stage, values: ReadonlyMap<string, Numbers>): Float64Array {
  return Float64Array.from(inputs.flatMap((name) => Array.from(values.get(name)!)));
}

/** Every value of the network. */
export function forward(net: Literal, x: Numbers, arithmetic = exact): Map<string, Numbers> {
  const values = new Map<string, Numbers>([...net.constants, ["x", x]]);
  for (const stage of net.stages) {
    values.set(stage.output, run(stage.does, stage.dims, gathered(stage, values), arithmetic));
  }
  return values;
}

/** Half of the distance between 1 and the next float32. */
const U = 2 ** -24;

/**
 * How far a stage's outputs may be off in float32, when its inputs are off by `e`: a sum of n products, in any order,
 * by (n + 3) U of what comes together in it (two roundings for weights that were merged, one for the bias; Higham 2002,
 * section 3.1), and by what its inputs are off; a function of one number by its slope times e and a few U.
 */
function errors({ does, dims }: Stage, x: Numbers, y: Numbers, e: Numbers): Float64Array {
  switch (does.kind) {
    case "linear": {
      const reached = turnover(
        does.map,
        Float64Array.from(x, (v, i) => Math.abs(v) + e[i]),
      );
      return Float64Array.from(
        does.map.connections,
        (list, j) => carried(list, e) + (list.length + 3) * U * reached[j],
      );
    }
    case "route":
      return Float64Array.from(does.candidates, (list) => list.reduce((most, i) => Math.max(most, e[i]), 0));
    case "pointwise": {
      const { scaling } = does;
      const size = (i: number) =>
        scaling ? Math.abs(scaling.scale[i] * x[i]) + Math.abs(scaling.shift[i]) : Math.abs(y[i]);
      return Float64Array.from(y, (_, i) => does.lipschitz * e[i] + 4 * U * size(i));
    }
    case "lrn": {
      // y = x s^(−c); s is off by 2 a Σ |x| e, and by n + 2 roundings.
      const { a, c, kappa } = does.lrn;
      return Float64Array.from(neighbourhoods(dims, does.lrn), ({ k, window }) => {
        const s = kappa + a * window.reduce((total, i) => total + x[i] * x[i], 0);
        const off = window.reduce(
          (total, i) => total + 2 * a * (Math.abs(x[i]) + e[i]) * e[i],
          (window.length + 2) * U * s,
        );
        return e[k] * s ** -c + (Math.abs(y[k]) * c * off) / s + 8 * U * Math.abs(y[k]);
      });
    }
    case "softmax": {
      const most = Array.from(e).reduce((a, b) => Math.max(a, b), 0);
      return Float64Array.from(y, (p) => p * (2 * most + (does.length + 8) * U));
    }
  }
}

const carried = (list: readonly Connection[], e: Numbers) =>
  list.reduce((sum, { i, w }) => sum + Math.abs(w) * e[i], 0);

/** How far float32 may be from these values of the network. */
export function errorBounds(net: Literal, values: ReadonlyMap<string, Numbers>): Map<string, Float64Array> {
  const bounds = new Map<string, Float64Array>();
  const known = (name: string) => bounds.get(name) ?? new Float64Array(values.get(name)!.length);
  for (const stage of net.stages) {
    const e = Float64Array.from(stage.inputs.flatMap((name) => Array.from(known(name))));
    bounds.set(stage.output, errors(stage, gathered(stage, values), values.get(stage.output)!, e));
  }
  return bounds;
}
