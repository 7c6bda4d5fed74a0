/** The types of attributes, in the order of ONNX's numbers for them. */
export const ATTRIBUTE_TYPES = (
  "UNDEFINED FLOAT INT STRING TENSOR GRAPH FLOATS INTS STRINGS TENSORS GRAPHS SPARSE_TENSOR SPARSE_TENSORS " +
  "TYPE_PROTO TYPE_PROTOS"
).split(" ");
/** Which of them a field of AttributeProto holds, by the field's number. */
export const HOLDS: Readonly<Record<number, string>> = {
  2: "FLOAT",
  3: "INT",
  4: "STRING",
  5: "TENSOR",
  6: "GRAPH",
  7: "FLOATS",
  8: "INTS",
  9: "STRINGS",
  10: "TENSORS",
  11: "GRAPHS",
  14: "TYPE_PROTO",
  15: "TYPE_PROTOS",
  22: "SPARSE_TENSOR",
  23: "SPARSE_TENSORS",
};
