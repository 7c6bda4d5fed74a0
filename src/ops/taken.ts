import type { Emitter } from "../program/emitter.ts";
import type { Layout, Ref, Value } from "../program/step.ts";

/*
 * What rules of an operator's own that divide once have in common: s = R / stab(z), and R_x = factor · x ⊙ c.
 */

/** Far below any output that counts: a larger one is a share of the relevance of small heads. */
const EPSILON = 1e-9;

/** s = R / (z + ε sign z), row-major unless told otherwise; what that takes is booked. */
export function divided(
  e: Emitter,
  name: string,
  received: Value,
  output: Value,
  ledger: Ref,
  layout: Layout = "first",
): Value {
  const [r, z] = [received, output].map((value) => e.as(value, layout));
  const s = e.temp(`${name}:s`, z.dims, layout);
  e.emit("divideStabilized", { r, z, s, count: z.count, coefficient: 1, epsilon: EPSILON, ledger });
  return s;
}

/** factor · x ⊙ c, row-major */
export function timesInput(e: Emitter, name: string, x: Value, c: Value, factor: number): Value {
  const out = e.temp(`${name}:relevance`, x.dims);
  e.emit("multiply", { x: e.as(x, "first"), c: e.as(c, "first"), y: out, count: x.count });
  if (factor !== 1) e.emit("slopeForward", { x: out, y: out, count: x.count, a: factor, b: factor });
  return out;
}
