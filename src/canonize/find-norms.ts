import type { Budget } from "../base/budget.ts";
import { type Constant, type Dims, isFloat, size } from "../base/tensor.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import type { Standard } from "../ops/standardize.ts";
import {
  type FoundNorm,
  identified,
  isBounding,
  isElementwise,
  isReduction,
  type NormCone,
  RENAMING,
  variesIn,
} from "./probe-norms.ts";
import { type Known, knownOf, onlyReader, singleSources, type Taken } from "./walk-back.ts";

/*
 * LayerNormalization and its kin in disguise: x without its mean, divided by how far it spreads, in the nodes that
 * exporters have for it.
 *
 * Candidates are let in by shape alone: from a node that joins two values, back to the one value that both are computed
 * from, by nodes that work element by element and reductions over one and the same set of axes. What they are is found
 * by probing.
 */

/** More nodes than any normalization is spelled with. */
const MOST_NODES = 40;
/** More values than one may be computed from, each from the next. */
const MOST_SOURCES = 4;
/** Scales and a shift behind it, with what lies between them. */
const MOST_BEHIND = 5;

/** What a node reads, if it may be a part. */
function partOf(graph: Graph, node: Node): readonly string[] | undefined {
  const { inputs, outputs } = node;
  const isPart = isElementwise(node) || isReduction(node) || RENAMING.includes(node.type);
  if (!isPart || outputs.filter(Boolean).length !== 1 || !isFloat(graph.types.get(outputs[0]))) return undefined;
  const computed = inputs.filter((name) => name !== "" && !graph.constants.has(name));
  return computed.length > 0 ? computed : undefined;
}

/** How a value lies over the cells: by element, the same along some axes, or by cell under other dims. */
type Form = "element" | "broadcast" | "renamed";

const withoutOnes = (dims: Dims) => dims.filter((d) => d !== 1).join();

/** The form of what a node makes; undefined where it fits no normalization over these axes. */
function formOf(
  { graph }: Known,
  node: Node,
  whole: Dims,
  axes: readonly number[],
  forms: ReadonlyMap<string, Form>,
): Form | undefined {
  const dims = graph.dims.get(node.outputs[0])!;
  const cells = whole.map((d, axis) => (axes.includes(axis) ? 1 : d));
  const form =
    dims.join() === whole.join()
      ? "element"
      : dims.length === whole.length && dims.every((d, axis) => d === 1 || d === whole[axis])
        ? "broadcast"
        : withoutOnes(dims) === withoutOnes(cells)
          ? "renamed"
          : undefined;
  const given = node.inputs.flatMap((name) => forms.get(name) ?? []);
  const isOf = (...of: readonly Form[]) =>
    form !== undefined && of.includes(form) && given.every((g) => of.includes(g));
  if (isReduction(node))
    return given[0] === "element" && form !== "element" && size(dims) === size(cells) ? form : undefined;
  if (node.type === "Expand") return isOf("element", "broadcast") ? form : undefined;
  if (RENAMING.includes(node.type)) {
    const [from] = given;
    const isSame = graph.dims.get(node.inputs[0])!.join() === dims.join();
    if (isSame) return from;
    // Dims that only look like those of the cells may be of other axes.
    const isCells = dims.join() === cells.join();
    const isRenamed = from !== "element" && withoutOnes(dims) === withoutOnes(cells);
    return isRenamed ? (isCells ? "broadcast" : "renamed") : undefined;
  }
  // What bounds single numbers would be seen only by numbers like those of the network.
  if (form === "element" && isBounding(node)) return undefined;
  if (!given.includes("renamed")) return isOf("element", "broadcast") ? form : undefined;
  // Under other dims, only single numbers are the same for all.
  const beside = node.inputs.filter(Boolean).map((name) => graph.dims.get(name)!);
  return isOf("renamed") && beside.every((d) => d.join() === dims.join() || size(d) === 1) ? form : undefined;
}

/** The cone of these nodes, if they compute each number from those of its cell. */
function coneOf(known: Known, source: string, inside: ReadonlySet<Node>): NormCone | undefined {
  const { graph, placeOf } = known;
  const nodes = [...inside].sort((a, b) => placeOf.get(a)! - placeOf.get(b)!);
  const whole = graph.dims.get(source)!;
  const reductions = nodes.filter(isReduction);
  const axesOf = ({ type, attributes }: Node) =>
    type === "GlobalAveragePool"
      ? whole.map((_, axis) => axis).slice(2)
      : (attributes as { readonly axes: readonly number[] }).axes;
  const [axes, ...others] = reductions.map(axesOf);
  if (!axes || others.some((list) => list.join() !== axes.join()) || !isFloat(graph.types.get(source)))
    return undefined;
  if (axes.every((axis) => whole[axis] === 1)) return undefined;
  const forms = new Map<string, Form>([[source, "element"]]);
  for (const node of nodes) {
    const form = formOf(known, node, whole, axes, forms);
    if (!form) return undefined;
    forms.set(node.outputs[0], form);
  }
  return forms.get(nodes.at(-1)!.outputs[0]) === "element" ? { source, axes, nodes } : undefined;
}

/** The cones that end in a node, the smallest first. */
function conesOf(known: Known, last: Node): NormCone[] {
  const cones: NormCone[] = [];
  if (new Set(known.before(last)).size < 2) return cones;
  let sources = 0;
  for (const { source, inside } of singleSources(known, last, MOST_NODES)) {
    const cone = coneOf(known, source, inside);
    if (cone) cones.push(cone);
    if (++sources === MOST_SOURCES) break;
  }
  return cones;
}

/** The same with scales and a shift behind it, the longest first. */
function withBehind(known: Known, cone: NormCone, taken: Taken): readonly NormCone[] {
  const all = [cone];
  const whole = known.graph.dims.get(cone.source)!.join();
  for (let i = 0; i < MOST_BEHIND; i++) {
    const { nodes } = all[0];
    const { type, outputs } = nodes.at(-1)!;
    if (all.length > 1 && (type === "Add" || type === "Sub")) break;
    const next = onlyReader(known, outputs[0], taken);
    const isAffine = next && ["Add", "Sub", "Mul", "Div", "Cast", "Identity"].includes(next.type);
    if (!isAffine || known.before(next)?.length !== 1) break;
    if (known.graph.dims.get(next.outputs[0])!.join() !== whole) break;
    all.unshift({ ...cone, nodes: [...nodes, next] });
  }
  return all;
}

/**
 * Whether scale and shift are those of a normalization: along its axes, or of channels. A table for every place, such as
 * that of positions, is something that is added.
 */
function hasParameters(graph: Graph, cone: NormCone): boolean {
  const [varies, whole] = [variesIn(graph, cone), graph.dims.get(cone.source)!];
  const isAlong = varies.every((does, axis) => !does || cone.axes.includes(axis));
  return isAlong || whole.some((d, axis) => axis > 0 && d > 1 && !varies[axis]);
}

/** What ONNX calls it. */
function typeOf(
  { spread: { centred, mean, delta } }: FoundNorm,
  { axes }: NormCone,
  whole: Dims,
  parameters: Dims,
): string {
  if (!centred) return mean ? "RMSNormalization" : "LpNormalization";
  if (delta > 0) return "MeanVarianceNormalization";
  const isSpatial =
    whole.length > 2 &&
    axes.join() ===
      whole
        .map((_, axis) => axis)
        .slice(2)
        .join();
  return isSpatial && (axes.length > 1 || parameters[1] > 1) ? "InstanceNormalization" : "LayerNormalization";
}

function noteOf({ nodes, axes }: NormCone, { spread: { epsilon, floor, delta } }: FoundNorm): string {
  const guard =
    epsilon > 0
      ? `, epsilon ${short(epsilon)}`
      : floor > 0
        ? `, at least ${short(floor)}`
        : delta > 0
          ? `, + ${short(delta)}`
          : "";
  return `folded from ${nodes.length} nodes (${nodes.map(({ type }) => type).join(", ")}): over axes ${axes.join(", ")}${guard}`;
}
const short = (v: number) => Number(v.toPrecision(6));

/** A node in the place of others, and the constants that it reads. */
interface Folded {
  readonly node: Node;
  readonly nodes: readonly Node[];
  readonly constants: ReadonlyMap<string, Constant>;
}

function folded(graph: Graph, cone: NormCone, found: FoundNorm): Folded {
  const { name, outputs } = cone.nodes.at(-1)!;
  const whole = graph.dims.get(cone.source)!;
  const [scale, shift] = [`${name}:scale`, `${name}:shift`];
  const isMoved = found.shift.data.some((b) => b !== 0);
  const isScaled = isMoved || found.scale.data.some((s) => s !== 1);
  const constants = new Map([
    ...(isScaled ? [[scale, found.scale] as const] : []),
    ...(isMoved ? [[shift, found.shift] as const] : []),
  ]);
  const attributes: Standard = {
    spread: found.spread,
    split: whole,
    axes: cone.axes,
    parameters: [found.scale.dims, found.shift.dims],
    further: [],
  };
  const type = typeOf(found, cone, whole, found.scale.dims);
  const inputs = [cone.source, ...constants.keys()];
  const node = Object.freeze({ name, type, attributes, inputs, outputs, note: noteOf(cone, found) });
  return { node, nodes: cone.nodes, constants };
}

/** The largest cone that ends in this node and is a normalization. */
function foundAt(known: Known, last: Node, taken: Taken, budget: Budget): Folded | undefined {
  let best: Folded | undefined;
  for (const cone of conesOf(known, last)) {
    const longest = withBehind(known, cone, taken).filter((one) => hasParameters(known.graph, one));
    let better: Folded | undefined;
    for (const one of longest) {
      budget.where = whereIs(last);
      const found = identified(known.graph, one, budget);
      if (found) {
        better = folded(known.graph, one, found);
        break;
      }
    }
    if (best && !better) return best;
    best = better ?? best;
  }
  return best;
}

/** Replaces every normalization that is spelled out by one node, in place of the last of its nodes. */
export function foldNorms(graph: Graph, budget: Budget): Graph {
  const known = knownOf(graph, partOf);
  const constants = new Map(graph.constants);
  const dims = new Map(graph.dims);
  const instead = new Map<Node, Node | undefined>();
  // From the end, so that the whole is found before its parts.
  for (const last of [...graph.nodes].reverse()) {
    const found = instead.has(last) ? undefined : foundAt(known, last, instead, budget);
    if (!found) continue;
    for (const part of found.nodes) instead.set(part, undefined);
    instead.set(found.nodes.at(-1)!, found.node);
    for (const [name, constant] of found.constants) {
      constants.set(name, constant);
      dims.set(name, constant.dims);
    }
  }
  const nodes = graph.nodes.flatMap((node) => (instead.has(node) ? (instead.get(node) ?? []) : node));
  return { ...graph, nodes, constants, dims };
}
