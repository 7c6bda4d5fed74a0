import { HOST } from "../../../base/budget.ts";
import { Complaint, demand } from "../../../base/complaint.ts";
import { integersIn } from "../../../base/packed.ts";
import {
  type Constant,
  type Dims,
  type ElementType,
  elementType,
  isFloat,
  normalizeAxis,
  numbersFor,
  size,
  widened,
} from "../../../base/tensor.ts";
import type { Emitter } from "../../../program/emitter.ts";
import type { Value } from "../../../program/step.ts";
import type { Numbers } from "../../cells.ts";
import {
  type AttributeReader,
  type Op,
  type Passing,
  type Places,
  type Site,
  type Way,
  NONE,
  type None,
} from "../../op.ts";
import { smallElements } from "./elements.ts";
import { foldDynamic, foldRoundings } from "./fold.ts";
import {
  dequantise,
  dynamicGrid,
  dynamicScale,
  type Grid,
  type GridAttributes,
  gridOf,
  groupOf,
  integersOf,
  madeOf,
  quantise,
  readGrid,
  slopes,
} from "./grid.ts";
import { dequantised, staysPacked } from "./packed.ts";

/*
 * Numbers as integers and back: they are rounded in the forward pass, and relevance passes as if they were not. Under
 * the gradient, the slope of rounding is 1, and 0 where a number is cut off.
 */

type Loop = (grid: Grid, x: Numbers, scale: Numbers, zero: Numbers | undefined, y: Numbers) => void;

/** A number and back again. */
const round: Loop = (grid, x, scale, zero, y) => {
  quantise(grid, x, scale, zero, y);
  dequantise(grid, y, scale, zero, y);
};

/** How r · factor goes back; undefined: every number is kept, whatever it is. */
type Slope = ((scale: number) => number) | undefined;

function wayOf({ node, inputs, outputs: [output], attributes }: Site<GridAttributes>, loop: Loop, slope: Slope): Way {
  const grid = attributes as Grid;
  /** A step over the numbers, their scale and zero point, and more. */
  const step = (
    e: Emitter,
    at: Places,
    more: readonly Value[],
    to: Value,
    task: (views: Numbers[], to: Numbers) => void,
  ) => {
    const parameters = inputs.slice(1).flatMap((x, i) => (x ? [e.as(at.x(i + 1), "first")] : []));
    const all = [e.as(at.x(0), to.layout), ...parameters, ...more.map((value) => e.as(value, to.layout)), to];
    e.host(node.type, all, (...views) => task(views, views.at(-1)!));
    return to;
  };
  const layoutOf = (x: Value) => (grid.length * grid.outer === 1 ? x.layout : "first");
  const zeroOf = (views: readonly Numbers[]) => (inputs[2] ? views[2] : undefined);
  const vjp: Passing["vjp"] = (e, at, r) => {
    const to = e.temp(`${node.name}:vjp`, output.dims, layoutOf(at.x(0)));
    return step(e, at, [r], to, (views, out) => {
      const [x, scale] = views;
      const received = views.at(-2)!;
      if (slope) slopes(grid, x, scale, zeroOf(views), received, out, slope);
      else dequantise(grid, received, scale, undefined, out);
    });
  };
  return {
    kind: "pass",
    data: 0,
    run: (e, at) => {
      const to = e.temp(output.name, output.dims, layoutOf(at.x(0)));
      return [step(e, at, [], to, (views, out) => loop(grid, views[0], views[1], zeroOf(views), out))];
    },
    vjp,
  };
}

const foldBy =
  (
    loop: Loop,
    typeOf: (grid: Grid, given: readonly (Constant | undefined)[]) => Constant["type"],
  ): Op<GridAttributes>["fold"] =>
  (given, a, [dims]) => {
    const [x, scale, zero] = given;
    const type = typeOf(a as Grid, given);
    const data = numbersFor(type, size(dims));
    loop(a as Grid, x!.data, scale!.data, zero?.data, data);
    return [madeOf(type, dims, data)];
  };

const SUMMARY = "It passes unchanged: numbers are rounded, and relevance is not.";

const row = (type: string, more: Omit<Op<GridAttributes>, "type" | "family" | "summary">): Op<GridAttributes> => ({
  type,
  family: "activation",
  summary: SUMMARY,
  anyType: true,
  ...more,
});

/**
 * y = round(x / scale) + zero point, halves to the even number, cut off at the ends of the type. Source: ONNX
 * QuantizeLinear-25, and com.microsoft's.
 */
const quantizeLinear = (type: string): Op<GridAttributes> =>
  row(type, {
    takes: "x:number1 y_scale:float2 y_zero_point:number3?",
    attributes: readGrid,
    infer(inputs, a) {
      const [x, , zero] = inputs;
      demand(isFloat(x!.type) || x!.type === "int32", "invalid-model", "x of floats or int32", x!.type);
      const to = integersOf(zero, elementType(a.code));
      return { dims: [x!.dims], types: [to], attributes: gridOf(inputs, a, to, true) };
    },
    fold: foldBy(quantise, ({ type }) => type),
    node: (site) => wayOf(site, quantise, (scale) => 1 / scale),
    nonnegative: (_, a) => (a as Grid).type.startsWith("u"),
  });

/** A weight of few bits keeps them. */
function foldDequantised(
  [x, scale, zero]: readonly (Constant | undefined)[],
  grid: Grid,
  dims: Dims,
  type: ElementType,
): Constant {
  const [s, z] = [widened(scale!).data, zero && widened(zero).data];
  if (type !== "float32" || !staysPacked(x!)) {
    const data = new Float32Array(size(dims));
    dequantise(grid, widened(x!).data, s, z, data);
    return madeOf(type, dims, data);
  }
  const isWhole = grid.blocks === 0 && grid.outer * grid.length === 1;
  const axis = isWhole ? undefined : normalizeAxis(grid.axis, dims.length);
  return dequantised({
    dims,
    integers: integersIn(x!),
    scale: s,
    zero: z,
    group: groupOf(grid),
    axis,
    block: grid.block,
  });
}

/** y = (x − zero point) · scale. Source: ONNX DequantizeLinear-25, and com.microsoft's. */
const dequantizeLinear = (type: string): Op<GridAttributes> =>
  row(type, {
    takes: "x:number1 x_scale:float2 x_zero_point:number1?",
    attributes: readGrid,
    infer(inputs, a, budget) {
      const [x, scale] = inputs;
      const to = elementType(a.code) ?? scale!.type;
      demand(isFloat(to), "invalid-model", "an output of floats", to);
      const known = inputs.every((input) => !input || input.constant) && x!.constant;
      if (known && !(to === "float32" && staysPacked(known))) budget.take(4 * size(x!.dims), HOST * size(x!.dims));
      return { dims: [x!.dims], types: [to], attributes: gridOf(inputs, a, x!.type, false) };
    },
    renames: true,
    fold: (given, a, [dims]) => [foldDequantised(given, a as Grid, dims, elementType(a.code) ?? given[1]!.type)],
    node: (site) => wayOf(site, dequantise, undefined),
    nonnegative: (_, a) => (a as Grid).isFloor,
    elements: smallElements,
    rewrite: foldRoundings,
  });

const notInFiles =
  (type: string) =>
  (_: AttributeReader): never => {
    throw new Complaint("unsupported", { problem: `${type} is not an operator of ONNX` });
  };

/** A QuantizeLinear and the DequantizeLinear behind it. Canonization makes it; no file has it. */
const rounding: Op<GridAttributes> = row("Rounding", {
  takes: "x:float y_scale:float2 y_zero_point:number3?",
  attributes: notInFiles("Rounding"),
  infer: ([x], a) => ({ dims: [x!.dims], attributes: a }),
  fold: foldBy(round, (_, [x]) => x!.type),
  node: (site) => wayOf(site, round, () => 1),
  nonnegative: ([x], a) => x || (a as Grid).isFloor,
});

/** Numbers rounded to uint8 by their own range, and what their scale and zero point are. */
function rounded(x: Numbers, y: Numbers, loop: Loop) {
  const { scale, zero } = dynamicScale(x);
  loop(dynamicGrid(x.length), x, Float32Array.of(scale), Float32Array.of(zero), y);
  return { scale, zero };
}

/** Source: ONNX DynamicQuantizeLinear-11. */
const dynamicQuantizeLinear: Op<None> = {
  type: "DynamicQuantizeLinear",
  family: "activation",
  summary: SUMMARY,
  takes: "x",
  outputs: 3,
  attributes: () => NONE,
  infer: ([x]) => ({ dims: [x!.dims, [], []], types: ["uint8", "float32", "uint8"] }),
  fold([x], _, dims) {
    const y = new Float64Array(x!.data.length);
    const { scale, zero } = rounded(x!.data, y, quantise);
    return [
      madeOf("uint8", dims[0], y),
      madeOf("float32", [], Float32Array.of(scale)),
      madeOf("uint8", [], Float64Array.of(zero)),
    ];
  },
  node: ({ node, outputs }) => ({
    kind: "pass",
    data: 0,
    run(e, at) {
      const x = at.x(0);
      const y = e.temp(outputs[0].name, x.dims, x.layout);
      const [scale, zero] = [1, 2].map((i) => e.temp(outputs[i]?.name || `${node.name}:${i}`, []));
      e.host(node.type, [x, y, scale, zero], (from, to, s, z) => {
        const found = rounded(from, to, quantise);
        s[0] = found.scale;
        z[0] = found.zero;
      });
      return [y, scale, zero];
    },
    vjp(e, at, r) {
      const x = at.x(0);
      const out = e.temp(`${node.name}:vjp`, x.dims, x.layout);
      e.host(node.type, [e.as(r, x.layout), at.y(1), out], (from, [s], to) => {
        for (let i = 0; i < to.length; i++) to[i] = from[i] / s;
      });
      return out;
    },
  }),
  nonnegative: () => true,
  rewrite: foldDynamic,
};

/** Numbers rounded by their own range, and back. Canonization and others make it; no file has it. */
const dynamicRounding: Op<None> = {
  type: "DynamicRounding",
  family: "activation",
  summary: SUMMARY,
  takes: "x",
  attributes: notInFiles("DynamicRounding"),
  infer: ([x]) => ({ dims: [x!.dims] }),
  fold([x]) {
    const data = new Float32Array(x!.data.length);
    rounded(x!.data, data, round);
    return [{ ...x!, data }];
  },
  node: ({ node, outputs }) => ({
    kind: "pass",
    data: 0,
    run(e, at) {
      const x = at.x(0);
      const y = e.temp(outputs[0].name, x.dims, x.layout);
      e.host(node.type, [x, y], (from, to) => {
        rounded(from, to, round);
      });
      return [y];
    },
    vjp: (_e, _at, r) => r,
  }),
  nonnegative: ([x]) => x,
};

export const roundings = [
  quantizeLinear("QuantizeLinear"),
  dequantizeLinear("DequantizeLinear"),
  quantizeLinear("com.microsoft.QuantizeLinear"),
  dequantizeLinear("com.microsoft.DequantizeLinear"),
  rounding,
  dynamicQuantizeLinear,
  dynamicRounding,
] as const;
