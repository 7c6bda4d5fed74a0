/** The surface of the WebAssembly module: what stands here is exported, nothing else. */
export { convForward, convTable } from "./conv";
export { depthwiseForward } from "./depthwise";
export * from "./conv-rows";
export * from "./conv-lists";
export * from "./winograd";
export * from "./weighted";
export { denseForward, denseVjp } from "./dense";
export * from "./gemm";
export * from "./packed";
export * from "./pool";
export * from "./lrn";
export * from "./lrn-spatial";
export * from "./norm";
export * from "./unary";
export * from "./binary";
export * from "./copy";
export { recurrentForward, recurrentVjp } from "./recurrent";
export * from "./recurrent-rules";
export * from "./reduce";
export * from "./relevance";

/** Where the compiler's own data ends and the caller's memory begins, in bytes. */
export function heapBase(): usize {
  return __heap_base;
}
