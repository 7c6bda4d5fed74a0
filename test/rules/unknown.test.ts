import { describe, expect, it } from "vitest";
import { loadInMode } from "../modes.ts";
import { LrpError, ruleOf, type Tensor } from "../../src/entries/index.ts";
import { onnx } from "../onnx-writer.ts";
import { expectClose } from "../close.ts";
import { numbers, tensor } from "../random.ts";

const dims = [2, 3, 5];

/** What the second operand is. */
const wave = (v: number) => 1 / (1 + Math.exp(-v));

/** Each operator without a rule as y = f(x), in double precision. */
const cases: readonly {
  name: string;
  type: string;
  parameters?: Readonly<Record<string, Tensor>>;
  attributes?: Record<string, number | readonly number[]>;
  /** Whether it takes a second value that is computed from x. */
  second?: boolean;
  f: (x: Float64Array) => ArrayLike<number>;
}[] = [
  { name: "Sin", type: "Sin", f: (x) => x.map(Math.sin) },
  { name: "Pow of two", type: "Pow", second: true, f: (x) => x.map((v) => v ** wave(v)) },
];

describe("operators for which no rule is known", () => {
  it.each(cases)(
    "$name is an error, and its gradient a choice that the result tells of",
    async ({ type, parameters = {}, attributes, second, f }) => {
      // An Identity would be dropped, and a softmax at the end too.
      const bytes = onnx(
        {
          nodes: [
            // A node that moves numbers stands between, or the whole would be one activation.
            ...(second
              ? [
                  { type: "Transpose", inputs: ["x"], outputs: ["t"], attributes: { perm: [0, 1, 2] } },
                  { type: "Sigmoid", inputs: ["t"], outputs: ["s"] },
                ]
              : []),
            { type, inputs: ["x", ...(second ? ["s"] : []), ...Object.keys(parameters)], outputs: ["y"], attributes },
            { type: "Relu", inputs: ["y"], outputs: ["z"] },
          ],
          initializers: parameters,
          inputs: { x: dims },
          outputs: { z: dims },
        },
        18,
      );
      using model = await loadInMode(bytes);
      const [x, r] = [tensor(dims, 1, 0.5, 2), numbers(30, 2)];
      const options = {
        composite: [{ type: "Relu", rule: ruleOf.pass() }, { rule: ruleOf.gradient() }],
        target: r,
        start: "one",
      } as const;
      expect(() => model.explain(x, options)).toThrowError(
        new RegExp(`node 'y' \\(${type}\\): no rule passes relevance through it, since .*unknown: "gradient"`, "s"),
      );
      expect(() => model.explain(x, { ...options, unknown: "pass" as never })).toThrowError(LrpError);
      const e = model.explain(x, { ...options, unknown: "gradient" });
      expect(e.rules.find((row) => row.node === "y")).toMatchObject({ rule: "gradient" });
      expect(e.notes.join()).toMatch(/node 'y' .* has no rule: relevance passes through it by its gradient/);
      const slope = Float64Array.from(x.data, (_, i) => {
        const moved = (h: number) => Array.from(f(Float64Array.from(x.data, (v, k) => (k === i ? v + h : v))));
        const [up, down] = [moved(1e-6), moved(-1e-6)];
        return up.reduce((sum, v, k) => sum + (r[k] * (v - down[k])) / 2e-6, 0);
      });
      expectClose(e.relevance.data, slope, 1e-6);
    },
  );
});
