import { load, LrpError, type Model, type Tensor } from "../../src/entries/index.ts";
import { register } from "../../src/ops/index.ts";
import { rare } from "../../src/ops/rare/index.ts";
import { decode } from "../../src/read/onnx/decode.ts";
import { readTensor } from "../onnx-tensor.ts";
import { type Case, casesOf, type DataSet } from "./cases.ts";
import { difference } from "./compare.ts";
import { signatureOf } from "./signature.ts";

// What `relprop/operators` does; a bundler would leave out a file that exports nothing.
register(rare);

/** From best to worst. */
export const statuses = ["passed", "unsupported", "failed"] as const;
export type Status = (typeof statuses)[number];

export interface Verdict {
  readonly suite: string;
  readonly name: string;
  /** Of ONNX's own domain. */
  readonly opset?: number;
  /** Those that the reason names; the whole graph's where it names none. */
  readonly operators: readonly string[];
  readonly status: Status;
  /** Why it is unsupported, or how it failed; empty where it passed. */
  readonly reason: string;
}

type Outcome = Pick<Verdict, "status" | "reason"> & Partial<Pick<Verdict, "operators">>;

/** How relprop's errors name a node: `node 'conv1' (Conv)`. */
const NODE = /^node '.*' \(([\w.]+)\)$/s;

const distinct = (texts: readonly string[]) => [...new Set(texts)].sort();

/** An error as an outcome: relprop's own "unsupported" says what it does not do, every other is a failure. */
function refusal(error: unknown): Outcome {
  if (!(error instanceof LrpError)) return { status: "failed", reason: `crash: ${error}` };
  const { code, issues } = error;
  const operators = distinct(issues.flatMap(({ where }) => NODE.exec(where)?.[1] ?? []));
  const reason = distinct(
    issues.map(({ expected, received, problem }) => problem ?? `expected ${expected}, got ${received}`),
  ).join("; ");
  return {
    status: code === "unsupported" ? "unsupported" : "failed",
    reason: code === "unsupported" ? reason : `${code}: ${reason}`,
    ...(operators.length > 0 && { operators }),
  };
}

/** Element i of n is i / n: what `light` files, which have no inputs beside them, are run on. */
function ramp(dims: readonly number[]): Tensor {
  const count = dims.reduce((a, b) => a * b, 1);
  return { dims, data: Float32Array.from({ length: count }, (_, i) => i / count) };
}

function stored(bytes: Uint8Array) {
  const { type, data, dims } = readTensor(bytes);
  return { dims, data: type.includes("float") ? Float64Array.from(data) : data };
}

/**
 * The first point at which a model's answer is not what is stored.
 * @throws LrpError where an output is left out, with the reason
 */
function mistake(file: Uint8Array, model: Model, { inputs, outputs: wanted }: DataSet): string | undefined {
  const all = model.inputs.map(
    ({ name, dims }, i) => [name, inputs ? stored(inputs[i]) : ramp(dims as number[])] as const,
  );
  const given = Object.fromEntries(all);
  const { outputs } = model.predict(given);
  const missing = decode(file).graph.outputs.find(({ name }) => !Object.hasOwn(outputs, name));
  if (missing) model.explain(given, { output: missing.name });
  if (model.outputs.length !== wanted.length) return `expected ${wanted.length} outputs, got ${model.outputs.length}`;
  const differences = model.outputs.map(({ name }, i) => {
    const { type = "float32", data, dims } = outputs[name];
    return difference({ type, dims, data: Array.from<number | bigint, number>(data, Number) }, readTensor(wanted[i]));
  });
  const at = differences.findIndex(Boolean);
  return at < 0 ? undefined : `output ${at}: ${differences[at]}`;
}

async function outcomeOf(file: Uint8Array, sets: readonly DataSet[]): Promise<Outcome> {
  if (sets.length === 0) return { status: "failed", reason: "no data set beside the model" };
  const outcomes: Outcome[] = [];
  for (const set of sets) {
    try {
      using model = await load(file);
      const reason = mistake(file, model, set);
      outcomes.push(reason ? { status: "failed", reason } : { status: "passed", reason: "" });
    } catch (error) {
      outcomes.push(refusal(error));
    }
  }
  return [...outcomes].sort((a, b) => statuses.indexOf(b.status) - statuses.indexOf(a.status))[0];
}

/** Runs one test, which is what the worst of its data sets is. */
async function judge({ suite, name, model, sets }: Case): Promise<Verdict> {
  const file = model();
  try {
    return { suite, name, ...signatureOf(file), ...(await outcomeOf(file, sets())) };
  } catch (error) {
    return { suite, name, operators: [], ...refusal(error) };
  }
}

/** Runs the tests at and below these paths, one after another. */
export async function judgeAll(paths: readonly string[]): Promise<Verdict[]> {
  const cases = casesOf(paths);
  if (cases.length === 0) throw new Error(`no tests in ONNX's layout at or below ${paths.join(", ")}`);
  const verdicts: Verdict[] = [];
  for (const each of cases) verdicts.push(await judge(each));
  return verdicts;
}
