import type { Constant } from "../base/tensor.ts";
import type { Body, Operand } from "../graph/graph.ts";

/** Puts parts in the place of a node, one after another: what is known of one may decide about the next. */
export interface Unroller {
  /** A node. Its attributes are as its row has them, read already. @returns its output */
  add(type: string, inputs: readonly string[], attributes?: object, output?: string): string;
  constant(value: Constant, output?: string): string;
  /** A sequence of these tensors; null: an optional value that is none. */
  sequence(items: readonly string[] | null, output: string): void;
  /**
   * The nodes of a body. @param inputs values in the place of its own @param label tells one time from another
   * @returns its outputs; undefined where something in it is wrong, or waits for numbers
   */
  body(body: Body, inputs: readonly string[], label?: string): readonly string[] | undefined;
  /** What is known of a value; undefined where that waits for numbers. */
  operand(name: string): Operand | undefined;
}
