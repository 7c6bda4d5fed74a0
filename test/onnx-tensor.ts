import { PbfReader } from "pbf";
import type { Tensor } from "../src/index.ts";

/** Reads a float TensorProto, as the backend tests store them; apart from the library's own reader. */
export function buildTensor(bytes: Uint8Array): Tensor {
  const dims: number[] = [];
  let data = new Float32Array();
  const pbf = new PbfReader(bytes);
  pbf.readFields((tag) => {
    if (tag === 1 && pbf.type === 2) pbf.readPackedVarint(dims);
    else if (tag === 1) dims.push(pbf.readVarint());
    else if (tag === 4 || tag === 9) data = new Float32Array(Uint8Array.from(pbf.readBytes()).buffer);
  }, {});
  return { data, dims };
}
