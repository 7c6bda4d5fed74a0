import { demand } from "../../base/complaint.ts";
import { type ElementType, rangeOf } from "../../base/tensor.ts";
import { inferBroadcast, zipConstants, zipHost } from "../broadcast.ts";
import { TRUTH, truth } from "../logic.ts";
import { type AttributeReader, type Op, NONE, type None } from "../op.ts";
import { noRule } from "../says.ts";

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
] as const;
