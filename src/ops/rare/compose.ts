import type { Budget } from "../../base/budget.ts";
import type { Constant, Dims, ElementType } from "../../base/tensor.ts";
import type { Node, Operand } from "../../graph/graph.ts";
import type { Op } from "../op.ts";

/** Nodes that together stand in for one, made one after another. Attributes are as the rows have them, read already. */
export class Composition {
  readonly #node: Pick<Node, "name" | "outputs">;
  readonly #prefix: string;
  readonly #nodes: Node[] = [];

  constructor(node: Pick<Node, "name" | "outputs">) {
    this.#node = node;
    this.#prefix = node.outputs.find(Boolean)!;
  }

  /** @returns its output; unless it is one of the whole's, it has a name of its own @param further more outputs */
  add(
    type: string,
    inputs: readonly string[],
    attributes: object = {},
    output = `${this.#prefix}:${this.#nodes.length}`,
    further: readonly string[] = [],
  ): string {
    this.#nodes.push({ name: output, type, attributes, inputs, outputs: [output, ...further] });
    return output;
  }

  constant(value: Constant): string {
    return this.add("Constant", [], { value });
  }

  floats(data: ArrayLike<number>, dims: Dims = [data.length], type: ElementType = "float32"): string {
    return this.constant({ type, dims, data: Float32Array.from(data) });
  }

  ints(data: ArrayLike<number>, dims: Dims = [data.length]): string {
    return this.constant({ type: "int64", dims, data: Float64Array.from(data) });
  }

  reshape(x: string, dims: Dims): string {
    return this.add("Reshape", [x], { allowZero: true, shape: dims });
  }

  transpose(x: string, perm: readonly number[]): string {
    return perm.every((axis, i) => axis === i) ? x : this.add("Transpose", [x], { perm });
  }

  matMul(a: string, b: string): string {
    return this.add("MatMul", [a, b], { rowsAreOutputs: false, alpha: 1, beta: 1 });
  }

  /** Without the axes, in ascending order. */
  sum(x: string, axes: readonly number[]): string {
    return axes.length === 0
      ? x
      : this.add("ReduceSum", [x], { keepDims: false, axes, emptyMeansNone: true, asInput: false });
  }

  /** The nodes, of which the last makes the first output, if there is one. */
  nodes(x: string | undefined): readonly Node[] {
    const [output] = this.#node.outputs;
    if (x === undefined || output === "") return this.#nodes;
    const last = this.#nodes.at(-1);
    if (last?.outputs[0] !== x) this.add("Identity", [x], {}, output);
    else
      this.#nodes[this.#nodes.length - 1] = {
        ...last,
        name: this.#node.name,
        outputs: [output, ...last.outputs.slice(1)],
      };
    return this.#nodes;
  }
}

/** A row that other nodes stand in for; `compose` adds them, and says which value is the first output. */
export function composed<A extends object>(
  row: Pick<Op<A>, "type" | "summary" | "takes" | "outputs" | "attributes">,
  compose: (c: Composition, inputs: readonly Operand[], a: A, node: Node, budget: Budget) => string | undefined,
): Op<A> {
  return {
    family: "other",
    ...row,
    instead(inputs, a, node, budget) {
      const c = new Composition(node);
      return c.nodes(compose(c, inputs as readonly Operand[], a, node, budget));
    },
  };
}
