import { type Budget, HOST } from "../base/budget.ts";
import { ops } from "../ops/index.ts";
import { checkedLrn, type LrnAttributes } from "../ops/lrn.ts";
import { addScaled, type Constant, type Dims, isFloat, size, strides, widened } from "../base/tensor.ts";
import { type Graph, type Node, producers, whereIs, withNodes } from "../graph/graph.ts";

/*
 * LRN in disguise: x / (bias + a · Σ_window x²)^beta, spelled with elementary nodes.
 *
 * The division, the power and the square are matched as such. What lies between the square and the power may be spelled
 * in any way (Pad, AveragePool, Reshape, Transpose, Mul, Add …): it is known to be affine, since only such operators
 * are let in, and an affine map is identified by probing. Zeros give the bias, impulses the window, and one
 * pseudo-random image then either confirms that the map is bias + a · Σ_window for every element, or the part is left
 * as it is.
 */

/** Operators that are affine in their one computed input. */
const AFFINE = new Set([
  "AveragePool",
  "GlobalAveragePool",
  "ReduceSum",
  "ReduceMean",
  "Reshape",
  "Flatten",
  "Squeeze",
  "Unsqueeze",
  "Transpose",
  "Pad",
  "Slice",
  "Concat",
  "Identity",
  "Dropout",
  "Cast",
  "Add",
  "Sub",
  "Mul",
  "Div",
]);

/** Powers without an operand for their exponent. */
const ROOTS: ReadonlyMap<string, number> = new Map([
  ["Sqrt", 0.5],
  ["Reciprocal", -1],
]);

/** A value as base^exponent. */
interface Power {
  readonly base: string;
  readonly exponent: number;
  /** Nodes that raise the base to it. */
  readonly powers: number;
}

/** What is divided, x, and by what, base^beta. */
type Divided = Pick<Candidate, "x" | "base" | "beta" | "powers">;

interface Candidate {
  readonly last: Node;
  readonly x: string;
  readonly square: string;
  readonly base: string;
  readonly beta: number;
  /** Nodes that raise the base to beta. */
  readonly powers: number;
  readonly between: readonly Node[];
}

function scalar(graph: Graph, name: string): number | undefined {
  const constant = graph.constants.get(name);
  return constant?.data.every((v) => v === constant.data[0]) ? constant.data[0] : undefined;
}

/** x² as Mul(x, x) or Pow(x, 2). */
function isSquareOf(graph: Graph, node: Node, x: string): boolean {
  if (node.inputs[0] !== x) return false;
  return (node.type === "Mul" && node.inputs[1] === x) || (node.type === "Pow" && scalar(graph, node.inputs[1]) === 2);
}

/** Whether what the node computes is affine in what it reads. */
function isAffine({ constants }: Graph, { type, inputs }: Node): boolean {
  if (!AFFINE.has(type)) return false;
  if (type === "Div" && constants.has(inputs[0])) return false;
  return (type !== "Mul" && type !== "Div") || inputs.filter((name) => !constants.has(name)).length === 1;
}

/** For every value that is affine in others, which are not affine in any: the other, if it is one alone. */
function affineSources(graph: Graph): ReadonlyMap<string, string | undefined> {
  const sources = new Map<string, string | undefined>();
  for (const node of graph.nodes) {
    if (!isAffine(graph, node)) continue;
    const computed = node.inputs.filter((name) => name !== "" && !graph.constants.has(name));
    const [from, ...others] = new Set(computed.map((name) => (sources.has(name) ? sources.get(name) : name)));
    for (const name of node.outputs) sources.set(name, others.length === 0 ? from : undefined);
  }
  return sources;
}

/** Every value that is base^exponent, through so many powers, square roots and reciprocals. */
function powersOf(graph: Graph): ReadonlyMap<string, Power> {
  const known = new Map<string, Power>();
  for (const { type, inputs, outputs } of graph.nodes) {
    const own = type === "Pow" ? scalar(graph, inputs[1]) : ROOTS.get(type);
    if (own === undefined) continue;
    const { base, exponent, powers } = known.get(inputs[0]) ?? { base: inputs[0], exponent: 1, powers: 0 };
    known.set(outputs[0], { base, exponent: own * exponent, powers: powers + 1 });
  }
  return known;
}

/**
 * What `last` divides x by, as a base and an exponent: Div(x, Pow(base, β)), Mul(x, Pow(base, −β)),
 * Mul(x, Reciprocal(Sqrt(base))) …
 */
function denominator(known: ReadonlyMap<string, Power>, last: Node): Divided[] {
  const [a, b] = last.inputs;
  const dividedBy = (x: string, factor: string, sign: 1 | -1) => {
    const { base, exponent, powers } = known.get(factor) ?? { base: factor, exponent: 1, powers: 0 };
    return exponent * sign > 0 ? [{ x, base, beta: exponent * sign, powers }] : [];
  };
  if (last.type === "Div") return dividedBy(a, b, 1);
  return last.type === "Mul" ? [...dividedBy(a, b, -1), ...dividedBy(b, a, -1)] : [];
}

function candidates(graph: Graph): Candidate[] {
  const [by, sources, powers] = [producers(graph), affineSources(graph), powersOf(graph)];
  const placeOf = new Map(graph.nodes.map((node, i) => [node, i]));
  /** The nodes from the square to the base. */
  const between = (square: string, base: string): Node[] => {
    const found = new Set<Node>();
    const open = [base];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const node = name === square ? undefined : by.get(name);
      if (!node || found.has(node)) continue;
      found.add(node);
      for (const input of node.inputs) open.push(input);
    }
    return [...found].sort((a, b) => placeOf.get(a)! - placeOf.get(b)!);
  };
  return graph.nodes.flatMap((last) =>
    denominator(powers, last).flatMap((divided) => {
      // Integers are cut off.
      if (!isFloat(graph.types.get(divided.base))) return [];
      const square = sources.get(divided.base);
      const node = square === undefined ? undefined : by.get(square);
      if (!square || !node || !isSquareOf(graph, node, divided.x)) return [];
      return [{ ...divided, last, square, between: between(square, divided.base) }];
    }),
  );
}

/** Runs the nodes between square and base on the host. */
function evaluate(graph: Graph, c: Candidate, square: Float32Array): Float32Array {
  const values = new Map<string, Constant>(graph.constants);
  values.set(c.square, { type: "float32", dims: graph.dims.get(c.square)!, data: square });
  for (const node of c.between) {
    const dims = node.outputs.map((name) => graph.dims.get(name)!);
    const results = ops.get(node.type)!.fold!(
      node.inputs.map((name) => (name === "" ? undefined : widened(values.get(name)!))),
      node.attributes,
      dims,
    );
    node.outputs.forEach((name, i) => {
      if (results[i]) values.set(name, results[i]);
    });
  }
  return values.get(c.base)!.data as Float32Array;
}

/** Numbers in [0, high) that are the same every time. */
function pseudoRandom(count: number, high: number): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0, state = 1; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = (state / 2 ** 32) * high;
  }
  return out;
}

/** Σ_window of `square`, straight from the definition. */
function windowSums(
  square: Float32Array,
  dims: Dims,
  w: Pick<LrnAttributes, "region" | "before" | "after">,
): Float64Array {
  const place = strides(dims);
  const axes = w.region === "channels" ? [1] : dims.map((_, i) => i).slice(2);
  let sums = new Float64Array(square);
  for (const axis of axes) {
    const from = sums;
    const inner = place[axis];
    sums = new Float64Array(from.length);
    for (let to = 0; to < sums.length; to += inner) {
      const at = (to / inner) % dims[axis];
      const [first, last] = [Math.max(0, at - w.before), Math.min(dims[axis] - 1, at + w.after)];
      for (let j = first; j <= last; j++) addScaled(sums, to, from, to + (j - at) * inner, inner, 1);
    }
  }
  return sums;
}

/**
 * The window that impulses at both ends of `axis` reveal: 0 ∈ N(k) for k ≤ before, last ∈ N(k) for k ≥ last − after.
 */
function reach(
  first: Float32Array,
  answer: (at: number) => Float32Array,
  dims: Dims,
  axis: number,
  bias: number,
): { before: number; after: number } {
  const step = strides(dims)[axis];
  const last = dims[axis] - 1;
  const touched = (response: Float32Array) =>
    Array.from({ length: dims[axis] }, (_, k) => k).filter((k) => response[k * step] !== bias);
  return { before: touched(first).at(-1) ?? 0, after: last - (touched(answer(last * step))[0] ?? last) };
}

/** The a of y = bias + a · x that fits best: Σ (y − bias) x / Σ x². */
function slopeOf(x: Float64Array, y: Float32Array, bias: number): number {
  let [products, squares] = [0, 0];
  for (let i = 0; i < x.length; i++) {
    products += (y[i] - bias) * x[i];
    squares += x[i] * x[i];
  }
  return products / squares;
}

/** Large, so that even a tiny alpha moves the base, and far from float32's end. */
const IMPULSE = 1e15;

/** Images that are made beside those of the nodes between. */
const IMAGES = 12;

function identify(graph: Graph, c: Candidate, budget: Budget): LrnAttributes | undefined {
  const dims = graph.dims.get(c.square)!;
  if (dims.length < 3 || dims.length > 4) return undefined;
  if (graph.dims.get(c.base)!.join() !== dims.join()) return undefined;
  const made = c.between.flatMap(({ outputs }) => outputs).reduce((sum, name) => sum + size(graph.dims.get(name)!), 0);
  const numbers = made + IMAGES * size(dims);
  budget.where = whereIs(c.last);
  budget.fits(4 * numbers);
  // Each of at most six images goes through all of the nodes.
  budget.take(0, 6 * HOST * numbers);
  const zeros = new Float32Array(size(dims));
  const bias = evaluate(graph, c, zeros)[0];
  const impulse = (at: number) => {
    const square = zeros.slice();
    square[at] = IMPULSE;
    return evaluate(graph, c, square);
  };
  const first = impulse(0);
  const rough = (first[0] - bias) / IMPULSE;
  if (!(bias > 0 && rough > 0)) return undefined;
  const probe = pseudoRandom(size(dims), 1 / rough);
  const answer = evaluate(graph, c, probe);
  const regions = dims.length === 4 ? (["channels", "spatial"] as const) : (["channels"] as const);
  for (const region of regions) {
    const window = { region, ...reach(first, impulse, dims, region === "channels" ? 1 : 3, bias), beta: c.beta, bias };
    // Behind a large bias an impulse loses digits; the probe measures a better.
    const sums = windowSums(probe, dims, window);
    const a = slopeOf(sums, answer, bias);
    if (sums.every((u, i) => Math.abs(bias + a * u - answer[i]) <= 1e-5 * Math.abs(answer[i])))
      return { ...window, a: Number(a.toPrecision(7)) };
  }
  return undefined;
}

/** Replaces every disguised LRN by one LRN node, in place of the last of its nodes. */
export function foldNormalizations(graph: Graph, budget: Budget): Graph {
  const instead = new Map<Node, Node>();
  for (const c of candidates(graph)) {
    const attributes = instead.has(c.last) ? undefined : identify(graph, c, budget);
    if (!attributes) continue;
    const { before, after, region, a, beta, bias } = attributes;
    const digits = (v: number) => Number(v.toPrecision(6));
    const shape = region === "channels" ? `channels −${before}…+${after}` : `rows and columns −${before}…+${after}`;
    const node: Node = Object.freeze({
      name: c.last.name,
      type: "LRN",
      attributes: checkedLrn(attributes),
      inputs: [c.x],
      outputs: c.last.outputs,
      note:
        `stands for ${c.between.length + c.powers + 2} nodes of the file: window ${shape}, a ${digits(a)}, beta ` +
        `${digits(beta)}, bias ${digits(bias)}`,
    });
    instead.set(c.last, node);
  }
  const nodes = graph.nodes.map((node) => instead.get(node) ?? node);
  return withNodes(graph, nodes);
}
