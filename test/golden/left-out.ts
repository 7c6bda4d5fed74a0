/** Every case of the golden files that is not a test, with the reason. `*` stands for any text. */
export const leftOut: readonly { readonly case: string; readonly reason: string }[] = [
  {
    case: "rules_hand/maxpool2 ties shared (lrp_toolbox python)/R_in",
    reason: "relprop gives a window's relevance to its first maximum; sharing among ties is no rule of it",
  },
  {
    case: "rules_hand/batchnorm stand-alone/R_eps_linear",
    reason: "an unfolded BatchNormalization passes relevance; ε on it as a diagonal map is no rule of relprop",
  },
  {
    case: "rules_hand/batchnorm stand-alone/R_innvestigate",
    reason: "innvestigate's rule for BatchNormalization is no rule of relprop",
  },
];

/** The entry that a case falls under, if any. */
export function reasonFor(name: string): (typeof leftOut)[number] | undefined {
  return leftOut.find((l) =>
    new RegExp(`^${l.case.replace(/[.*+?^${}()|[\]\\]/g, (c) => (c === "*" ? ".*" : `\\${c}`))}$`).test(name),
  );
}
