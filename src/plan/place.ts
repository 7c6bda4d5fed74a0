import { parametersOf } from "../kernels.gen.ts";
import { type Argument, isRef, type Step, type Value, valueOf } from "../step.ts";
import type { Program } from "./lower.ts";

/** Where every computed value lies while the program runs, in bytes from the start of the arena. */
export interface Plan {
  readonly program: Program;
  readonly offsets: ReadonlyMap<number, number>;
  readonly arenaBytes: number;
  /** The most that is alive at any one step: no layout can need less. */
  readonly lowerBound: number;
}

interface Life {
  readonly id: number;
  readonly bytes: number;
  first: number;
  last: number;
}

/** A multiple of a vector, and one vector more: kernels may read (never write) past the end of a value. */
export function bytesOf(count: number): number {
  return (Math.ceil((count * 4) / 16) + 1) * 16;
}

/** The computed values of a step, call by call: the two ways of a choice follow each other. */
function mentioned(step: Step): Value[][] {
  if ("limit" in step) return [[step.value], ...[...step.sparse, ...step.dense].flatMap(mentioned)];
  const values = (step.args as readonly Argument[]).map(valueOf);
  return [values.filter((value): value is Value => value !== undefined && !value.weight)];
}

/** A value lives from its first to its last mention; what the caller reads or writes is mentioned at the ends. */
function lifetimes({ steps, inputs, outputs, logits, relevance }: Program, again: boolean): Life[] {
  const lives = new Map<number, Life>();
  const mention = (value: Value, at: number) => {
    if (value.weight) return;
    const life = lives.get(value.id);
    if (!life) lives.set(value.id, { id: value.id, bytes: bytesOf(value.count), first: at, last: at });
    else {
      life.first = Math.min(life.first, at);
      life.last = Math.max(life.last, at);
    }
  };
  for (const input of inputs) mention(input, -1);
  const moments = steps.flatMap(mentioned);
  moments.forEach((values, at) => {
    for (const value of values) mention(value, at);
  });
  const end = moments.length;
  for (const output of outputs.values()) mention(output, end);
  if (!relevance) mention(logits, end);
  else {
    // The caller writes the start between the last forward step and the first backward step.
    const begin = steps.slice(0, relevance.begin).flatMap(mentioned).length;
    for (const value of [relevance.logits, relevance.start]) for (const at of [begin - 1, begin]) mention(value, at);
    for (const value of [...relevance.inputs.values(), relevance.ledger, ...relevance.at.values()]) mention(value, end);
    // What relevance reads of the forward pass, it reads once more the next time.
    if (again) for (const life of lives.values()) if (life.first < begin && life.last >= begin) life.last = end;
  }
  return [...lives.values()];
}

/**
 * Largest first, each into the lowest gap among the values that live at the same time.
 * @param again whether relevance will pass several times after one forward pass
 */
export function place(program: Program, again = false): Plan {
  const lives = lifetimes(program, again);
  const offsets = new Map<number, number>();
  const placed: (Life & { offset: number })[] = [];
  let arenaBytes = 0;
  for (const life of [...lives].sort((a, b) => b.bytes - a.bytes)) {
    const rivals = placed.filter((p) => p.first <= life.last && life.first <= p.last).sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const rival of rivals) {
      if (offset + life.bytes <= rival.offset) break;
      offset = Math.max(offset, rival.offset + rival.bytes);
    }
    placed.push({ ...life, offset });
    offsets.set(life.id, offset);
    arenaBytes = Math.max(arenaBytes, offset + life.bytes);
  }
  const loads = new Float64Array(3 + Math.max(...lives.map((life) => life.last)));
  for (const life of lives) for (let at = life.first; at <= life.last; at++) loads[at + 1] += life.bytes;
  return Object.freeze({ program, offsets, arenaBytes, lowerBound: Math.max(0, ...loads) });
}

/** One line a step, with places instead of numbers. */
export function printPlan(plan: Plan): string {
  const text = (argument: Argument) => {
    const value = valueOf(argument);
    if (!value) return String(argument);
    const offset = isRef(argument) && argument.offset > 0 ? `+${argument.offset}` : "";
    return value.weight ? `${value.name}${offset}` : `${value.name}@${plan.offsets.get(value.id)}${offset}`;
  };
  const lines = (step: Step, indent: string): string[] => {
    if ("limit" in step) {
      const way = (name: string, steps: readonly Step[]) => [`${indent}${name}`, ...steps.flatMap((s) => lines(s, `${indent}  `))];
      return [...way(`where less than ${step.limit.toFixed(3)} of ${text(step.value)} is not 0`, step.sparse), ...way("else", step.dense)];
    }
    if ("host" in step) return [`${indent}host ${step.host}(${step.args.map(text).join(", ")})`];
    const named = parametersOf(step.kernel).map((name, i) => `${name}: ${text(step.args[i])}`);
    return [`${indent}${step.kernel}(${named.join(", ")})`];
  };
  return plan.program.steps
    .flatMap((step, i) => [...(plan.program.relevance?.begin === i ? ["-- relevance --"] : []), ...lines(step, "")])
    .join("\n");
}
