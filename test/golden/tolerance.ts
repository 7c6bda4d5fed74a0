/** How far float32 may be from double precision, as a share of the largest |R|, by family of rules. */
export const tolerance = { plain: 1e-5, epsilon: 3e-5, norm: 3e-5, lrp0: 1e-4, alphaBeta: 1e-4 } as const;
