import type { Budget } from "../base/budget.ts";
import type { Graph } from "../graph/graph.ts";
import type { Ways } from "../ops/ways.ts";
import { Emitter, type Lowering } from "../program/emitter.ts";
import type { Step, Value } from "../program/step.ts";
import { lowerSegment, nonnegativeValues, type Segment, type SegmentRequest } from "./backward.ts";
import { explainedOutputs } from "./explained.ts";
import { lowerForward } from "./forward.ts";

/** Everything that is computed for one shape of input, as a list without numbers. */
export interface Program {
  readonly steps: readonly Step[];
  /** In the order of the graph's inputs. */
  readonly inputs: readonly Value[];
  /** Row-major. */
  readonly outputs: ReadonlyMap<string, Value>;
  /** The value from which relevance of the output starts that is explained, or would be. */
  readonly logits: Value;
  /** The way back, in stretches. The steps before the first one are the forward pass. */
  readonly segments: readonly Segment[];
  /** Multiply-adds of all steps. */
  readonly work: number;
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
 * @param segments each from a value whose relevance the caller writes; the first begins where relevance of the output
 * that is explained does
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
  return Object.freeze({
    steps: e.steps,
    inputs: forward.inputs,
    outputs,
    segments: lowered,
    logits: lowered[0]?.value ?? result(explainedOutputs(graph, ways).main.from),
    work: e.budget.work,
  });
}
