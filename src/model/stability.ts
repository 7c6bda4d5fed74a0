/** The verdict is "amplified" if relevance grows to more than this multiple of the start. */
export const AMPLIFIED = 1000;
/** Verdict "absorbed": less than this share of the relevance arrives. */
export const ABSORBED = 0.01;

/** Whether an explanation as a whole can be read, in shares of the relevance that it started from. */
export interface Stability {
  /** Σ |R| at the inputs / Σ |start|. */
  readonly amplification?: number;
  /** The largest Σ |R| on the way / Σ |start|. */
  readonly peak?: number;
  /** Σ R at the inputs / Σ start; / Σ |start| where the start nearly cancels, as that of a contrast does. */
  readonly arrived?: number;
  /**
   * `"amplified"`: amplification or peak is above `AMPLIFIED`. The map then shows how terms cancel, and not what the
   * network looked at. `"absorbed"`: |arrived| is below `ABSORBED` (and so is the amplification, if the start cancels).
   * This may be right, because biases may keep most relevance. `"unjudged"`: slopes and probabilities, which are no
   * shares; methods other than LRP; and explanations that start from 0. Without a ledger or a start, there are no
   * numbers.
   */
  readonly verdict: "stable" | "amplified" | "absorbed" | "unjudged";
}

/** A node, and Σ |R| that it has received. */
interface Received {
  readonly node: string;
  readonly type: string;
  readonly rule: string;
  readonly magnitude: number;
}

interface Sums {
  /** Σ R */
  readonly sum: number;
  /** Σ |R| */
  readonly size: number;
}

export function sumsOf(lists: readonly Float32Array[]): Sums {
  let [sum, size] = [0, 0];
  for (const data of lists) {
    for (let i = 0; i < data.length; i++) {
      sum += data[i];
      size += Math.abs(data[i]);
    }
  }
  return { sum, size };
}

/** Whether what starts cancels: then shares of its sum say nothing. */
const cancels = ({ sum, size }: Sums) => Math.abs(sum) < 0.01 * size;

/** @param isJudged false for slopes and probabilities */
export function stabilityOf(start: Sums, inputs: Sums, ledger: readonly Received[], isJudged: boolean): Stability {
  if (start.size === 0) return { verdict: "unjudged" };
  const amplification = inputs.size / start.size;
  const peak = ledger.reduce((most, row) => Math.max(most, row.magnitude / start.size), amplification);
  const arrived = inputs.sum / (cancels(start) ? start.size : start.sum);
  const isAbsorbed = Math.abs(arrived) < ABSORBED && (!cancels(start) || amplification < ABSORBED);
  const judged = Math.max(amplification, peak) > AMPLIFIED ? "amplified" : isAbsorbed ? "absorbed" : "stable";
  return { amplification, peak, arrived, verdict: isJudged ? judged : "unjudged" };
}

/** The note of an explanation that cannot be read, or of which little arrives. */
export function stabilityNote(
  { verdict, amplification, peak }: Stability,
  start: Sums,
  inputs: Sums,
  ledger: readonly Received[],
): string[] {
  if (verdict === "absorbed") {
    const begun = cancels(start) ? start.size : start.sum;
    return [
      `Less than 1 % of the relevance reaches the input (${inputs.sum.toPrecision(2)} of ${begun.toPrecision(2)}): ` +
        `the ledger shows where the rest went.`,
    ];
  }
  if (verdict !== "amplified") return [];
  const most = ledger.reduce((a, b) => (b.magnitude > a.magnitude ? b : a));
  return [
    `Warning: this explanation has exploded, and its map says nothing. Σ|R| at the inputs is ` +
      `${amplification!.toPrecision(2)} times that of the start, and up to ${peak!.toPrecision(2)} times on the way, ` +
      `near node '${most.node}' (${most.type}, ${most.rule}), since terms nearly cancel again and again. These may ` +
      `help: the composite epsilonPlusFlat or epsilonPlus, whose z⁺ has no terms that cancel; a larger epsilon; for ` +
      `sums, the rule ratio, clip or zPlus.`,
  ];
}
