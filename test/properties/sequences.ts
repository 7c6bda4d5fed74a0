import type { Attribute, FileGraph, FileNode, FileTensor } from "../onnx-writer.ts";
import { numbers } from "../random.ts";
import { activations, recur, type Recurrence } from "../reference/recurrent.ts";
import { recurBack } from "../reference/recurrent-rules.ts";
import { adding, epsilon } from "../reference/rules.ts";

/*
 * Small networks of sequences, with attention, gates, norms and recurrent cells, each layer as nodes of a file and as its
 * equations in double precision: forward, and relevance backward in the limit ε → 0.
 */

/** Tokens of numbers. */
export type Matrix = readonly (readonly number[])[];

/** What relevance does at a layer, where it may be asked for. */
export interface Modes {
  readonly attention: "attn" | "cp";
  readonly layerNorm: "identity" | "gradient";
  readonly product: "signal" | "half";
}

/** A layer of the literal network. */
interface Stage {
  readonly inputs: readonly string[];
  readonly output: string;
  run(...x: Matrix[]): Matrix;
  /** Relevance of each input. */
  back(x: readonly Matrix[], y: Matrix, r: Matrix, modes: Modes): readonly (Matrix | undefined)[];
}

const list = <V>(count: number, make: (i: number) => V): V[] => Array.from({ length: count }, (_, i) => make(i));
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const zip = (a: Matrix, b: Matrix, f: (v: number, w: number) => number): number[][] =>
  a.map((row, t) => row.map((v, i) => f(v, b[t][i])));
/** r / z; 0 where both are. */
const over = (r: number, z: number) => (r === 0 ? 0 : r / z);
const sigmoid = activations.Sigmoid;
const FUNCTIONS = {
  Relu: activations.Relu,
  Tanh: Math.tanh,
  Softplus: activations.Softplus,
  Silu: (v: number) => v * sigmoid(v, 0, 0),
} as const;
export type Activation = keyof typeof FUNCTIONS;

/** Numbers of both signs that are not too small, so that sums seldom vanish. */
const spread = (count: number, seed: number) => Float32Array.from(numbers(count, seed), (v) => v + 0.3 * Math.sign(v));

export class Sequence {
  readonly nodes: FileNode[] = [];
  readonly initializers: Record<string, FileTensor> = {};
  readonly #stages: Stage[] = [];
  readonly #tokens: number;
  readonly #hasBiases: boolean;
  #seed: number;

  /** @param hasBiases whether there are any */
  constructor(tokens: number, seed: number, hasBiases = true) {
    this.#tokens = tokens;
    this.#hasBiases = hasBiases;
    this.#seed = 100 * seed;
  }

  #weight(dims: readonly number[]): { readonly name: string; readonly data: Float32Array } {
    const name = `w${this.#seed++}`;
    const data = spread(
      dims.reduce((a, b) => a * b, 1),
      this.#seed,
    );
    this.initializers[name] = { dims, data };
    return { name, data };
  }

  #bias(dims: readonly number[]) {
    return this.#hasBiases ? this.#weight(dims) : undefined;
  }

  #constant(tensor: FileTensor): string {
    const name = `w${this.#seed++}`;
    this.initializers[name] = tensor;
    return name;
  }

  #node(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = `${type}${this.nodes.length}`;
    this.nodes.push({ type, inputs, outputs: [output], attributes });
    return output;
  }

  #stage(output: string, inputs: readonly string[], of: Omit<Stage, "inputs" | "output">): string {
    this.#stages.push({ inputs, output, ...of });
    return output;
  }

  dense(x: string, from: number, to: number, hasBias: boolean): string {
    const w = this.#weight([from, to]);
    const b = hasBias ? this.#bias([to]) : undefined;
    const product = this.#node("MatMul", [x, w.name]);
    const y = b ? this.#node("Add", [product, b.name]) : product;
    return this.#stage(y, [x], {
      run: (tokens) =>
        tokens.map((v) => list(to, (j) => sum(v.map((e, i) => e * w.data[i * to + j])) + (b?.data[j] ?? 0))),
      back([tokens], z, r) {
        const s = zip(r, z, over);
        return [tokens.map((v, t) => v.map((e, i) => e * sum(s[t].map((q, j) => q * w.data[i * to + j]))))];
      },
    });
  }

  activation(x: string, kind: Activation): string {
    const y = kind === "Silu" ? this.#node("Mul", [x, this.#node("Sigmoid", [x])]) : this.#node(kind, [x]);
    return this.#stage(y, [x], {
      run: (tokens) => tokens.map((row) => row.map((v) => FUNCTIONS[kind](v, 0, 0))),
      back: (_x, _y, r) => [r],
    });
  }

  add(a: string, b: string): string {
    return this.#stage(this.#node("Add", [a, b]), [a, b], {
      run: (v, w) => zip(v, w, (p, q) => p + q),
      back(terms, z, r) {
        const s = zip(r, z, over);
        return terms.map((term) => zip(term, s, (v, q) => v * q));
      },
    });
  }

  norm(x: string, width: number): string {
    const [w, b] = [this.#weight([width]), this.#bias([width])];
    const epsilon = Math.fround(1e-5);
    const parts = (row: readonly number[]) => {
      const mean = sum(row) / width;
      const deviation = Math.sqrt(sum(row.map((v) => (v - mean) ** 2)) / width + epsilon);
      return { centred: row.map((v) => (v - mean) / deviation), deviation };
    };
    const y = this.#node("LayerNormalization", [x, w.name, ...(b ? [b.name] : [])], {
      axis: -1,
      epsilon: { float: 1e-5 },
    });
    return this.#stage(y, [x], {
      run: (tokens) => tokens.map((row) => parts(row).centred.map((v, i) => v * w.data[i] + (b?.data[i] ?? 0))),
      back: ([tokens], y, r, { layerNorm }) => [
        tokens.map((row, t) => {
          const { centred, deviation } = parts(row);
          const isGradient = layerNorm === "gradient";
          const q = r[t].map((v, i) => ((isGradient ? v : over(v, y[t][i])) * w.data[i]) / deviation);
          const mean = sum(q) / width;
          if (!isGradient) return row.map((v, i) => v * (q[i] - mean));
          const along = sum(q.map((v, i) => v * centred[i])) / width;
          return q.map((v, i) => v - mean - centred[i] * along);
        }),
      ],
    });
  }

  /** x / √(mean x² + ε) · w, as exporters write it */
  rms(x: string, width: number): string {
    const w = this.#weight([width]);
    const small = this.#constant({ dims: [], data: Float32Array.of(1e-5) });
    const mean = this.#node("ReduceMean", [this.#node("Mul", [x, x])], { axes: [-1], keepdims: 1 });
    const root = this.#node("Sqrt", [this.#node("Add", [mean, small])]);
    const y = this.#node("Mul", [this.#node("Div", [x, root]), w.name]);
    const sizeOf = (row: readonly number[]) => Math.sqrt(sum(row.map((v) => v * v)) / width + Math.fround(1e-5));
    return this.#stage(y, [x], {
      run: (tokens) => tokens.map((row) => row.map((v, i) => (v / sizeOf(row)) * w.data[i])),
      back: ([tokens], _y, r, { layerNorm }) => [
        tokens.map((row, t) => {
          if (layerNorm === "identity") return r[t];
          const size = sizeOf(row);
          const q = r[t].map((v, i) => (v * w.data[i]) / size);
          const along = sum(q.map((v, i) => (v * row[i]) / size)) / width;
          return q.map((v, i) => v - (row[i] / size) * along);
        }),
      ],
    });
  }

  /** Self-attention of tokens; those behind are hidden by a mask that is added. */
  attention(x: string, width: number, heads: number, size: number, isCausal: boolean): string {
    const [n, all] = [this.#tokens, heads * size];
    const [q, k, v] = list(3, () => this.dense(x, width, all, true));
    const apart = this.#constant({ dims: [4], data: [1, n, heads, size] });
    const joined = this.#constant({ dims: [3], data: [1, n, all] });
    const scale = this.#constant({ dims: [], data: Float32Array.of(0.5) });
    const hidden = list(n, (i) => list(n, (j) => (isCausal && j > i ? -Infinity : 0)));
    const mask = this.#constant({ dims: [n, n], data: Float32Array.from(hidden.flat()) });
    const split = (name: string, perm: readonly number[]) =>
      this.#node("Transpose", [this.#node("Reshape", [name, apart])], { perm });
    const scores = this.#node("MatMul", [split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1])]);
    const scaled = this.#node("Mul", [scores, scale]);
    const weights = this.#node("Softmax", [isCausal ? this.#node("Add", [scaled, mask]) : scaled], { axis: -1 });
    const o = this.#node("MatMul", [weights, split(v, [0, 2, 1, 3])]);
    const y = this.#node("Reshape", [this.#node("Transpose", [o], { perm: [0, 2, 1, 3] }), joined]);
    const part = (row: readonly number[], h: number) => row.slice(h * size, (h + 1) * size);
    const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((value, i) => value * b[i]));
    const weightsOf = (qs: Matrix, ks: Matrix, h: number) =>
      qs.map((row, i) => {
        const s = ks.map((key, j) => 0.5 * dot(part(row, h), part(key, h)) + hidden[i][j]);
        const powers = s.map((value) => Math.exp(value - Math.max(...s)));
        return powers.map((p) => p / sum(powers));
      });
    return this.#stage(y, [q, k, v], {
      run: (qs, ks, vs) =>
        qs.map((_, i) =>
          list(heads, (h) =>
            list(size, (d) => sum(weightsOf(qs, ks, h)[i].map((p, j) => p * part(vs[j], h)[d]))),
          ).flat(),
        ),
      back([qs, ks, vs], o, r, { attention }) {
        const out = list(3, () => list(n, () => list(all, () => 0)));
        const s = zip(r, o, over);
        const isCp = attention === "cp";
        for (let h = 0; h < heads; h++) {
          const p = weightsOf(qs, ks, h);
          for (let i = 0; i < n; i++) {
            const toP = list(n, (j) => 0.5 * dot(part(s[i], h), part(vs[j], h)));
            const mean = dot(p[i], toP);
            for (let j = 0; j < n; j++)
              for (let d = 0; d < size; d++) {
                const at = h * size + d;
                const toS = p[i][j] * (toP[j] - mean);
                out[2][j][at] += (isCp ? 1 : 0.5) * vs[j][at] * p[i][j] * s[i][at];
                if (isCp) continue;
                out[0][i][at] += 0.5 * 0.5 * qs[i][at] * toS * ks[j][at];
                out[1][j][at] += 0.5 * 0.5 * ks[j][at] * toS * qs[i][at];
              }
          }
        }
        return isCp ? [undefined, undefined, out[2]] : out;
      },
    });
  }

  /** a ⊙ b; `gate` says which of them only scales. */
  product(a: string, b: string, gate?: 0 | 1): string {
    return this.#stage(this.#node("Mul", [a, b]), [a, b], {
      run: (v, w) => zip(v, w, (p, q) => p * q),
      back(_x, _y, r, { product }) {
        if (gate !== undefined && product === "signal") return gate === 0 ? [undefined, r] : [r, undefined];
        const half = r.map((row) => row.map((v) => v / 2));
        return [half, half];
      },
    });
  }

  gate(x: string): string {
    const y = this.#node("Sigmoid", [x]);
    return this.#stage(y, [x], {
      run: (tokens) => tokens.map((row) => row.map((v) => sigmoid(v, 0, 0))),
      back: (_x, _y, r) => [r],
    });
  }

  recurrent(x: string, type: Recurrence["type"], width: number, hidden: number): string {
    const gates = { LSTM: 4, GRU: 3, RNN: 1 }[type];
    const [w, r] = [width, hidden].map((from) => this.#weight([1, gates * hidden, from]));
    const b = this.#bias([1, 2 * gates * hidden]);
    const n = this.#tokens;
    const inward = this.#node("Transpose", [x], { perm: [1, 0, 2] });
    const name = this.#node(type, [inward, w.name, r.name, b?.name ?? ""], { hidden_size: hidden });
    const y = this.#node("Reshape", [name, this.#constant({ dims: [3], data: [1, n, hidden] })]);
    const f = [...(type === "RNN" ? [] : [(v: number) => sigmoid(v, 0, 0)]), Math.tanh, Math.tanh];
    const given: Recurrence = {
      type,
      steps: n,
      batch: 1,
      input: width,
      hidden,
      directions: [{ activations: f, reverse: false }],
      w: w.data,
      r: r.data,
      b: b?.data,
    };
    const rows = (values: ArrayLike<number>, length: number) =>
      list(n, (t) => list(length, (i) => values[t * length + i]));
    return this.#stage(y, [x], {
      run: (tokens) => rows(recur(given, { x: tokens.flat() }).y, hidden),
      back: ([tokens], _y, received) => [
        rows(
          recurBack(given, { x: tokens.flat() }, { y: received.flat() }, { by: epsilon, stab: adding(0), sum: epsilon })
            .x,
          width,
        ),
      ],
    });
  }

  /** The first token, or the mean of all. */
  read(x: string, isMean: boolean): string {
    const n = this.#tokens;
    if (!isMean) {
      const y = this.#node("Gather", [x, this.#constant({ dims: [], data: [0] })], { axis: 1 });
      return this.#stage(y, [x], {
        run: (tokens) => [tokens[0]],
        back: ([tokens], _y, r) => [tokens.map((row, t) => (t === 0 ? r[0] : row.map(() => 0)))],
      });
    }
    return this.#stage(this.#node("ReduceMean", [x], { axes: [1], keepdims: 0 }), [x], {
      run: (tokens) => [tokens[0].map((_, i) => sum(tokens.map((row) => row[i])) / n)],
      back: ([tokens], [z], [r]) => [tokens.map((row) => row.map((v, i) => (v / n) * over(r[i], z[i])))],
    });
  }

  file(output: string, width: number): FileGraph {
    const { nodes, initializers } = this;
    return { nodes, initializers, inputs: { x: [1, this.#tokens, width] }, outputs: { [output]: [] } };
  }

  /** The scores. @param error how much, relatively, each number may be off: its sign comes by chance */
  forward(x: Matrix, error = 0): ReadonlyMap<string, Matrix> {
    const values = new Map<string, Matrix>([["x", x]]);
    let seed = 7;
    for (const { inputs, output, run } of this.#stages) {
      const y = run(...inputs.map((name) => values.get(name)!));
      const signs = numbers(y.flat().length, seed++);
      values.set(
        output,
        y.map((row, t) => row.map((v, i) => v * (1 + error * Math.sign(signs[t * row.length + i])))),
      );
    }
    return values;
  }

  /** Relevance of the input. */
  relevance(x: Matrix, target: number, modes: Modes, error = 0): Matrix {
    const values = this.forward(x, error);
    const { output: last } = this.#stages.at(-1)!;
    const start = values.get(last)!.map((row) => row.map((v, i) => (i === target ? v : 0)));
    const received = new Map<string, Matrix>([[last, start]]);
    for (const { inputs, output, back } of [...this.#stages].reverse()) {
      const r = received.get(output);
      if (!r) continue;
      const own = inputs.map((name) => values.get(name)!);
      for (const [i, more] of back(own, values.get(output)!, r, modes).entries()) {
        const before = received.get(inputs[i]);
        if (more) received.set(inputs[i], before ? zip(before, more, (a, b) => a + b) : more);
      }
    }
    return received.get("x") ?? x.map((row) => row.map(() => 0));
  }
}
