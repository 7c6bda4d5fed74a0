import { type Computed, GATES, recur, type Recurrence, type Step } from "./recurrent.ts";
import { adding, epsilon, type Neuron, type NeuronRule, type Shares, type Stabilize } from "./rules.ts";

/*
 * Relevance of LSTM, GRU and RNN, one time after the other from the last, number by number: gates get none, functions
 * pass it on, the sum shares by contribution, and the map of input and state before by a rule.
 */

type Numbers = ArrayLike<number>;

/** Relevance of Y, Y_h and Y_c; none where it is left out. */
export interface Received {
  readonly y?: Numbers;
  readonly h?: Numbers;
  readonly c?: Numbers;
}

export interface Rule {
  readonly by: NeuronRule;
  readonly stab?: Stabilize;
  /** Instead of `stab`: ε as a multiple of the root mean square of what the neurons of one step add up. */
  readonly relative?: number;
  /** Whether biases have a share; default true. */
  readonly bias?: boolean;
  /** How the sum shares; default by contribution. */
  readonly sum?: NeuronRule;
}

/** The weights of one neuron of the map in one step. */
function neuron(a: Recurrence, x: Numbers, { d, n, t, before, reset }: Step, j: number, counts: boolean): Neuron {
  const { input, hidden, batch } = a;
  const gates = GATES[a.type];
  const row = (d * gates + gates - 1) * hidden + j;
  const biases = [0, 1].map((which) => a.b?.[((2 * d + which) * gates + gates - 1) * hidden + j] ?? 0);
  const isGru = a.type === "GRU";
  // What a GRU's gate scales: the state, or all that the state has to say.
  const [scale, state] =
    isGru && a.linearBeforeReset ? [reset[j], before] : [1, isGru ? before.map((v, k) => reset[k] * v) : before];
  const values = [...Array.from({ length: input }, (_, k) => x[(t * batch + n) * input + k]), ...state];
  const w = values.map((_, k) => (k < input ? a.w[row * input + k] : scale * a.r[row * hidden + k - input]));
  const b = biases[0] + scale * biases[1];
  const z = values.reduce((sum, v, k) => sum + v * w[k], b);
  return { x: values, w, i: values.map((_, k) => k), b: counts ? b : 0, z };
}

export function recurBack(a: Recurrence, computed: Computed, received: Received, rule: Rule) {
  const { batch, input, hidden } = a;
  const { by, stab = adding(1e-6), bias = true, sum = epsilon } = rule;
  const { done } = recur(a, computed);
  const x = new Float64Array(computed.x.length);
  const states = a.directions.length * batch * hidden;
  // Relevance of the states behind the step that is looked at, and in the end of those before the first.
  const [h, c] = [received.h, received.c].map((r) => Float64Array.from({ length: states }, (_, i) => r?.[i] ?? 0));
  const ledger = { bias: 0, stabilizer: 0, dead: 0 };
  const book = (shares: Shares, r: number) => {
    ledger.bias += shares.bias * r;
    ledger.stabilizer += shares.stabilizer * r;
    ledger.dead += shares.dead * r;
  };
  const place = (t: number, d: number, n: number, j: number) =>
    ((t * a.directions.length + d) * batch + n) * hidden + j;
  const used = new Set(done.map(({ t, d, n }) => place(t, d, n, 0)));
  // What has ended is zero, and so is the last state of a sample without a step.
  for (let d = 0; d < a.directions.length; d++)
    for (let n = 0; n < batch; n++)
      for (let j = 0; j < hidden; j++) {
        for (let t = 0; t < a.steps; t++)
          if (!used.has(place(t, d, n, 0))) ledger.dead += received.y?.[place(t, d, n, j)] ?? 0;
        const at = (d * batch + n) * hidden + j;
        if (a.lengths?.[n] !== 0) continue;
        ledger.dead += h[at] + c[at];
        h[at] = c[at] = 0;
      }
  for (const step of [...done].reverse()) {
    const { d, n, t, before, cell, keeps, takes, candidate } = step;
    const at = (j: number) => (d * batch + n) * hidden + j;
    const each = <T>(make: (j: number) => T) => Array.from({ length: hidden }, (_, j) => make(j));
    const isLstm = a.type === "LSTM";
    const neurons = each((j) => neuron(a, computed.x, step, j, bias));
    const sums =
      a.type === "RNN"
        ? []
        : each((j): Neuron => {
            const terms = [keeps[j] * (isLstm ? cell : before)[j], takes[j] * candidate[j]];
            return { x: terms, w: [1, 1], i: [0, 1], b: 0, z: terms[0] + terms[1] };
          });
    const stabOf = (all: readonly Neuron[]) => {
      if (rule.relative === undefined) return stab;
      const squares = all.map(({ x, w, b }) => x.reduce((z, v, k) => z + v * w[k], b) ** 2);
      return adding(rule.relative * Math.sqrt(squares.reduce((p, v) => p + v, 0) / hidden));
    };
    const toState = new Float64Array(hidden);
    const toCandidate = new Float64Array(hidden);
    for (let j = 0; j < hidden; j++) {
      const own = h[at(j)] + (received.y?.[place(t, d, n, j)] ?? 0);
      if (a.type === "RNN") {
        toCandidate[j] = own;
        continue;
      }
      const r = own + (isLstm ? c[at(j)] : 0);
      const shares = sum(sums[j], stabOf(sums));
      book(shares, r);
      toCandidate[j] = shares.inputs[1] * r;
      if (isLstm) c[at(j)] = shares.inputs[0] * r;
      else toState[j] = shares.inputs[0] * r;
    }
    for (let j = 0; j < hidden; j++) {
      const shares = by(neurons[j], stabOf(neurons));
      book(shares, toCandidate[j]);
      shares.inputs.forEach((share, k) => {
        if (k < input) x[(t * batch + n) * input + k] += share * toCandidate[j];
        else toState[k - input] += share * toCandidate[j];
      });
    }
    toState.forEach((r, j) => {
      h[at(j)] = r;
    });
  }
  return { x, h, c, ledger };
}
