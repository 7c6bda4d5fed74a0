import { demand } from "../base/complaint.ts";
import { broadcast, type Constant, size } from "../base/tensor.ts";
import type { Node, Operand, Operands } from "../graph/graph.ts";
import { type DenseAttributes, denseShared } from "./dense.ts";
import { known, type Op } from "./op.ts";

interface GemmAttributes extends DenseAttributes {
  readonly transposed: boolean;
}

/**
 * How Gemm's other forms come to the one with a plain A and a bias for each output: by a Transpose before it, and an
 * Add behind it. An A that is a constant, as the first state of a recurrent cell, makes it a product of matrices.
 */
function aroundGemm([x, w, c]: Operands, a: GemmAttributes, node: Node): readonly Node[] | undefined {
  const { transposed, ...plain } = a;
  const [y] = node.outputs;
  const m = w?.dims.at(a.rowsAreOutputs ? -2 : -1);
  const isBias = !c || (c.constant && (size(c.dims) === 1 || (size(c.dims) === m && c.dims.at(-1) === m)));
  const isProduct = x?.constant !== undefined;
  if (!transposed && isBias && !isProduct) return undefined;
  const dims = [x?.dims.at(transposed ? 1 : 0) ?? NaN, m ?? NaN];
  demand(
    !c || `${broadcast([c.dims, dims])}` === `${dims}`,
    "shape",
    `a C that can be broadcast to [${dims}]`,
    `dims [${c?.dims}]`,
  );
  const nodes: Node[] = [];
  const made = (part: string, type: string, inputs: readonly string[], attributes: object = {}): string => {
    const output = `${y}:${part}`;
    nodes.push({ name: `${node.name}:${part}`, type, attributes, inputs, outputs: [output] });
    return output;
  };
  const scaled = (part: string, name: string, factor: number): string => {
    if (factor === 1) return name;
    const value: Constant = { type: x?.type ?? "float32", dims: [], data: Float32Array.of(factor) };
    return made(part, "Mul", [name, made(`${part}:factor`, "Constant", [], { value })]);
  };
  const first = transposed ? made("A", "Transpose", [node.inputs[0]]) : node.inputs[0];
  const isAdded = c !== undefined && a.beta !== 0 && (isProduct || !isBias);
  if (isProduct) {
    const second = a.rowsAreOutputs ? made("B", "Transpose", [node.inputs[1]]) : node.inputs[1];
    const attributes: DenseAttributes = { rowsAreOutputs: false, alpha: 1, beta: 1 };
    nodes.push({ name: node.name, type: "MatMul", attributes, inputs: [first, second], outputs: [`${y}:product`] });
    scaled("alpha", `${y}:product`, a.alpha);
  } else {
    const inputs = [first, node.inputs[1], ...(isBias ? node.inputs.slice(2) : [])];
    nodes.push({
      ...node,
      attributes: { ...plain, transposed: false },
      inputs,
      outputs: [isAdded ? `${y}:product` : y],
    });
  }
  if (isAdded) {
    const [product] = nodes.at(-1)!.outputs;
    made("sum", "Add", [product, scaled("C", node.inputs[2], a.beta)]);
  }
  // The last of them is what the node was.
  return [...nodes.slice(0, -1), { ...nodes.at(-1)!, outputs: [y] }];
}

/** y = alpha · A · B + beta · C with a B that is known while loading. Source: ONNX Gemm-13. */
export const gemm: Op<GemmAttributes> = {
  ...denseShared,
  type: "Gemm",
  takes: "A:number B:number C:number?",
  attributes(read) {
    if (read.opset < 7) read.ignore("broadcast");
    return {
      transposed: read.int("transA", 0) === 1,
      rowsAreOutputs: read.int("transB", 0) === 1,
      alpha: read.float("alpha", 1),
      beta: read.float("beta", 1),
    };
  },
  instead: aroundGemm,
  infer(inputs, a) {
    const [x, w] = inputs as readonly Operand[];
    known(inputs, 1, "a B");
    demand(
      x.dims.length === 2 && w.dims.length === 2,
      "shape",
      "A and B of rank 2",
      `ranks ${x.dims.length} and ${w.dims.length}`,
    );
    const [m, k] = a.rowsAreOutputs ? w.dims : [w.dims[1], w.dims[0]];
    demand(x.dims[1] === k, "shape", `an A of ${k} columns`, `${x.dims[1]}`);
    return { dims: [[x.dims[0], m]] };
  },
};
