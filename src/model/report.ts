import { LrpError } from "../base/error.ts";
import { printable } from "../base/printable.ts";
import { ops } from "../ops/index.ts";
import type { Segment } from "../plan/backward.ts";
import type { Chosen, Target } from "../run/target.ts";
import type { Stability } from "./stability.ts";
import { type Dims, firstNonFinite, shapeText, type Tensor, type TensorData } from "../base/tensor.ts";
import type { Port } from "../graph/graph.ts";
import type { NodeSettings } from "./settings.ts";

/** The rule that one node got. */
export interface RuleAt {
  readonly node: string;
  readonly type: string;
  readonly rule: string;
  readonly note?: string;
}

/**
 * Where a node's relevance went: received = passed + bias + stabilizer + dead + softmax + other +
 * gap. `softmax`: what a softmax inside the network takes, whose rule does not conserve. `other`: kept by added constants,
 * or not accounted for by a gradient rule. `gap`: rounding; at most 1e-5 of
 * `magnitude`'s largest.
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
  readonly softmax: number;
  readonly other: number;
  readonly gap: number;
  /** Σ |R| received. */
  readonly magnitude: number;
  /**
   * Σ |R| passed / Σ |R| received: above 1 where shares of both signs cancel in the sum. 1 where nothing was received.
   */
  readonly amplification: number;
}

/** What `predict` returns. */
export interface Prediction {
  readonly output: Tensor<TensorData>;
  readonly outputs: Readonly<Record<string, Tensor<TensorData>>>;
  /** What a softmax, log-softmax or sigmoid before the output takes; where there is none, the output. */
  readonly logits: Tensor;
}

/** What `explain` returns. */
export interface Explanation {
  /** The network's own output, probabilities where it ends in a softmax. */
  readonly output: Tensor<TensorData>;
  /** What a softmax, log-softmax or sigmoid before the output takes; where there is none, the output. */
  readonly logits: Tensor;
  /** What was explained, for each sample. */
  readonly targets: readonly (readonly Chosen[])[];
  /** The name of the composite; none where it was the caller's own, or another method. */
  readonly composite?: string;
  readonly start: "logit" | "one";
  /**
   * Relevance of the input, with the input's dims. If there are several inputs, it is that of the first input that
   * relevance reaches.
   */
  readonly relevance: Tensor;
  /**
   * Relevance of every input, by name. It is 0 for an input that only chooses among other numbers, or that has no part
   * in the output. Inputs that have become constants are left out.
   */
  readonly inputs: Readonly<Record<string, Tensor>>;
  /**
   * Relevance of tables whose rows no input chooses, such as those of positions, by the names of these tables in the
   * file: of the dims of the first input of ids whose rows they are added to.
   */
  readonly shares: Readonly<Record<string, Tensor>>;
  /** Relevance at the values asked for, or the shares of tables. */
  readonly at: Readonly<Record<string, Tensor>>;
  readonly rules: readonly RuleAt[];
  readonly ledger: readonly LedgerRow[];
  /** Whether the explanation as a whole can be read: one that has exploded looks like any other. */
  readonly stability: Stability;
  /**
   * Sentences that the reader should know: that the explanation has exploded, that a softmax was left out, that a
   * normalization could not be folded, that a node amplifies relevance. If a note holds for several nodes, it is there
   * once; `rules` names each node.
   */
  readonly notes: readonly string[];
}

/** What `inspect` returns. */
export interface Inspection {
  readonly text: string;
  readonly nodes: readonly (RuleAt & {
    readonly inputs: readonly string[];
    readonly outputs: readonly { readonly name: string; readonly dims: Dims }[];
    /** Of a convolution, pool or LRN, as far as it is not ONNX's default. */
    readonly settings?: NodeSettings;
  })[];
  /** The name of the composite; none where it was the caller's own. */
  readonly composite?: string;
  /** Number of weights. */
  readonly parameters: number;
  /**
   * `"yes"`: every node from the output to the inputs has a rule. `"partly"`: some have none, which is an error of
   * `explain`, or their gradient with `unknown: "gradient"`. `"no"`: relevance reaches no input.
   */
  readonly explainable: "yes" | "partly" | "no";
  readonly notes: readonly string[];
}

/** What one explanation takes. */
export interface Needs {
  /** Bytes of WebAssembly memory, including all weights that it already holds. `maxMemory` of `load` is their limit. */
  readonly memory: number;
  /** Multiply-adds: `maxWork` of `load` is their limit for one sample. */
  readonly work: number;
}

/** The sums that the kernels left behind, as one row a node. @param view f64 sums, seen as float32 */
export function ledgerRows({ accounts }: Segment, view: Float32Array): LedgerRow[] {
  const sums = new Float64Array(view.buffer, view.byteOffset, view.length / 2);
  const add = (offsets: readonly number[], column: 0 | 1) =>
    offsets.reduce((total, at) => total + sums[at + column], 0);
  return accounts.map(({ node: { name, type }, rule, open, ...account }) => {
    const [received, passed, magnitude] = [add(account.received, 0), add(account.passed, 0), add(account.received, 1)];
    const [bias, stabilizer, dead] = sums.subarray(account.absorbed, account.absorbed + 3);
    const rest = received - passed - bias - stabilizer - dead;
    const softmax = open === "softmax" ? rest : 0;
    const other = open === "other" ? rest : open ? 0 : add(account.constants, 0);
    return {
      node: name,
      type,
      rule,
      received,
      passed,
      bias,
      stabilizer,
      dead,
      softmax,
      other,
      gap: rest - softmax - other,
      magnitude,
      amplification: magnitude > 0 ? add(account.passed, 1) / magnitude : 1,
    };
  });
}

/**
 * A node that amplifies relevance more than this is noted. By design αβ with α = 2 amplifies 3 times, LRN 2.7; on real
 * networks up to 12 was measured, and more only where a sum or a logit is a small difference of large terms
 * (docs/residual.md).
 */
export const NOTED_AMPLIFICATION = 30;
/** Amplify whatever the numbers are, and are for comparison only. */
const NOT_LRP = ["gradient", "unnormalised"];

/** The node that amplifies most, if it does so beyond measure, and what to do. */
export function amplificationNote(ledger: readonly LedgerRow[]): string[] {
  const beyond = ledger.filter((row) => row.amplification > NOTED_AMPLIFICATION && !NOT_LRP.includes(row.rule));
  if (beyond.length === 0) return [];
  const { node, type, rule, amplification } = beyond.reduce((a, b) => (b.amplification > a.amplification ? b : a));
  const others = beyond.length > 1 ? ` (${beyond.length - 1} more do so more than ${NOTED_AMPLIFICATION}-fold)` : "";
  const fix =
    ops.get(type)!.family === "sum"
      ? "Option 'sum' offers rules with bounded shares: ratio, clip, zPlus."
      : "A larger epsilon or the rule zPlus there bounds them; at the last layer, a target with 'against' may too.";
  return [
    `node '${node}' (${type}, ${rule}) amplifies relevance ${amplification.toPrecision(3)}-fold${others}, ` +
      `since its terms nearly cancel and their shares are large. ${fix}`,
  ];
}

/** What "argmax" has chosen of an output of several axes: of each sample the largest number. */
export function argmaxNote(
  target: Target,
  targets: readonly (readonly Chosen[])[],
  { dims }: Pick<Tensor, "dims">,
): string[] {
  const found = targets.flatMap(([{ index, name, position }]) =>
    position ? [`class ${index}${name === undefined ? "" : ` '${name}'`} at [${position.join(", ")}]`] : [],
  );
  if (target !== "argmax" || found.length === 0) return [];
  return [`"argmax" has chosen the largest number of the output ${shapeText(dims)}: ${found.join("; ")}.`];
}

/** The channels of an input are taken for its last axis, though only its sizes say so. */
export function sizesNote(name: string, dims: Port["dims"]): string {
  return (
    `input '${name}' ${shapeText(dims)} is taken to have its channels last, as only its sizes suggest: ` +
    `option 'channelAxis' of load says otherwise.`
  );
}

/** The printed graph with each node's rule before its line, and what is worth knowing after it. */
export function inspectionText(
  graph: string,
  nodes: Inspection["nodes"],
  parameters: number,
  notes: readonly string[],
): string {
  const width = nodes.reduce((most, n) => Math.max(most, n.rule.length), 0);
  const nodeOf = new Map(nodes.map((n) => [printable(n.outputs[0].name), n]));
  const lines = graph.split("\n").map((line) => {
    const node = line.includes(" = ") ? nodeOf.get(line.slice(0, line.indexOf(": "))) : undefined;
    // What canonization noted of a node stands in its line.
    const note = node?.note && !line.endsWith(`  # ${node.note}`) ? `  # ${node.note}` : "";
    return `${(node?.rule ?? "").padEnd(width)}  ${line.replace(/ {2}# .*$/, note ? "" : "$&")}${note}`;
  });
  return [...lines, "", `${parameters} parameters`, ...notes.map(printable)].join("\n");
}

/**
 * @param size Σ |R| at the inputs
 * @param at what relevance is at values on the way
 * @throws LrpError code "rule" when relevance has left float32's range, at any of these or in the ledger, naming the node
 * where it did: none if what several nodes pass to one value does only in its sum
 */
export function checkRange(size: number, at: ReadonlyMap<string, Float32Array>, ledger: readonly LedgerRow[]): void {
  // In double precision a sum of float32 numbers is finite unless one of them is not.
  const row = ledger.find(({ passed, gap }) => !Number.isFinite(passed + gap));
  const met = [...at].find(([, data]) => firstNonFinite(data) >= 0);
  if (Number.isFinite(size) && !row && !met) return;
  const value = met ? `value '${met[0]}'` : "an input";
  throw new LrpError("rule", {
    where: row
      ? `relevance through node '${row.node}' (${row.type}, ${row.rule})`
      : `relevance that reaches ${value} from several nodes`,
    expected: "finite numbers",
    received: "infinity or NaN",
    fix:
      "A larger epsilon, or another composite, keeps denominators from vanishing; a mask that is added may " +
      "be −1e30 instead of −∞.",
  });
}
