/*
 * Linear layers, literally: for every output the list of the inputs that it has, each with its weight.
 * Double precision, one number at a time, from the equations.
 */

export type Dims = readonly number[];
type Numbers = ArrayLike<number>;

/** y_j = b_j + Σ w_ij x_i */
export interface LinearMap {
  /** Shape of y. */
  readonly dims: Dims;
  /** How many x there are. */
  readonly inputs: number;
  readonly connections: readonly (readonly Connection[])[];
  readonly bias: readonly number[];
}

export interface Connection {
  readonly i: number;
  readonly w: number;
}

export const count = (dims: Dims): number => dims.reduce((a, b) => a * b, 1);

/** All positions of a shape, in row-major order. */
export function positions(dims: Dims): number[][] {
  return dims.reduce<number[][]>((all, d) => all.flatMap((p) => Array.from({ length: d }, (_, i) => [...p, i])), [[]]);
}

/** The row-major place of a position. */
export function place(dims: Dims, position: readonly number[]): number {
  return position.reduce((at, p, axis) => at * dims[axis] + p, 0);
}

/**
 * Where an operand is read for a position of what it is broadcast to: axes are lined up at the end, those of length 1
 * stay.
 */
export function broadcastAt(dims: Dims, out: Dims, position: readonly number[]): number {
  return place(
    dims,
    dims.map((d, axis) => (d === 1 ? 0 : position[out.length - dims.length + axis])),
  );
}

export interface Window {
  readonly kernel: Dims;
  readonly strides?: Dims;
  /** Begins, then ends. */
  readonly pads?: Dims;
  readonly dilations?: Dims;
  readonly ceil?: boolean;
}

/** One window: where each tap stands in the unpadded input; outside it, in the padding, or beyond that. */
export interface Taps {
  readonly output: readonly number[];
  readonly taps: readonly {
    readonly k: number;
    readonly at: readonly number[];
    readonly inside: boolean;
    readonly padding: boolean;
  }[];
}

/**
 * ONNX: floor or ceil of (length + pads − reach) / stride, plus one; no window begins behind the input and the padding
 * before it.
 */
export function windowsOf(
  spatial: Dims,
  {
    kernel,
    strides = kernel.map(() => 1),
    pads = kernel.flatMap(() => [0, 0]),
    dilations = kernel.map(() => 1),
    ceil = false,
  }: Window,
): { out: number[]; windows: Taps[] } {
  const rank = spatial.length;
  const out = spatial.map((length, a) => {
    const free = length + pads[a] + pads[rank + a] - (dilations[a] * (kernel[a] - 1) + 1);
    const windows = (ceil ? Math.ceil(free / strides[a]) : Math.floor(free / strides[a])) + 1;
    return ceil && (windows - 1) * strides[a] >= length + pads[a] ? windows - 1 : windows;
  });
  const windows = positions(out).map((output) => ({
    output,
    taps: positions(kernel).map((tap, k) => {
      const at = tap.map((t, a) => output[a] * strides[a] - pads[a] + t * dilations[a]);
      const inside = at.every((p, a) => p >= 0 && p < spatial[a]);
      return {
        k,
        at,
        inside,
        padding: !inside && at.every((p, a) => p >= -pads[a] && p < spatial[a] + pads[rank + a]),
      };
    }),
  }));
  return { out, windows };
}

/**
 * y[n, o, p] = b[o] + Σ_{i, k} x[n, i, p · stride − before + k · dilation] · w[o, i, k]; i runs over the group of o.
 */
export function conv(
  dims: Dims,
  weight: { dims: Dims; data: Numbers },
  bias: Numbers | undefined,
  options: Omit<Window, "kernel" | "ceil"> & { group?: number } = {},
): LinearMap {
  const { group = 1, ...window } = options;
  const [n, c, ...spatial] = dims;
  const [m, width, ...kernel] = weight.dims;
  const { out, windows } = windowsOf(spatial, { ...window, kernel });
  const taps = count(kernel);
  const connections: Connection[][] = [];
  const biases: number[] = [];
  for (let sample = 0; sample < n; sample++) {
    for (let o = 0; o < m; o++) {
      const first = Math.floor(o / (m / group)) * (c / group);
      for (const { taps: reached } of windows) {
        const list: Connection[] = [];
        for (let i = 0; i < width; i++) {
          for (const { k, at, inside } of reached) {
            if (inside)
              list.push({ i: place(dims, [sample, first + i, ...at]), w: weight.data[(o * width + i) * taps + k] });
          }
        }
        connections.push(list);
        biases.push(bias ? bias[o] : 0);
      }
    }
  }
  return { dims: [n, m, ...out], inputs: count(dims), connections, bias: biases };
}

/**
 * Every input gives x[n, i, p] · w[i, o, k] to y[n, o, p · stride − before + k · dilation]; i runs over the group of o.
 */
export function convTranspose(
  dims: Dims,
  weight: { dims: Dims; data: Numbers },
  bias: Numbers | undefined,
  options: Omit<Window, "kernel" | "ceil"> & { group?: number; output_padding?: Dims } = {},
): LinearMap {
  const [n, c, ...spatial] = dims;
  const [, width, ...kernel] = weight.dims;
  const ones = kernel.map(() => 1);
  const zeros = kernel.map(() => 0);
  const { group = 1, strides = ones, dilations = ones, pads = [...zeros, ...zeros], output_padding = zeros } = options;
  const out = spatial.map(
    (l, a) =>
      strides[a] * (l - 1) + output_padding[a] + dilations[a] * (kernel[a] - 1) + 1 - pads[a] - pads[kernel.length + a],
  );
  const yDims = [n, width * group, ...out];
  const connections: Connection[][] = positions(yDims).map(() => []);
  for (const [sample, i, ...p] of positions(dims)) {
    const first = Math.floor(i / (c / group)) * width;
    positions(kernel).forEach((k, tap) => {
      const q = p.map((v, a) => v * strides[a] - pads[a] + k[a] * dilations[a]);
      if (!q.every((v, a) => v >= 0 && v < out[a])) return;
      for (let o = 0; o < width; o++) {
        const w = weight.data[(i * width + o) * count(kernel) + tap];
        connections[place(yDims, [sample, first + o, ...q])].push({ i: place(dims, [sample, i, ...p]), w });
      }
    });
  }
  return { dims: yDims, inputs: count(dims), connections, bias: positions(yDims).map(([, o]) => (bias ? bias[o] : 0)) };
}

/** y[n, o] = b[o] + Σ_i x[n, i] w[o, i] */
export function dense(rows: number, weight: { dims: Dims; data: Numbers }, bias?: Numbers): LinearMap {
  const [m, k] = weight.dims;
  const outputs = positions([rows, m]);
  return {
    dims: [rows, m],
    inputs: rows * k,
    connections: outputs.map(([row, o]) =>
      Array.from({ length: k }, (_, i) => ({ i: row * k + i, w: weight.data[o * k + i] })),
    ),
    bias: outputs.map(([, o]) => (bias ? bias[o] : 0)),
  };
}

/**
 * numpy's matmul with one constant factor: y[…, i, j] = Σ_k a[…, i, k] · b[…, k, j]. Axes before the last two are
 * broadcast; a vector is a row as first factor, a column as second, and its axis is left out of the result.
 */
export function matMul(x: Dims, w: { dims: Dims; data: Numbers }, constant: "first" | "second"): LinearMap {
  const [given, other] = constant === "second" ? [x, w.dims] : [w.dims, x];
  const [a, b] = [given.length > 1 ? given : [1, ...given], other.length > 1 ? other : [...other, 1]];
  const [batchA, batchB] = [a.slice(0, -2), b.slice(0, -2)];
  const rank = Math.max(batchA.length, batchB.length);
  const along = (dims: Dims, axis: number) => dims[axis - (rank - dims.length)] ?? 1;
  const batch = Array.from({ length: rank }, (_, axis) => Math.max(along(batchA, axis), along(batchB, axis)));
  const within = (p: Dims, dims: Dims) => dims.map((d, i) => (d === 1 ? 0 : p[i + rank - dims.length]));
  const connections = positions([...batch, a.at(-2)!, b.at(-1)!]).map((p) =>
    Array.from({ length: a.at(-1)! }, (_, k) => {
      const left = place(a, [...within(p, batchA), p.at(-2)!, k]);
      const right = place(b, [...within(p, batchB), k, p.at(-1)!]);
      return constant === "second" ? { i: left, w: w.data[right] } : { i: right, w: w.data[left] };
    }),
  );
  const dims = [...batch, ...(given.length > 1 ? [a.at(-2)!] : []), ...(other.length > 1 ? [b.at(-1)!] : [])];
  return { dims, inputs: count(x), connections, bias: connections.map(() => 0) };
}

/** The mean over windows; the divisor counts the padding only where it is told to. */
export function average(dims: Dims, window: Window, countPads = false): LinearMap {
  const [n, c, ...spatial] = dims;
  const { out, windows } = windowsOf(spatial, window);
  const connections = positions([n, c]).flatMap(([sample, channel]) =>
    windows.map(({ taps }) => {
      const divisor = taps.filter((t) => t.inside || (countPads && t.padding)).length;
      return taps
        .filter((t) => t.inside)
        .map(({ at }) => ({ i: place(dims, [sample, channel, ...at]), w: 1 / divisor }));
    }),
  );
  return { dims: [n, c, ...out], inputs: count(dims), connections, bias: connections.map(() => 0) };
}

/** y = Σ_t signs[t] · x_t for terms of one shape, or of shapes that are broadcast to it; they lie one after another. */
export function sum(dims: Dims, signs: readonly number[], shapes: readonly Dims[] = signs.map(() => dims)): LinearMap {
  const starts = shapes.map((_, t) => shapes.slice(0, t).reduce((at, shape) => at + count(shape), 0));
  const connections = positions(dims).map((p) =>
    signs.map((w, t) => {
      const own = p.slice(p.length - shapes[t].length).map((at, axis) => (shapes[t][axis] === 1 ? 0 : at));
      return { i: starts[t] + place(shapes[t], own), w };
    }),
  );
  return {
    dims,
    inputs: shapes.reduce((all, shape) => all + count(shape), 0),
    bias: connections.map(() => 0),
    connections,
  };
}

/** The map with every output scaled and shifted: W' = s W, b' = s b + t. */
export const scaled = (map: LinearMap, channelOfOutput: (j: number) => number, s: Numbers, t: Numbers): LinearMap => ({
  ...map,
  connections: map.connections.map((list, j) => list.map(({ i, w }) => ({ i, w: w * s[channelOfOutput(j)] }))),
  bias: map.bias.map((b, j) => b * s[channelOfOutput(j)] + t[channelOfOutput(j)]),
});

/** The map behind a scaling and shifting of every input: W' = W s, b' = b + W t. */
export const fed = (map: LinearMap, channelOfInput: (i: number) => number, s: Numbers, t: Numbers): LinearMap => ({
  ...map,
  connections: map.connections.map((list) => list.map(({ i, w }) => ({ i, w: w * s[channelOfInput(i)] }))),
  bias: map.bias.map((b, j) => map.connections[j].reduce((z, { i, w }) => z + w * t[channelOfInput(i)], b)),
});

/** y */
export function apply(map: LinearMap, x: Numbers): Float64Array {
  return Float64Array.from(map.connections, (list, j) => list.reduce((z, { i, w }) => z + w * x[i], map.bias[j]));
}

/** Σ |w x| + |b| for every output: what its rounding is proportional to. */
export function turnover(map: LinearMap, x: Numbers): Float64Array {
  return Float64Array.from(map.connections, (list, j) =>
    list.reduce((z, { i, w }) => z + Math.abs(w * x[i]), Math.abs(map.bias[j])),
  );
}

/** Jᵀ u */
export function transposed(map: LinearMap, u: Numbers): Float64Array {
  const out = new Float64Array(map.inputs);
  map.connections.forEach((list, j) => {
    for (const { i, w } of list) out[i] += w * u[j];
  });
  return out;
}
