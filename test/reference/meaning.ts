import type { FileNode } from "../onnx-writer.ts";
import type { Dims, LinearMap } from "./linear.ts";
import type { Lrn } from "./lrn.ts";

/*
 * What a node can mean: one of five things that a layer can do to numbers.
 */

type Numbers = ArrayLike<number>;

/** An input of a node; `data` where it is constant. */
export interface Known {
  readonly dims: Dims;
  readonly data?: Numbers;
}

/** y = scale · x + shift, number by number; `axis`: along which alone they differ, if along one. */
export interface Scaling {
  readonly scale: readonly number[];
  readonly shift: readonly number[];
  readonly axis?: number | "none";
}

export type Action =
  /** `channels`: the axis of inputs and outputs that weights tell apart; `unpadded`: every output reads every tap. */
  | { readonly kind: "linear"; readonly map: LinearMap; readonly channels?: number; readonly unpadded?: boolean }
  /** Every output is the first maximum of its candidates, or a constant where it has none. */
  | { readonly kind: "route"; readonly candidates: readonly (readonly number[])[]; readonly fill: number }
  /** `lipschitz` bounds |f'|. */
  | {
      readonly kind: "pointwise";
      f(v: number, i: number): number;
      slope(v: number, i: number): number;
      readonly lipschitz: number;
      readonly scaling?: Scaling;
    }
  | { readonly kind: "lrn"; readonly lrn: Lrn }
  | { readonly kind: "softmax"; readonly length: number; readonly inner: number };

export interface Meaning {
  readonly dims: Dims;
  /** What composites call it. */
  readonly family: string;
  /** Which inputs carry activations, one after another; the others are parameters. */
  readonly terms: readonly number[];
  readonly does: Action;
}

/** One node, or a linear layer with the scalings beside it. */
export interface Stage {
  readonly name: string;
  readonly type: string;
  readonly node: FileNode;
  readonly family: string;
  /** Names of the values that it reads, one after another. */
  readonly inputs: readonly string[];
  readonly output: string;
  readonly dims: Dims;
  readonly does: Action;
  /** What it is beside a linear layer. */
  readonly scaling?: Scaling & { readonly input: string };
  /** The nodes that were merged into it. */
  readonly merged: readonly string[];
}

export interface Literal {
  readonly stages: readonly Stage[];
  readonly constants: ReadonlyMap<string, Numbers>;
  readonly output: string;
  /** Dims of the input. */
  readonly x: Dims;
}

export type Input = Known | undefined;
/** What a type of node means, given its inputs and attributes. */
export type Definition = (inputs: readonly Input[], read: Reader) => Meaning;
export type Reader = ReturnType<typeof reader>;

/** Attributes, as the file has them. */
export function reader({ attributes = {} }: FileNode) {
  const at = (name: string) => attributes[name];
  return {
    float: (name: string, otherwise: number) =>
      at(name) ? Math.fround((at(name) as { float: number }).float) : otherwise,
    int: (name: string, otherwise: number) => (at(name) ?? otherwise) as number,
    ints: (name: string) => at(name) as number[] | undefined,
    text: (name: string, otherwise: string) => (at(name) ?? otherwise) as string,
    window: (kernel: Dims) => ({
      kernel,
      strides: at("strides") as number[] | undefined,
      pads: at("pads") as number[] | undefined,
      dilations: at("dilations") as number[] | undefined,
      ceil: at("ceil_mode") === 1,
    }),
  };
}

export const one = (input: Input, otherwise: number): number => input?.data?.[0] ?? otherwise;
export const numbersOf = (input: Input): number[] | undefined => input && Array.from(input.data!);
export const axisOf = (axis: number, { length }: Dims) => (axis < 0 ? axis + length : axis);
