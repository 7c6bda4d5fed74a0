import { LrpError } from "./error.ts";
import type { Backward } from "./plan/lower.ts";
import type { Chosen } from "./run/target.ts";
import type { Dims, Tensor } from "./tensor.ts";

/** The rule that one node got. */
export interface RuleAt {
  readonly node: string;
  readonly type: string;
  readonly rule: string;
  readonly note?: string;
}

/**
 * Where a node's relevance went: received = passed + bias + stabilizer + dead + other + gap.
 * `other`: kept by added constants, or not accounted for by a gradient rule. `gap`: rounding; at most 1e-5 of `magnitude`'s largest.
 */
export interface LedgerRow {
  readonly node: string;
  readonly type: string;
  readonly rule: string;
  readonly received: number;
  readonly passed: number;
  readonly bias: number;
  readonly stabilizer: number;
  readonly dead: number;
  readonly other: number;
  readonly gap: number;
  /** Σ |R| received. */
  readonly magnitude: number;
}

/** What `predict` returns. */
export interface Prediction {
  readonly output: Tensor;
  readonly outputs: Readonly<Record<string, Tensor>>;
}

/** What `explain` returns. */
export interface Explanation {
  /** The network's own output, probabilities where it ends in a softmax. */
  readonly output: Tensor;
  /** What was explained, for each sample. */
  readonly targets: readonly (readonly Chosen[])[];
  readonly start: "logit" | "one";
  /** Relevance of the input, of the input's dims; where there are several, of the first that relevance reaches. */
  readonly relevance: Tensor;
  /** Relevance of every input that it reaches, by name. */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Relevance at the values asked for. */
  readonly at: Readonly<Record<string, Tensor>>;
  readonly rules: readonly RuleAt[];
  readonly ledger: readonly LedgerRow[];
  /** What is worth knowing, in sentences: a softmax left out, normalization that could not be folded. */
  readonly notes: readonly string[];
}

/** What `inspect` returns. */
export interface Inspection {
  readonly text: string;
  readonly nodes: readonly (RuleAt & {
    readonly inputs: readonly string[];
    readonly outputs: readonly { readonly name: string; readonly dims: Dims }[];
  })[];
  /** Number of weights. */
  readonly parameters: number;
  readonly notes: readonly string[];
}

/** The sums that the kernels left behind, as one row a node. @param view f64 sums, seen as float32 */
export function ledgerRows({ accounts }: Backward, view: Float32Array): LedgerRow[] {
  const sums = new Float64Array(view.buffer, view.byteOffset, view.length / 2);
  const add = (offsets: readonly number[], column: 0 | 1) => offsets.reduce((total, at) => total + sums[at + column], 0);
  return accounts.map(({ node: { name, type }, rule, open, ...account }) => {
    const [received, passed] = [add(account.received, 0), add(account.passed, 0)];
    const [bias, stabilizer, dead] = sums.subarray(account.absorbed, account.absorbed + 3);
    const rest = received - passed - bias - stabilizer - dead;
    const other = open ? rest : add(account.constants, 0);
    return {
      node: name,
      type,
      rule,
      received,
      passed,
      bias,
      stabilizer,
      dead,
      other,
      gap: rest - other,
      magnitude: add(account.received, 1),
    };
  });
}

/** A heatmap is normalized, so it looks the same when next to nothing has arrived. @param arrived Σ |R| at the inputs */
export function shareNote(arrived: number, targets: readonly (readonly Chosen[])[], start: "logit" | "one"): string[] {
  const begun = targets.flat().reduce((sum, t) => sum + Math.abs(start === "logit" ? t.weight * t.score : t.weight), 0);
  if (!(arrived < 0.01 * begun)) return [];
  return [
    `Less than 1 % of the relevance reaches the input (${arrived.toPrecision(2)} of ${begun.toPrecision(2)}): the ledger shows where the rest went.`,
  ];
}

/** The printed graph with each node's rule before its line, and what is worth knowing after it. */
export function inspectionText(graph: string, nodes: Inspection["nodes"], parameters: number, notes: readonly string[]): string {
  const width = Math.max(...nodes.map((n) => n.rule.length));
  const ruleOf = new Map(nodes.map((n) => [n.outputs[0].name, n.rule]));
  const lines = graph.split("\n").map((line) => {
    const rule = line.includes(" = ") ? ruleOf.get(line.slice(0, line.indexOf(": "))) : undefined;
    return `${(rule ?? "").padEnd(width)}  ${line}`;
  });
  return [...lines, "", `${parameters} parameters`, ...notes].join("\n");
}

/** Σ |R|. @throws LrpError code "rule" when relevance has left float32's range, naming the node where it did */
export function magnitudeOf(relevance: Tensor, ledger: readonly LedgerRow[]): number {
  const { data } = relevance;
  let magnitude = 0;
  for (let i = 0; i < data.length; i++) magnitude += Math.abs(data[i]);
  // In double precision a sum of float32 numbers is finite unless one of them is not.
  if (Number.isFinite(magnitude)) return magnitude;
  const at = ledger.find((row) => !Number.isFinite(row.passed));
  throw new LrpError("rule", {
    where: `relevance through node '${at?.node}' (${at?.type}, ${at?.rule})`,
    expected: "finite numbers",
    received: "infinity or NaN",
    fix: "A larger epsilon, or another composite, keeps denominators from vanishing.",
  });
}
