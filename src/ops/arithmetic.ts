import { broadcastLoops, broadcastStrides } from "../base/loops.ts";
import { layoutsCoincide, stridesOf, type Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Node, Operands } from "../graph/graph.ts";
import { broadcast, type Constant, type Dims, firstNonFinite, isInteger, size } from "../base/tensor.ts";
import { affineOf, beside } from "./affine.ts";
import { folding, inferBroadcast, resultOf, zipHost } from "./broadcast.ts";
import { computedOf, type Linear, type Op, type Places, type Site, type Way, NONE, type None } from "./op.ts";
import { productOfTwo, scaled } from "./product.ts";

export type ZipKernel =
  | "addForward"
  | "subForward"
  | "mulForward"
  | "divForward"
  | "powForward"
  | "maxForward"
  | "pReluForward";

/** f(a, b) element by element, broadcast to `dims`, in the layout of the operand that has the full shape. */
export function zip(e: Emitter, kernel: ZipKernel, name: string, a: Value, b: Value, dims: Dims): Value {
  const y = resultOf(e, name, [a, b], dims);
  zipTo(e, kernel, y, a, b);
  return y;
}

/** The same, into a value that there is. */
export function zipTo(e: Emitter, kernel: ZipKernel, y: Value, a: Value, b: Value): void {
  for (const loops of broadcastLoops(y.dims, stridesOf(y), [a, b], stridesOf)) {
    const [[d0, d1, d2, d3], , [a0, a1, a2, a3], [b0, b1, b2, b3]] = [loops.dims, ...loops.strides];
    const [toY, fromA, fromB] = [y, a, b].map((value, i) => ({ value, offset: loops.starts[i] }));
    e.emit(kernel, { a: fromA, b: fromB, y: toY, d0, d1, d2, d3, a0, a1, a2, a3, b0, b1, b2, b3 });
  }
}

/** Zeros of the same shape, lying in the same way. */
export function zerosLike(e: Emitter, like: Value): Value {
  const value = e.temp(`${like.name}:zero`, like.dims, like.layout);
  e.fill(value, 0);
  return value;
}

/** The adjoint of broadcasting: sums `s` to the shape of `like`. */
export function reduceTo(e: Emitter, s: Value, like: Pick<Value, "dims" | "layout">): Value {
  // Channels last, tensors of different ranks lie differently, unless they are row-major all the same.
  const isRowMajor = ({ layout, dims }: typeof like) => layout === "first" || layoutsCoincide(dims);
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

const one = () => 1;
const zero = () => 0;
const same = (c: number) => c;
const negative = (c: number) => -c;

/** The sum of values: of halves, which loses fewer digits than one after another. */
function addUp(e: Emitter, name: string, xs: readonly Value[]): Value {
  if (xs.length === 1) return xs[0];
  const half = Math.ceil(xs.length / 2);
  const [a, b] = [xs.slice(0, half), xs.slice(half)].map((part) => addUp(e, name, part));
  return zip(e, "addForward", name, a, b, broadcast([a.dims, b.dims])!);
}

/** The sum of values of equal dims, in the layout of the first. */
export function total(e: Emitter, name: string, [first, ...others]: readonly Value[]): Value {
  return addUp(e, name, [first, ...others.map((value) => e.as(value, first.layout))]);
}

/** Sums: relevance is shared by what each term contributes; a constant term keeps its share. */
function sumLinear({ inputs, outputs: [{ name, dims }] }: Site<None>, signs = inputs.map(() => 1)): Linear {
  // Any layout will do. Values of rank 3 lie between dense layers as a rule, others between convolutions.
  const layout = dims.length === 3 ? "first" : "last";
  return {
    kind: "linear",
    layout,
    data: inputs.map((_, i) => i),
    z: (e, xs) => e.as(addUp(e, name, xs), layout),
    vjp: (e, s) => inputs.map((x) => reduceTo(e, s, { dims: x!.dims, layout })),
    signs,
  };
}

const PAIR = "A:number B:number";
const shared = { attributes: () => NONE, infer: inferBroadcast, anyType: true } as const;

const sumFamily = {
  ...shared,
  takes: "data_0...",
  family: "sum",
  summary: "The rules norm, zPlus, ratio and clip or any other linear rule share it among the terms.",
} as const;

/** Two operands that a kernel combines; what is left of a quotient of integers is cut off. */
const zipped =
  (kernel: ZipKernel, { outputs: [{ name, dims, type }] }: Site<None>): Way["run"] =>
  (e, at) => [
    kernel === "divForward" && isInteger(type)
      ? zipHost(e, (a, b) => Math.trunc(a / b), name, [at.x(0), at.x(1)], dims)
      : zip(e, kernel, name, at.x(0), at.x(1), dims),
  ];

export const add: Op<None> = {
  ...sumFamily,
  type: "Add",
  takes: PAIR,
  instead: masked,
  fold: folding((a, b) => a + b),
  node: (site) => ({ ...sumLinear(site), run: zipped("addForward", site) }),
  affine: affineOf([one, same]),
  nonnegative: (x) => x.every(Boolean),
};

export const sub: Op<None> = {
  ...sumFamily,
  type: "Sub",
  takes: PAIR,
  fold: folding((a, b) => a - b),
  node: (site) => ({ ...sumLinear(site, [1, -1]), run: zipped("subForward", site) }),
  affine: affineOf([one, negative], [() => -1, same]),
};

const summed =
  ({ inputs, outputs: [{ name }] }: Site<None>): Way["run"] =>
  (e, at) => [
    addUp(
      e,
      name,
      inputs.map((_, i) => at.x(i)),
    ),
  ];

/** Any number of terms. */
export const sum: Op<None> = {
  ...sumFamily,
  type: "Sum",
  fold: folding((a, b) => a + b),
  node: (site) => ({ ...sumLinear(site), run: summed(site) }),
  affine: affineOf([one, same]),
  nonnegative: (x) => x.every(Boolean),
};

/** The sum of any number of terms, divided by their number. Source: ONNX Mean-13. */
export const mean: Op<None> = {
  ...sumFamily,
  type: "Mean",
  fold(inputs) {
    const [total] = sum.fold!(inputs, NONE, []);
    return [{ ...total, data: total.data.map((v) => v / inputs.length) }];
  },
  node(site): Way {
    const [terms, n] = [sumLinear(site), site.inputs.length];
    const run = summed(site);
    return {
      ...terms,
      run: (e, at) => [scaled(e, run(e, at)[0], 1 / n)],
      z: (e, xs, weight, bias, precision) => scaled(e, terms.z(e, xs, weight, bias, precision), 1 / n),
      vjp: (e, s, weight, precision) => terms.vjp(e, scaled(e, s, 1 / n), weight, precision),
    };
  },
  affine: affineOf([() => 1 / 2, (c) => c / 2]),
  nonnegative: (x) => x.every(Boolean),
};

/** What operand i gets of Jᵀ r. */
type Slope = (e: Emitter, at: Places, r: Value, name: string) => Value;

/**
 * Multiplication by a constant passes relevance; a product of two computed values has rules of its own.
 *
 * @param slopes for each operand
 */
function scaling(
  type: string,
  kernel: ZipKernel,
  f: (a: number, b: number) => number,
  slopes: readonly [Slope, Slope],
  affine: Op<None>["affine"],
): Op<None> {
  return {
    ...shared,
    takes: PAIR,
    type,
    family: "normalization",
    summary:
      "If the other factor is constant, it passes unchanged. Otherwise the operator has rules of its own: signal, half, gradient.",
    fold: folding(f),
    node(site) {
      const name = `${site.node.name}:vjp`;
      const run = zipped(kernel, site);
      const [data, ...more] = computedOf(site.inputs);
      return more.length > 0
        ? productOfTwo(
            run,
            (e, at, r) => slopes.map((slope) => slope(e, at, r, name)),
            (e, at, r, i) => reduceTo(e, r, at.x(i)),
            site.node.gate,
          )
        : { run, kind: "pass", data, vjp: (e, at, r) => slopes[data](e, at, r, name) };
    },
    affine,
    nonnegative: ([a, b]) => a && b,
  };
}

/** r combined with another operand, for operand i. */
const withOther =
  (kernel: ZipKernel, i: 0 | 1, other: 0 | 1): Slope =>
  (e, at, r, name) =>
    reduceTo(e, zip(e, kernel, name, r, at.x(other), r.dims), at.x(i));

export const mul = scaling(
  "Mul",
  "mulForward",
  (a, b) => a * b,
  [withOther("mulForward", 0, 1), withOther("mulForward", 1, 0)],
  affineOf([same, zero]),
);

export const div = scaling(
  "Div",
  "divForward",
  (a, b) => a / b,
  [
    withOther("divForward", 0, 1),
    // −r · y / b
    (e, at, r, name) => {
      const product = zip(e, "mulForward", `${name}:product`, r, at.y(0), r.dims);
      const negative = e.temp(product.name, product.dims, product.layout);
      e.emit("slopeForward", { x: product, y: negative, count: product.count, a: -1, b: -1 });
      return withOther("divForward", 1, 1)(e, at, negative, name);
    },
  ],
  affineOf([(c) => 1 / c, zero], "none"),
);
