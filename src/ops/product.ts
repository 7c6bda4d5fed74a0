import type { Emitter } from "../program/emitter.ts";
import type { Value } from "../program/step.ts";
import type { Back, OwnRule, Places, Site, Way } from "./op.ts";

/**
 * How relevance passes a product of two computed values, y = a · b, where the division x / y is x · (1 / y). The gate is
 * the factor that is broadcast to the other, or that is bounded, since it stands behind a sigmoid, a softmax or a tanh.
 * Sources: Arras et al. 2017 and 2019 (signal-take-all); Achtibat et al. 2024 (half).
 */
export const productModes = Object.freeze({
  signal: { summary: "all of it to the signal, none to the gate; half to each factor where neither is a gate" },
  half: { summary: "half to each factor" },
  gradient: { summary: "the gradient; not LRP" },
});
export type ProductMode = keyof typeof productModes;

/** c · value */
export function scaled(e: Emitter, value: Value, c: number): Value {
  const y = e.temp(value.name, value.dims, value.layout);
  e.emit("slopeForward", { x: value, y, count: value.count, a: c, b: c });
  return y;
}

/**
 * The way of a product of two computed values.
 * @param whole all of R for factor i, in its shape
 * @param gate which of them only scales the other, if one does
 */
export function productOfTwo(
  run: Way["run"],
  slopes: Back,
  whole: (e: Emitter, at: Places, r: Value, i: number) => Value,
  gate: Site<unknown>["node"]["gate"],
): Way {
  const half: OwnRule = {
    conserves: true,
    back(e, at, r) {
      const part = scaled(e, r, 1 / 2);
      return [0, 1].map((i) => whole(e, at, part, i));
    },
  };
  const signal: OwnRule = {
    conserves: true,
    skips: gate === undefined ? [] : [gate],
    back: (e, at, r) => [0, 1].map((i) => (i === gate ? undefined : whole(e, at, r, i))),
  };
  return {
    kind: "own",
    family: "product",
    run,
    rules: { signal: gate === undefined ? half : signal, half, gradient: { conserves: false, back: slopes } },
  };
}
