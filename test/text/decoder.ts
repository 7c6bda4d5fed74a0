import { type FileNode, onnx } from "../onnx-writer.ts";
import { numbers } from "../random.ts";

export const VOCABULARY = 11;
const HIDDEN = 6;
const [HEADS, WIDTH] = [2, 3];

/**
 * A decoder of one layer: embeddings of tokens and positions, causal attention with past keys and values (or, without
 * `past`, of this text alone), a residual sum, and a score for each token at each place: [batch, tokens, 11].
 */
export function decoder({ past }: { readonly past: boolean }): Uint8Array {
  const kept = ["batch", HEADS, "past", WIDTH];
  const heads = (from: string, to: string): FileNode[] => [
    { type: "MatMul", inputs: ["embedded", `${to} weight`], outputs: [`${to} flat`] },
    { type: "Reshape", inputs: [`${to} flat`, "split"], outputs: [`${to} parts`] },
    { type: "Transpose", inputs: [`${to} parts`], outputs: [from], attributes: { perm: [0, 2, 1, 3] } },
  ];
  const joined = (name: string): FileNode[] =>
    past
      ? [
          {
            type: "Concat",
            inputs: [`past_key_values.0.${name}`, `${name} new`],
            outputs: [name],
            attributes: { axis: 2 },
          },
        ]
      : [];
  const nodes: FileNode[] = [
    { type: "Gather", inputs: ["tokens", "input_ids"], outputs: ["token"] },
    { type: "Gather", inputs: ["places", "position_ids"], outputs: ["place"] },
    { type: "Add", inputs: ["token", "place"], outputs: ["embedded"] },
    ...heads("query", "q"),
    ...heads(past ? "key new" : "key", "k"),
    ...heads(past ? "value new" : "value", "v"),
    ...joined("key"),
    ...joined("value"),
    { type: "Transpose", inputs: ["key"], outputs: ["turned"], attributes: { perm: [0, 1, 3, 2] } },
    { type: "MatMul", inputs: ["query", "turned"], outputs: ["products"] },
    { type: "Mul", inputs: ["products", "scale"], outputs: ["scaled"] },
    // A key counts if it lies no later than the query.
    { type: "Unsqueeze", inputs: ["position_ids", "last"], outputs: ["queries"] },
    { type: "Unsqueeze", inputs: ["position_ids", "middle"], outputs: ["keys"] },
    { type: "LessOrEqual", inputs: ["keys", "queries"], outputs: ["seen"] },
    { type: "Unsqueeze", inputs: ["seen", "middle"], outputs: ["all heads"] },
    { type: "Where", inputs: ["all heads", "scaled", "never"], outputs: ["masked"] },
    { type: "Softmax", inputs: ["masked"], outputs: ["weights"], attributes: { axis: -1 } },
    { type: "MatMul", inputs: ["weights", "value"], outputs: ["mixed"] },
    { type: "Transpose", inputs: ["mixed"], outputs: ["turned back"], attributes: { perm: [0, 2, 1, 3] } },
    { type: "Reshape", inputs: ["turned back", "join"], outputs: ["together"] },
    { type: "MatMul", inputs: ["together", "o weight"], outputs: ["attended"] },
    { type: "Add", inputs: ["attended", "embedded"], outputs: ["state"] },
    { type: "MatMul", inputs: ["state", "head"], outputs: ["logits"] },
  ];
  const square = (seed: number) => ({ dims: [HIDDEN, HIDDEN], data: numbers(HIDDEN * HIDDEN, seed) });
  const caches = past ? { "past_key_values.0.key": kept, "past_key_values.0.value": kept } : {};
  return onnx({
    nodes,
    inputs: { input_ids: ["batch", "tokens"], position_ids: ["batch", "tokens"], ...caches },
    types: { input_ids: 7, position_ids: 7 },
    outputs: { logits: ["batch", "tokens", VOCABULARY] },
    initializers: {
      tokens: { dims: [VOCABULARY, HIDDEN], data: numbers(VOCABULARY * HIDDEN, 1) },
      places: { dims: [16, HIDDEN], data: numbers(16 * HIDDEN, 2) },
      "q weight": square(3),
      "k weight": square(4),
      "v weight": square(5),
      "o weight": square(6),
      head: { dims: [HIDDEN, VOCABULARY], data: numbers(HIDDEN * VOCABULARY, 7) },
      split: { dims: [4], data: [0, 0, HEADS, WIDTH] },
      join: { dims: [3], data: [0, 0, HIDDEN] },
      scale: { dims: [], data: Float32Array.of(1 / Math.sqrt(WIDTH)) },
      never: { dims: [], data: Float32Array.of(Number.NEGATIVE_INFINITY) },
      last: { dims: [1], data: [-1] },
      middle: { dims: [1], data: [1] },
    },
  });
}
