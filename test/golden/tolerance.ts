/** How far float32 may be from double precision, as a share of the largest |R|, by family of rules. */
export const tolerance = { plain: 1e-5, epsilon: 3e-5, norm: 3e-5, lrp0: 1e-4, alphaBeta: 1e-4 } as const;

/**
 * Golden cases whose numbers show in which order terms are added. One output of this layer is 0.0004, left over from
 * terms of about 1: a single rounding of one of them, 2⁻²⁴, moves its relevance by 1.5e-4.
 */
export const cancelling: readonly { readonly layer: string; readonly off: number }[] = [
  { layer: "conv_transpose2d", off: 5e-5 },
];
