import { demand, insist } from "../base/complaint.ts";
import type { Operands } from "../graph/graph.ts";
import type { Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Kernels } from "../kernels.gen.ts";
import { broadcast, shapeText } from "../base/tensor.ts";
import { reduceTo, zip } from "./arithmetic.ts";
import { folding, zipHost } from "./broadcast.ts";
import {
  type AttributeReader,
  computedOf,
  type Op,
  type Passing,
  product,
  single,
  type Site,
  type Way,
  NONE,
  type None,
} from "./op.ts";
import { PASSES } from "./says.ts";

/** The two numbers that a kernel of one variable takes. */
interface Parameters {
  readonly a: number;
  readonly b: number;
}

type Name<K> = K extends `${infer N}Forward` ? (`${N}Vjp` extends keyof Kernels ? N : never) : never;
type UnaryKernel = Extract<Name<keyof Kernels>, "relu" | "slope" | "clip" | "sigmoid" | "tanh" | "hardSwish">;

/** A row for y = f(x): its kernel is called `<kernel>Forward`, its derivative times r `<kernel>Vjp`. */
function byKernel(
  type: string,
  kernel: UnaryKernel,
  f: (v: number, a: number, b: number) => number,
  options: {
    takes?: Op<Parameters>["takes"];
    anyType?: boolean;
    attributes?: (read: AttributeReader) => Parameters;
    parameters?: (inputs: Operands, a: Parameters) => Parameters;
    nonnegative?: (x: boolean, a: Parameters) => boolean;
    rules?: (site: Site<Parameters>) => Passing["rules"];
  } = {},
): Op<Parameters> {
  const { takes, anyType, attributes = () => ({ a: 0, b: 0 }), parameters, nonnegative = () => false, rules } = options;
  return {
    type,
    family: "activation",
    summary: PASSES,
    takes,
    anyType,
    attributes,
    infer: (inputs, a) => ({ dims: [inputs[0]!.dims], attributes: parameters?.(inputs, a) ?? a }),
    fold: ([x], { a, b }) => [{ ...x!, data: x!.data.map((v) => f(v, a, b)) }],
    node(site) {
      const { node, outputs, attributes } = site;
      return {
        kind: "pass",
        data: 0,
        run(e, at) {
          const x = at.x(0);
          const y = e.temp(outputs[0].name, x.dims, x.layout);
          e.emit(`${kernel}Forward`, { x, y, count: x.count, ...attributes });
          return [y];
        },
        vjp(e, at, r) {
          const x = at.x(0);
          const out = e.temp(`${node.name}:vjp`, x.dims, x.layout);
          e.emit(`${kernel}Vjp`, { x, r: e.as(r, x.layout), y: out, count: x.count, ...attributes });
          return out;
        },
        rules: rules?.(site),
      };
    },
    nonnegative: ([x], a) => nonnegative(x, a),
  };
}

/** A bound of Clip: an attribute before opset 11, an input since. */
function bound(inputs: Operands, index: number, attribute: number, otherwise: number): number {
  return single(inputs, index, "a bound") ?? (Number.isNaN(attribute) ? otherwise : attribute);
}

/** R⁺ */
function rectified(e: Emitter, name: string, r: Value): Value {
  const out = e.temp(`${name}:rectified`, r.dims, r.layout);
  e.emit("reluForward", { x: r, y: out, count: r.count, a: 0, b: 0 });
  return out;
}

export const relu: Op<Parameters> = byKernel("Relu", "relu", (v) => Math.max(v, 0), {
  takes: "X:number",
  anyType: true,
  nonnegative: () => true,
  rules: ({ node: { name } }) => ({
    deconvnet: (e, _at, r) => rectified(e, name, r),
    guided(e, at, r) {
      const [x, positive] = [at.x(0), rectified(e, name, r)];
      const out = e.temp(`${name}:guided`, x.dims, x.layout);
      e.emit("reluVjp", { x, r: e.as(positive, x.layout), y: out, count: x.count, a: 0, b: 0 });
      return out;
    },
  }),
});

/** v or alpha · v below 0. */
export const leakyRelu = byKernel("LeakyRelu", "slope", (v, a, b) => (v > 0 ? a * v : b * v), {
  attributes: (read) => ({ a: 1, b: read.float("alpha", 0.01) }),
  nonnegative: (x, { b }) => x || b <= 0,
});

/** Where min > max, max everywhere. Source: ONNX Clip-13. */
export const clip = byKernel("Clip", "clip", (v, a, b) => Math.min(Math.max(v, a), b), {
  takes: { 1: "input:number", 11: "input:number min:number? max:number?" },
  anyType: true,
  attributes: (read) =>
    read.opset < 11 ? { a: read.float("min", NaN), b: read.float("max", NaN) } : { a: NaN, b: NaN },
  parameters(inputs, { a, b }) {
    return { a: bound(inputs, 1, a, -Infinity), b: bound(inputs, 2, b, Infinity) };
  },
  nonnegative: (x, { a, b }) => b >= 0 && (x || a >= 0),
});

export const sigmoid = byKernel("Sigmoid", "sigmoid", (v) => 1 / (1 + Math.exp(-v)), { nonnegative: () => true });

/** x · min(max(x + 3, 0), 6) / 6. Source: ONNX HardSwish-14 */
export const hardSwish = byKernel("HardSwish", "hardSwish", (v) => v * (Math.min(Math.max(v + 3, 0), 6) / 6), {
  nonnegative: (x) => x,
});

export const tanh = byKernel("Tanh", "tanh", Math.tanh, { nonnegative: (x) => x });

/**
 * x, or slope · x below 0, the slope broadcast to x. Relevance passes as through LeakyRelu; where the slope is computed
 * as well there is a product of activations. Source: ONNX PRelu-16.
 */
export const pRelu: Op<None> = {
  type: "PRelu",
  family: "activation",
  summary: "It passes unchanged if the slope is constant.",
  takes: "X:number slope:number",
  attributes: () => NONE,
  infer([x, slope]) {
    const { dims, constant } = x!;
    const fits = broadcast([dims, slope!.dims])?.join() === dims.join();
    demand(fits, "shape", `a slope that can be broadcast to ${shapeText(dims, "")}`, shapeText(slope!.dims, ""));
    insist(!constant || slope!.constant, "unsupported", "its input is constant, but its slope is computed");
    return { dims: [dims] };
  },
  fold: folding((v, slope) => (v < 0 ? slope * v : v)),
  node({ node, inputs, outputs: [{ name }] }) {
    const run: Way["run"] = (e, at) => [zip(e, "pReluForward", name, at.x(0), at.x(1), at.x(0).dims)];
    const back = `${node.name}:vjp`;
    const toX: Passing["vjp"] = (e, at, r) =>
      zipHost(e, (v, slope, u) => (v > 0 ? u : slope * u), back, [at.x(0), at.x(1), r], r.dims);
    const toSlope: Passing["vjp"] = (e, at, r) =>
      reduceTo(
        e,
        zipHost(e, (v, u) => Math.min(v, 0) * u, back, [at.x(0), r], r.dims),
        at.x(1),
      );
    return computedOf(inputs).length > 1
      ? { run, ...product((e, at, r) => [toX(e, at, r), toSlope(e, at, r)]) }
      : { run, kind: "pass", data: 0, vjp: toX };
  },
  nonnegative: ([x]) => x,
};
