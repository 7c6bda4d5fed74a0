import type { Budget } from "../base/budget.ts";
import { demand, needsNumbers } from "../base/complaint.ts";
import type { Body, Graph, Node, Operand, Operands } from "../graph/graph.ts";
import type { Ref, Value } from "../program/step.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Unroller } from "./unroller.ts";
import { type Constant, type Dims, type ElementType, normalizeAxis, type Wide } from "../base/tensor.ts";
import type { Back, Linear, Places } from "./linear.ts";
import type { Unrolled } from "./unrolled.ts";

export * from "./linear.ts";

/** Reads the attributes of one node by name and type, with the standard's defaults. What is not read is an error. */
export interface AttributeReader {
  readonly opset: number;
  /** Of 32 bits, as the kernels take them; a `wide` one of 64. */
  int(name: string, otherwise: number, width?: "wide"): number;
  /** NaN, where that `also` means something, is one. */
  float(name: string, otherwise: number, also?: "NaN"): number;
  string(name: string, otherwise: string): string;
  ints(name: string, width?: "wide"): readonly number[] | undefined;
  floats(name: string): readonly number[] | undefined;
  strings(name: string): readonly string[] | undefined;
  tensor(name: string): Constant | undefined;
  /** A graph that a file has there. */
  body(name: string): Body | undefined;
  /** What code may say of a layer beyond ONNX's attributes; of a file's node always undefined. */
  beyond(name: string): unknown;
  /** Marks attributes as known and without meaning here. */
  ignore(...names: readonly string[]): void;
}

/** The constant that an input is, undefined where it is left out: it decides a shape, or is a parameter. */
export function known(inputs: Operands, index: number, what: string): Constant | undefined {
  const input = inputs[index];
  if (!input || input.constant) return input?.constant;
  const finding = { expected: `${what} known while loading`, received: "a value that is computed from the input" };
  throw needsNumbers(finding, [input.name]);
}

/** The one number of a constant input. */
export function single(inputs: Operands, index: number, what: string): number | undefined {
  const data = known(inputs, index, what)?.data;
  demand(!data || data.length === 1, "invalid-model", `${what} of one number`, `${data?.length}`);
  return data?.[0];
}
/** More than any list has that says something of each axis, or of each output. */
const LONGEST = 2 ** 16;

/** The numbers of a constant integer input. */
export function integers(inputs: Operands, index: number, what: string): readonly number[] | undefined {
  const constant = known(inputs, index, what);
  const count = constant?.data.length ?? 0;
  demand(count <= LONGEST, "unsupported", `${what} of at most ${LONGEST} numbers`, `${count}`);
  return constant && Array.from(constant.data);
}

/** An axis, counted from 0. */
export function axisOf(given: number, rank: number): number {
  const axis = normalizeAxis(given, rank);
  demand(axis !== undefined, "invalid-model", `an axis of a tensor of rank ${rank}`, `${given}`);
  return axis;
}

/** Different axes, counted from 0. */
export function axesOf(given: readonly number[], rank: number): readonly number[] {
  const axes = given.flatMap((axis) => normalizeAxis(axis, rank) ?? []);
  const distinct = new Set(axes).size === given.length;
  demand(distinct, "invalid-model", `different axes of a tensor of rank ${rank}`, `[${given}]`);
  return axes;
}

/** For operators without attributes. */
export type None = Readonly<Record<string, never>>;
export const NONE: None = Object.freeze({});

/** A node with all that is known of it before anything runs. */
export interface Site<A> {
  readonly node: Node;
  readonly attributes: A;
  readonly inputs: Operands;
  readonly outputs: readonly Operand[];
}

/** Which inputs are computed. */
export function computedOf(inputs: Operands): readonly number[] {
  return inputs.flatMap((x, i) => (x && !x.constant ? [i] : []));
}

/** One number in, one number out: R_in = R_out, or by choice Jᵀ R_out. */
export interface Passing {
  readonly kind: "pass";
  /** The input that relevance passes to. */
  readonly data: number;
  vjp(e: Emitter, at: Places, r: Value): Value;
  /** More rules, by name; none of them conserves. */
  readonly rules?: Readonly<Record<string, (e: Emitter, at: Places, r: Value) => Value>>;
}

/** Moves or selects numbers: R_in = Jᵀ R_out. */
export interface Routing {
  readonly kind: "route";
  /** Inputs that only say which; relevance never goes to them. */
  readonly steers?: readonly number[];
  readonly vjp: Back;
  /** Whether some of the output is not from a computed input. */
  readonly drops?: boolean;
  /** The table whose share relevance of its constant is. */
  readonly table?: string;
}

/** A rule of an operator's own. What it absorbs it adds to `ledger`, f64[3] = bias, stabilizer, dead. */
export interface OwnRule {
  /** "softmax": what it does not pass on is what a softmax takes. */
  readonly conserves: boolean | "softmax";
  /** Inputs that never get any of it. */
  readonly skips?: readonly number[];
  back(e: Emitter, at: Places, r: Value, ledger: Ref): readonly (Value | undefined)[];
}

/** Has rules of its own, by name. */
export interface Own {
  readonly kind: "own";
  /** Inputs that only say which; relevance never goes to them. */
  readonly steers?: readonly number[];
  readonly rules: Readonly<Record<string, OwnRule>>;
}

/**
 * No rule is known to be meaningful: an error when relevance must go through, unless the caller asks for its gradient,
 * Jᵀ R_out.
 */
export interface Ruleless {
  readonly kind: "none";
  readonly why: string;
  readonly vjp?: Back;
  /** Whether the gradient is 0 nearly everywhere: then it is no way out either. */
  readonly isFlat?: true;
}

/** How relevance goes back through a node: the theory of the library in one type. */
export type WayBack = Passing | Routing | Linear | Own | Unrolled | Ruleless;

/**
 * How one node runs, and how relevance goes back through it. What depends on the node is computed once, with its way.
 */
export type Way = {
  run(e: Emitter, at: Places): readonly Value[];
  /** What composites call this node, where that is not what they call its operator. */
  readonly family?: Family;
} & WayBack;

/** A product of several computed inputs: no rule is known, only Jᵀ R_out of each. */
export const product = (vjp: Back): Ruleless => ({ kind: "none", why: "it is a product of activations", vjp });

/** What composites call the operators; products and bilinear ones are those of two computed values. */
export const families = [
  "convolution",
  "dense",
  "average",
  "sum",
  "activation",
  "normalization",
  "product",
  "bilinear",
  "softmax",
  "attention",
  "lrn",
  "layer-norm",
  "recurrent",
  "taylor",
  "p-norm",
  "route",
  "other",
] as const;
export type Family = (typeof families)[number];

export interface Inferred<A> {
  /** Of each output that the row describes. */
  readonly dims: readonly Dims[];
  /** Element types of the outputs; that of the first input, unless given. */
  readonly types?: readonly ElementType[];
  /** Attributes with all that constants and shapes have to say. */
  readonly attributes?: A;
  /** Multiply-adds of the node, where these are more than its numbers. */
  readonly work?: number;
}

/** How numbers of one type lie in a file. */
export interface SmallElement {
  /** Those of fewer than 8 bits lie beside each other in a byte, the first in the lowest ones. */
  readonly bits?: number;
  /** The number that these bits are. */
  read(bits: number): number;
}

/** One row of the operator table: all that relprop knows of one ONNX operator. */
export interface Op<A extends object> {
  readonly type: string;
  readonly family: Family;
  /** For the README: how LRP passes it. */
  readonly summary: string;
  /**
   * The inputs, by ONNX's names and in its order, as in "data:any axes:int? rest...:number": after a colon the kind of
   * its numbers, float unless given (`takes.ts` has the kinds); a digit behind it where the type need not be that of
   * the others (`number1`); `...`: any number of them; `?`: may be left out. Where opsets differ, the text from each
   * opset on. One float input, unless given.
   */
  readonly takes?: string | Readonly<Record<number, string>>;
  /** How many outputs there may be; one, unless given. */
  readonly outputs?: number;
  attributes(read: AttributeReader): A;
  /**
   * Nodes that together do the same and stand in for this one; where there are always some, nothing below is needed.
   */
  instead?(inputs: Operands, a: A, node: Node, budget: Budget): readonly Node[] | undefined;
  /**
   * Puts in the node's place what its bodies and sequences come to. Where a row has `infer` as well, that is for
   * tensors, and this for sequences.
   */
  unroll?(at: Unroller, inputs: Operands, a: A, node: Node): void;
  /** @param budget for tables, which are larger than the numbers that a node reads and makes */
  infer?(inputs: Operands, a: A, budget: Budget): Inferred<A>;
  /** Types of so few bits that only those files have them who have such nodes. */
  readonly elements?: Readonly<Partial<Record<ElementType, SmallElement>>>;
  /** The graph in another form that computes the same, where it has nodes of this type. */
  rewrite?(graph: Graph): Graph;
  /** The value of the node when everything it reads is constant, or, for `shapeOnly`, has known dims. */
  fold?(inputs: readonly (Wide | undefined)[], a: A, dims: readonly Dims[]): readonly Constant[];
  readonly shapeOnly?: boolean;
  /**
   * Whether that value's numbers are those of an input, or the file's. It gets inputs as they are kept, and takes from
   * its budget what it makes itself.
   */
  readonly renames?: boolean;
  /**
   * Whether computed inputs may be integers or booleans. Others want floating point. What integers become has to be a
   * whole number; whether float32 holds it is looked at after the node (`integers.ts`), but where it only moves them.
   */
  readonly anyType?: boolean;
  /** The way of one node; without it, the operator exists only while loading. */
  node?(site: Site<A>): Way;
  /**
   * For y = scale · x + shift with constants along one axis: BatchNormalization, and Add, Sub, Mul, Div by a constant.
   */
  affine?(inputs: Operands, a: A): Affine | undefined;
  /** Whether the output is ≥ 0, given which inputs are. */
  nonnegative?(inputs: readonly boolean[], a: A): boolean;
}

/** y = scale · x + shift along `axis` of the data input; one number each where it is the same everywhere. */
export interface Affine {
  readonly data: number;
  readonly axis: number;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}
