import type { Budget } from "../base/budget.ts";
import type { Problem, Problems } from "../base/problems.ts";
import { type Constant, type Dims, type ElementType, kept } from "../base/tensor.ts";
import type { Node, Operand, Source } from "../graph/graph.ts";

/** What is known while the graph is walked through. */
export interface State {
  readonly opset: number;
  readonly constants: Map<string, Constant>;
  readonly dims: Map<string, Dims>;
  readonly types: Map<string, ElementType>;
  /** Of constants that were made of others. */
  readonly sources: Map<string, Source>;
  /** The names of their tensors; null for an optional value that is none. */
  readonly sequences: Map<string, readonly string[] | null>;
  readonly nodes: Node[];
  readonly problems: Problems;
  /** Constants that follow from shapes, and problems that they may decide about. */
  readonly sized: Set<string>;
  readonly bySize: Set<Problem>;
  /** Inputs whose numbers the caller hands in while the network runs. */
  readonly free: ReadonlySet<string>;
  /** Those of them whose numbers must be known before. */
  readonly wanted: Set<string>;
  /** A few bytes of a file can ask for any number of constants. */
  readonly budget: Budget;
  /** The names of values that are taken. */
  readonly names: Set<string>;
  /** What unrolling has made. */
  readonly unrolled: { nodes: number; items: number };
}

export function know(
  state: State,
  name: string,
  { dims, type }: Pick<Constant, "dims" | "type">,
  constant?: Constant,
): void {
  state.dims.set(name, Object.freeze(dims));
  state.types.set(name, type);
  if (constant) state.constants.set(name, Object.freeze(kept(constant)));
}

/** Undefined where the node that computes it was complained of already, or waits for numbers. */
export function operandOf({ dims, types, constants, sequences }: State, name: string): Operand | undefined {
  const items = sequences.get(name);
  if (items !== undefined) return { name, dims: [], type: "float32", items };
  const own = dims.get(name);
  return own && { name, dims: own, type: types.get(name)!, constant: constants.get(name) };
}
