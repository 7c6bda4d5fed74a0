import { assert } from "../error.ts";
import { norm } from "./attribution.ts";

/** Writes to y a matrix, or what comes near its inverse, times x. */
type Product = (x: Float64Array, y: Float64Array) => void;

function dot(x: Float64Array, y: Float64Array): number {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += x[i] * y[i];
  return total;
}

/**
 * Solves A x = b by preconditioned conjugate gradients; A and M ≈ A⁻¹ are symmetric and positive definite.
 *
 *   z = M r     α = r·z / d·A d     x += α d     r −= α A d     β = r·z / (r·z before)     d = z + β d
 *
 * Source: Hestenes and Stiefel 1952. It stops where ‖r‖ ≤ 1e-8 ‖b‖.
 */
export function conjugateGradients(multiply: Product, precondition: Product, b: Float64Array): Float64Array {
  const x = new Float64Array(b.length);
  const r = b.slice();
  const [z, d, ad] = [new Float64Array(b.length), new Float64Array(b.length), new Float64Array(b.length)];
  const enough = 1e-8 * norm(b);
  let before = Infinity;
  for (let i = 0; norm(r) > enough; i++) {
    assert(i < 100 + 10 * b.length, "conjugate gradients do not converge");
    precondition(r, z);
    const rz = dot(r, z);
    for (let k = 0; k < x.length; k++) d[k] = z[k] + (rz / before) * d[k];
    before = rz;
    multiply(d, ad);
    const step = rz / dot(d, ad);
    for (let k = 0; k < x.length; k++) {
      x[k] += step * d[k];
      r[k] -= step * ad[k];
    }
  }
  return x;
}
