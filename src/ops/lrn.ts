import { demand } from "../base/complaint.ts";
import { size } from "../base/tensor.ts";
import type { Op, OwnRule, Site, Way } from "./op.ts";
import { ownRules } from "./says.ts";

/**
 * y_k = x_k · (bias + a · Σ_{j ∈ N(k)} x_j²)^(−beta) with N(k) = k − before … k + after.
 * `channels`: the window runs over channels. `spatial`: over rows and columns of the same channel.
 */
export interface LrnAttributes {
  readonly region: "channels" | "spatial";
  readonly before: number;
  readonly after: number;
  readonly a: number;
  readonly beta: number;
  readonly bias: number;
}

/** The ways of passing relevance, and the kernels that do it: [across channels, within a channel]. */
export const lrnModes = {
  taylor: {
    kernels: ["lrnTaylor", "lrnSpatialTaylor"],
    conserves: true,
    summary: "the first-order Taylor expansion; its zero-order term goes to the centre (default)",
  },
  "taylor-uniform": {
    kernels: ["lrnTaylorUniform", "lrnSpatialTaylorUniform"],
    conserves: true,
    summary: "the first-order Taylor expansion; its zero-order term is split evenly over the window",
  },
  identity: { kernels: undefined, conserves: true, summary: "relevance passes as if the layer were not there" },
  beta: { kernels: ["lrnBeta", "lrnSpatialBeta"], conserves: true, summary: "the β rule (β = 1) on the Taylor terms" },
  gradient: {
    kernels: ["lrnVjp", "lrnSpatialVjp"],
    conserves: false,
    summary: "the gradient, Jᵀ R, which tools without a rule for LRN take without a word; for comparison",
  },
  unnormalised: {
    kernels: ["lrnUnnormalised", "lrnSpatialUnnormalised"],
    conserves: false,
    summary:
      "the Taylor terms, not divided by their sum, as in the code that the paper's authors released; for comparison",
  },
} as const;

export type LrnMode = keyof typeof lrnModes;

/** The way of one node. */
function wayOf({
  node: { name },
  inputs: [input],
  outputs: [{ name: output }],
  attributes: given,
}: Site<LrnAttributes>): Way {
  const { dims } = input!;
  const [n, c, ...spatial] = dims;
  const { region, ...attributes } = given;
  const pixels = n * size(spatial);
  const plane = { n, h: spatial.length > 1 ? spatial[0] : 1, w: spatial.at(-1) ?? 1, c };
  const work = size(dims) * (attributes.before + attributes.after + 1) ** (region === "channels" ? 1 : 2);
  const reach = c + attributes.before + attributes.after + 4;
  const back =
    (mode: LrnMode): OwnRule["back"] =>
    (e, at, r) => {
      const { kernels } = lrnModes[mode];
      if (!kernels) return [r];
      const [x, received] = [e.as(at.x(0), "last"), e.as(r, "last")];
      const y = e.temp(`${name}:relevance`, dims, "last");
      if (region === "channels") {
        const scratch = e.scratch(`${name}:lines`, 3 * reach);
        e.emit(kernels[0], { x, r: received, y, scratch, pixels, c, ...attributes }, work);
      } else {
        const scratch = e.scratch(`${name}:planes`, 2 * (plane.h * plane.w * c + 4));
        e.emit(kernels[1], { x, r: received, y, scratch, ...plane, ...attributes }, work);
      }
      return [y];
    };
  const modes = Object.keys(lrnModes) as LrnMode[];
  return {
    kind: "own",
    run(e, at) {
      const x = e.as(at.x(0), "last");
      const y = e.temp(output, dims, "last");
      if (region === "channels") {
        e.emit("lrnForward", { x, y, scratch: e.scratch(`${name}:line`, reach), pixels, c, ...attributes }, work);
      } else e.emit("lrnSpatialForward", { x, y, ...plane, ...attributes }, work);
      return [y];
    },
    rules: Object.fromEntries(modes.map((mode) => [mode, { conserves: lrnModes[mode].conserves, back: back(mode) }])),
  };
}

/**
 * Local response normalization.
 * Source: Krizhevsky et al. 2012, section 3.3; ONNX LRN-13. Relevance: Binder et al. 2016 (arXiv 1604.00825), section
 * 3.
 */
export const lrn: Op<LrnAttributes> = {
  type: "LRN",
  family: "lrn",
  summary: ownRules(...Object.keys(lrnModes)),
  attributes(read) {
    const size = read.int("size", 0);
    demand(size >= 1, "invalid-model", "a size ≥ 1", `${size}`);
    const [alpha, beta, bias] = [read.float("alpha", 1e-4), read.float("beta", 0.75), read.float("bias", 1)];
    const { region = "channels", window = "onnx" } = { region: read.beyond("region"), window: read.beyond("window") };
    demand(region === "channels" || region === "spatial", "invalid-model", "region channels or spatial", `${region}`);
    demand(window === "onnx" || window === "torch", "invalid-model", "window onnx or torch", `${window}`);
    const [less, more] = [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)];
    const [before, after] = window === "onnx" ? [less, more] : [more, less];
    return checkedLrn({ region, before, after, a: alpha / (region === "channels" ? size : size * size), beta, bias });
  },
  infer([x], a) {
    const { dims } = x!;
    demand(dims.length >= 3 && dims.length <= 4, "unsupported", "an input of rank 3 or 4", `rank ${dims.length}`);
    // A window that reaches further than the channels go sees the same as one that reaches just as far.
    const most = a.region === "channels" ? dims[1] - 1 : Math.max(...dims.slice(2)) - 1;
    return { dims: [dims], attributes: { ...a, before: Math.min(a.before, most), after: Math.min(a.after, most) } };
  },
  node: wayOf,
  nonnegative: ([x]) => x,
};

/** Refuses what would divide by zero or take roots of negative numbers. */
export function checkedLrn(a: LrnAttributes): LrnAttributes {
  demand(
    a.bias > 0 && a.a >= 0 && Number.isFinite(a.beta),
    "unsupported",
    "bias > 0, alpha ≥ 0 and a finite beta",
    `bias ${a.bias}, alpha ${a.a}, beta ${a.beta}`,
  );
  return Object.freeze(a);
}
