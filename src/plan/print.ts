import { parametersOf } from "../kernels.gen.ts";
import { type Argument, isRef, type Step, valueOf } from "../program/step.ts";
import type { Plan } from "./place.ts";

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
      const way = (name: string, steps: readonly Step[]) => [
        `${indent}${name}`,
        ...steps.flatMap((s) => lines(s, `${indent}  `)),
      ];
      return [
        ...way(`where less than ${step.limit.toFixed(3)} of ${text(step.value)} is not 0`, step.sparse),
        ...way("else", step.whole),
      ];
    }
    if ("host" in step) return [`${indent}host ${step.host}(${step.args.map(text).join(", ")})`];
    const named = parametersOf(step.kernel).map((name, i) => `${name}: ${text(step.args[i])}`);
    return [`${indent}${step.kernel}(${named.join(", ")})`];
  };
  const begins = new Set(plan.program.segments.map(({ begin }) => begin));
  return plan.program.steps
    .flatMap((step, i) => [...(begins.has(i) ? ["-- relevance --"] : []), ...lines(step, "")])
    .join("\n");
}
