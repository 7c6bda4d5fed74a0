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

function mentioned(step: Step): Value[] {
  return (step.args as readonly Argument[]).flatMap((argument) => {
    const value = valueOf(argument);
    return value && !value.weight ? [value] : [];
  });
}

/** A value lives from its first to its last mention; what the caller reads or writes is mentioned at the ends. */
function lifetimes({ steps, input, outputs, relevance }: Program): Life[] {
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
  mention(input, -1);
  steps.forEach((step, at) => {
    for (const value of mentioned(step)) mention(value, at);
  });
  const end = steps.length;
  for (const output of outputs.values()) mention(output, end);
  if (relevance) {
    mention(relevance.logits, relevance.begin - 1);
    // The caller writes the start between the last forward step and the first backward step.
    mention(relevance.start, relevance.begin - 1);
    for (const value of [relevance.logits, relevance.start]) mention(value, relevance.begin);
    for (const value of [relevance.input, relevance.ledger, ...relevance.at.values()]) mention(value, end);
  }
  return [...lives.values()];
}

/** Largest first, each into the lowest gap among the values that live at the same time. */
export function place(program: Program): Plan {
  const lives = lifetimes(program);
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
  const loads = new Float64Array(program.steps.length + 3);
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
  return plan.program.steps
    .map((step, i) => {
      const mark = plan.program.relevance?.begin === i ? "-- relevance --\n" : "";
      return `${mark}${"kernel" in step ? step.kernel : `host ${step.host}`}(${(step.args as readonly Argument[]).map(text).join(", ")})`;
    })
    .join("\n");
}
