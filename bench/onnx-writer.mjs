import { PbfWriter } from "pbf";

/** ONNX's numbers for the types of numbers. */
const types = { float32: 1, int64: 7 };

/** ONNX's numbers for the types of attributes. */
const FLOAT = 1,
  INT = 2,
  INTS = 7;

/** Fields are numbered as in onnx.proto. */
function writeAttribute([name, value], pbf) {
  pbf.writeStringField(1, name);
  if (Array.isArray(value)) for (const v of value) pbf.writeVarintField(8, v);
  else if (Number.isInteger(value)) pbf.writeVarintField(3, value);
  else pbf.writeFloatField(2, value);
  pbf.writeVarintField(20, Array.isArray(value) ? INTS : Number.isInteger(value) ? INT : FLOAT);
}

function writeNode({ type, name, inputs, attributes = {} }, pbf) {
  for (const input of inputs) pbf.writeStringField(1, input);
  pbf.writeStringField(2, name);
  pbf.writeStringField(3, name);
  pbf.writeStringField(4, type);
  for (const attribute of Object.entries(attributes)) pbf.writeMessage(5, writeAttribute, attribute);
}

function writeTensor({ name, dims, data }, pbf) {
  for (const d of dims) pbf.writeVarintField(1, d);
  pbf.writeVarintField(2, data instanceof BigInt64Array ? types.int64 : types.float32);
  pbf.writeStringField(8, name);
  pbf.writeBytesField(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeDim(d, pbf) {
  if (typeof d === "string") pbf.writeStringField(2, d);
  else pbf.writeVarintField(1, d);
}

function writePort({ name, dims, type = "float32" }, pbf) {
  const shape = (_, p) => {
    for (const d of dims) p.writeMessage(1, writeDim, d);
  };
  const tensor = (_, p) => {
    p.writeVarintField(1, types[type]);
    p.writeMessage(2, shape);
  };
  pbf.writeStringField(1, name);
  pbf.writeMessage(2, (_, p) => p.writeMessage(1, tensor));
}

function writeGraph({ nodes, tensors, input, output }, pbf) {
  for (const node of nodes) pbf.writeMessage(1, writeNode, node);
  pbf.writeStringField(2, "bench");
  for (const tensor of tensors) pbf.writeMessage(5, writeTensor, tensor);
  pbf.writeMessage(11, writePort, input);
  pbf.writeMessage(12, writePort, output);
}

/**
 * A network as the bytes of an ONNX file.
 *
 * @param network nodes { type, name, inputs, attributes } whose one output bears their name;
 *   tensors { name, dims, data: Float32Array or BigInt64Array }; input and output { name, dims, type } with free dims
 *   as names; opset, 13 unless given.
 *   An attribute that is a whole number is written as an integer.
 */
export function writeOnnx(network) {
  const bytes = network.tensors.reduce((sum, { data }) => sum + data.byteLength, 0);
  // Room for all of it, so that nothing is copied while it grows.
  const pbf = new PbfWriter(new Uint8Array(bytes + 2 ** 20));
  pbf.writeVarintField(1, 8);
  pbf.writeMessage(7, writeGraph, network);
  pbf.writeMessage(8, (_, p) => p.writeVarintField(2, network.opset ?? 13));
  return pbf.finish();
}
