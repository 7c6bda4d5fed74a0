import { type ParameterName, parametersOf } from "./parameters.ts";
import type { ruleOf } from "./rule.ts";

/** One row for people: what a rule computes, where it comes from, what it takes. */
export interface RuleRow {
  readonly name: keyof typeof ruleOf;
  readonly equation: string;
  readonly summary: string;
  readonly source: string;
  readonly parameters: readonly ParameterName[];
}

const rows: readonly Omit<RuleRow, "parameters">[] = [
  {
    name: "lrp0",
    equation: "R_i = Σ_j x_i w_ij / z_j · R_j",
    summary: "shares relevance by contribution; 0/0 counts as 0",
    source: "Bach et al. 2015",
  },
  {
    name: "epsilon",
    equation: "R_i = Σ_j x_i w_ij / (z_j + ε sign z_j) · R_j",
    summary: "adds a stabilizer to LRP-0, which absorbs weak evidence; ε may be relative to rms(z)",
    source: "Bach et al. 2015, eq. 58; Binder et al. 2016, eq. 5",
  },
  {
    name: "alphaBeta",
    equation: "R_i = Σ_j (α z_ij⁺ / z_j⁺ − β z_ij⁻ / z_j⁻) · R_j,  α − β = 1",
    summary: "shares positive and negative contributions separately",
    source: "Bach et al. 2015, eq. 60",
  },
  {
    name: "beta",
    equation: "αβ with α = 1 + β",
    summary: "is the same in the notation of the LRN paper",
    source: "Binder et al. 2016, eq. 6",
  },
  {
    name: "zPlus",
    equation: "R_i = Σ_j z_ij⁺ / z_j⁺ · R_j",
    summary: "is αβ with α = 1 and β = 0",
    source: "Montavon et al. 2017",
  },
  {
    name: "excitation",
    equation: "R_i = Σ_j x_i⁺ w_ij⁺ / Σ_i x_i⁺ w_ij⁺ · R_j",
    summary: "gives the probability that i made j win: z⁺ of inputs ≥ 0, without the bias",
    source: "Zhang et al. 2016",
  },
  {
    name: "gamma",
    equation:
      "as ε with w + γ w⁺ where z_j > 0, w + γ w⁻ where z_j < 0 (for x ≥ 0; for x < 0, w⁺ and w⁻ change places)",
    summary: "favours contributions that agree with the output",
    source: "Montavon et al. 2019; generalised to any sign",
  },
  {
    name: "wSquare",
    equation: "R_i = Σ_j w_ij² / (Σ_i w_ij² + b_j²) · R_j",
    summary: "shares by squared weights, whatever the input is",
    source: "Montavon et al. 2017",
  },
  {
    name: "flat",
    equation: "R_i = Σ_j 1 / n_j · R_j",
    summary: "spreads relevance evenly over the inputs of each neuron; padding gets none",
    source: "Bach et al. 2016; Kohlbrenner et al. 2020",
  },
  {
    name: "zBox",
    equation: "R_i = Σ_j (x_i w_ij − l_i w_ij⁺ − h_i w_ij⁻) / (z_j − z_j(l) − z_j(h)) · R_j",
    summary: "is for inputs that lie between l and h",
    source: "Montavon et al. 2017",
  },
  {
    name: "norm",
    equation: "ε for layers without parameters (mean, sum)",
    summary: "shares by what each input adds",
    source: "zennit's Norm",
  },
  {
    name: "ratio",
    equation: "R_i = Σ_j |z_ij| / Σ_i |z_ij| · R_j",
    summary: "is for sums whose terms cancel: no share is negative or larger than 1; 0/0 counts as 0",
    source: "Otsuki et al. 2024, ratio-based splitting",
  },
  {
    name: "clip",
    equation: "R_i = Σ_j z_ij / (sign z_j · max(|z_j|, δ Σ_i |z_ij|)) · R_j",
    summary: "is norm with shares of at most 1/δ (δ = 0.1 unless given); it absorbs relevance where terms cancel",
    source: "this library; after zennit's Norm and its clipped stabilizer",
  },
  {
    name: "pass",
    equation: "R_in = R_out",
    summary: "leaves relevance unchanged; it is for activations",
    source: "Bach et al. 2015",
  },
  {
    name: "gradient",
    equation: "R_in = Jᵀ R_out",
    summary: "is the gradient, not LRP; it is taken only where you ask for it",
    source: "Simonyan et al. 2014",
  },
  {
    name: "guided",
    equation: "R_in = 1[x > 0] · R_out⁺",
    summary: "passes positive relevance through a ReLU that is active; not LRP",
    source: "Springenberg et al. 2015",
  },
  {
    name: "deconvnet",
    equation: "R_in = R_out⁺",
    summary: "passes positive relevance through every ReLU; not LRP",
    source: "Zeiler and Fergus 2014",
  },
  {
    name: "product",
    equation: "signal: R to the signal, 0 to the gate; half: R / 2 to each; of matrices s = R / 2ab, R_a = a ⊙ s bᵀ",
    summary: "is for products of two computed values",
    source: "Arras et al. 2017; Achtibat et al. 2024",
  },
  {
    name: "layerNorm",
    equation: "identity: q = R / y ⊙ w / σ, R_x = x ⊙ (q − mean q); without a mean, R_x = R",
    summary: "is for LayerNormalization and similar layers; the bias absorbs its share",
    source: "Ali et al. 2022; Achtibat et al. 2024",
  },
  {
    name: "attention",
    equation: "s = R / O; cp: R_V = V ⊙ Pᵀ s; attn: R_V = ½ V ⊙ Pᵀ s, R_Q = ½ Q ⊙ ∂O/∂Qᵀ ½ s, R_K alike",
    summary: "is for attention, O = P V with P = softmax(c Q Kᵀ + mask)",
    source: "Ali et al. 2022 (cp); Achtibat et al. 2024 (attn)",
  },
  {
    name: "lrn",
    equation: "R_j = Σ_k v_jk R_k, see LRN",
    summary: "takes the first-order Taylor expansion of local response normalization",
    source: "Binder et al. 2016, section 3",
  },
];

/** Every rule, for the README, the command line and the tests. */
export const rules: readonly RuleRow[] = Object.freeze(
  rows.map((row) => ({ ...row, parameters: parametersOf(row.name) })),
);
