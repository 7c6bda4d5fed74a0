import { layoutsCoincide, stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Node, Operand, Operands } from "../graph/graph.ts";
import { broadcast, type Constant, type Dims, firstNonFinite, size } from "../base/tensor.ts";
import { broadcastLoops, broadcastStrides, folding, inferBroadcast, NONE, type None, resultOf } from "./broadcast.ts";
import type { Affine, Call, Linear, Op } from "./op.ts";

type ZipKernel = "addForward" | "subForward" | "mulForward" | "divForward" | "powForward" | "maxForward";

/** f(a, b) element by element, broadcast to `dims`, in the layout of the operand that has the full shape. */
export function zip(e: Emitter, kernel: ZipKernel, name: string, a: Value, b: Value, dims: Dims): Value {
  const y = resultOf(e, name, [a, b], dims);
  for (const loops of broadcastLoops(dims, stridesOf(y), [a, b], stridesOf)) {
    const [[d0, d1, d2, d3], , [a0, a1, a2, a3], [b0, b1, b2, b3]] = [loops.dims, ...loops.strides];
    const [toY, fromA, fromB] = [y, a, b].map((value, i) => ({ value, offset: loops.starts[i] }));
    e.emit(kernel, { a: fromA, b: fromB, y: toY, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3 });
  }
  return y;
}

/** The adjoint of broadcasting: sums `s` to the shape of `like`. */
export function reduceTo(e: Emitter, s: Value, like: Value): Value {
  // Channels last, tensors of different ranks lie differently, unless they are row-major all the same.
  const isRowMajor = ({ layout, dims }: Value) => layout === "first" || layoutsCoincide(dims);
  const same = s.layout === like.layout && s.dims.length === like.dims.length;
  if ((same || (isRowMajor(s) && isRowMajor(like))) && size(s.dims) === size(like.dims))
    return e.view(s, like.dims, like.layout);
  const out = e.temp(`${s.name}:reduced`, like.dims, like.layout);
  e.fill(out, 0);
  e.copy(
    s,
    out,
    [
      {
        dims: s.dims,
        from: 0,
        fromStrides: stridesOf(s),
        to: 0,
        toStrides: broadcastStrides(like.dims, stridesOf(out), s.dims),
      },
    ],
    "addBlock",
  );
  return out;
}

/**
 * A mask that is added: where it is infinite, so is the sum, whatever is added to it; that is chosen, and only its
 * finite part is added.
 */
function masked(inputs: Operands, _: None, node: Node): readonly Node[] | undefined {
  const pair = beside(inputs);
  if (!pair || firstNonFinite(pair.constant.data) < 0) return undefined;
  const { type, dims, data } = pair.constant;
  const [infinite, finite, sum] = ["infinite", "finite", "sum"].map((part) => `${node.name}:${part}`);
  const given = (name: string, value: Constant) => ({
    name,
    type: "Constant",
    attributes: { value },
    inputs: [],
    outputs: [name],
  });
  const isAdded = data.some((v) => v !== 0 && Number.isFinite(v));
  const add = [
    given(finite, { type, dims, data: data.map((v) => (Number.isFinite(v) ? v : 0)) }),
    { ...node, name: sum, inputs: [pair.x.name, finite], outputs: [sum] },
  ];
  return [
    given(infinite, { type: "bool", dims, data: Float64Array.from(data, (v) => Number(!Number.isFinite(v))) }),
    ...(isAdded ? add : []),
    {
      ...node,
      type: "Where",
      inputs: [infinite, node.inputs[1 - pair.data], isAdded ? sum : pair.x.name],
      note: "a mask that is added",
    },
  ];
}

/** The operand that is computed, if exactly one is, and the constant beside it. */
function beside(inputs: Operands): { data: number; x: Operand; constant: Constant } | undefined {
  if (inputs.length !== 2) return undefined;
  const data = inputs.findIndex((x) => !x!.constant);
  const constant = inputs[1 - data]?.constant;
  return data >= 0 && constant ? { data, x: inputs[data]!, constant } : undefined;
}

/** A constant that differs along one axis of x at most, as numbers along that axis. */
function alongAxis(x: Operand, constant: Constant): { axis: number; values: Float64Array } | undefined {
  const lead = x.dims.length - constant.dims.length;
  if (lead < 0) return undefined;
  const varying = constant.dims.flatMap((d, i) => (d > 1 ? [i + lead] : []));
  if (varying.length > 1) return undefined;
  const axis = varying[0] ?? Math.min(1, x.dims.length - 1);
  return size(constant.dims) === 1 || constant.dims[axis - lead] === x.dims[axis]
    ? { axis, values: Float64Array.from(constant.data) }
    : undefined;
}

function affineOf(
  scale: (c: number) => number,
  shift: (c: number) => number,
  only?: "constant second",
): Op<None>["affine"] {
  return (inputs): Affine | undefined => {
    const pair = beside(inputs);
    if (!pair || (only && pair.data !== 0)) return undefined;
    const along = alongAxis(pair.x, pair.constant);
    return (
      along && { data: pair.data, axis: along.axis, scale: along.values.map(scale), shift: along.values.map(shift) }
    );
  };
}

function addUp(e: Emitter, name: string, xs: readonly Value[]): Value {
  return xs.reduce((a, b) => zip(e, "addForward", name, a, b, broadcast([a.dims, b.dims])!));
}

/** Sums: relevance is shared by what each term contributes; a constant term keeps its share. */
function sumLinear(signs: (count: number) => number[]): Linear<None> {
  return {
    kind: "linear",
    layout: "last",
    data: (call) => call.inputs.map((_, i) => i),
    z: (e, call, xs) => e.as(addUp(e, call.outputs[0].name, xs), "last"),
    vjp: (e, call, s) => call.inputs.map((x, i) => reduceTo(e, s, { ...call.x(i), dims: x!.dims, layout: "last" })),
    signs: (call) => signs(call.inputs.length),
  };
}

const shared = { attributes: () => NONE, infer: inferBroadcast } as const;

const sumFamily = {
  ...shared,
  family: "sum",
  summary: "norm, zPlus, ratio, clip, or any linear rule on its terms",
} as const;

export const add: Op<None> = {
  ...sumFamily,
  type: "Add",
  instead: masked,
  fold: folding((a, b) => a + b),
  forward: (e, call) => [zip(e, "addForward", call.outputs[0].name, call.x(0), call.x(1), call.outputs[0].dims)],
  relevance: sumLinear(() => [1, 1]),
  affine: affineOf(
    () => 1,
    (c) => c,
  ),
  nonnegative: (x) => x.every(Boolean),
};

export const sub: Op<None> = {
  ...sumFamily,
  type: "Sub",
  fold: folding((a, b) => a - b),
  forward: (e, call) => [zip(e, "subForward", call.outputs[0].name, call.x(0), call.x(1), call.outputs[0].dims)],
  relevance: sumLinear(() => [1, -1]),
  affine: affineOf(
    () => 1,
    (c) => -c,
    "constant second",
  ),
};

const terms = sumLinear((count) => new Array<number>(count).fill(1));

/** Any number of terms. */
export const sum: Op<None> = {
  ...sumFamily,
  type: "Sum",
  fold: folding((a, b) => a + b),
  forward: (e, call) => [
    addUp(
      e,
      call.outputs[0].name,
      call.inputs.map((_, i) => call.x(i)),
    ),
  ],
  relevance: terms,
  nonnegative: (x) => x.every(Boolean),
};

/** value / n */
function share(e: Emitter, value: Value, n: number): Value {
  const out = e.temp(value.name, value.dims, value.layout);
  e.emit("slopeForward", { x: value, y: out, count: value.count, a: 1 / n, b: 1 / n });
  return out;
}

/** The sum of any number of terms, divided by their number. Source: ONNX Mean-13. */
export const mean: Op<None> = {
  ...sumFamily,
  type: "Mean",
  fold(inputs) {
    const [total] = sum.fold!(inputs, NONE, []);
    return [{ ...total, data: total.data.map((v) => v / inputs.length) }];
  },
  forward: (e, call) => [share(e, sum.forward!(e, call)[0], call.inputs.length)],
  relevance: {
    ...terms,
    z: (e, call, xs, weight, bias, precision) => share(e, terms.z(e, call, xs, weight, bias, precision), xs.length),
    vjp: (e, call, s, weight, precision) => terms.vjp(e, call, share(e, s, call.inputs.length), weight, precision),
  },
  nonnegative: (x) => x.every(Boolean),
};

/** What an operand gets of Jᵀ r. */
type Back = (e: Emitter, call: Call<None>, r: Value) => Value;

/**
 * Multiplication by a constant passes relevance; a product of two activations has no rule here. @param back for each
 * operand
 */
function scaling(
  type: string,
  kernel: ZipKernel,
  f: (a: number, b: number) => number,
  back: readonly Back[],
  affine: Op<None>["affine"],
): Op<None> {
  return {
    ...shared,
    type,
    family: "normalization",
    summary: "pass, when the other factor is constant",
    fold: folding(f),
    forward: (e, call) => [zip(e, kernel, call.outputs[0].name, call.x(0), call.x(1), call.outputs[0].dims)],
    relevance: {
      kind: "pass",
      vjp: (e, call, r) => back[beside(call.inputs)!.data](e, call, r),
      product: (e, call, r) => back.map((to) => to(e, call, r)),
    },
    affine,
    nonnegative: ([a, b]) => a && b,
  };
}

/** r combined with another value, for operand i. */
function withOther(e: Emitter, call: Call<None>, kernel: ZipKernel, r: Value, other: Value, i: number): Value {
  return reduceTo(e, zip(e, kernel, `${call.node.name}:vjp`, r, other, r.dims), call.x(i));
}

export const mul = scaling(
  "Mul",
  "mulForward",
  (a, b) => a * b,
  [0, 1].map((i) => (e, call, r) => withOther(e, call, "mulForward", r, call.x(1 - i), i)),
  affineOf(
    (c) => c,
    () => 0,
  ),
);

export const div = scaling(
  "Div",
  "divForward",
  (a, b) => a / b,
  [
    (e, call, r) => withOther(e, call, "divForward", r, call.x(1), 0),
    // −r · y / b
    (e, call, r) => {
      const product = zip(e, "mulForward", `${call.node.name}:product`, r, call.y(0), r.dims);
      const negative = e.temp(product.name, product.dims, product.layout);
      e.emit("slopeForward", { x: product, y: negative, count: product.count, a: -1, b: -1 });
      return withOther(e, call, "divForward", negative, call.x(1), 1);
    },
  ],
  affineOf(
    (c) => 1 / c,
    () => 0,
    "constant second",
  ),
);
