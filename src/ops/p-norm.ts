import { HOST } from "../base/budget.ts";
import { demand } from "../base/complaint.ts";
import type { Value } from "../program/step.ts";
import { type Reducer, reducer, type Walk } from "./cells.ts";
import type { AttributeReader, Own, OwnRule, Site } from "./op.ts";

/** (Σ |x_i|^p)^(1/p) */
export function pNorm(p: number): Reducer {
  if (p === 1) return reducer(0, (sum, v) => sum + Math.abs(v));
  if (p === 2) return reducer(0, (sum, v) => sum + v * v, Math.sqrt);
  return reducer(
    0,
    (sum, v) => sum + Math.abs(v) ** p,
    (sum) => sum ** (1 / p),
  );
}

export function readP(read: AttributeReader): number {
  const p = read.opset < 2 ? read.float("p", 2) : read.int("p", 2);
  demand(p >= 1, "invalid-model", "p ≥ 1", `${p}`);
  return p;
}

/** The cells of a node, for x and y as they lie in memory. */
export type CellWalk = (x: Value, y: Value) => Walk;

/**
 * Relevance through y = (Σ |x_i|^p)^(1/p), for every cell of the walk.
 *
 *   taylor:    R_i = Σ_k |x_i|^p / Σ_j |x_j|^p · R_k,  the terms x_i ∂y_k/∂x_i, whose sum is y_k
 *   gradient:  R_i = Σ_k ∂y_k/∂x_i · R_k
 *
 * Source: Montavon et al. 2017, section 5 (pooling by p-norm); Binder et al. 2016, section 2, expanded at 0 with the
 * slopes at x.
 */
export function pNormRelevance({ node }: Pick<Site<unknown>, "node">, p: number, walkOf: CellWalk, taps = 1): Own {
  const norm = pNorm(p);
  const rule = (slope: boolean): OwnRule => ({
    conserves: !slope,
    back(e, at, r, ledger) {
      const [x, y] = [at.x(0), at.y(0)];
      const out = e.temp(`${node.name}:relevance`, x.dims, x.layout);
      const walk = walkOf(x, y);
      const run = (from: Float32Array, received: Float32Array, to: Float32Array, absorbed: Float32Array) => {
        const sums = new Float64Array(to.length);
        const columns = new Float64Array(absorbed.buffer, absorbed.byteOffset, 3);
        walk((k, base, taps, count) => {
          const z = norm(from, base, taps, count);
          if (z === 0 && !slope) columns[2] += received[k];
          if (z === 0) return;
          for (let i = 0; i < taps.length; i++) {
            const v = from[base + taps[i]];
            if (v !== 0) sums[base + taps[i]] += (Math.abs(v) / z) ** p * (slope ? z / v : 1) * received[k];
          }
        });
        to.set(sums);
      };
      e.host(node.type, [x, e.as(r, y.layout), out, ledger], run, HOST * Math.max(x.count, y.count * taps));
      return [out];
    },
  });
  return { kind: "own", rules: { taylor: rule(false), gradient: rule(true) } };
}

export const P_NORM = {
  family: "p-norm",
  summary: "The operator has rules of its own: taylor, which shares it by |x|^p, and gradient.",
} as const;
