import { type Budget, HOST } from "../base/budget.ts";
import { type Constant, type Dims, isFloat, isInteger, size, widened } from "../base/tensor.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import type { Cone } from "../ops/cone.ts";
import { ops } from "../ops/index.ts";
import { waysOf } from "../ops/ways.ts";
import { attributesFor } from "../read/described.ts";
import { JOINING } from "./origin.ts";
import { type Known, knownOf, onlyReader, singleSources, type Taken } from "./walk-back.ts";

/*
 * Activations in disguise: nodes with one value before them and one behind, all element by element, are y = f(x).
 *
 * Candidates are let in by shape alone: from a node that joins two values, back to the one value that both are computed
 * from. What f is, is found by probing: where it gives the numbers of an activation that relprop has a row for, that
 * row stands in its place, and else the nodes as they are, in one.
 */

/** More nodes than any activation is spelled with. */
const MOST_NODES = 64;
/** Factors behind a cone that may belong to it, as in x · clip(x + 3, 0, 6) / 6. */
const MOST_FACTORS = 2;

interface Found {
  readonly source: string;
  /** In the graph's order. */
  readonly nodes: readonly Node[];
}

/** One number, or one for each channel. */
const isPlain = ({ dims }: Constant) => dims.filter((d) => d !== 1).length <= 1;

/** The computed inputs of a node, if it works element by element on values of its output's dims. */
function elementwise(graph: Graph, node: Node): readonly string[] | undefined {
  const { type, inputs, outputs } = node;
  if (outputs.filter(Boolean).length !== 1) return undefined;
  if (ops.get(type)!.family !== "activation" && !JOINING.has(type)) return undefined;
  const dims = graph.dims.get(outputs[0])!.join();
  const given = inputs.filter(Boolean);
  const constants = given.flatMap((name) => graph.constants.get(name) ?? []);
  const computed = given.filter((name) => !graph.constants.has(name));
  const fits = constants.every(isPlain) && computed.every((name) => graph.dims.get(name)!.join() === dims);
  return fits && computed.length > 0 ? computed : undefined;
}

/** The cone that ends in a node, back to the one value before it. */
function coneOf(known: Known, last: Node): Found | undefined {
  const first = known.before(last);
  if (!first || first.length < 2) return undefined;
  const [found] = singleSources(known, last, MOST_NODES);
  if (!found) return undefined;
  const { source, inside } = found;
  // A comparison of a value with itself is no activation, and neither is arithmetic of integers.
  const { graph, placeOf } = known;
  const { types } = graph;
  const isWhole = [...inside].some(({ outputs: [name] }) => isInteger(types.get(name)));
  if (isWhole || ![source, last.outputs[0]].every((name) => isFloat(types.get(name)))) return undefined;
  return { source, nodes: [...inside].sort((a, b) => placeOf.get(a)! - placeOf.get(b)!) };
}

/** The same with up to so many factors behind it, the longest first. */
function withFactors(known: Known, found: Found, taken: Taken): readonly Found[] {
  const all = [found];
  for (let i = 0; i < MOST_FACTORS; i++) {
    const { nodes } = all[0];
    const [end] = nodes.at(-1)!.outputs;
    const next = onlyReader(known, end, taken);
    const isFactor = next && (next.type === "Mul" || next.type === "Div") && known.before(next)?.length === 1;
    if (!isFactor) break;
    all.unshift({ source: found.source, nodes: [...nodes, next] });
  }
  return all;
}

/** Numbers on both sides of 0, by which a row is found. */
const PROBE = Float64Array.of(1, -1, ...Array.from({ length: 97 }, (_, i) => ((i - 48) / 4) * (1 + (i % 7) / 16)));
/** What float32 leaves of constants such as 1/√2. */
const TOLERANCE = 2e-6;

type Numbers = Constant["data"];

/** Numbers of every size on both sides of 0. */
const SIZES = [
  ...Array.from({ length: 121 }, (_, i) => 2 ** (i / 4 - 24)),
  ...Array.from({ length: 34 }, (_, i) => 2 ** (i + 7)),
];

/**
 * Numbers by which the row is confirmed: of every size, and about each number that the nodes compare or clip with, where
 * f may have a kink that lies between all others.
 */
function confirming({ constants }: Graph, { nodes }: Found): Float64Array {
  const own = nodes.flatMap(({ inputs, attributes }) => [
    ...inputs.flatMap((name) => constants.get(name)?.data[0] ?? []),
    ...Object.values(attributes).filter((v): v is number => typeof v === "number"),
  ]);
  const kinks = [...new Set(own.filter((v) => Number.isFinite(v)).flatMap((v) => [v, -v]))].sort((a, b) => a - b);
  const about = kinks.flatMap((v, i) => [v * (1 - 1e-3), v, v * (1 + 1e-3), (v + (kinks[i - 1] ?? v)) / 2]);
  return Float64Array.from([...SIZES.flatMap((v) => [v, -v]), ...about]);
}

/** What a row gives of these numbers. */
const folded = (type: string, attributes: object, data: Float64Array): Numbers =>
  ops.get(type)!.fold!([{ type: "float32", dims: [data.length], data }], attributes, [[data.length]])[0].data;

/** f of these numbers; undefined where a constant is not one number, or a node of the cone cannot be folded. */
function probed({ constants }: Graph, { source, nodes }: Found, data: Float64Array): Numbers | undefined {
  const dims: Dims = [data.length];
  const values = new Map<string, Constant>([[source, { type: "float32", dims, data }]]);
  for (const { type, attributes, inputs, outputs } of nodes) {
    const own = inputs.map((name) => constants.get(name));
    if (own.some((c) => c && size(c.dims) !== 1)) return undefined;
    // One number is the same whatever the rank that it is broadcast from.
    const given = inputs.map((name, i) => values.get(name) ?? (own[i] && { ...own[i], dims: [] }));
    const made = ops.get(type)!.fold?.(
      given.map((c) => c && widened(c)),
      attributes,
      [dims],
    );
    if (!made || made[0].data.length !== data.length) return undefined;
    values.set(outputs[0], made[0]);
  }
  return values.get(nodes.at(-1)!.outputs[0])!.data;
}

/** Whether f is g at each x; what overflows in the file, as exp does in a quotient, overflows nowhere here. */
const areSame = (x: Float64Array, f: Numbers, g: Numbers): boolean =>
  x.every((at, i) => {
    const most = Math.max(Math.abs(g[i]), Math.min(1, Math.abs(at)));
    return Math.abs(f[i] - g[i]) <= TOLERANCE * most || (Math.abs(at) > 64 && !Number.isFinite(f[i]));
  });

/** As many digits as float32 leaves of a quotient: 1 and 1.702 are found as such. */
const digits = (v: number) => Number(v.toPrecision(6));

/** Activations, with the attributes that the numbers of f ask for. */
const NATIVE: readonly (readonly [
  type: string,
  attributes: (f: (v: number) => number) => Readonly<Record<string, unknown>>,
])[] = [
  ["Relu", () => ({})],
  ["LeakyRelu", (f) => ({ alpha: -f(-1) > 0 && -f(-1) < 1 ? -f(-1) : Number.NaN })],
  ["Swish", (f) => ({ alpha: digits(-Math.log(1 / f(1) - 1)) })],
  ["Gelu", () => ({})],
  ["Gelu", () => ({ approximate: "tanh" })],
  ["HardSwish", () => ({})],
  ["Mish", () => ({})],
  ["Sigmoid", () => ({})],
  ["Tanh", () => ({})],
  ["Elu", (f) => ({ alpha: digits(f(-1) / Math.expm1(-1)) })],
  ["Softplus", () => ({})],
  ["Softsign", () => ({})],
];

/** The row, and its attributes, that gives the numbers of a cone. */
function native(graph: Graph, found: Found): { type: string; attributes: object } | undefined {
  const numbers = probed(graph, found, PROBE);
  if (!numbers) return undefined;
  const f = (v: number) => numbers[PROBE.indexOf(v)];
  for (const [type, attributesOf] of NATIVE) {
    const given = attributesOf(f);
    if (!ops.has(type) || !Object.values(given).every((v) => typeof v !== "number" || Number.isFinite(v))) continue;
    const attributes = attributesFor(type, given);
    if (!areSame(PROBE, numbers, folded(type, attributes, PROBE))) continue;
    const points = confirming(graph, found);
    if (areSame(points, probed(graph, found, points)!, folded(type, attributes, points))) return { type, attributes };
  }
  return undefined;
}

const listed = (nodes: readonly Node[]) =>
  `folded from ${nodes.length} node${nodes.length === 1 ? "" : "s"} (${nodes.map(({ type }) => type).join(", ")})`;

/** The one node that stands for a cone; none where each of its nodes has a rule of its own, and no row is its equal. */
function nodeOf(
  known: Known,
  found: Found,
  taken: Taken,
): { readonly node: Node; readonly nodes: readonly Node[] } | undefined {
  const { source, nodes } = found;
  const { name, outputs } = nodes.at(-1)!;
  const ways = waysOf({ ...known.graph, nodes });
  const kinds = nodes.map((node) => ways.get(node)!.kind);
  // Sums share relevance by what their terms contribute, whatever these are computed from.
  if (kinds.every((kind) => kind === "pass" || kind === "linear")) return undefined;
  for (const longer of withFactors(known, found, taken)) {
    const same = native(known.graph, longer);
    if (!same) continue;
    const end = longer.nodes.at(-1)!;
    const node = { name: end.name, outputs: end.outputs, inputs: [source], ...same, note: listed(longer.nodes) };
    return { node: Object.freeze(node), nodes: longer.nodes };
  }
  const isProduct = ["own", "none"].includes(kinds.at(-1)!);
  if (!isProduct) return undefined;
  const constants = new Set(nodes.flatMap(({ inputs }) => inputs.filter((input) => known.graph.constants.has(input))));
  const inputs = [source, ...constants];
  const place = new Map(inputs.map((input, i) => [input, i]));
  const attributes: Cone = {
    parts: nodes.map((node) => ({ node, way: ways.get(node)!, from: node.inputs.map((input) => place.get(input)) })),
  };
  return { node: Object.freeze({ name, type: "Cone", attributes, inputs, outputs, note: listed(nodes) }), nodes };
}

/** Replaces every activation that is spelled out by one node, in place of the last of its nodes. */
export function foldCones(graph: Graph, budget: Budget): Graph {
  const known = knownOf(graph, elementwise);
  const instead = new Map<Node, Node | undefined>();
  // From the end, so that a cone in a cone is a part of the larger one.
  for (const last of [...graph.nodes].reverse()) {
    const found = instead.has(last) ? undefined : coneOf(known, last);
    if (!found) continue;
    budget.where = whereIs(last);
    budget.take(0, HOST * (PROBE.length + 2 * SIZES.length) * (found.nodes.length + NATIVE.length));
    const made = nodeOf(known, found, instead);
    if (!made) continue;
    const { node, nodes } = made;
    for (const part of nodes) instead.set(part, undefined);
    instead.set(nodes.at(-1)!, node);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => (instead.has(node) ? (instead.get(node) ?? []) : node)) };
}
