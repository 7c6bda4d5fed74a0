import { Budget, type Limits } from "../base/budget.ts";
import { LrpError } from "../base/error.ts";
import { errorOf, type Problem } from "../base/problems.ts";
import { type Graph, type Port, UNSTATED } from "../graph/graph.ts";
import { type Given, survey } from "./infer.ts";

/** Sizes of free axes, the first and each further name: no two trials have the same. */
const TRIALS: readonly (readonly [first: number, further: number])[] = [
  [64, 0],
  [96, 32],
];

/** Every free axis gets a size, those of one name the same; the first axis of an input is one sample. */
function trial(inputs: readonly Port[], [first, further]: (typeof TRIALS)[number]): ReadonlyMap<string, Given> {
  const names = [...new Set(inputs.flatMap(({ dims }) => dims.filter((d) => typeof d === "string")))];
  const sizes = new Map<unknown, number>(names.map((name, i) => [name, first + further * i]));
  for (const { dims } of inputs) if (typeof dims[0] === "string") sizes.set(dims[0], 1);
  return new Map(
    inputs.map(({ name, dims }) => [name, { dims: dims.map((d) => (typeof d === "number" ? d : sizes.get(d)!)) }]),
  );
}

const keyOf = ({ code, issue }: Problem) => JSON.stringify([code, issue]);

/** What is wrong whatever the free sizes are: it is so for each trial, in the same words, and no shape decides about it. */
function lasting(trials: readonly ReturnType<typeof survey>[]): ReadonlySet<string> {
  const [first, ...others] = trials.map(
    ({ problems, bySize }) =>
      new Set(problems.since(0).flatMap((p) => (p.code === "shape" || bySize.has(p) ? [] : [keyOf(p)]))),
  );
  return new Set([...first].filter((key) => others.every((keys) => keys.has(key))));
}

/**
 * The outputs that are left once those are gone that cannot be computed whatever the free sizes of the inputs are: so
 * nothing waits for a call to be told. All are left where a file does not say how many axes an input has.
 * @throws LrpError with all of that where no output is left
 */
export function foresee(graph: Graph, limits: Limits): Graph["outputs"] {
  if (graph.inputs.some(({ dims }) => dims[0] === UNSTATED)) return graph.outputs;
  const trials: ReturnType<typeof survey>[] = [];
  try {
    for (const sizes of TRIALS) trials.push(survey(graph, trial(graph.inputs, sizes), new Set(), new Budget(limits)));
  } catch (error) {
    // What has no room at one size may have it at another.
    if (error instanceof LrpError) return graph.outputs;
    throw error;
  }
  const known = lasting(trials);
  const [{ wrong }] = trials;
  const refused = new Map(
    graph.outputs.flatMap(({ name }) => {
      const reasons = (wrong.get(name) ?? []).filter((problem) => known.has(keyOf(problem)));
      return reasons.length > 0 ? [[name, reasons] as const] : [];
    }),
  );
  if (refused.size === graph.outputs.length) throw errorOf([...new Set([...refused.values()].flat())]);
  return graph.outputs.filter(({ name }) => !refused.has(name));
}

/**
 * What `task` makes of one sample; undefined where the network refuses its dims, but takes inputs whose free axes are
 * longer: then the first axis counts no samples, but is one such as time.
 */
export function unlessShort<T>(graph: Graph, limits: Limits, task: () => T): T | undefined {
  try {
    return task();
  } catch (error) {
    const longer = graph.inputs.map(({ name, dims }): [string, Given] => [
      name,
      { dims: dims.map((d) => (typeof d === "number" ? d : TRIALS[0][0])) },
    ]);
    const isShort =
      error instanceof LrpError &&
      error.code === "shape" &&
      survey(graph, new Map(longer), new Set(), new Budget(limits)).problems.count === 0;
    if (isShort) return undefined;
    throw error;
  }
}
