import { describe, expect, it } from "vitest";
import { load, LrpError } from "../../src/index.ts";
import { onnx } from "../onnx-writer.ts";
import { expectClose } from "../close.ts";
import { numbers, tensor } from "../random.ts";
import { softmax } from "../reference/layers.ts";

/** Each operator without a rule as y = f(x), in double precision. */
const cases: readonly {
  name: string;
  type: string;
  inputs?: readonly string[];
  attributes?: Record<string, number>;
  f: (x: Float64Array) => ArrayLike<number>;
}[] = [
  { name: "Softmax", type: "Softmax", attributes: { axis: 1 }, f: (x) => softmax(x, 3, 5) },
  { name: "LogSoftmax", type: "LogSoftmax", attributes: { axis: -1 }, f: (x) => softmax(x, 5, 1).map(Math.log) },
];
const dims = [2, 3, 5];

describe("operators for which no rule is known", () => {
  it.each(cases)(
    "$name is an error, and its gradient a choice that the result tells of",
    async ({ type, inputs = ["x"], attributes, f }) => {
      // An Identity would be dropped, and a softmax at the end too.
      const bytes = onnx({
        nodes: [
          { type, inputs, outputs: ["y"], attributes },
          { type: "Relu", inputs: ["y"], outputs: ["z"] },
        ],
        inputs: { x: dims },
        outputs: { z: dims },
      });
      using model = await load(bytes);
      const [x, r] = [tensor(dims, 1, 0.5, 2), numbers(30, 2)];
      const options = { composite: "epsilon", target: r, start: "one" } as const;
      expect(() => model.explain(x, options)).toThrowError(
        new RegExp(`node 'y' \\(${type}\\): expected an operator that relevance can pass by a rule, got .*unknown: "gradient"`, "s"),
      );
      expect(() => model.explain(x, { ...options, unknown: "pass" as never })).toThrowError(LrpError);
      const e = model.explain(x, { ...options, unknown: "gradient" });
      expect(e.rules[0]).toMatchObject({ node: "y", rule: "gradient" });
      expect(e.notes.join()).toMatch(/node 'y' .* has no rule: relevance passes it by its gradient/);
      const slope = Float64Array.from(x.data, (_, i) => {
        const moved = (h: number) => Array.from(f(Float64Array.from(x.data, (v, k) => (k === i ? v + h : v))));
        const [up, down] = [moved(1e-6), moved(-1e-6)];
        return up.reduce((sum, v, k) => sum + (r[k] * (v - down[k])) / 2e-6, 0);
      });
      expectClose(e.relevance.data, slope, 1e-6);
    },
  );
});
