import { along, broadcastStrides } from "../base/loops.ts";
import type { Operand, Operands } from "../graph/graph.ts";
import type { Ref, Value } from "../program/step.ts";
import type { Arrangement, Mapping } from "../program/arrange.ts";
import type { Emitter } from "../program/emitter.ts";
import { scaledAsIs } from "../base/packed.ts";
import { broadcast, type Constant, type Dims, size, strides } from "../base/tensor.ts";
import { reduceTo } from "./arithmetic.ts";
import { byPanels, rowsForward, rowsVjp, swapped } from "./multiply.ts";
import { type BiasMap, type Linear, mapOf, type NumberMap, PLAIN, type Site, type Slopes, type Way } from "./op.ts";
import { LINEAR } from "./says.ts";

/** Gemm and MatMul: y = scale · x · W + b, or W · x. */
export interface DenseAttributes {
  /** Whether the weight lies as [m, k], as the kernels read it, or as [k, m]. */
  readonly rowsAreOutputs: boolean;
  readonly alpha: number;
  readonly beta: number;
  /** Whether the first factor is the weight: then the columns of the second are what the rows of a first one are. */
  readonly weightFirst?: boolean;
}

type Given = Pick<Site<DenseAttributes>, "inputs" | "attributes">;

/** Products of rows [n, k] and weights [m, k], one for each place of the batch. */
interface Product {
  /** Rows of one matrix of x. */
  readonly n: number;
  readonly m: number;
  readonly k: number;
  /** Axes before those of the matrices: of the result, of x and of the weight. */
  readonly batch: Dims;
  readonly ofX: Dims;
  readonly ofW: Dims;
  /** For each matrix of y which of x, and which of the weight, it is made of. */
  readonly x: Int32Array;
  readonly w: Int32Array;
}

/** A vector counts as a row where it is the first factor, as a column where it is the second. */
export const matrix = (dims: Dims, position: 0 | 1): Dims =>
  dims.length > 1 ? dims : position === 0 ? [1, ...dims] : [...dims, 1];

/** Where each place of a batch stands in an operand that is broadcast to it. */
const placesIn = (dims: Dims, batch: Dims): Int32Array =>
  along([...batch.keys()], batch, broadcastStrides(dims, strides(dims), batch));

export function productOf({ inputs, attributes }: Given): Product {
  const { rowsAreOutputs, weightFirst } = attributes;
  const [a, b] = [matrix(inputs[0]!.dims, 0), matrix(inputs[1]!.dims, 1)];
  const [ofA, ofB] = [a.slice(0, -2), b.slice(0, -2)];
  const [rows, k] = a.slice(-2);
  const columns = b.at(rowsAreOutputs && !weightFirst ? -2 : -1)!;
  const [n, m, ofX, ofW] = weightFirst ? [columns, rows, ofB, ofA] : [rows, columns, ofA, ofB];
  const batch = broadcast([ofX, ofW])!;
  return { n, m, k, batch, ofX, ofW, x: placesIn(ofX, batch), w: placesIn(ofW, batch) };
}

/** Rows that one call works on: all of them where the weight is the same everywhere. */
const rowsAtOnce = ({ n, m, k, x }: Product, w: Value): number => (w.count === m * k ? n * x.length : n);

/** Emits one call of a kernel for each matrix of the result, or one for all where the weight is the same everywhere. */
function eachMatrix(
  product: Product,
  values: { x: Value; w: Value; y: Value },
  emit: (x: Value | Ref, w: Value | Ref, y: Value | Ref, n: number) => void,
): void {
  const { n, m, k, x, w } = product;
  if (values.w.count === m * k) {
    emit(values.x, values.w, values.y, n * x.length);
    return;
  }
  for (let i = 0; i < x.length; i++) {
    emit(
      { value: values.x, offset: x[i] * n * k },
      { value: values.w, offset: w[i] * m * k },
      { value: values.y, offset: i * n * m },
      n,
    );
  }
}

/** A dense layer with all that its kernels need to know. */
interface Dense {
  readonly site: Site<DenseAttributes>;
  readonly product: Product;
  readonly weight: Operand;
  readonly bias: Constant | undefined;
}

/** One of several matrices [k, m] as [m, k]. */
const transposed = (matrix: number, m: number, k: number, map: Mapping): Arrangement => ({
  map,
  row: m,
  first: matrix * k,
  rows: k,
  blocks: (from, count) => [
    { dims: [m, count], from: 0, fromStrides: [1, m], to: matrix * m * k + from, toStrides: [k, 1] },
  ],
});

/** Rows of weights as a kernel reads them, and the two slopes that it applies while it does. */
type Rows = { readonly w: Value; readonly p: number; readonly q: number } & (
  | { readonly scales?: undefined }
  | { readonly scales: Value; readonly zeros: Value; readonly block: number; readonly bits: number }
);

/** Rows whose integers stay as they are. */
function packedRows(e: Emitter, { site, product: { m, k }, weight }: Dense, [p, q]: Slopes): Rows | undefined {
  const { rowsAreOutputs, alpha } = site.attributes;
  const constant = weight.constant!;
  const rows = constant.packed?.rows?.(m, k, !rowsAreOutputs);
  if (!rows) return undefined;
  const { block, bits, bytes } = rows;
  const variant = `${rowsAreOutputs ? "rows" : "transposed"} of ${bits} bits`;
  const list = (what: string, count: number, write: (to: Float32Array) => void) =>
    e.weight(weight.name, constant, `${variant}${what}`, [count], write);
  const groups = m * Math.ceil(k / block);
  return {
    w: list("", Math.ceil(bytes / 4), (to) => rows.integers(new Uint8Array(to.buffer, to.byteOffset, bytes))),
    scales: list(`, scales · ${alpha}`, groups, (to) => {
      rows.scales(to);
      for (let i = 0; i < groups; i++) to[i] *= alpha;
    }),
    zeros: list(", zeros", groups, rows.zeros),
    ...{ block, bits, p, q },
  };
}

/** The weight as rows of k. */
function weights(e: Emitter, dense: Dense, map: NumberMap): Rows {
  const { site, product, weight } = dense;
  const constant = weight.constant!;
  const { m, k } = product;
  const { rowsAreOutputs, alpha } = site.attributes;
  const sloped = typeof map !== "string";
  const packed = sloped && packedRows(e, dense, map);
  if (packed) return packed;
  const f = sloped ? (v: number) => v : mapOf(map);
  const parts = [rowsAreOutputs ? "rows" : "transposed", ...(alpha === 1 ? [] : [`· ${alpha}`])];
  const variant = [...parts, ...(sloped ? [] : [map])].join(" ");
  const scaled = (v: number) => f(alpha * v);
  const rows = size(weight.dims) / k;
  const w = e.weight(
    weight.name,
    constant,
    variant === "rows" ? "" : variant,
    [rows, k],
    rowsAreOutputs
      ? (to) => {
          const source = constant.data;
          if (variant === "rows") to.set(source);
          else for (let i = 0; i < to.length; i++) to[i] = f(alpha * source[i]);
        }
      : Array.from({ length: rows / m }, (_, matrix) => transposed(matrix, m, k, sloped ? [alpha, alpha] : scaled)),
  );
  const [p, q] = sloped ? map : PLAIN;
  return { w, p, q };
}

/** The bias as one number for each output. */
function biasOf({ inputs, attributes: { beta } }: Given, m: number): Constant | undefined {
  const given = inputs[2]?.constant;
  if (!given || beta === 0) return undefined;
  if (beta === 1 && given.data.length === m) return given;
  const data = Float32Array.from({ length: m }, (_, o) => beta * given.data[given.data.length === 1 ? 0 : o]);
  return { type: "float32", dims: [m], data };
}

/** f(b), or zeros: the bias that the kernel adds. */
function biasRow(e: Emitter, { site, product: { m }, weight, bias }: Dense, map: BiasMap | undefined): Value {
  const added = map && bias;
  const { name, constant } = added ? site.inputs[2]! : weight;
  const variant = added ? `bias ${map} ${m} ${site.attributes.beta}` : `zeros ${m}`;
  return e.weight(added ? name : `${name}:zeros`, constant!, variant, [m], (to) =>
    added ? to.set(Float32Array.from(added.data, mapOf(map))) : to.fill(0),
  );
}

/** y = x · Wᵀ + b, or its transpose where the weight is the first factor. */
export function multiplied(
  e: Emitter,
  { outputs: [{ name, dims }], attributes: { weightFirst } }: Site<DenseAttributes>,
  product: Product,
  x: Value,
  weight: Rows,
  b: Value,
): Value {
  const { n, m, k } = product;
  const rows = weightFirst ? swapped(e, x, k, n, x.dims) : x;
  const y = e.temp(name, dims);
  const { w, ...how } = weight;
  if (how.scales) {
    const scratch = e.scratch(`${name}:unpacked`, 4 * k);
    e.emit("packedForward", { x: rows, w, b, y, scratch, n: rows.count / k, m, k, yRow: m, ...how });
  } else {
    const emit = rowsForward(e, name, rowsAtOnce(product, w), k);
    eachMatrix(product, { x: rows, w, y }, (from, part, to, count) =>
      emit({ x: from, w: part, b, y: to, n: count, m, k, yRow: m, ...how }),
    );
  }
  return weightFirst ? swapped(e, y, n, m, dims) : y;
}

/** The way of a product with a constant weight. */
export function denseWay(site: Site<DenseAttributes>): Way {
  const { node, inputs, attributes } = site;
  const product = productOf(site);
  const { n, m, k, batch, ofX } = product;
  const [data, factor] = attributes.weightFirst ? [1, 0] : [0, 1];
  const dense: Dense = { site, product, weight: inputs[factor]!, bias: biasOf(site, m) };
  const { dims } = inputs[data]!;
  const linear: Linear = {
    kind: "linear",
    layout: "first",
    data: [data],
    // It has no `halves`, so its maps are those of single numbers.
    z(e, [x], map, biasMap) {
      return multiplied(e, site, product, x, weights(e, dense, map as NumberMap), biasRow(e, dense, biasMap));
    },
    vjp(e, s, map) {
      const { w, ...how } = weights(e, dense, map as NumberMap);
      const rows = attributes.weightFirst ? swapped(e, s, m, n, s.dims) : s;
      const out = e.temp(`${node.name}:vjp`, [...batch, n, k]);
      const all = rows.count / m;
      if (how.scales) {
        const scratch = e.scratch(`${node.name}:unpacked`, (32 + all) * Math.min(k, 2048) + 32 * all);
        const sizes = { n: all, m, k, first: 0, columns: k };
        e.emit("packedVjp", { s: rows, w, y: out, scratch, ...sizes, ...how }, all * m * k);
      } else {
        // What one matrix of x gave to several of y comes back from all of them.
        const apart = { ...product, x: product.x.map((_, i) => i) };
        const count = rowsAtOnce(product, w);
        const each = (panels: boolean) => {
          const emit = rowsVjp(e, node.name, count, m, k, panels);
          eachMatrix(apart, { x: out, w, y: rows }, (to, weight, from, n) =>
            emit({ s: from, w: weight, y: to, n, m, k, ...how }),
          );
        };
        // With fewer numbers than half a row of them for each neuron, half of the neurons have no relevance in any row.
        if (byPanels(count, m))
          e.choose(
            rows,
            1 / (2 * count),
            () => each(false),
            () => each(true),
          );
        else each(false);
      }
      const sum = reduceTo(e, out, { ...out, dims: [...ofX, n, k] });
      return [attributes.weightFirst ? swapped(e, sum, n, k, dims) : e.view(sum, dims)];
    },
    bias: dense.bias,
  };
  return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(data), "first")], PLAIN, PLAIN, "exact")] };
}

/** What both rows have. */
export const denseShared = { family: "dense", summary: LINEAR, node: denseWay } as const;

/** A dense layer's weight [m, k] and bias with every output scaled and shifted, or every input. */
export function scaledDense(
  inputs: Operands,
  attributes: DenseAttributes,
  along: "outputs" | "inputs",
  scale: (i: number) => number,
  shift: (i: number) => number,
): { weight: Constant; bias: Constant; attributes: DenseAttributes } {
  const { m, k } = productOf({ inputs, attributes });
  const { rowsAreOutputs, alpha } = attributes;
  const bias = biasOf({ inputs, attributes }, m);
  const { constant } = inputs[1]!;
  const asIs = along === "outputs" && scaledAsIs(constant!, bias, rowsAreOutputs ? "first" : "last", scale, shift);
  if (asIs) return { ...asIs, attributes: { ...attributes, beta: 1 } };
  const source = constant!.data;
  const w = new Float32Array(m * k);
  const b = new Float32Array(m);
  for (let o = 0; o < m; o++) {
    let sum = bias ? bias.data[o] : 0;
    if (along === "outputs") sum = sum * scale(o) + shift(o);
    for (let i = 0; i < k; i++) {
      const v = alpha * source[rowsAreOutputs ? o * k + i : i * m + o];
      w[o * k + i] = v * scale(along === "outputs" ? o : i);
      if (along === "inputs") sum += v * shift(i);
    }
    b[o] = sum;
  }
  return {
    weight: { type: "float32", dims: [m, k], data: w },
    bias: { type: "float32", dims: [m], data: b },
    attributes: { rowsAreOutputs: true, alpha: 1, beta: 1 },
  };
}
