import { demand } from "../../base/complaint.ts";
import { shapeText, type Dims } from "../../base/tensor.ts";
import type { Operand } from "../../graph/graph.ts";
import type { ConvAttributes } from "../conv/geometry.ts";
import type { AttributeReader, Op } from "../op.ts";
import { standsFor } from "../says.ts";
import { composed } from "./compose.ts";
import { integer } from "./loops.ts";

/*
 * Layers of a sequence that give out a state, from which the next part of the sequence can go on.
 */

/** An input has these dims. */
function fits(what: string, given: Operand, dims: Dims): void {
  demand(given.dims.join() === dims.join(), "shape", `${what} ${shapeText(dims, "")}`, shapeText(given.dims, ""));
}

const ACTIVATIONS = ["none", "silu", "swish"];

/**
 * A convolution of each channel by itself with what came before, x / (1 + e^(−x)) behind it where that is asked for.
 * The state is the end of its input. Source: ONNX CausalConvWithState-27.
 */
const causalConv: Op<{ swish: boolean }> = composed<{ swish: boolean }>(
  {
    type: "CausalConvWithState",
    summary: standsFor("Conv and Swish"),
    takes: { 27: "input weight bias? past_state?" },
    outputs: 2,
    attributes(read) {
      const name = read.string("activation", "none");
      demand(ACTIVATIONS.includes(name), "invalid-model", `an activation ${ACTIVATIONS.join(", ")}`, name);
      return { swish: name !== "none" };
    },
  },
  (c, [x, weight, bias, past], { swish }, { outputs: [, present] }) => {
    demand(x.dims.length === 3, "shape", "an input of rank 3", `rank ${x.dims.length}`);
    demand(weight.dims.length === 3, "shape", "a weight of rank 3", `rank ${weight.dims.length}`);
    const [n, channels, length] = x.dims;
    const kernel = weight.dims[2];
    fits("a weight", weight, [channels, 1, Math.max(kernel, 1)]);
    const before = kernel - 1;
    if (past) fits("a past_state", past, [n, channels, before]);
    const pads = [0, 0, before, 0, 0, 0];
    const padded =
      before === 0
        ? x.name
        : past
          ? c.add("Concat", [past.name, x.name], { axis: 2 })
          : c.add("Pad", [x.name], { mode: "constant", pads, value: 0 });
    if (present) {
      const [start, end] = [length, length + before];
      c.add("Slice", [padded, c.ints([start]), c.ints([end]), c.ints([2])], {}, present);
    }
    const sides = { kernel: undefined, strides: undefined, dilations: undefined, pads: undefined };
    const attributes: ConvAttributes = { window: { ...sides, autoPad: "NOTSET", ceil: false }, group: channels };
    const y = c.add("Conv", [padded, weight.name, ...(bias ? [bias.name] : [])], attributes);
    return swish ? c.add("Swish", [y], { alpha: 1 }) : y;
  },
);

interface Recurrence {
  readonly heads: number;
  readonly sharedHeads: number;
  /** 0: 1 / √(size of a head). */
  readonly scale: number;
  /** Whether the state is multiplied at each step. */
  readonly gated: boolean;
  /** Whether a step writes only what the state does not yet give for its key. */
  readonly delta: boolean;
}

const RULES = ["linear", "gated", "delta", "gated_delta"];

function readRecurrence(read: AttributeReader): Recurrence {
  // How many steps are computed together changes nothing.
  read.ignore("chunk_size");
  const rule = read.string("update_rule", "gated_delta");
  demand(RULES.includes(rule), "invalid-model", `an update_rule ${RULES.join(", ")}`, rule);
  return {
    heads: read.int("q_num_heads", 0),
    sharedHeads: read.int("kv_num_heads", 0),
    scale: read.float("scale", 0),
    gated: rule.startsWith("gated"),
    delta: rule.endsWith("delta"),
  };
}

/** Dims of the heads: how many queries share each key, and the sizes of keys and values. */
interface Sizes {
  readonly groups: number;
  readonly keys: number;
  readonly values: number;
}

function sizesOf(
  inputs: readonly (Operand | undefined)[],
  { heads, sharedHeads: shared, gated, delta }: Recurrence,
): Sizes {
  const [query, key, value, past, decay, beta] = inputs as readonly Operand[];
  const isMultiple = shared >= 1 && heads >= 1 && heads % shared === 0;
  demand(isMultiple, "invalid-model", "a q_num_heads that is a multiple of kv_num_heads", `${heads} and ${shared}`);
  demand(query.dims.length === 3, "shape", "a query of rank 3", `rank ${query.dims.length}`);
  demand(value.dims.length === 3, "shape", "a value of rank 3", `rank ${value.dims.length}`);
  const [n, length, width] = query.dims;
  demand(width % heads === 0, "shape", `a query of a multiple of ${heads} columns`, `${width}`);
  demand(value.dims[2] % shared === 0, "shape", `a value of a multiple of ${shared} columns`, `${value.dims[2]}`);
  demand(n * length * width * value.dims[2] > 0, "unsupported", "a query and a value that are not empty", "none");
  const [keys, values] = [width / heads, value.dims[2] / shared];
  fits("a key", key, [n, length, shared * keys]);
  fits("a value", value, [n, length, shared * values]);
  if (past) fits("a past_state", past, [n, shared, keys, values]);
  for (const [name, given, wanted, columns] of [
    ["decay", decay, gated, shared * keys],
    ["beta", beta, delta, 1],
  ] as const) {
    demand(
      !given === !wanted,
      "invalid-model",
      `${wanted ? "a" : "no"} ${name}, as update_rule says`,
      given ? "one" : "none",
    );
    if (given) fits(`a ${name}`, given, [n, length, given.dims[2] === columns ? columns : shared]);
  }
  return { groups: heads / shared, keys, values };
}

/**
 * A state S of each head that step after step takes up the products of keys and values, and is read by queries:
 *
 *   S ← e^g S,  S ← S + k (β (v − kᵀ S))ᵀ,  o = scale · qᵀ S
 *
 * Without gates there is no e^g, and without delta what is written is v. Source: ONNX LinearAttention-27.
 */
const linearAttention: Op<Recurrence> = {
  type: "LinearAttention",
  family: "other",
  summary: standsFor("MatMul, Mul, Sub and Add of each step"),
  takes: { 27: "query key value past_state:float1? decay? beta?" },
  outputs: 2,
  attributes: readRecurrence,
  unroll(at, inputs, a, { outputs: [output, present] }) {
    const { groups, keys, values } = sizesOf(inputs, a);
    const [query, key, value, past, decay, beta] = inputs;
    const [n, length] = query!.dims;
    const float = ({ name, type }: Operand) => (type === "float32" ? name : at.add("Cast", [name], { to: "float32" }));
    const reshape = (x: string, shape: Dims) => at.add("Reshape", [x], { allowZero: true, shape });
    const transpose = (x: string) => at.add("Transpose", [x], { perm: [0, 2, 1, 3, 4] });
    const matMul = (x: string, y: string) => at.add("MatMul", [x, y], { rowsAreOutputs: false, alpha: 1, beta: 1 });
    /** A matrix for each sample, head and step. */
    const matrices = (x: string, heads: number, rows: number, columns: number) =>
      transpose(reshape(x, [n, length, heads, rows, columns]));
    const shared = a.sharedHeads;
    const scale = Float32Array.of(a.scale || 1 / Math.sqrt(keys));
    const factor = at.constant({ type: "float32", dims: [], data: scale });
    const q = matrices(at.add("Mul", [float(query!), factor]), shared, groups, keys);
    const k = float(key!);
    const [row, column] = [a.delta && matrices(k, shared, 1, keys), matrices(k, shared, keys, 1)];
    const v = matrices(float(value!), shared, 1, values);
    // The first step has nothing to decay, unless there was something before.
    const g =
      decay && (past || length > 1)
        ? matrices(at.add("Exp", [float(decay)]), shared, decay.dims[2] / shared, 1)
        : undefined;
    const b = beta && matrices(float(beta), beta.dims[2], 1, 1);
    const reads: string[] = [];
    let state = past && float(past);
    for (let t = 0; t < length; t++) {
      const step = at.constant(integer(t));
      const of = (x: string) => at.add("Gather", [x, step], { axis: 2 });
      if (state && g) state = at.add("Mul", [state, of(g)]);
      let written = of(v);
      if (state && row) written = at.add("Sub", [written, matMul(of(row), state)]);
      if (b) written = at.add("Mul", [of(b), written]);
      const product = matMul(of(column), written);
      state = state ? at.add("Add", [state, product]) : product;
      reads.push(matMul(of(q), state));
    }
    const cast = (x: string, to: Operand["type"], as: string) => at.add("Cast", [x], { to }, as);
    if (present) cast(state!, (past ?? query!).type, present);
    if (!output) return;
    const all = reshape(at.add("Concat", reads, { axis: 2 }), [n, shared, length, groups, values]);
    cast(reshape(transpose(all), [n, length, a.heads * values]), query!.type, output);
  },
};

export const states = [causalConv, linearAttention] as const;
