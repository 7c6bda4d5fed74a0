import type { Budget } from "../base/budget.ts";
import { type Graph, logitsOf, resolve } from "../graph/graph.ts";
import type { Ways } from "../ops/ways.ts";
import { Emitter, type Lowering } from "../program/emitter.ts";
import type { Step, Value } from "../program/step.ts";
import { lowerSegment, nonnegativeValues, type Segment, type SegmentRequest } from "./backward.ts";
import { lowerForward } from "./forward.ts";

/** Everything that is computed for one shape of input, as a list without numbers. */
export interface Program {
  readonly steps: readonly Step[];
  /** In the order of the graph's inputs. */
  readonly inputs: readonly Value[];
  /** Row-major. */
  readonly outputs: ReadonlyMap<string, Value>;
  /**
   * What a softmax, log-softmax or sigmoid before the output takes: of the output that is explained, else of the first.
   */
  readonly logits: Value;
  /** The way back, in stretches. The steps before the first one are the forward pass. */
  readonly segments: readonly Segment[];
}

/** How many of a program's steps belong to the forward pass. */
export const forwardSteps = ({ steps, segments: [first] }: Pick<Program, "steps" | "segments">): number =>
  first ? first.begin : steps.length;

/** An output that was known while loading, in a place of its own. */
function constantOutput(e: Emitter, graph: Graph, name: string): Value {
  const constant = graph.constants.get(name)!;
  const y = e.temp(name, constant.dims);
  e.host("constant", [y], (to) => to.set(constant.data));
  return y;
}

/**
 * The graph as one straight list of kernel calls: forward, then each stretch of the way back that is asked for.
 *
 * @param segments each from a value whose relevance the caller writes; the first begins at the logits of the output
 * that is explained
 * @throws LrpError code "memory" where steps or their work go beyond the budget
 */
export function lower(
  graph: Graph,
  ways: Ways,
  lowering: Lowering,
  segments: readonly SegmentRequest[] = [],
  budget?: Budget,
): Program {
  const e = new Emitter(lowering, budget);
  const forward = lowerForward(e, graph, ways);
  const result = (name: string) => e.as(forward.values.get(name) ?? constantOutput(e, graph, name), "first");
  const outputs = new Map(graph.outputs.map(({ name }) => [name, result(name)]));
  const values = segments.map(({ from }) => result(from));
  const nonnegative = segments.length > 0 ? nonnegativeValues(graph) : new Set<string>();
  const lowered = segments.map((request, i) => lowerSegment(e, graph, ways, forward, values[i], request, nonnegative));
  const program = { steps: e.steps, inputs: forward.inputs, outputs, segments: lowered };
  if (lowered.length > 0) return Object.freeze({ ...program, logits: lowered[0].value });
  const [first] = graph.outputs;
  const { start, skipped } = logitsOf(graph, resolve(graph, first.name));
  return Object.freeze({ ...program, logits: skipped ? result(start) : outputs.get(first.name)! });
}
