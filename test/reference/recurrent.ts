import type { Dims } from "./linear.ts";

/*
 * LSTM, GRU and RNN as ONNX defines them: number by number, one time after the other.
 */

type Numbers = ArrayLike<number>;
type Scalar = (v: number) => number;

/** f(x; alpha, beta) and how it changes. */
export const activations: Readonly<Record<string, (v: number, alpha: number, beta: number) => number>> = {
  Relu: (v) => Math.max(v, 0),
  Tanh: Math.tanh,
  Sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  Affine: (v, alpha, beta) => alpha * v + beta,
  LeakyRelu: (v, alpha) => (v >= 0 ? v : alpha * v),
  ThresholdedRelu: (v, alpha) => (v > alpha ? v : 0),
  ScaledTanh: (v, alpha, beta) => alpha * Math.tanh(beta * v),
  HardSigmoid: (v, alpha, beta) => Math.min(Math.max(alpha * v + beta, 0), 1),
  Elu: (v, alpha) => (v >= 0 ? v : alpha * Math.expm1(v)),
  Softsign: (v) => v / (1 + Math.abs(v)),
  Softplus: (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
};

/** One direction. */
export interface Direction {
  /** f, then g and h, as far as the cell has them. */
  readonly activations: readonly Scalar[];
  readonly reverse: boolean;
}

export interface Recurrence {
  readonly type: "LSTM" | "GRU" | "RNN";
  readonly steps: number;
  readonly batch: number;
  readonly input: number;
  readonly hidden: number;
  readonly directions: readonly Direction[];
  /** [directions, gates · hidden, input], [directions, gates · hidden, hidden], [directions, 2 · gates · hidden]. */
  readonly w: Numbers;
  readonly r: Numbers;
  readonly b?: Numbers;
  /** One for each sample. */
  readonly lengths?: readonly number[];
  /** [directions, 3 · hidden]. */
  readonly p?: Numbers;
  readonly clip?: number;
  readonly inputForget?: boolean;
  readonly linearBeforeReset?: boolean;
}

/** What is computed: [steps, batch, input], [directions, batch, hidden]. */
export interface Computed {
  readonly x: Numbers;
  readonly h?: Numbers;
  readonly c?: Numbers;
}

/** What one direction of one sample has computed in one step: enough to say what its state is a sum of. */
export interface Step {
  readonly d: number;
  readonly n: number;
  /** Which time it is. */
  readonly t: number;
  /** y and c before it. */
  readonly before: readonly number[];
  readonly cell: readonly number[];
  /** What is multiplied by what was before, and what by the candidate, which is the last; both of an RNN are empty. */
  readonly keeps: readonly number[];
  readonly takes: readonly number[];
  readonly candidate: readonly number[];
  /** r of a GRU. */
  readonly reset: readonly number[];
}

export const GATES = { LSTM: 4, GRU: 3, RNN: 1 } as const;

/**
 * Y [steps, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden]: zeros where there is no step, as
 * onnxruntime has it.
 */
export function recur(a: Recurrence, { x, h: h0, c: c0 }: Computed) {
  const { steps, batch, input, hidden, clip = Infinity } = a;
  const gates = GATES[a.type];
  const shape: Dims = [steps, a.directions.length, batch, hidden];
  const y = new Float64Array(shape.reduce((p, d) => p * d, 1));
  const [lastH, lastC] = [0, 1].map(() => new Float64Array(a.directions.length * batch * hidden));
  const done: Step[] = [];
  const bounded = (v: number) => Math.min(Math.max(v, -clip), clip);
  a.directions.forEach(({ activations: [f, g, h], reverse }, d) => {
    for (let n = 0; n < batch; n++) {
      const row = (d * batch + n) * hidden;
      let before = Array.from({ length: hidden }, (_, j) => h0?.[row + j] ?? 0);
      let cell = Array.from({ length: hidden }, (_, j) => c0?.[row + j] ?? 0);
      const length = a.lengths?.[n] ?? steps;
      for (let step = 0; step < length; step++) {
        const t = reverse ? length - 1 - step : step;
        const at = (gate: number, j: number) => (d * gates + gate) * hidden + j;
        const fromX = (gate: number, j: number) => {
          let sum = 0;
          for (let k = 0; k < input; k++) sum += a.w[at(gate, j) * input + k] * x[(t * batch + n) * input + k];
          return sum;
        };
        const fromH = (gate: number, j: number, state: readonly number[]) => {
          let sum = 0;
          for (let k = 0; k < hidden; k++) sum += a.r[at(gate, j) * hidden + k] * state[k];
          return sum;
        };
        // Biases of W, then those of R.
        const bias = (which: 0 | 1, gate: number, j: number) =>
          a.b?.[((2 * d + which) * gates + gate) * hidden + j] ?? 0;
        const peep = (k: number, j: number, c: number) => (a.p?.[(3 * d + k) * hidden + j] ?? 0) * c;
        const sum = (gate: number, j: number, state = before) =>
          fromX(gate, j) + fromH(gate, j, state) + bias(0, gate, j) + bias(1, gate, j);
        const each = (make: (j: number) => number) => Array.from({ length: hidden }, (_, j) => make(j));
        let next: number[];
        const now = { d, n, t, before, cell };
        if (a.type === "RNN") {
          next = each((j) => f(bounded(sum(0, j))));
          done.push({ ...now, keeps: [], takes: [], candidate: next, reset: [] });
        } else if (a.type === "GRU") {
          const z = each((j) => f(bounded(sum(0, j))));
          const r = each((j) => f(bounded(sum(1, j))));
          const reset = before.map((v, j) => r[j] * v);
          const candidate = each((j) =>
            g(
              bounded(
                a.linearBeforeReset
                  ? fromX(2, j) + bias(0, 2, j) + r[j] * (fromH(2, j, before) + bias(1, 2, j))
                  : sum(2, j, reset),
              ),
            ),
          );
          next = each((j) => (1 - z[j]) * candidate[j] + z[j] * before[j]);
          done.push({ ...now, keeps: z, takes: z.map((v) => 1 - v), candidate, reset: r });
        } else {
          // Gates stand as input, output, forget, cell; peepholes as input, output, forget.
          const i = each((j) => f(bounded(sum(0, j) + peep(0, j, cell[j]))));
          const forget = each((j) => (a.inputForget ? 1 - i[j] : f(bounded(sum(2, j) + peep(2, j, cell[j])))));
          const candidate = each((j) => g(bounded(sum(3, j))));
          cell = each((j) => forget[j] * cell[j] + i[j] * candidate[j]);
          const o = each((j) => f(bounded(sum(1, j) + peep(1, j, cell[j]))));
          next = each((j) => o[j] * h(cell[j]));
          done.push({ ...now, keeps: forget, takes: i, candidate, reset: [] });
        }
        before = next;
        y.set(before, ((t * a.directions.length + d) * batch + n) * hidden);
      }
      if (length === 0) continue;
      lastH.set(before, row);
      lastC.set(cell, row);
    }
  });
  return { y, h: lastH, c: lastC, done };
}
