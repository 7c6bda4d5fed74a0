import { demand } from "../../base/complaint.ts";
import {
  type Constant,
  type Dims,
  type ElementType,
  elementType,
  isInteger,
  numbersFor,
  size,
  typeName,
} from "../../base/tensor.ts";
import { type AttributeReader, axisOf, type Op, single } from "../op.ts";
import { composed } from "./compose.ts";
import { LOADING, standsFor } from "../says.ts";

interface Folded {
  readonly type: ElementType;
  readonly periodic: boolean;
}

function typeOf(read: AttributeReader): ElementType {
  const code = read.int("output_datatype", 1);
  const type = elementType(code);
  demand(type, "unsupported", "an output_datatype of 8 bits or more", typeName(code));
  return type;
}

const cut = (type: ElementType, data: Constant["data"]) => (isInteger(type) ? data.map(Math.trunc) : data);

const COMPUTED = { family: "other", summary: LOADING } as const;

/** A window, by its value at a share of a whole turn. Source: ONNX, the operator of this name (version 17). */
const windowed = (type: string, f: (turn: number) => number): Op<Folded> => ({
  ...COMPUTED,
  type,
  takes: "size:int",
  attributes: (read) => ({ type: typeOf(read), periodic: read.int("periodic", 1) === 1 }),
  infer(inputs, a) {
    const length = single(inputs, 0, "a size")!;
    demand(length >= 0, "invalid-model", "a size ≥ 0", `${length}`);
    return { dims: [[length]], types: [a.type] };
  },
  fold(_inputs, { type, periodic }, [[length]]) {
    const turn = (2 * Math.PI) / (periodic ? length : Math.max(length - 1, 1));
    const data = numbersFor(type, length).map((_, i) => f(i * turn));
    return [{ type, dims: [length], data: cut(type, data) }];
  },
});

/** Triangles over the frequencies of a spectrum, equally wide in mel. Source: ONNX MelWeightMatrix-17. */
const mel: Op<Folded & { readonly parameters?: readonly number[] }> = {
  ...COMPUTED,
  type: "MelWeightMatrix",
  takes: "num_mel_bins:int dft_length:int sample_rate:int lower_edge_hertz upper_edge_hertz",
  attributes: (read) => ({ type: typeOf(read), periodic: false }),
  infer(inputs, a) {
    const names = ["num_mel_bins", "a dft_length", "a sample_rate", "a lower_edge_hertz", "an upper_edge_hertz"];
    const [bins, length, rate, low, high] = names.map((what, i) => single(inputs, i, what)!);
    demand(
      bins >= 0 && length >= 0 && rate > 0,
      "invalid-model",
      "sizes ≥ 0, and a sample_rate above 0",
      `${[bins, length, rate]}`,
    );
    return {
      dims: [[Math.floor(length / 2) + 1, bins]],
      types: [a.type],
      attributes: { ...a, parameters: [length, rate, low, high] },
    };
  },
  fold(_inputs, { type, parameters }, [[rows, bins]]) {
    const [length, rate, low, high] = parameters!;
    const inMel = (hertz: number) => 2595 * Math.log10(1 + hertz / 700);
    const step = (inMel(high) - inMel(low)) / (bins + 2);
    const edge = (i: number) => {
      const hertz = 700 * (10 ** ((inMel(low) + i * step) / 2595) - 1);
      return Math.floor(((length + 1) * hertz) / rate);
    };
    const edges = Array.from({ length: bins + 2 }, (_, i) => edge(i));
    const at = (row: number, bin: number) => {
      const [from, top, to] = edges.slice(bin, bin + 3);
      if (row >= top && row < to) return (to - row) / (to - top);
      if (row < from || row > top) return 0;
      return from === top ? 1 : (row - from) / (top - from);
    };
    const data = numbersFor(type, rows * bins).map((_, i) => at(Math.floor(i / bins), i % bins));
    return [{ type, dims: [rows, bins], data: cut(type, data) }];
  },
};

/** How a transform goes: from how many numbers to how many. */
interface Transform {
  /** Numbers that are given, and over how many the transform goes. */
  readonly given: number;
  readonly length: number;
  readonly inverse: boolean;
  /** Whether of a spectrum that mirrors itself only one side is there. */
  readonly onesided: boolean;
  /** Numbers of what goes in: 1 for real, 2 for complex. */
  readonly parts: number;
}

/** The transform as a matrix: rows are what is given, part by part, columns what comes out. */
function matrixOf({ given, length, inverse, onesided, parts }: Transform): {
  data: Float32Array;
  out: number;
  of: number;
} {
  const ofSpectrum = inverse && onesided;
  const out = onesided && !inverse ? Math.floor(length / 2) + 1 : length;
  const of = ofSpectrum ? 1 : 2;
  const data = new Float32Array(given * parts * out * of);
  const [sign, scale] = inverse ? [1, 1 / length] : [-1, 1];
  for (let i = 0; i < given; i++) {
    // Those behind the length are cut off; on one side all but the ends stand for two.
    const twice = ofSpectrum && i > 0 && 2 * i !== length ? 2 : 1;
    const weight = i < (ofSpectrum ? Math.floor(length / 2) + 1 : length) ? scale * twice : 0;
    for (let k = 0; k < out; k++) {
      const angle = (sign * 2 * Math.PI * ((i * k) % length)) / length;
      const [real, imaginary] = [weight * Math.cos(angle), weight * Math.sin(angle)];
      for (let part = 0; part < parts; part++) {
        const at = ((i * parts + part) * out + k) * of;
        data[at] = part === 0 ? real : -imaginary;
        if (of === 2) data[at + 1] = part === 0 ? imaginary : real;
      }
    }
  }
  return { data, out, of };
}

/** Room for that matrix. */
const bytesOf = ({ given, length, parts }: Transform): number => 8 * given * parts * length;

interface DftAttributes {
  readonly axis: number | undefined;
  readonly inverse: boolean;
  readonly onesided: boolean;
}

/** The discrete Fourier transform along one axis, as the matrix that it is. Source: ONNX DFT-20. */
const dft: Op<DftAttributes> = composed<DftAttributes>(
  {
    type: "DFT",
    summary: standsFor("MatMul"),
    takes: { 17: "input dft_length:int?", 20: "input dft_length:int? axis:int?" },
    attributes: (read) => ({
      axis: read.opset < 20 ? read.int("axis", 1) : undefined,
      inverse: read.int("inverse", 0) === 1,
      onesided: read.int("onesided", 0) === 1,
    }),
  },
  (c, inputs, a, _node, budget) => {
    const [{ name, dims, type }] = inputs;
    const rank = dims.length;
    const axis = axisOf(a.axis ?? single(inputs, 2, "an axis") ?? -2, rank);
    const parts = dims[rank - 1];
    demand(
      rank >= 2 && axis < rank - 1 && (parts === 1 || parts === 2),
      "shape",
      "a last axis of 1 or 2 numbers, other than the one of the transform",
      `dims [${dims}], axis ${axis}`,
    );
    const given = dims[axis];
    const isBack = a.inverse && a.onesided;
    const length = single(inputs, 1, "a dft_length") ?? (isBack ? 2 * (given - 1) : given);
    demand(Number.isInteger(length) && length >= 1, "invalid-model", "a dft_length ≥ 1", `${length}`);
    demand(
      !(a.onesided && !a.inverse && parts === 2),
      "invalid-model",
      "real numbers for one side of a spectrum",
      "complex ones",
    );
    const transform: Transform = { given, length, inverse: a.inverse, onesided: a.onesided, parts };
    budget.take(bytesOf(transform), size([given, parts, length, 2]));
    const { data, out, of } = matrixOf(transform);
    const others = [...dims.keys()].filter((k) => k !== axis && k !== rank - 1);
    const outer: Dims = others.map((k) => dims[k]);
    const rows = c.reshape(c.transpose(name, [...others, axis, rank - 1]), [...outer, given * parts]);
    const spectrum = c.reshape(c.matMul(rows, c.floats(data, [given * parts, out * of], type)), [...outer, out, of]);
    const order = [...others, axis, rank - 1];
    return c.transpose(
      spectrum,
      [...order.keys()].map((k) => order.indexOf(k)),
    );
  },
);

/** Transforms of pieces of a signal, each times a window. Source: ONNX STFT-17. */
const stft: Op<{ onesided: boolean }> = composed<{ onesided: boolean }>(
  {
    type: "STFT",
    summary: standsFor("Gather, Mul and MatMul"),
    takes: "signal frame_step:int window? frame_length:int?",
    attributes: (read) => ({ onesided: read.int("onesided", 1) === 1 }),
  },
  (c, inputs, { onesided }, _node, budget) => {
    const [signal, , window] = inputs;
    const { dims, type } = signal;
    const parts = dims.length === 3 ? dims[2] : 1;
    demand(
      (dims.length === 2 || dims.length === 3) && (parts === 1 || parts === 2),
      "shape",
      "a signal [n, length, 1 or 2]",
      `[${dims}]`,
    );
    const step = single(inputs, 1, "a frame_step")!;
    const length = single(inputs, 3, "a frame_length") ?? window?.dims[0];
    demand(
      length && length >= 1 && step >= 1,
      "invalid-model",
      "a frame_step ≥ 1, and a window or a frame_length ≥ 1",
      `${step} and ${length}`,
    );
    demand(
      !window || window.dims.join() === `${length}`,
      "shape",
      `a window of ${length} numbers`,
      `[${window?.dims}]`,
    );
    demand(!onesided || parts === 1, "invalid-model", "real numbers for one side of a spectrum", "complex ones");
    const frames = Math.max(Math.floor((dims[1] - length) / step) + 1, 0);
    const transform: Transform = { given: length, length, inverse: false, onesided, parts };
    budget.take(bytesOf(transform) + 8 * frames * length, size([length, parts, length, 2]));
    const { data, out, of } = matrixOf(transform);
    const places = Float64Array.from(
      { length: frames * length },
      (_, i) => Math.floor(i / length) * step + (i % length),
    );
    const plain = c.reshape(signal.name, [dims[0], dims[1], parts]);
    const pieces = c.add("Gather", [plain, c.ints(places, [frames, length])], { axis: 1 });
    const shaped = window ? c.add("Mul", [pieces, c.reshape(window.name, [length, 1])]) : pieces;
    const rows = c.reshape(shaped, [dims[0], frames, length * parts]);
    return c.reshape(c.matMul(rows, c.floats(data, [length * parts, out * of], type)), [dims[0], frames, out, of]);
  },
);

export const signals = [
  windowed("HannWindow", (turn) => 0.5 - 0.5 * Math.cos(turn)),
  windowed("HammingWindow", (turn) => 25 / 46 - (21 / 46) * Math.cos(turn)),
  windowed("BlackmanWindow", (turn) => 0.42 - 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn)),
  mel,
  dft,
  stft,
] as const;
