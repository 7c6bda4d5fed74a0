import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { register } from "../../src/ops/index.ts";
import { rare } from "../../src/ops/rare/index.ts";
import { type Input, type InputTensor, load, LrpError, type Model, type Prediction } from "../../src/entries/index.ts";

// What `relprop/operators` does; a bundler would leave out a file that exports nothing.
register(rare);

/*
 * Judges a folder of published networks by its index.json: which load, compute what onnxruntime does, are explained, and
 * are stable.
 */

/** What makes an input: a seed, or its values. */
export interface StoredInput {
  readonly type: string;
  readonly dims: readonly number[];
  readonly seed?: number;
  readonly low?: number;
  readonly high?: number;
  readonly values?: readonly number[];
}

/** What onnxruntime has computed: every k-th number, and sums of all. */
export interface StoredOutput {
  readonly type: string;
  readonly dims: readonly number[];
  readonly every: number;
  readonly data: readonly number[];
  readonly max: number;
  readonly sum: number;
  readonly sumAbs: number;
}

export interface Entry {
  readonly file: string;
  readonly inputs: Readonly<Record<string, StoredInput>>;
  readonly outputs: Readonly<Record<string, StoredOutput>> | null;
}

/** What becomes of one file: each step "yes" or "no", and "–" where there is nothing to do. */
export interface Verdict {
  readonly file: string;
  readonly loads: Answer;
  readonly predicts: Answer;
  readonly explains: Answer;
  readonly stable: Answer;
  /** Why the first of these is not "yes". */
  readonly reason: string;
}
export type Answer = "yes" | "no" | "–";

/** onnxruntime's own sigmoid is off by 1.3e-7. */
const [SHARE, LEAST] = [5e-5, 2e-7];
/** float16 has 11 bits; here it is computed in float32. */
const SHARE_OF_FLOAT16 = 2e-3;

const MODULUS = 2n ** 31n;

/** The numbers of an input, by a generator of integers. */
export function numbersOf({ type, dims, seed, low = 0, high = 1, values }: StoredInput): readonly number[] {
  if (values) return values;
  let s = BigInt(seed!);
  return Array.from({ length: dims.reduce((product, d) => product * d, 1) }, () => {
    s = (s * 1103515245n + 12345n) % MODULUS;
    const u = Number(s) / (2 ** 31 - 1);
    if (type === "bool") return Number(u > 0.5);
    if (/int/.test(type)) return Math.floor(high * u);
    const value = low + (high - low) * u;
    return type === "float16" ? (value > 0.5 ? 1 : 0.5) : value;
  });
}

function tensorOf(stored: StoredInput): InputTensor {
  const numbers = numbersOf(stored);
  return { dims: stored.dims, data: /int|bool/.test(stored.type) ? numbers : Float32Array.from(numbers) };
}

/** How an output differs from what is stored, if it does. */
export function difference(got: Prediction["output"] | undefined, want: StoredOutput): string | undefined {
  if (!got) return "it is left out";
  if (got.dims.join() !== want.dims.join()) return `dims [${got.dims}] in place of [${want.dims}]`;
  const numbers = Array.from(got.data as ArrayLike<number>, Number);
  const allowed = Math.max((want.type === "float16" ? SHARE_OF_FLOAT16 : SHARE) * want.max, LEAST);
  let worst = 0;
  want.data.forEach((v, i) => {
    const off = Math.abs(numbers[i * want.every] - v);
    if (!(off <= worst)) worst = off;
  });
  if (!(worst <= allowed))
    return `a number is off by ${worst.toExponential(1)}, ${allowed.toExponential(1)} is allowed`;
  // Those that are not stored are in the sums.
  const sum = numbers.reduce((total, v) => total + v, 0);
  const sumAbs = numbers.reduce((total, v) => total + Math.abs(v), 0);
  const share = (allowed / Math.max(want.max, LEAST)) * want.sumAbs + LEAST * numbers.length;
  const off = Math.max(Math.abs(sum - want.sum), Math.abs(sumAbs - want.sumAbs));
  return off <= share ? undefined : `the sum is off by ${off.toExponential(1)}, ${share.toExponential(1)} is allowed`;
}

/** The first sentence of what is wrong. */
function reasonOf(error: unknown): string {
  if (error instanceof LrpError) {
    const [first, ...more] = error.message.split("\n");
    return more.length === 0 ? first : `${first} (and ${more.length} more)`;
  }
  return `not an LrpError: ${error}`;
}

function wrongOutput(model: Model, input: Input, outputs: NonNullable<Entry["outputs"]>): string | undefined {
  const all = model.predict(input).outputs;
  const reasons = Object.entries(outputs).flatMap(([name, want]) => {
    const found = difference(all[name], want);
    return found ? [`output '${name}': ${found}`] : [];
  });
  return reasons[0];
}

/** What becomes of one file. @param folder where it lies */
async function judge(folder: string, { file, inputs, outputs }: Entry): Promise<Verdict> {
  const verdict = (answers: readonly Answer[], reason = ""): Verdict => {
    const [loads = "no", predicts = "no", explains = "no", stable = "no"] = answers;
    return { file, loads, predicts, explains, stable, reason };
  };
  const done: Answer[] = [];
  try {
    using model = await load(readFileSync(join(folder, file)));
    done.push("yes");
    if (!outputs) return verdict([...done, "–", "–", "–"]);
    const tensors = Object.fromEntries(Object.entries(inputs).map(([name, stored]) => [name, tensorOf(stored)]));
    const wrong = wrongOutput(model, tensors, outputs);
    if (wrong) return verdict(done, wrong);
    done.push("yes");
    const { stability, notes } = model.explain(tensors);
    done.push("yes");
    return stability.verdict === "amplified" ? verdict(done, notes[0]) : verdict([...done, "yes"]);
  } catch (error) {
    return verdict(done, reasonOf(error));
  }
}

/** All files of a folder's index. */
export async function judgeFolder(folder: string, saysOf: (verdict: Verdict) => void = () => {}): Promise<Verdict[]> {
  const index = join(folder, "index.json");
  if (!existsSync(index)) throw new Error(`no ${index}`);
  const verdicts: Verdict[] = [];
  for (const entry of JSON.parse(readFileSync(index, "utf8")) as Entry[]) {
    const verdict = await judge(folder, entry);
    saysOf(verdict);
    verdicts.push(verdict);
  }
  return verdicts.sort((a, b) => (a.file < b.file ? -1 : 1));
}
