import { demand } from "../../base/complaint.ts";
import { LrpError } from "../../base/error.ts";
import { isFloat } from "../../base/tensor.ts";
import { whereIs } from "../../graph/graph.ts";
import { reduceTo } from "../arithmetic.ts";
import { inferBroadcast, zipConstants, zipHost } from "../broadcast.ts";
import { PERIODIC } from "../math.ts";
import type { Op } from "../op.ts";
import { noRule } from "../says.ts";

interface ModAttributes {
  /** Whether the remainder has the sign of the first operand, as C's fmod, or that of the second. */
  readonly ofFirst: boolean;
}

const quotient = (a: number, b: number, { ofFirst }: ModAttributes) =>
  ofFirst ? Math.trunc(a / b) : Math.floor(a / b);
const remainder = (a: number, b: number, { ofFirst }: ModAttributes) => (ofFirst ? a % b : ((a % b) + b) % b);

/** What is left of a when b is taken from it as often as it goes. Source: ONNX Mod-13. */
export const mod: Op<ModAttributes> = {
  type: "Mod",
  family: "other",
  summary: noRule(PERIODIC),
  takes: "A:number B:number",
  anyType: true,
  attributes: (read) => ({ ofFirst: read.int("fmod", 0) === 1 }),
  infer(inputs, { ofFirst }) {
    const { type } = inputs[0]!;
    demand(ofFirst || !isFloat(type), "invalid-model", "fmod = 1 beside floats", "0");
    const zero = inputs[1]!.constant?.data.includes(0) && !isFloat(type);
    demand(!zero, "invalid-model", "divisors other than 0", "0");
    return inferBroadcast(inputs);
  },
  fold: ([a, b], mode) => [zipConstants((u, v) => remainder(u, v, mode), [a!, b!])],
  node: ({ node, inputs: [input], outputs: [{ name, dims }], attributes }) => ({
    kind: "none",
    why: PERIODIC,
    run(e, at) {
      const exact = !isFloat(input!.type);
      const of = (a: number, b: number) => {
        if (exact && b === 0)
          throw new LrpError("usage", { where: whereIs(node), expected: "divisors other than 0", received: "0" });
        return remainder(a, b, attributes);
      };
      return [zipHost(e, of, name, [at.x(0), at.x(1)], dims)];
    },
    vjp: (e, at, r) => [
      reduceTo(e, r, at.x(0)),
      reduceTo(
        e,
        zipHost(e, (a, b, u) => -u * quotient(a, b, attributes), `${node.name}:vjp`, [at.x(0), at.x(1), r], r.dims),
        at.x(1),
      ),
    ],
  }),
};
