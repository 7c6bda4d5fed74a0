import { parametersOf } from "../build/js/kernels.gen.js";

const F32 = 4;
const pools = ({ n, h, w, c, oh, ow }) => ({ inputs: n * h * w * c, outputs: n * oh * ow * c });
const elements = (kind, arrays) => (a) => ({ kind, bytes: F32 * arrays * a.count });
const blocks =
  (arrays) =>
  ({ d0, d1, d2, d3 }) => ({ kind: "element-wise", bytes: F32 * arrays * d0 * d1 * d2 * d3 });
const along =
  (arrays) =>
  ({ outer, axis, inner }) => ({ kind: "element-wise", bytes: F32 * arrays * outer * axis * inner });
const lrn =
  (arrays) =>
  ({ pixels, c }) => ({ kind: "LRN", bytes: F32 * arrays * pixels * c });
const lrnSpatial =
  (arrays) =>
  ({ n, h, w, c }) => ({ kind: "LRN", bytes: F32 * arrays * n * h * w * c });
const dense = ({ n, m, k }) => ({ kind: "dense", flops: 2 * n * m * k, bytes: F32 * (m * k + n * (m + k)) });

const neurons = ({ n, oh, ow, c, m, kh, kw, group }) => ({
  kind: "convolution",
  flops: (2 * n * oh * ow * m * kh * kw * c) / group,
  bytes: F32 * ((m * kh * kw * c) / group + n * oh * ow * m),
});

/**
 * What each kernel's arguments, by name, mean as work: floating point operations, and bytes that have to be read or
 * written once. Winograd's convolutions, and those that leave out zeros, count as direct ones, so that all are measured
 * by what they replace.
 */
const rows = {
  convForward: ({ pixels, m, rows, columns, run }) => ({
    kind: "convolution",
    flops: 2 * pixels * m * rows * columns * run,
    bytes: F32 * (m * rows * columns * run + pixels * m),
  }),
  winogradForward: ({ n, oh, ow, c, m, taps }) => ({
    kind: "convolution",
    flops: 2 * taps ** 2 * n * oh * ow * c * m,
    bytes: F32 * (taps ** 2 * c * m + n * oh * ow * (c + m)),
  }),
  convRowsForward: neurons,
  convRowsVjp: neurons,
  convListForward: ({ pixels, m, rows, columns, c }) => ({
    kind: "convolution",
    flops: 2 * pixels * m * rows * columns * c,
    bytes: F32 * (m * rows * columns * c + pixels * m),
  }),
  listNonzero: ({ pixels, c }) => ({ kind: "convolution", bytes: F32 * pixels * c }),
  countNonzero: elements("element-wise", 1),
  halvesForward: ({ pixels, c }) => ({ kind: "element-wise", bytes: F32 * 3 * pixels * c }),
  halvesMultiply: ({ pixels, channels }) => ({ kind: "element-wise", bytes: F32 * 4 * pixels * channels }),
  halvesMultiplyAdd: ({ pixels, channels }) => ({ kind: "element-wise", bytes: F32 * 5 * pixels * channels }),
  convTable: ({ n, oh, ow }) => ({ kind: "convolution", bytes: 8 * n * oh * ow }),
  depthwiseForward: ({ pixels, c, rows, columns }) => ({
    kind: "depthwise",
    flops: 2 * pixels * c * rows * columns,
    bytes: F32 * 2 * pixels * c,
  }),
  denseForward: dense,
  denseVjp: dense,
  gemmForward: dense,
  gemmVjp: dense,
  maxPoolForward: (a) => ({ kind: "pool", bytes: F32 * (pools(a).inputs + pools(a).outputs) }),
  maxPoolVjp: (a) => ({ kind: "pool", bytes: F32 * 2 * (pools(a).inputs + pools(a).outputs) }),
  averagePoolForward: (a) => ({ kind: "pool", bytes: F32 * (pools(a).inputs + pools(a).outputs) }),
  averagePoolVjp: (a) => ({ kind: "pool", bytes: F32 * (pools(a).inputs + pools(a).outputs) }),
  lrnForward: lrn(2),
  ...Object.fromEntries(
    ["Taylor", "TaylorUniform", "Beta", "Vjp", "Unnormalised"].map((rule) => [`lrn${rule}`, lrn(3)]),
  ),
  lrnSpatialForward: lrnSpatial(2),
  ...Object.fromEntries(
    ["Taylor", "TaylorUniform", "Beta", "Vjp", "Unnormalised"].map((rule) => [`lrnSpatial${rule}`, lrnSpatial(3)]),
  ),
  ...Object.fromEntries(
    ["relu", "slope", "clip", "sigmoid", "tanh", "hardSwish", "swish", "gelu", "geluTanh"].map((name) => [
      `${name}Forward`,
      elements("element-wise", 2),
    ]),
  ),
  ...Object.fromEntries(
    ["relu", "slope", "clip", "sigmoid", "tanh", "hardSwish", "swish", "gelu", "geluTanh"].map((name) => [
      `${name}Vjp`,
      elements("element-wise", 3),
    ]),
  ),
  ...Object.fromEntries(
    ["add", "sub", "mul", "div", "pow", "max", "pRelu"].map((name) => [`${name}Forward`, blocks(3)]),
  ),
  copyBlock: blocks(2),
  weightedRows: ({ outer, length, rows: n, inner }) => ({
    kind: "element-wise",
    bytes: F32 * outer * inner * (length + n),
  }),
  addBlock: blocks(3),
  fill: elements("element-wise", 1),
  sum: elements("element-wise", 1),
  divideStabilized: elements("element-wise", 3),
  divideClipped: elements("element-wise", 3),
  divideRelative: elements("element-wise", 3),
  gatePositive: elements("element-wise", 3),
  gateNegative: elements("element-wise", 3),
  multiply: elements("element-wise", 3),
  multiplyAdd: elements("element-wise", 4),
  absorbBias: ({ rows: n, m }) => ({ kind: "element-wise", bytes: F32 * n * m }),
  standardForward: ({ rows: count, n }) => ({ kind: "element-wise", bytes: F32 * 2 * count * n }),
  standardIdentity: ({ rows: count, n }) => ({ kind: "element-wise", bytes: F32 * 3 * count * n }),
  ...Object.fromEntries(["softmaxForward", "logSoftmaxForward"].map((name) => [name, along(2)])),
  ...Object.fromEntries(["softmaxVjp", "logSoftmaxVjp", "softmaxTaylor"].map((name) => [name, along(3)])),
};

/** Arguments that are pointers, or how far things lie apart: they are no part of the work. Beside h, w is a width. */
const PLACES =
  /^(x|w|b|y|r|s|z|a|out|table|scratch|lists|starts|weights|zeros|ledger|sums|epsilon|coefficient|value|p|q|beta|bias|[abxy]\d|[xy][A-Z]\w+|tap[A-Z]\w+|some)$/;

/**
 * A call of a kernel as work.
 * @returns kind, flops, bytes, and the call's sizes as text; a kernel without a row is of kind "unknown" and has
 * neither flops nor bytes
 */
export function workOf(kernel, args) {
  const named = Object.fromEntries(parametersOf(kernel).map((name, i) => [name, args[i]]));
  const shape = Object.entries(named)
    .filter(([name]) => !PLACES.test(name) || (name === "w" && "h" in named))
    .map(([name, v]) => `${name} ${Number.isInteger(v) ? v : v.toPrecision(3)}`)
    .join(", ");
  return { flops: 0, bytes: 0, ...(rows[kernel]?.(named) ?? { kind: "unknown" }), shape };
}
