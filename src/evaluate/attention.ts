import { LrpError } from "../base/error.ts";
import { type Dims, shapeText, size, type Tensor } from "../base/tensor.ts";
import type { Model } from "../model/model.ts";
import type { Explanation } from "../model/report.ts";
import { checkInputs, type Input } from "../run/input.ts";
import type { Target } from "../run/target.ts";
import type { Watch } from "./runs.ts";
import { spreadOf } from "./token-places.ts";

/** @internal Attention as it ran on one sample: P of every head, and the slope of the score there. */
export interface Head {
  /** p_ij: what token i takes of token j; row-major. */
  readonly weights: Float64Array;
  /** ∂f/∂p_ij */
  readonly slopes: Float64Array;
}

/** @internal The heads of each layer, from the input up, and the number of tokens. */
export interface Layers {
  readonly heads: readonly (readonly Head[])[];
  readonly tokens: number;
}

/** What a method of attention explains. */
export interface AttentionStudy extends Watch {
  readonly target: Target;
  readonly classAxis: number | undefined;
}

/** Operators by which tokens get to know of each other without attention. */
const MIXING = new Set(["Conv", "ConvTranspose", "LSTM", "GRU", "RNN", "MaxPool", "AveragePool"]);

function refused(where: string, expected: string, received: string): LrpError {
  return new LrpError("unsupported", {
    where,
    expected,
    received,
    fix: "Composites, gradients and occlusion explain any network.",
  });
}

type Nodes = ReturnType<Model["inspect"]>["nodes"];

/** The names of what is behind values. */
function after(nodes: Nodes, names: readonly string[]): ReadonlySet<string> {
  const found = new Set(names);
  for (const { inputs, outputs } of nodes)
    if (inputs.some((name) => found.has(name))) for (const { name } of outputs) found.add(name);
  return found;
}

/** The attentions of a network, one behind the other. @throws LrpError "unsupported" where the methods mean nothing */
function stackOf(nodes: Nodes, where: string): Nodes {
  const used = nodes.filter(({ rule }) => rule !== "left out");
  const stack = used.filter(({ type }) => type === "DotProductAttention");
  const computed = new Set(used.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const unknown = used.find(({ type, inputs }) => type === "MatMul" && inputs.every((name) => computed.has(name)));
  if (unknown)
    throw refused(
      where,
      "attention that relprop recognises",
      `node '${unknown.node}', a product of two computed matrices`,
    );
  if (stack.length === 0) throw refused(where, "a network with attention", "one without");
  const [{ outputs: first }] = stack;
  const [{ dims }] = first.slice(1);
  for (const [i, { node, outputs }] of stack.entries()) {
    const own = outputs[1].dims;
    const isSquare = own.at(-1) === own.at(-2) && own.at(-1) === dims.at(-1);
    if (!isSquare)
      throw refused(
        where,
        "self-attention, of the same tokens in every layer",
        `node '${node}' with weights ${shapeText(own)}, where the first has ${shapeText(dims)}`,
      );
    const next = stack[i + 1];
    const behind = after(used, [outputs[0].name]);
    if (next && !next.inputs.some((name) => behind.has(name)))
      throw refused(where, "layers one behind the other", `node '${next.node}', which does not read '${node}'`);
  }
  const behind = after(used, [first[0].name]);
  const mixing = used.find(({ type, inputs }) => MIXING.has(type) && inputs.some((name) => behind.has(name)));
  if (mixing)
    throw refused(
      where,
      "tokens that meet in attention only",
      `node '${mixing.node}' (${mixing.type}) behind attention`,
    );
  return stack;
}

/** Where the matrices of a value stand that is broadcast to these leading dims. */
function broadcastOffsets(lead: Dims, dims: Dims): number[] {
  const own = dims.slice(0, -2);
  const area = size(dims.slice(-2));
  let [all, step] = [[0], area];
  for (let axis = lead.length - 1; axis >= 0; axis--) {
    const length = own[own.length - lead.length + axis] ?? 1;
    const [at, by] = [all, length === 1 ? 0 : step];
    all = Array.from({ length: lead[axis] }, (_, i) => at.map((offset) => offset + i * by)).flat();
    step *= length;
  }
  return all;
}

/** The heads of one layer. @param slope ∂f/∂O */
function headsOf(weights: Tensor, value: Tensor, slope: Tensor): readonly Head[] {
  const { dims, data } = weights;
  const [t, width] = [dims.at(-1)!, value.dims.at(-1)!];
  const starts = broadcastOffsets(dims.slice(0, -2), value.dims);
  return starts.map((start, h) => {
    const slopes = new Float64Array(t * t);
    for (let i = 0; i < t; i++)
      for (let j = 0; j < t; j++)
        for (let d = 0; d < width; d++)
          slopes[i * t + j] += slope.data[(h * t + i) * width + d] * value.data[start + j * width + d];
    return { weights: Float64Array.from(data.subarray(h * t * t, (h + 1) * t * t)), slopes };
  });
}

/** The tokens whose value behind the last attention is in the score. */
function readTokens({ data, dims }: Tensor): number[] {
  const [t, width] = dims.slice(-2);
  const read = new Set<number>();
  data.forEach((v, i) => {
    if (v !== 0) read.add(Math.floor(i / width) % t);
  });
  return [...read].sort((a, b) => a - b);
}

/**
 * @internal Relevance of an input from the weights of attention. `rows` gives the matrix R of the tokens; the relevance
 * of token j is the mean of r_ij over the tokens i from which the score is read, and is spread evenly over the numbers
 * of the input that token j is made from.
 */
export async function throughAttention(
  model: Model,
  input: Input,
  { target, classAxis, signal, onProgress }: AttentionStudy,
  { name, rows }: { readonly name: string; readonly rows: (layers: Layers) => Float64Array },
): Promise<Explanation> {
  const where = `method '${name}'`;
  const given = checkInputs(model.inputs, input);
  const options = { composite: "gradient", target, start: "one", classAxis } as const;
  const dims = Object.fromEntries([...given].map(([port, tensor]) => [port, tensor.dims]));
  const stack = stackOf(model.inspect({ ...options, dims }).nodes, where);
  const explanation = model.explain(input, { ...options, at: stack.map(({ outputs }) => outputs[0].name) });
  const { targets, relevance, inputs, at, output, logits } = explanation;
  if (targets.length > 1) throw refused(where, "one sample at a time", `${targets.length}`);
  const values = model.activations(
    input,
    stack.flatMap((node) => [node.outputs[1].name, node.inputs[2]]),
  );
  const layers = stack.map((node): readonly Head[] => {
    const slope = at[node.outputs[0].name];
    const [weights, value] = [values[node.outputs[1].name], values[node.inputs[2]]];
    const [lead, all] = [weights, slope].map((tensor) => tensor.dims.slice(0, -2));
    if (lead.join() !== all.join())
      throw refused(where, "weights for each head", `node '${node.node}' with weights ${shapeText(weights.dims)}`);
    return headsOf(weights, value, slope);
  });
  const tokens = stack[0].outputs[1].dims.at(-1)!;
  const read = readTokens(at[stack.at(-1)!.outputs[0].name]);
  const matrix = rows({ heads: layers, tokens });
  const scores = Float64Array.from({ length: tokens }, (_, j) =>
    read.reduce((sum, i) => sum + matrix[i * tokens + j] / read.length, 0),
  );
  const [port] = Object.entries(inputs).find(([, tensor]) => tensor === relevance)!;
  const first = stack[0].inputs[2];
  const data = await spreadOf(model, { given, port, where }, first, scores, { signal, onProgress });
  const { dims: shape, batchAxis, channelAxis } = relevance;
  const found: Tensor = { data, dims: shape, batchAxis, ...(channelAxis && { channelAxis }) };
  const several = `The score is read from ${read.length} tokens, whose relevance is averaged.`;
  return {
    output,
    logits,
    targets,
    start: "one",
    relevance: found,
    inputs: { [port]: found },
    shares: {},
    at: {},
    rules: [],
    ledger: [],
    stability: { verdict: "unjudged" },
    notes: read.length > 1 ? [several] : [],
  };
}

/** A + identity, row-major. */
function withIdentity(matrix: Float64Array, t: number): Float64Array {
  return matrix.map((v, i) => v + (i % (t + 1) === 0 ? 1 : 0));
}

function product(a: Float64Array, b: Float64Array, t: number): Float64Array {
  return Float64Array.from({ length: t * t }, (_, at) => {
    const [i, j] = [Math.floor(at / t), at % t];
    let sum = 0;
    for (let k = 0; k < t; k++) sum += a[i * t + k] * b[k * t + j];
    return sum;
  });
}

/** The mean over heads of a number of each pair of tokens. */
const meanOf = (heads: readonly Head[], of: (head: Head, at: number) => number, t: number) =>
  Float64Array.from({ length: t * t }, (_, at) => heads.reduce((sum, head) => sum + of(head, at), 0) / heads.length);

/** The product over layers of A + identity, the uppermost first. @param scale what each is multiplied by */
function through(matrices: readonly Float64Array[], t: number, scale: number): Float64Array {
  const identity = withIdentity(new Float64Array(t * t), t);
  const step = (below: Float64Array, matrix: Float64Array) =>
    product(
      withIdentity(matrix, t).map((v) => v * scale),
      below,
      t,
    );
  return matrices.reduce(step, identity);
}

/** @internal Â_L … Â_1 with Â = (mean over heads of P + 1) / 2 */
export const rollout = ({ heads, tokens }: Layers): Float64Array =>
  through(
    heads.map((layer) => meanOf(layer, ({ weights }, at) => weights[at], tokens)),
    tokens,
    1 / 2,
  );

/** @internal (1 + Ā_L) … (1 + Ā_1) with Ā = mean over heads of max(0, P ⊙ ∂f/∂P) */
export const gradientTimesAttention = ({ heads, tokens }: Layers): Float64Array =>
  through(
    heads.map((layer) => meanOf(layer, ({ weights, slopes }, at) => Math.max(0, weights[at] * slopes[at]), tokens)),
    tokens,
    1,
  );
