import { affineOf, type Bounded, boundedBy, carriersOf, type Channels } from "../canonize/origin.ts";
import { LrpError } from "../base/error.ts";
import { type Graph, type Node, whereIs } from "../graph/graph.ts";
import { ops } from "../ops/index.ts";
import { zipHost } from "../ops/broadcast.ts";
import type { Places } from "../ops/op.ts";
import type { Ways } from "../ops/ways.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import type { LinearRule } from "../rules/rule.ts";
import { strides } from "../base/tensor.ts";

const SIDES = ["low", "high"] as const;
type Side = (typeof SIDES)[number];

/** A bound of a layer's input, as it broadcasts to it. Asked for only where the rule has it. */
export type Bounds = (side: Side) => Value;
/** Both bounds of a value, as far as there are. */
type Pair = Readonly<Partial<Record<Side, Value>>>;

const NOTHING: Bounded = { input: undefined, values: [], path: [] };

/** What is known where relevance goes back. */
interface Context {
  readonly e: Emitter;
  readonly graph: Graph;
  readonly ways: Ways;
  readonly places: ReadonlyMap<Node, Places>;
}

/** One number for each channel, or one for all. */
function row({ e, graph }: Context, node: Node, { name, axis }: Channels, bound: readonly number[]): Value {
  const y = e.scratch(`${node.name}:bound`, bound.length);
  bound.forEach((v, i) => {
    e.emit("fill", { y: { value: y, offset: i }, count: 1, value: v });
  });
  const after = graph.dims.get(name)!.slice(axis + 1);
  return e.view(y, [bound.length, ...after.map(() => 1)]);
}

/** The same at every place of the value. */
function whole({ e, graph }: Context, { name, axis }: Channels, bound: readonly number[], side: Side): Value {
  const dims = graph.dims.get(name)!;
  const step = strides(dims)[axis];
  const y = e.temp(`${name}:${side}`, dims);
  e.host("bound", [y], (to) => {
    for (let i = 0; i < to.length; i++) to[i] = bound[bound.length === 1 ? 0 : Math.floor(i / step) % bound.length];
  });
  return y;
}

/** Where a scale may be negative, the larger of two images is the upper bound. */
function inOrder({ e, graph }: Context, node: Node, { low, high }: Pair): Pair {
  const scales = ops.get(node.type)!.affine && (affineOf(graph, node)?.scale ?? [-1]);
  if (!scales?.some((s) => s < 0)) return { low, high };
  if (!low || !high)
    throw new LrpError("rule", {
      where: whereIs(node),
      problem: "its rule has one bound, but needs both, since a negative scale turns the lower into the upper one",
    });
  const [least, most] = [Math.min, Math.max].map((f) => zipHost(e, f, `${node.name}:bound`, [low, high], low.dims));
  return { low: least, high: most };
}

/**
 * The bounds that a rule is given, as values beside the input of its layer. They are those of the network's input:
 * where a layer's input is made of it by moves, scales and shifts alone, they run through the same nodes. What a Pad
 * adds is its own bound there, as padding is. Elsewhere they are those of the layer's own input.
 */
export function boundsIn(context: Context): (node: Node, rule: LinearRule) => Bounds {
  const { e, graph, ways, places } = context;
  const bounded = boundedBy(graph);
  return (node, rule) => {
    const sides = SIDES.filter((side) => rule[side] !== undefined);
    const given = (side: Side) => [rule[side]!].flat();
    const { input, values, path } = sides.length > 0 ? bounded(node) : NOTHING;
    if (path.length === 0) return (side) => row(context, node, values[0], given(side));
    const each = (make: (side: Side) => Value): Pair => Object.fromEntries(sides.map((side) => [side, make(side)]));
    const pairs = new Map(
      values.map((value) => [value.name, each((side) => whole(context, value, given(side), side))]),
    );
    for (const maker of path) {
      const carriers = carriersOf(graph, maker);
      const { x, y } = places.get(maker)!;
      const at = (side: Side): Places => ({
        x: (i) => (carriers.includes(maker.inputs[i]) ? pairs.get(maker.inputs[i])![side]! : x(i)),
        y,
      });
      const made = sides.map((side) => ways.get(maker)!.run(e, at(side)));
      made[0].forEach((_, i) => {
        const pair = each((side) => made[sides.indexOf(side)][i]);
        pairs.set(maker.outputs[i], inOrder(context, maker, pair));
      });
    }
    const pair = pairs.get(input!)!;
    return (side) => pair[side]!;
  };
}
