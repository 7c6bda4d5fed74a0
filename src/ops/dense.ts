import type { Emitter, Value } from "../step.ts";
import { type Constant, size } from "../tensor.ts";
import { type BiasMap, type Call, known, type Linear, mapOf, type NumberMap, type Op, type Operands, PLAIN, require } from "./op.ts";

/** Gemm and MatMul with a constant second factor: y = scale · x · W + b. */
export interface DenseAttributes {
  /** Whether the weight lies as [m, k], as the kernels read it, or as [k, m]. */
  readonly rowsAreOutputs: boolean;
  readonly alpha: number;
  readonly beta: number;
}

interface Sizes {
  readonly n: number;
  readonly m: number;
  readonly k: number;
}

function sizes({ inputs, attributes }: Pick<Call<DenseAttributes>, "inputs" | "attributes">): Sizes {
  const [a, b] = inputs[1]!.dims;
  const [m, k] = attributes.rowsAreOutputs ? [a, b] : [b, a];
  return { n: size(inputs[0]!.dims) / k, m, k };
}

/** The weight as rows of k, and the two slopes that the kernel applies while it reads them. */
function weights(e: Emitter, call: Call<DenseAttributes>, map: NumberMap): { value: Value; p: number; q: number } {
  const { name, constant } = call.inputs[1]!;
  const source = constant!.data as Float32Array;
  const { m, k } = sizes(call);
  const { rowsAreOutputs, alpha } = call.attributes;
  const sloped = typeof map !== "string";
  const f = sloped ? (v: number) => v : mapOf(map);
  const variant = `${rowsAreOutputs ? "rows" : "transposed"}${alpha === 1 ? "" : ` · ${alpha}`}${sloped ? "" : ` ${map}`}`;
  const value = e.weight(name, source, variant === "rows" ? "" : variant, [m, k], (to) => {
    if (variant === "rows") to.set(source);
    else if (rowsAreOutputs) for (let i = 0; i < to.length; i++) to[i] = f(alpha * source[i]);
    else for (let o = 0; o < m; o++) for (let i = 0; i < k; i++) to[o * k + i] = f(alpha * source[i * m + o]);
  });
  const [p, q] = sloped ? map : PLAIN;
  return { value, p, q };
}

/** The bias as one number for each output. */
function biasOf(call: Pick<Call<DenseAttributes>, "inputs" | "attributes">): Constant | undefined {
  const given = call.inputs[2]?.constant;
  const { beta } = call.attributes;
  if (!given || beta === 0) return undefined;
  const { m } = sizes(call);
  if (beta === 1 && given.data.length === m) return given;
  const data = Float32Array.from({ length: m }, (_, o) => beta * given.data[given.data.length === 1 ? 0 : o]);
  return { type: "float32", dims: [m], data };
}

function denseZ(e: Emitter, call: Call<DenseAttributes>, [x]: readonly Value[], map: NumberMap, biasMap: BiasMap | undefined): Value {
  const { n, m, k } = sizes(call);
  const y = e.temp(call.outputs[0].name, call.outputs[0].dims);
  const { value, p, q } = weights(e, call, map);
  const bias = biasMap && biasOf(call);
  const source = call.inputs[2]?.constant?.data as Float32Array | undefined;
  const f = biasMap && mapOf(biasMap);
  const b =
    bias && f && source
      ? e.weight(call.inputs[2]!.name, source, `bias ${biasMap} ${m} ${call.attributes.beta}`, [m], (to) =>
          to.forEach((_, o) => {
            to[o] = f(bias.data[o]);
          }),
        )
      : e.weight(`${call.inputs[1]!.name}:zeros`, call.inputs[1]!.constant!.data as Float32Array, `zeros ${m}`, [m], (to) => to.fill(0));
  e.emit("denseForward", x, value, b, y, n, m, k, m, p, q);
  return y;
}

function denseVjp(e: Emitter, call: Call<DenseAttributes>, s: Value, map: NumberMap): readonly Value[] {
  const { n, m, k } = sizes(call);
  const out = e.temp(`${call.node.name}:vjp`, call.inputs[0]!.dims);
  const { value, p, q } = weights(e, call, map);
  e.emit("denseVjp", s, value, out, n, m, k, k, p, q);
  return [out];
}

// It has no `halves`, so its maps are those of single numbers.
const linear: Linear<DenseAttributes> = {
  kind: "linear",
  layout: "first",
  data: () => [0],
  z: (e, call, x, map, bias) => denseZ(e, call, x, map as NumberMap, bias),
  vjp: (e, call, s, map) => denseVjp(e, call, s, map as NumberMap),
  bias: biasOf,
};

const shared = {
  family: "dense",
  summary: "any linear rule",
  forward: (e: Emitter, call: Call<DenseAttributes>) => [denseZ(e, call, [e.as(call.x(0), "first")], PLAIN, PLAIN)],
  relevance: linear,
} as const;

/** y = alpha · A · B + beta · C with constant B and C. Source: ONNX Gemm-13. */
export const gemm: Op<DenseAttributes> = {
  ...shared,
  type: "Gemm",
  attributes(read) {
    require(read.int("transA", 0) === 0, "unsupported", "transA = 0", "1", "Transpose the input before the node.");
    return { rowsAreOutputs: read.int("transB", 0) === 1, alpha: read.float("alpha", 1), beta: read.float("beta", 1) };
  },
  infer(inputs, a) {
    const [x, w, c] = inputs;
    require(x && w, "invalid-model", "inputs A and B", "none");
    require(!x.constant, "unsupported", "a computed A", "a constant one");
    known(inputs, 1, "a B");
    known(inputs, 2, "a C");
    require(x.dims.length === 2 && w.dims.length === 2, "shape", "A and B of rank 2", `ranks ${x.dims.length} and ${w.dims.length}`);
    const [m, k] = a.rowsAreOutputs ? w.dims : [w.dims[1], w.dims[0]];
    require(x.dims[1] === k, "shape", `an A of ${k} columns`, `${x.dims[1]}`);
    require(!c ||
      size(c.dims) === 1 ||
      (size(c.dims) === m && c.dims.at(-1) === m), "unsupported", `a C of 1 or ${m} numbers along the columns`, `dims [${c?.dims}]`);
    return { dims: [[x.dims[0], m]] };
  },
};

/** y = x · B with constant B of rank 2. Source: ONNX MatMul-13. */
export const matMul: Op<DenseAttributes> = {
  ...shared,
  type: "MatMul",
  attributes: () => ({ rowsAreOutputs: false, alpha: 1, beta: 1 }),
  infer(inputs) {
    const [x, w] = inputs;
    require(x && w, "invalid-model", "two inputs", "fewer");
    require(!x.constant, "unsupported", "a computed first factor", "a constant one");
    known(inputs, 1, "a second factor");
    require(w.dims.length === 2 &&
      x.dims.length >= 2, "unsupported", "a second factor of rank 2", `ranks ${x.dims.length} and ${w.dims.length}`);
    require(x.dims.at(-1) === w.dims[0], "shape", `a first factor of ${w.dims[0]} columns`, `${x.dims.at(-1)}`);
    return { dims: [[...x.dims.slice(0, -1), w.dims[1]]] };
  },
};

/** A dense layer's weight [m, k] and bias with every output scaled and shifted, or every input. */
export function scaledDense(
  inputs: Operands,
  attributes: DenseAttributes,
  along: "outputs" | "inputs",
  scale: (i: number) => number,
  shift: (i: number) => number,
): { weight: Constant; bias: Constant } {
  const { m, k } = sizes({ inputs, attributes });
  const source = inputs[1]!.constant!.data;
  const { rowsAreOutputs, alpha } = attributes;
  const bias = biasOf({ inputs, attributes });
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
  return { weight: { type: "float32", dims: [m, k], data: w }, bias: { type: "float32", dims: [m], data: b } };
}
