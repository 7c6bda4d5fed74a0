import v8 from "node:v8";

// Node 20 has relaxed SIMD behind a flag only, and `asp` starts a node of its own, without flags.
if (Number.parseInt(process.versions.node, 10) < 22) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

/** Unit tests of the kernels, one by one against their definitions; everything above them is tested under test/. */
export default {
  entries: ["assembly/__tests__/*.spec.ts"],
  include: [],
  disclude: [/node_modules/],
  instantiate: (memory, createImports, instantiate, binary) => instantiate(binary, createImports({ env: { memory } })),
  outputBinary: false,
};
