import { Budget } from "../base/budget.ts";
import type { Batch } from "../infer/axes.ts";
import type { Port } from "../graph/graph.ts";
import type { Plan } from "../plan/place.ts";
import type { Value } from "../program/step.ts";
import type { Fitted } from "../run/fit.ts";
import { scoresOf } from "../run/scores.ts";
import { chooseTargets, type Target } from "../run/target.ts";
import { size, type Tensor } from "../base/tensor.ts";
import { type Assigned, rulesOf, sharesOut, tablesOf } from "./assigned.ts";
import { notesOf, remarksOf } from "./notes.ts";
import type { ExplainOptions } from "./options.ts";
import { amplificationNote, argmaxNote, checkRange, type Explanation, ledgerRows, type Prediction } from "./report.ts";
import { stabilityNote, stabilityOf, sumsOf } from "./stability.ts";

/** What an explanation lists of each sample takes so many bytes of JavaScript's memory: measured, rounded up. */
const LISTED = 256;

/** A forward pass that has run, on a plan with one segment. */
interface Run {
  readonly fitted: Fitted;
  readonly plan: Plan;
  readonly prediction: Prediction;
  readonly batch: Batch;
  readonly ports: readonly Port[];
  readonly classes?: readonly string[];
  /** What is worth knowing whatever is explained. */
  readonly notes: readonly string[];
}

/** How targets of a run are explained, one after the other. @param names of the values that `at` means, in its order */
export function explainer(
  { fitted, plan, prediction, batch, ports, classes, notes: known }: Run,
  way: Assigned,
  options: ExplainOptions,
  names: readonly string[],
): (target: Target) => Explanation {
  const { graph, session } = fitted;
  const { from, start } = way;
  const { at = [] } = options;
  const [segment] = plan.program.segments;
  const scores = scoresOf(prediction, options.classAxis);
  new Budget({ maxMemory: session.maxMemory }).fits(
    LISTED * (scores.batchAxis === null ? 1 : scores.dims[scores.batchAxis]),
  );
  const remarks = remarksOf(fitted, way, options);
  const rules = rulesOf(fitted, way, remarks);
  const notes = [...known, ...notesOf(graph, way, remarks, options)];
  const isJudged = sharesOut(fitted, way);
  const tensor = (value: Value): Tensor => ({ data: session.read(plan, value).slice(), dims: value.dims });
  /** In the place of an input. */
  const arrived = (name: string, value: Value | undefined): Tensor => {
    const dims = graph.dims.get(name)!;
    const { channelAxis } = ports.find((port) => port.name === name)!;
    const { data } = value ? tensor(value) : { data: new Float32Array(size(dims)) };
    return { data, dims, batchAxis: batch.inputs.get(name), ...(channelAxis && { channelAxis }) };
  };
  const tables = tablesOf(graph.nodes);
  return (target) => {
    const chosen = chooseTargets(target, start, scores, classes);
    session.backward(plan, chosen.relevance);
    const ledger = ledgerRows(segment, session.read(plan, segment.ledger));
    const ends = [...segment.inputs.values(), ...segment.shares.values()];
    const [begun, ended] = [sumsOf([chosen.relevance]), sumsOf(ends.map((value) => session.read(plan, value)))];
    const met = new Map([...segment.at].map(([name, value]) => [name, session.read(plan, value)]));
    checkRange(ended.size, met, ledger);
    const stability = stabilityOf(begun, ended, ledger, isJudged);
    const marked = <T extends Tensor>(of: T): T =>
      stability.verdict === "amplified" ? { ...of, amplified: true } : of;
    const all = new Map(graph.inputs.map(({ name }) => [name, marked(arrived(name, segment.inputs.get(name)))]));
    const inputs = Object.fromEntries(all);
    const shares = new Map(tables.map(({ name, input }) => [name, marked(arrived(input, segment.shares.get(name)))]));
    const relevance = all.get(graph.inputs.find(({ name }) => segment.inputs.has(name))!.name)!;
    return {
      ...prediction,
      targets: way.chooses ? chosen.targets.map((of) => of.map((c) => ({ ...c, value: from }))) : chosen.targets,
      composite: way.composite,
      start,
      relevance,
      inputs,
      shares: Object.fromEntries(shares),
      at: Object.fromEntries(
        at.map((name, i) => [
          name,
          all.get(names[i]) ?? shares.get(names[i]) ?? marked(tensor(segment.at.get(names[i])!)),
        ]),
      ),
      rules,
      ledger,
      stability,
      notes: [
        ...stabilityNote(stability, begun, ended, ledger),
        ...notes,
        ...argmaxNote(target, chosen.targets, prediction.output),
        ...amplificationNote(ledger),
      ],
    };
  };
}
