import type { LinearMap } from "./linear.ts";

/*
 * The rules for linear layers, scalar by scalar: each says how one neuron hands on its relevance.
 */

type Numbers = ArrayLike<number>;
const plus = (v: number): number => Math.max(v, 0);
const minus = (v: number): number => Math.min(v, 0);

/** What keeps a denominator from vanishing; z = 0 counts as positive. */
export type Stabilize = (z: number) => number;
export const adding =
  (epsilon: number): Stabilize =>
  (z) =>
    z >= 0 ? z + epsilon : z - epsilon;
export const clipping =
  (epsilon: number): Stabilize =>
  (z) =>
    z >= 0 ? Math.max(z, epsilon) : Math.min(z, -epsilon);

/**
 * A neuron: the weights and values of its inputs, its bias as the rule counts it, and z = Σ w x + b with the bias that
 * it has.
 */
export interface Neuron {
  readonly x: readonly number[];
  readonly w: readonly number[];
  /** Which inputs they are. */
  readonly i: readonly number[];
  readonly b: number;
  readonly z: number;
}

/** Where one unit of relevance goes. */
export interface Shares {
  readonly inputs: readonly number[];
  readonly bias: number;
  readonly stabilizer: number;
  readonly dead: number;
}

/** By parts: `terms` and `bias` over their stabilized sum. A sum of 0 is a dead neuron; 0/0 counts as 0. */
function byParts(terms: readonly number[], bias: number, stab: Stabilize): Shares {
  const z = terms.reduce((a, b) => a + b, 0) + bias;
  const d = stab(z);
  if (d === 0) return { inputs: terms.map(() => 0), bias: 0, stabilizer: 0, dead: 1 };
  const dead = z === 0;
  return { inputs: terms.map((t) => t / d), bias: bias / d, stabilizer: dead ? 0 : (d - z) / d, dead: dead ? 1 : 0 };
}

const nothing = (terms: readonly number[]): Shares => ({ inputs: terms.map(() => 0), bias: 0, stabilizer: 0, dead: 1 });

function mix(a: number, p: Shares, b: number, q: Shares): Shares {
  return {
    inputs: p.inputs.map((v, i) => a * v + b * q.inputs[i]),
    bias: a * p.bias + b * q.bias,
    stabilizer: a * p.stabilizer + b * q.stabilizer,
    dead: a * p.dead + b * q.dead,
  };
}

export type NeuronRule = (neuron: Neuron, stab: Stabilize) => Shares;

/** z_i = x_i w_i */
export const epsilon: NeuronRule = ({ x, w, b }, stab) =>
  byParts(
    x.map((v, k) => v * w[k]),
    b,
    stab,
  );

/** α z_i⁺ / Σ z⁺ − β z_i⁻ / Σ z⁻ */
export const alphaBeta =
  (alpha: number, beta: number): NeuronRule =>
  ({ x, w, b }, stab) => {
    const z = x.map((v, k) => v * w[k]);
    return mix(alpha, byParts(z.map(plus), plus(b), stab), -beta, byParts(z.map(minus), minus(b), stab));
  };

/** x_i⁺ w_i⁺ */
export const excitation: NeuronRule = ({ x, w }, stab) =>
  byParts(
    x.map((v, k) => plus(v) * plus(w[k])),
    0,
    stab,
  );

/** z_i + γ z_i⁺ where z > 0, z_i + γ z_i⁻ where z < 0, nothing where z = 0 */
export const gamma =
  (g: number): NeuronRule =>
  ({ x, w, b, z }, stab) => {
    const parts = x.map((v, k) => v * w[k]);
    if (z === 0) return nothing(parts);
    const favoured = z > 0 ? plus : minus;
    return byParts(
      parts.map((p) => p + g * favoured(p)),
      b + g * favoured(b),
      stab,
    );
  };

/** w_i² */
export const wSquare: NeuronRule = ({ w, b }, stab) =>
  byParts(
    w.map((v) => v * v),
    b * b,
    stab,
  );

/** 1 for each input that is there */
export const flat: NeuronRule = ({ w }, stab) =>
  byParts(
    w.map(() => 1),
    0,
    stab,
  );

/** x_i w_i − l_i w_i⁺ − h_i w_i⁻ with the bounds of every input */
export const zBox =
  (low: (i: number) => number, high: (i: number) => number): NeuronRule =>
  ({ x, w, i }, stab) =>
    byParts(
      x.map((v, k) => v * w[k] - low(i[k]) * plus(w[k]) - high(i[k]) * minus(w[k])),
      0,
      stab,
    );

/** |z_i| */
export const ratio: NeuronRule = ({ x, w, b }, stab) =>
  byParts(
    x.map((v, k) => Math.abs(v * w[k])),
    Math.abs(b),
    stab,
  );

/** z_i over z, which is at least δ Σ |z_i| */
export const clip =
  (delta: number): NeuronRule =>
  ({ x, w, b }) => {
    const z = x.map((v, k) => v * w[k]);
    return byParts(z, b, clipping(delta * z.reduce((sum, v) => sum + Math.abs(v), Math.abs(b))));
  };

export interface Outcome {
  readonly relevance: Float64Array;
  readonly bias: number;
  readonly stabilizer: number;
  readonly dead: number;
}

export interface Options {
  /** Default: added, 1e-6. */
  readonly stab?: Stabilize;
  /** Instead of `stab`: ε as a multiple of the root mean square of each sample's z. */
  readonly relative?: number;
  /** Whether the bias has a share; default true. */
  readonly bias?: boolean;
}

/** R_i = Σ_j share_ij R_j, with what the neurons keep. */
export function explain(map: LinearMap, x: Numbers, r: Numbers, rule: NeuronRule, options: Options = {}): Outcome {
  const { stab = adding(1e-6), relative, bias = true } = options;
  const neurons = map.connections.map((list, j): Neuron => {
    const b = bias ? map.bias[j] : 0;
    return {
      x: list.map((c) => x[c.i]),
      w: list.map((c) => c.w),
      i: list.map((c) => c.i),
      b,
      z: list.reduce((z, c) => z + c.w * x[c.i], map.bias[j]),
    };
  });
  const counted = ({ x, w, b }: Neuron) => x.reduce((z, v, k) => z + v * w[k], b);
  const perSample = neurons.length / map.dims[0];
  const rms = (sample: number) =>
    Math.sqrt(
      neurons
        .slice(sample * perSample, (sample + 1) * perSample)
        .reduce((sum, neuron) => sum + counted(neuron) ** 2, 0) / perSample,
    );
  const relevance = new Float64Array(map.inputs);
  let [toBias, toStabilizer, toDead] = [0, 0, 0];
  neurons.forEach((neuron, j) => {
    const shares = rule(neuron, relative === undefined ? stab : adding(relative * rms(Math.floor(j / perSample))));
    neuron.i.forEach((i, k) => {
      relevance[i] += shares.inputs[k] * r[j];
    });
    toBias += shares.bias * r[j];
    toStabilizer += shares.stabilizer * r[j];
    toDead += shares.dead * r[j];
  });
  return { relevance, bias: toBias, stabilizer: toStabilizer, dead: toDead };
}
