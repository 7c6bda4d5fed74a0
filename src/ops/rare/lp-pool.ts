import type { Op } from "../op.ts";
import { P_NORM, pNorm, pNormRelevance, readP } from "../p-norm.ts";
import { global } from "../pool.ts";
import { readWindow } from "../conv/window.ts";
import { folding, infer, lowered, type PoolAttributes, tapsOf, walkOf } from "../windows.ts";

interface LpAttributes extends PoolAttributes {
  readonly p: number;
}

const lpShared = {
  ...P_NORM,
  fold: folding((a: LpAttributes) => pNorm(a.p)),
  node: (site) => ({
    ...pNormRelevance(site, site.attributes.p, (x, y) => walkOf(site.attributes, x, y), tapsOf(site.attributes)),
    run: (e, at) => [lowered(e, site, at.x(0), pNorm(site.attributes.p))],
  }),
  nonnegative: () => true,
} satisfies Partial<Op<LpAttributes>>;

/** (Σ |x|^p)^(1/p) over windows. Source: ONNX LpPool-18. */
const lpPool: Op<LpAttributes> = {
  ...lpShared,
  type: "LpPool",
  attributes: (read) => ({
    window: readWindow(read),
    countPads: false,
    ofNothing: true,
    p: readP(read),
  }),
  infer,
};

/** The same over all positions. Source: ONNX GlobalLpPool-2. */
const globalLpPool: Op<LpAttributes> = {
  ...lpShared,
  ...global,
  type: "GlobalLpPool",
  attributes: (read) => ({ ...global.attributes(), p: readP(read) }),
};

export const lpPools = [lpPool, globalLpPool] as const;
