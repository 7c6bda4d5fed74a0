import { type Budget, HOST } from "../base/budget.ts";
import { along, broadcastStrides, otherAxes } from "../base/loops.ts";
import { type Constant, type Dims, size, strides } from "../base/tensor.ts";
import type { Graph, Node } from "../graph/graph.ts";
import { type Spread, statisticsOf } from "../ops/statistics.ts";

/*
 * What nodes between one value and another compute, where they work element by element or reduce over the same axes:
 * found by running them on small numbers of our own, in double precision.
 */

/** Nodes from one value to the last of their outputs, and the axes that they reduce. */
export interface NormCone {
  readonly source: string;
  readonly axes: readonly number[];
  /** In the graph's order. */
  readonly nodes: readonly Node[];
}

/** y = scale · v + shift, v being x normalized over the axes; scale and shift broadcast. */
export interface FoundNorm {
  readonly spread: Spread;
  readonly scale: Constant;
  readonly shift: Constant;
}

type Function = (values: readonly number[]) => number;
type Numbers = Float64Array;

const same: Function = ([a]) => a;
/** Element by element; a number that is the same for several elements stands at each of them. */
const ELEMENTWISE: Readonly<Record<string, Function>> = {
  Add: ([a, b]) => a + b,
  Sub: ([a, b]) => a - b,
  Mul: ([a, b]) => a * b,
  Div: ([a, b]) => a / b,
  Pow: ([a, b]) => a ** b,
  Sum: (all) => all.reduce((a, b) => a + b),
  Max: (all) => Math.max(...all),
  Min: (all) => Math.min(...all),
  Neg: ([a]) => -a,
  Abs: ([a]) => Math.abs(a),
  Sqrt: ([a]) => Math.sqrt(a),
  Reciprocal: ([a]) => 1 / a,
  Clip: same,
};
/** Numbers stay as they are. */
export const RENAMING: readonly string[] = ["Cast", "Identity", "Squeeze", "Unsqueeze", "Reshape", "Expand"];

/** What is summed over a cell of n numbers, and what becomes of the sum. */
const REDUCING: Readonly<
  Record<string, readonly [term: (v: number) => number, end: (sum: number, n: number) => number]>
> = {
  ReduceMean: [(v) => v, (sum, n) => sum / n],
  GlobalAveragePool: [(v) => v, (sum, n) => sum / n],
  ReduceSum: [(v) => v, (sum) => sum],
  ReduceSumSquare: [(v) => v * v, (sum) => sum],
  ReduceL1: [Math.abs, (sum) => sum],
  ReduceL2: [(v) => v * v, (sum) => Math.sqrt(sum)],
};

export const isElementwise = ({ type }: Node): boolean => Object.hasOwn(ELEMENTWISE, type);
export const isReduction = ({ type }: Node): boolean => Object.hasOwn(REDUCING, type);

/** Along an axis whose numbers all are treated alike, a few stand for all. */
const FEW = 4;

/** The cone on fewer numbers. */
interface Thinned {
  readonly cone: NormCone;
  readonly graph: Graph;
  readonly dims: Dims;
  readonly bases: Int32Array;
  readonly taps: Int32Array;
  /** For how many numbers each stands. */
  readonly copies: number;
  /** Whether constants differ along each axis. */
  readonly varies: readonly boolean[];
}

const constantsOf = ({ constants }: Graph, { nodes }: NormCone): readonly Constant[] =>
  // What names an axis or a shape is no number of the function.
  nodes.flatMap((node) => (isElementwise(node) ? node.inputs.flatMap((name) => constants.get(name) ?? []) : []));

/** Along which axes of x constants differ. */
export function variesIn(graph: Graph, cone: NormCone): readonly boolean[] {
  const { length } = graph.dims.get(cone.source)!;
  const all = constantsOf(graph, cone);
  return Array.from({ length }, (_, axis) =>
    all.some(({ dims }) => (dims.at(axis - length) ?? 1) > 1 && dims.length >= length - axis),
  );
}

function thinned(graph: Graph, cone: NormCone): Thinned {
  const whole = graph.dims.get(cone.source)!;
  const varies = variesIn(graph, cone);
  const { axes } = cone;
  const dims = whole.map((d, axis) => (varies[axis] ? d : axes.includes(axis) ? Math.min(d, FEW) : 1));
  const [bases, taps] = [otherAxes(dims, axes), axes].map((list) => along(list, dims, strides(dims)));
  const copies = axes.reduce((n, axis) => n * whole[axis], 1) / taps.length;
  return { cone, graph, dims, bases, taps, copies, varies };
}

/** A constant, element by element. */
function spread({ dims }: Thinned, constant: Constant): Numbers {
  const axes = dims.map((_, axis) => axis);
  const at = along(axes, dims, broadcastStrides(constant.dims, strides(constant.dims), dims));
  return Float64Array.from(at, (i) => constant.data[i]);
}

function reduced({ bases, taps, copies }: Thinned, x: Numbers, type: string): Numbers {
  const [term, end] = REDUCING[type];
  const y = new Float64Array(x.length);
  for (const base of bases) {
    let sum = 0;
    for (const tap of taps) sum += term(x[base + tap]);
    const result = end(copies * sum, copies * taps.length);
    for (const tap of taps) y[base + tap] = result;
  }
  return y;
}

/** What the nodes make of x. */
function ran(t: Thinned, x: Numbers): Numbers {
  const { graph, cone } = t;
  const values = new Map<string, Numbers>([[cone.source, x]]);
  for (const { type, inputs, outputs, attributes } of cone.nodes) {
    const first = values.get(inputs[0])!;
    const made = (): Numbers => {
      if (RENAMING.includes(type)) return first;
      if (Object.hasOwn(REDUCING, type)) return reduced(t, first, type);
      if (type === "Clip") {
        const { a, b } = attributes as { readonly a: number; readonly b: number };
        return first.map((v) => Math.min(Math.max(v, a), b));
      }
      const operands = inputs.filter(Boolean).map((name) => values.get(name) ?? spread(t, graph.constants.get(name)!));
      return Float64Array.from(x, (_, i) => ELEMENTWISE[type](operands.map((data) => data[i])));
    };
    values.set(outputs[0], made());
  }
  return values.get(cone.nodes.at(-1)!.outputs[0])!;
}

function normalized({ bases, taps, copies }: Thinned, s: Spread, x: Numbers): Numbers {
  const v = new Float64Array(x.length);
  for (const base of bases) {
    const [centre, factor] = statisticsOf(s, x, base, taps, copies);
    for (const tap of taps) v[base + tap] = (x[base + tap] - centre) * factor;
  }
  return v;
}

/** What numbers are divided by, but for what keeps it from 0. */
const SPREADS: readonly Pick<Spread, "centred" | "p" | "mean">[] = [
  { centred: true, p: 2, mean: true },
  { centred: false, p: 2, mean: true },
  { centred: false, p: 2, mean: false },
  { centred: false, p: 1, mean: false },
  { centred: false, p: 1, mean: true },
];

/** What may keep it from 0: added or a bound, inside of the root or outside. */
const guards = (c: number): readonly Pick<Spread, "epsilon" | "floor" | "delta">[] => [
  { epsilon: c, floor: 0, delta: 0 },
  { epsilon: 0, floor: c, delta: 0 },
  { epsilon: 0, floor: Math.sqrt(c), delta: 0 },
  { epsilon: 0, floor: 0, delta: c },
];
const MOST_GUARDS = 8;

const BOUNDING: readonly string[] = ["Clip", "Max", "Min"];
/** Whether a node leaves numbers as they are on one side of a bound, and not on the other. */
export const isBounding = ({ type }: Node): boolean => BOUNDING.includes(type);

const ADDING = [...BOUNDING, "Add", "Sub", "Sum"];

/** The smallest and the largest size in every constant that nodes add, or compare with. */
function endsOf(graph: Graph, { nodes }: NormCone): readonly (readonly [least: number, most: number])[] {
  const lists = nodes
    .filter(({ type }) => ADDING.includes(type))
    .flatMap(({ type, inputs, attributes }) => {
      const { a, b } = attributes as { readonly a: number; readonly b: number };
      const given = inputs.flatMap((name) => graph.constants.get(name)?.data ?? []);
      return type === "Clip" ? [[a], [b], ...given] : given;
    });
  return lists.flatMap((list) => {
    let [least, most] = [Number.POSITIVE_INFINITY, 0];
    for (const v of list) {
      const size = Math.abs(v);
      if (!(size > 0 && size < Number.POSITIVE_INFINITY)) continue;
      least = Math.min(least, size);
      most = Math.max(most, size);
    }
    return most > 0 ? [[least, most] as const] : [];
  });
}

/** Numbers of both signs, none of them close to 0 or to each other's mean. */
function probe(count: number, from: number): Numbers {
  let state = from;
  return Float64Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (i % 2 === 0 ? 1 : -1) * (1 + state / 2 ** 33);
  });
}

/** Beyond every bound that a network gives its numbers, such as those of float16. */
const LARGE = [100, 1e5, 1e12];

/** From far below to far above any bound, where there is one. */
const SIZES = Array.from({ length: 41 }, (_, i) => 8 ** (i - 20));

/** What float32 leaves of constants such as 1/n. */
const TOLERANCE = 5e-7;

/** What double precision leaves of a sum. */
const EXACT = 1e-12;

/**
 * Which normalization gives the numbers of the nodes, if one does. Scale and shift follow from x and −x, of which v is
 * odd; other numbers, far from 0 and as small as each constant that may be ε, then say whether it is that.
 */
export function identified(graph: Graph, cone: NormCone, budget: Budget): FoundNorm | undefined {
  const t = thinned(graph, cone);
  const count = size(t.dims);
  const ends = endsOf(graph, cone);
  // One of the small numbers may be ε.
  const small = new Set(ends.flatMap(([least, most]) => (least === most && most < 1 ? [most] : [])));
  const constants = [...small].slice(0, MOST_GUARDS);
  const n = t.copies * t.taps.length;
  const sizes = [
    // Where what is cut off at a large number no longer is x.
    ...LARGE,
    ...(cone.nodes.some(isBounding) ? SIZES : []),
    // Where a constant counts: beside a number or a sum of them, squared or not.
    ...new Set(ends.flat().flatMap((c) => [c, Math.sqrt(c)].flatMap((v) => [v, v / n, v / (8 * n), 8 * v]))),
  ];
  const rounds = 4 + sizes.length;
  budget.fits(8 * count * (cone.nodes.length + 2 * rounds));
  budget.take(0, HOST * count * rounds * (cone.nodes.length + SPREADS.length * (1 + 4 * constants.length)));
  const x = probe(count, 1);
  const [up, down] = [x, x.map((v) => -v)].map((v) => ran(t, v));
  const other = probe(count, 2);
  const probes = [
    ...[0.5, 1.75].map((shift) => other.map((v) => 0.75 * v + shift)),
    ...sizes.map((size) => other.map((v) => size * v)),
  ].map((v) => [v, ran(t, v)] as const);
  const [none] = guards(0);
  let first: FoundNorm | undefined;
  for (const base of SPREADS) {
    for (const guard of [none, ...constants.flatMap(guards)]) {
      const found: Spread = { ...base, ...guard };
      const v = normalized(t, found, x);
      const scale = v.map((w, i) => (up[i] - down[i]) / (2 * w));
      const shift = v.map((_, i) => (up[i] + down[i]) / 2);
      const isIt = probes.every(([at, y]) =>
        normalized(t, found, at).every((w, i) => {
          const most = TOLERANCE * Math.abs(scale[i]) * (Math.abs(w) + 1e-3) + EXACT * Math.abs(shift[i]);
          return Math.abs(scale[i] * w + shift[i] - y[i]) <= most;
        }),
      );
      if (!isIt) continue;
      const exact = shift.map((b, i) => (Math.abs(b) > 1e-9 * Math.abs(scale[i]) ? b : 0));
      const match = { spread: found, scale: parameter(t, scale), shift: parameter(t, exact) };
      // A length and a root mean square may differ by a factor alone: it is the one that needs none.
      if (base.centred || match.scale.data.every((s) => s === 1)) return match;
      first ??= match;
    }
  }
  return first;
}

/** One number where all are the same, else one for each place at which constants differ. */
function parameter({ dims, varies }: Thinned, data: Numbers): Constant {
  const axes = [...dims.keys()].filter((axis) => varies[axis]);
  const single = Float32Array.from(along(axes, dims, strides(dims)), (at) => data[at]);
  return single.every((v) => v === single[0])
    ? { type: "float32", dims: [], data: single.slice(0, 1) }
    : { type: "float32", dims: dims.map((d, axis) => (varies[axis] ? d : 1)), data: single };
}
