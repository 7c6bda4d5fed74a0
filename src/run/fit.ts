import { LrpError } from "../base/error.ts";
import { type Graph, type Node, type Port, whereIs } from "../graph/graph.ts";
import type { Given } from "../infer/infer.ts";
import { ops } from "../ops/index.ts";
import type { Family } from "../ops/op.ts";
import { type Ways, waysOf } from "../ops/ways.ts";
import type { SegmentRequest } from "../plan/backward.ts";
import { explainedOutputs, type Outputs } from "../plan/explained.ts";
import type { Plan } from "../plan/place.ts";
import { type Dims, firstNonFinite, shapeText } from "../base/tensor.ts";
import type { Assignment } from "../rules/assign.ts";
import { checkDims, isUnstated, type Shapes } from "./input.ts";
import type { Session } from "./session.ts";

/** A graph for one shape of each input, with the memory and the plans that belong to it. */
export interface Fitted {
  /** Dims of every input, and the numbers of those that have become constants of the graph. */
  readonly given: ReadonlyMap<string, Given>;
  readonly graph: Graph;
  readonly ways: Ways;
  readonly outputs: Outputs;
  readonly session: Session;
  readonly plans: Map<string, Plan>;
}

/** Plans that are kept: so many, as long as they have so many steps together. */
const [KEPT_PLANS, KEPT_STEPS] = [8, 1_000_000];

/** The dims of one sample, unless more than the batch is free. */
export function oneSample({ dims }: Port): Dims | undefined {
  if (isUnstated(dims)) return undefined;
  const fixed = dims.map((d, axis) => (axis === 0 && typeof d === "string" ? 1 : d));
  return fixed.every((d): d is number => typeof d === "number") ? fixed : undefined;
}

/**
 * The dims of every input: as given, or one sample.
 * @throws LrpError "usage" where they are free and not given, "shape" where they do not fit
 */
export function shapesOf(ports: readonly Port[], dims: Shapes = {}): ReadonlyMap<string, Given> {
  const named = new Map(Array.isArray(dims) ? [[ports[0].name, dims as Dims]] : Object.entries(dims));
  return new Map(
    ports.map((port) => {
      const wanted = named.get(port.name) ?? oneSample(port);
      if (!wanted)
        throw new LrpError("usage", {
          where: "option 'dims'",
          expected: `sizes for the axes of '${port.name}', ${shapeText(port.dims, port.type)}`,
          received: "none",
        });
      checkDims(port, wanted);
      return [port.name, { dims: wanted }];
    }),
  );
}

/** How many samples the caller gives at once, where that is free. */
export function samplesOf(ports: readonly Port[], given: Fitted["given"]): number {
  const sizes = ports.map(({ name, dims, batchAxis = 0 }) =>
    batchAxis !== null && typeof dims[batchAxis] === "string" ? (given.get(name)!.dims[batchAxis] ?? 1) : 1,
  );
  return Math.max(1, ...sizes);
}

/** @internal @param graph as inferred from what is `given` */
export function fitTo(graph: Graph, given: ReadonlyMap<string, Given>, session: Session): Fitted {
  const free = new Set(graph.inputs.map((port) => port.name));
  const kept = [...given].map(
    ([name, { dims, data }]) => [name, { dims: [...dims], data: free.has(name) ? undefined : data?.slice() }] as const,
  );
  const ways = waysOf(graph);
  return { given: new Map(kept), graph, ways, outputs: explainedOutputs(graph, ways), session, plans: new Map() };
}

/** Whether a graph was made for such inputs. */
export function isFor(fitted: Fitted, given: ReadonlyMap<string, Given>): boolean {
  return [...fitted.given].every(([name, { dims, data }]) => {
    const now = given.get(name)!;
    return now.dims.join() === dims.join() && (!data || !now.data || data.every((v, i) => v === now.data![i]));
  });
}

/** The numbers of the graph's own inputs, in its order. */
export function numbersOf({ graph }: Fitted, given: ReadonlyMap<string, Required<Given>>): Float32Array[] {
  return graph.inputs.map(({ name }) => given.get(name)!.data);
}

const ruleKeys = new WeakMap<Assignment, string>();

/** Equal rules have equal keys, whichever composite they came from. */
function ruleKey(assignment: Assignment): string {
  const known = ruleKeys.get(assignment);
  if (known !== undefined) return known;
  const texts = new Map(Array.from(new Set(assignment.values()), (rule) => [rule, JSON.stringify(rule)]));
  // Each once, then its number for every node.
  const rules = [...new Set(texts.values())];
  const numbers = new Map(rules.map((text, i) => [text, i]));
  const chosen = Array.from(assignment.values(), (rule) => numbers.get(texts.get(rule)!));
  const key = JSON.stringify([rules, chosen]);
  ruleKeys.set(assignment, key);
  return key;
}

/** What tells one plan of a graph from another. @param again whether relevance passes several times */
export function planKey({ from, ends, assignment, at }: SegmentRequest, again: boolean): string {
  return JSON.stringify([from, ends, ruleKey(assignment), at, again]);
}

/** The plan of that key, made if it is not there. */
export function planOf({ plans }: Fitted, key: string, make: () => Plan): Plan {
  const plan = plans.get(key) ?? make();
  // The one used last stands last; the first are forgotten.
  plans.delete(key);
  plans.set(key, plan);
  let steps = [...plans.values()].reduce((sum, { program }) => sum + program.steps.length, 0);
  for (const [oldest, { program }] of plans) {
    if (oldest === key || (plans.size <= KEPT_PLANS && steps <= KEPT_STEPS)) break;
    plans.delete(oldest);
    steps -= program.steps.length;
  }
  return plan;
}

const valuesOf = ({ nodes }: Graph) => new Set(nodes.flatMap((node) => node.outputs));

/** Where numbers have left float32's range, says at which value. */
export function checkFinite({ graph, session }: Fitted, plan: Plan, inputs: readonly Float32Array[]): void {
  if ([...plan.program.outputs.values()].every((value) => firstNonFinite(session.read(plan, value)) < 0)) return;
  const [first] = session.overflows(plan, inputs, valuesOf(graph));
  throw new LrpError("usage", {
    where: `value '${first}'`,
    problem: "it becomes infinite or NaN, although the input is finite",
    fix: "Is the input scaled as the network was trained?",
  });
}

/** Sums of products with weights, which leave out what is zero or add up transformed tiles. */
const WEIGHTED: readonly Family[] = ["convolution", "dense", "lrn"];

/**
 * What `predict` answers may be infinite or NaN only where inputs or constants are, such as a mask of −∞, and no layer
 * with weights is in between. What is computed number by number, moved, selected or compared is as IEEE 754 has it; a
 * sum of products may be another.
 */
export function checkOutputs(
  fitted: Fitted,
  plan: Plan,
  inputs: readonly Float32Array[],
  given: ReadonlyMap<string, Required<Given>>,
): void {
  const { graph, ways, session } = fitted;
  // Of no numbers at all, the largest is -∞.
  const isStrange = (data: Float32Array) => data.length === 0 || firstNonFinite(data) >= 0;
  const strange = [...given].flatMap(([name, { data }]) => (isStrange(data) ? [name] : []));
  const isFinite = [...plan.program.outputs.values()].every((value) => firstNonFinite(session.read(plan, value)) < 0);
  if (isFinite && strange.length === 0) return;
  const isFree = strange.length > 0 || [...graph.constants.values()].some(({ data }) => firstNonFinite(data) >= 0);
  if (!isFree) checkFinite(fitted, plan, inputs);
  const found = new Set([...strange, ...session.overflows(plan, inputs, valuesOf(graph))]);
  const isWeighted = (node: Node) => WEIGHTED.includes(ways.get(node)!.family ?? ops.get(node.type)!.family);
  const node = graph.nodes.find(
    (each) => isWeighted(each) && [...each.inputs, ...each.outputs].some((name) => found.has(name)),
  );
  if (!node) return;
  throw new LrpError("usage", {
    where: whereIs(node),
    problem: "NaN or infinity gets to this layer, but it can only add finite numbers",
    fix: "Replace missing values of the input by numbers, and scale the input as in training.",
  });
}
