import { demand } from "../../base/complaint.ts";
import { type ElementType, elementType, isInteger, rangeOf, typeName } from "../../base/tensor.ts";
import { inferBroadcast, zipConstants, zipHost } from "../broadcast.ts";
import { TRUTH, truth } from "../logic.ts";
import { type AttributeReader, type Op, NONE, type None } from "../op.ts";
import { noRule } from "../says.ts";
import { hosted } from "./hosted.ts";

type Pair = (a: bigint, b: bigint) => bigint;

/** How many bits numbers of a type have, and whether one of them is the sign. */
function bitsOf(type: ElementType): { readonly bits: number; readonly signed: boolean } {
  const bits = Number(/\d+/.exec(type)![0]);
  return { bits, signed: rangeOf(type)[0] < 0 };
}

const WHY = "inputs have no shares in single bits";

/** A row for f of integers, bit by bit; 64 of them are more than a number has, so they are bigints. */
function bitwise<A extends object>(
  type: string,
  takes: string,
  attributes: (read: AttributeReader) => A,
  pair: (a: A, bits: bigint) => Pair,
): Op<A> {
  const of = (a: A, element: ElementType) => {
    const { bits, signed } = bitsOf(element);
    const [f, cut] = [pair(a, BigInt(bits)), signed ? BigInt.asIntN : BigInt.asUintN];
    return (u: number, v: number) => Number(cut(bits, f(BigInt(u), BigInt(v))));
  };
  return {
    type,
    family: "other",
    summary: noRule(WHY),
    takes,
    anyType: true,
    attributes,
    infer: inferBroadcast,
    fold: (inputs, a) => [
      zipConstants(
        of(a, inputs[0]!.type),
        inputs.map((x) => x!),
      ),
    ],
    node: ({ inputs, outputs: [{ name, dims }], attributes }) => ({
      kind: "none",
      why: WHY,
      run: (e, at) => [
        zipHost(
          e,
          of(attributes, inputs[0]!.type),
          name,
          inputs.map((_, i) => at.x(i)),
          dims,
        ),
      ],
    }),
  };
}

const nothing = () => NONE;
const PAIR = "A:integer B:integer";

interface Shift {
  readonly left: boolean;
}

function readShift(read: AttributeReader): Shift {
  const direction = read.string("direction", "");
  demand(direction === "LEFT" || direction === "RIGHT", "invalid-model", "a direction LEFT or RIGHT", `'${direction}'`);
  return { left: direction === "LEFT" };
}

/** As many bits as there are shift all of them out, as C leaves open. */
const shifted =
  ({ left }: Shift, bits: bigint): Pair =>
  (a, b) =>
    b >= bits ? 0n : left ? a << b : a >> b;

interface Infinities {
  readonly negative: boolean;
  readonly positive: boolean;
}

/** Whether a number is none, or is infinite: true or false, which relevance does not pass. */
function test<A extends object>(
  type: string,
  attributes: (read: AttributeReader) => A,
  f: (v: number, a: A) => boolean,
): Op<A> {
  return {
    type,
    family: "other",
    summary: TRUTH,
    attributes,
    infer: ([x]) => ({ dims: [x!.dims], types: ["bool"] }),
    fold: ([x], a) => [zipConstants((v) => Number(f(v, a)), [x!], "bool")],
    node: ({ inputs, outputs: [{ name, dims }], attributes }) =>
      truth(inputs, (e, at) => [zipHost(e, (v) => Number(f(v, attributes)), name, [at.x(0)], dims)]),
    nonnegative: () => true,
  };
}

/** How floats of a type lie in bits, below the sign. Those of 64 bits are kept in single precision, without their bits. */
const FLOATS: Readonly<Partial<Record<ElementType, readonly [exponent: number, fraction: number]>>> = {
  float16: [5, 10],
  bfloat16: [8, 7],
  float32: [8, 23],
};

const widthOf = (type: ElementType): number => (type === "bool" ? 8 : bitsOf(type).bits);
const hasBits = (type: ElementType): boolean => type === "bool" || isInteger(type) || type in FLOATS;

const DOUBLE = new DataView(new ArrayBuffer(8));

/** ⌊log₂ v⌋ of a positive number; of 0 less than of all others. */
function magnitudeOf(v: number): number {
  DOUBLE.setFloat64(0, v);
  return (DOUBLE.getUint16(0) >> 4) - 1023;
}

/** The bits of a number, as an unsigned integer. @throws Complaint where a number of the type is not exactly this one */
function readBits(v: number, type: ElementType): number {
  const format = FLOATS[type];
  if (!format) {
    const most = Number.MAX_SAFE_INTEGER;
    demand(Math.abs(v) <= most, "unsupported", `integers from ${-most} to ${most}`, `${v}`);
    return v < 0 ? v + 2 ** widthOf(type) : v;
  }
  const [exponents, fraction] = format;
  const bias = 2 ** (exponents - 1) - 1;
  const size = Math.abs(v);
  const scale = Math.max(magnitudeOf(size), 1 - bias);
  const digits = size / 2 ** (scale - fraction);
  const isInfinite = size === Infinity;
  const fits = isInfinite || (scale <= bias && Number.isInteger(digits));
  demand(fits, "unsupported", `numbers that ${type} has exactly`, `${v}`);
  const sign = v < 0 || Object.is(v, -0) ? 2 ** (exponents + fraction) : 0;
  return sign + (isInfinite ? (2 ** exponents - 1) * 2 ** fraction : (scale + bias - 1) * 2 ** fraction + digits);
}

/** The number of a type that has these bits. */
function fromBits(bits: number, type: ElementType): number {
  const format = FLOATS[type];
  if (!format) {
    const [low, high] = rangeOf(type);
    demand(type !== "bool" || bits <= high, "unsupported", "bytes 0 and 1, which are those of bool", `${bits}`);
    return low < 0 && bits > high ? bits - 2 ** widthOf(type) : bits;
  }
  const [exponents, fraction] = format;
  const count = 2 ** fraction;
  const [above, digits] = [Math.floor(bits / count), bits % count];
  const exponent = above % 2 ** exponents;
  const sign = above === exponent ? 1 : -1;
  if (exponent === 2 ** exponents - 1) return digits === 0 ? sign * Infinity : Number.NaN;
  const bias = 2 ** (exponents - 1) - 1;
  return sign * (exponent === 0 ? digits : count + digits) * 2 ** (Math.max(exponent, 1) - bias - fraction);
}

interface Reading {
  readonly to: ElementType;
  readonly from?: ElementType;
}

/** The bits of numbers, as numbers of another type of as many bits. Source: ONNX BitCast-26. */
const bitCast: Op<Reading> = hosted<Reading>({
  type: "BitCast",
  family: "other",
  summary: noRule(WHY),
  takes: { 26: "input:any" },
  anyType: true,
  attributes(read) {
    const code = read.int("to", 0);
    const to = elementType(code);
    demand(to, "unsupported", "a BitCast to integers, bool, or floats", typeName(code));
    return { to };
  },
  instead: ([x], { to }, node) => (x!.type === to ? [{ ...node, type: "Identity", attributes: NONE }] : undefined),
  infer([x], { to }) {
    const { type: from } = x!;
    const fits = hasBits(from) && hasBits(to);
    demand(fits, "unsupported", "a BitCast of integers, bool, or floats of 16 or 32 bits", `one of ${from} to ${to}`);
    const [bits, wanted] = [widthOf(from), widthOf(to)];
    demand(bits === wanted, "invalid-model", `a type of ${bits} bits, as ${from} has`, to);
    return { dims: [x!.dims], types: [to], attributes: { to, from } };
  },
  run([x], [y], { from, to }) {
    for (let i = 0; i < y.length; i++) y[i] = fromBits(readBits(x![i], from!), to);
  },
  way: () => ({ kind: "none", why: WHY }),
});

/** Sources: ONNX BitShift-11, BitwiseAnd-18, BitwiseOr-18, BitwiseXor-18, BitwiseNot-18, IsNaN-13, IsInf-10. */
export const bits = [
  bitwise<Shift>("BitShift", "X:unsigned Y:unsigned", readShift, shifted),
  bitwise<None>("BitwiseAnd", PAIR, nothing, () => (a, b) => a & b),
  bitwise<None>("BitwiseOr", PAIR, nothing, () => (a, b) => a | b),
  bitwise<None>("BitwiseXor", PAIR, nothing, () => (a, b) => a ^ b),
  bitwise<None>("BitwiseNot", "X:integer", nothing, () => (a) => ~a),
  test<None>("IsNaN", nothing, (v) => Number.isNaN(v)),
  test<Infinities>(
    "IsInf",
    (read) => ({ negative: read.int("detect_negative", 1) === 1, positive: read.int("detect_positive", 1) === 1 }),
    (v, { negative, positive }) => (v === Infinity && positive) || (v === -Infinity && negative),
  ),
  bitCast,
] as const;
