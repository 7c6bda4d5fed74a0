import { type Emitter, fourAxes, stridesOf, type Value, walkRows } from "../step.ts";
import { broadcast, type Constant, type Dims, shapeText, size, strides } from "../tensor.ts";
import { type Affine, type Linear, type Op, type Operand, type Operands, require } from "./op.ts";

type None = Readonly<Record<string, never>>;
const NONE: None = Object.freeze({});

type ZipKernel = "addForward" | "subForward" | "mulForward" | "divForward" | "powForward" | "maxForward";

/** Strides of a value along the axes of the shape that it is broadcast to. */
export function broadcastStrides(dims: Dims, own: readonly number[], out: Dims): number[] {
  const lead = out.length - dims.length;
  return out.map((_, axis) => (axis < lead || dims[axis - lead] === 1 ? 0 : own[axis - lead]));
}

/** f(a, b) element by element, broadcast to `dims`, in the layout of the operand that has the full shape. */
export function zip(e: Emitter, kernel: ZipKernel, name: string, a: Value, b: Value, dims: Dims): Value {
  const model = [a, b].find((v) => !v.weight && v.dims.length === dims.length && size(v.dims) === size(dims)) ?? a;
  const y = e.temp(name, dims, model.dims.length === dims.length ? model.layout : "first");
  const [sa, sb] = [a, b].map((v) => broadcastStrides(v.dims, stridesOf(v), dims));
  for (const loops of fourAxes({ dims, starts: [0, 0, 0], strides: [stridesOf(y), sa, sb] })) {
    const [[d0, d1, d2, d3], , [a0, a1, a2, a3], [b0, b1, b2, b3]] = [loops.dims, ...loops.strides];
    const [start, startA, startB] = loops.starts;
    e.emit(
      kernel,
      { value: a, offset: startA },
      { value: b, offset: startB },
      { value: y, offset: start },
      d0,
      d1,
      d2,
      d3,
      a0,
      a1,
      a2,
      a3,
      b0,
      b1,
      b2,
      b3,
    );
  }
  return y;
}

/** The adjoint of broadcasting: sums `s` to the shape of `like`. */
export function reduceTo(e: Emitter, s: Value, like: Value): Value {
  if (size(s.dims) === size(like.dims) && s.layout === like.layout) return e.view(s, like.dims, like.layout);
  const out = e.temp(`${s.name}:reduced`, like.dims, like.layout);
  e.fill(out, 0);
  e.copy(
    s,
    out,
    [{ dims: s.dims, from: 0, fromStrides: stridesOf(s), to: 0, toStrides: broadcastStrides(like.dims, stridesOf(out), s.dims) }],
    "addBlock",
  );
  return out;
}

/** f of two constants with broadcasting, in double precision. */
function fold(f: (a: number, b: number) => number, a: Constant, b: Constant, type = a.type): Constant {
  const dims = broadcast([a.dims, b.dims])!;
  const data = type === "float32" ? new Float32Array(size(dims)) : new Float64Array(size(dims));
  const places = [strides(dims), ...[a, b].map((c) => broadcastStrides(c.dims, strides(c.dims), dims))];
  for (const loops of fourAxes({ dims, starts: [0, 0, 0], strides: places })) {
    walkRows(loops, ([y, left, right], count, [step, stepA, stepB]) => {
      for (let i = 0; i < count; i++) data[y + i * step] = f(a.data[left + i * stepA], b.data[right + i * stepB]);
    });
  }
  // Integers divide as in C: towards zero.
  return { type, dims, data: type === "float32" ? data : data.map(Math.trunc) };
}

/** The `fold` of a row whose inputs are combined one after another. */
const folding =
  (f: (a: number, b: number) => number, type?: Constant["type"]): Op<None>["fold"] =>
  (inputs) => [inputs.slice(1).reduce<Constant>((a, b) => fold(f, a, b!, type), inputs[0]!)];

function inferBroadcast(inputs: Operands): { dims: Dims[] } {
  require(inputs.length > 0 && inputs.every((x) => x), "invalid-model", "inputs", "one that is left out");
  const dims = broadcast(inputs.map((x) => x!.dims));
  require(dims, "shape", "shapes that can be broadcast", inputs.map((x) => shapeText(x!.dims, "")).join(" and "));
  return { dims: [dims] };
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

function affineOf(scale: (c: number) => number, shift: (c: number) => number, only?: "constant second"): Op<None>["affine"] {
  return (inputs): Affine | undefined => {
    const pair = beside(inputs);
    if (!pair || (only && pair.data !== 0)) return undefined;
    const along = alongAxis(pair.x, pair.constant);
    return along && { data: pair.data, axis: along.axis, scale: along.values.map(scale), shift: along.values.map(shift) };
  };
}

/** Sums: relevance is shared by what each term contributes; a constant term keeps its share. */
function sumLinear(signs: (count: number) => number[]): Linear<None> {
  return {
    kind: "linear",
    layout: "last",
    data: (call) => call.inputs.map((_, i) => i),
    z: (e, call, xs) =>
      e.as(
        xs.reduce((a, b) => zip(e, "addForward", call.outputs[0].name, a, b, broadcast([a.dims, b.dims])!)),
        "last",
      ),
    vjp: (e, call, s) => call.inputs.map((x, i) => reduceTo(e, s, { ...call.x(i), dims: x!.dims, layout: "last" })),
    signs: (call) => signs(call.inputs.length),
  };
}

const shared = { attributes: () => NONE, infer: inferBroadcast } as const;

const sumFamily = { ...shared, family: "sum", summary: "norm, zPlus, ratio, clip, or any linear rule on its terms" } as const;

export const add: Op<None> = {
  ...sumFamily,
  type: "Add",
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

/** Any number of terms. */
export const sum: Op<None> = {
  ...sumFamily,
  type: "Sum",
  fold: folding((a, b) => a + b),
  forward: (e, call) => [
    call.inputs
      .slice(1)
      .reduce((a, x, i) => zip(e, "addForward", call.outputs[0].name, a, call.x(i + 1), broadcast([a.dims, x!.dims])!), call.x(0)),
  ],
  relevance: sumLinear((count) => new Array<number>(count).fill(1)),
  nonnegative: (x) => x.every(Boolean),
};

/** Multiplication by a constant passes relevance; a product of two activations has no rule here. */
function scaling(type: string, kernel: ZipKernel, f: (a: number, b: number) => number, affine: Op<None>["affine"]): Op<None> {
  return {
    ...shared,
    type,
    family: "normalization",
    summary: "pass, when the other factor is constant",
    fold: folding(f),
    forward: (e, call) => [zip(e, kernel, call.outputs[0].name, call.x(0), call.x(1), call.outputs[0].dims)],
    relevance: {
      kind: "pass",
      vjp: (e, call, r) =>
        reduceTo(
          e,
          zip(e, kernel, `${call.node.name}:vjp`, r, call.x(1 - beside(call.inputs)!.data), r.dims),
          call.x(beside(call.inputs)!.data),
        ),
    },
    affine,
    nonnegative: ([a, b]) => a && b,
  };
}

export const mul = scaling(
  "Mul",
  "mulForward",
  (a, b) => a * b,
  affineOf(
    (c) => c,
    () => 0,
  ),
);
export const div = scaling(
  "Div",
  "divForward",
  (a, b) => a / b,
  affineOf(
    (c) => 1 / c,
    () => 0,
    "constant second",
  ),
);

export const pow: Op<None> = {
  ...shared,
  type: "Pow",
  family: "activation",
  summary: "pass, when the exponent is constant",
  fold: folding((a, b) => a ** b),
  forward: (e, call) => [zip(e, "powForward", call.outputs[0].name, call.x(0), call.x(1), call.outputs[0].dims)],
  relevance: {
    kind: "pass",
    // b · x^(b − 1) · r
    vjp(e, call, r) {
      const exponent = call.inputs[1]!.constant!;
      const source = exponent.data as Float32Array;
      const less = e.weight(`${call.inputs[1]!.name}:less`, source, "− 1", exponent.dims, (to) =>
        to.forEach((_, i) => {
          to[i] = source[i] - 1;
        }),
      );
      const power = zip(e, "powForward", `${call.node.name}:power`, call.x(0), less, r.dims);
      return zip(
        e,
        "mulForward",
        `${call.node.name}:vjp`,
        zip(e, "mulForward", `${call.node.name}:slope`, power, call.x(1), r.dims),
        r,
        r.dims,
      );
    },
  },
};

export const equal: Op<None> = {
  ...shared,
  infer: (inputs) => ({ ...inferBroadcast(inputs), types: ["bool"] }),
  type: "Equal",
  family: "other",
  summary: "on constants only",
  fold: folding((a, b) => Number(a === b), "bool"),
};
