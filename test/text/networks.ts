import { type FileNode, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";

const IDS = ["batch", "tokens"];
const INT64 = 7;

interface Options {
  readonly words: number;
  readonly hidden: number;
  readonly names?: Partial<Record<"ids" | "mask" | "types", string>>;
  readonly dims?: readonly (number | string)[];
  /** What stands behind the mean of the tokens: classes, or a vector of length 1. */
  readonly head?: "classes" | "embedding";
}

/**
 * Embeddings of words and types, their mean over the mask, as exporters write it, and a dense layer: [batch, 3], or the
 * mean itself, divided by its length.
 */
export function meanOfWords({ words, hidden, names = {}, dims = IDS, head = "classes" }: Options): Uint8Array {
  const { ids = "input_ids", mask = "attention_mask", types = "token_type_ids" } = names;
  const nodes: FileNode[] = [
    { type: "Gather", inputs: ["words", ids], outputs: ["word"] },
    { type: "Gather", inputs: ["types", types], outputs: ["type"] },
    { type: "Add", inputs: ["word", "type"], outputs: ["embedded"] },
    { type: "Unsqueeze", inputs: [mask, "last"], outputs: ["column"] },
    { type: "Cast", inputs: ["column"], outputs: ["factor"], attributes: { to: 1 } },
    { type: "Mul", inputs: ["embedded", "factor"], outputs: ["masked"] },
    { type: "ReduceSum", inputs: ["masked", "one"], outputs: ["sum"], attributes: { keepdims: 0 } },
    { type: "ReduceSum", inputs: ["factor", "one"], outputs: ["count"], attributes: { keepdims: 0 } },
    { type: "Clip", inputs: ["count", "least"], outputs: ["divisor"] },
    { type: "Div", inputs: ["sum", "divisor"], outputs: ["mean"] },
    ...(head === "classes"
      ? [{ type: "MatMul", inputs: ["mean", "head"], outputs: ["logits"] }]
      : [
          { type: "ReduceL2", inputs: ["mean"], outputs: ["length"], attributes: { axes: [-1], keepdims: 1 } },
          { type: "Div", inputs: ["mean", "length"], outputs: ["logits"] },
        ]),
  ];
  return onnx({
    nodes,
    inputs: { [ids]: dims, [mask]: dims, [types]: dims },
    types: { [ids]: INT64, [mask]: INT64, [types]: INT64 },
    outputs: { logits: ["batch", head === "classes" ? 3 : hidden] },
    initializers: {
      words: { dims: [words, hidden], data: numbers(words * hidden, 1) },
      types: { dims: [2, hidden], data: numbers(2 * hidden, 2) },
      head: { dims: [hidden, 3], data: numbers(hidden * 3, 3) },
      last: { dims: [1], data: [-1] },
      one: { dims: [1], data: [1] },
      least: { dims: [], data: Float32Array.of(1e-9) },
    },
  });
}
