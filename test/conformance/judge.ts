import { load, LrpError, type Model, type Tensor } from "../../src/index.ts";
import { readTensor } from "../onnx-tensor.ts";
import { type Case, casesOf, type DataSet } from "./cases.ts";
import { difference } from "./compare.ts";
import { bind, type Signature, signatureOf } from "./signature.ts";

/** From best to worst. `bound`: passed with one input given on running, and the others as constants of the file. */
export const statuses = ["passed", "bound", "unsupported", "failed"] as const;
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

const FLOAT32 = 1;
const NO_TENSOR = 0;

/** How relprop's errors name a node: `node 'conv1' (Conv)`. */
const NODE = /^node '.*' \((\w+)\)$/s;

const distinct = (texts: readonly string[]) => [...new Set(texts)].sort();

/** An error as an outcome: relprop's own "unsupported" says what it does not do, every other is a failure. */
function refusal(error: unknown): Outcome {
  if (!(error instanceof LrpError)) return { status: "failed", reason: `crash: ${error}` };
  const { code, issues } = error;
  const operators = distinct(issues.flatMap(({ where }) => NODE.exec(where)?.[1] ?? []));
  const reason = distinct(issues.map(({ expected, received }) => `expected ${expected}, got ${received}`)).join("; ");
  return {
    status: code === "unsupported" ? "unsupported" : "failed",
    reason: code === "unsupported" ? reason : `${code}: ${reason}`,
    ...(operators.length > 0 && { operators }),
  };
}

/** Element i of n is i / n, in the shape of the first input. */
function ramp(model: Model): Tensor {
  const dims = model.inputs[0].dims as number[];
  const count = dims.reduce((a, b) => a * b, 1);
  return { dims, data: Float32Array.from({ length: count }, (_, i) => i / count) };
}

function stored(bytes: Uint8Array): Tensor {
  const { data, dims } = readTensor(bytes);
  return { data: Float32Array.from(data), dims };
}

/** The first point at which a model's answer is not what is stored. */
function mistake(model: Model, input: Tensor, wanted: readonly Uint8Array[]): string | undefined {
  const { outputs } = model.predict(input);
  if (model.outputs.length !== wanted.length) return `expected ${wanted.length} outputs, got ${model.outputs.length}`;
  const differences = model.outputs.map(({ name }, i) => {
    const { data, dims } = outputs[name];
    return difference({ type: "float32", dims, data: Array.from(data) }, readTensor(wanted[i]));
  });
  const at = differences.findIndex(Boolean);
  return at < 0 ? undefined : `output ${at}: ${differences[at]}`;
}

/** Runs one data set: input `free` is given on running, every other tensor is bound before loading. */
async function attempt(file: Uint8Array, { inputs }: Signature, { inputs: values, outputs }: DataSet, free: number): Promise<Outcome> {
  const others = inputs.flatMap(({ name, type }, i) => (i === free || type === NO_TENSOR || !values ? [] : [[name, values[i]] as const]));
  try {
    using model = await load(others.length > 0 ? bind(file, new Map(others)) : file);
    const reason = mistake(model, values ? stored(values[free]) : ramp(model), outputs);
    if (reason) return { status: "failed", reason };
    return { status: others.length > 0 ? "bound" : "passed", reason: "" };
  } catch (error) {
    return refusal(error);
  }
}

/** Which input may be free: relprop takes one, of float32. */
function freeInputs({ inputs }: Signature): readonly number[] {
  const floats = [...inputs.keys()].filter((i) => inputs[i].type === FLOAT32);
  return floats.length > 0 ? floats : [0];
}

/** The outcome whose status stands first in `order`; of several, the one that came first. */
function first(outcomes: readonly Outcome[], order: readonly Status[]): Outcome {
  return [...outcomes].sort((a, b) => order.indexOf(a.status) - order.indexOf(b.status))[0];
}

async function outcomeOf(file: Uint8Array, signature: Signature, sets: readonly DataSet[]): Promise<Outcome> {
  if (sets.length === 0) return { status: "failed", reason: "no data set beside the model" };
  const ways: Outcome[] = [];
  for (const free of freeInputs(signature)) {
    const outcomes: Outcome[] = [];
    for (const set of sets) outcomes.push(await attempt(file, signature, set, free));
    ways.push(first(outcomes, ["failed", "unsupported", "bound", "passed"]));
  }
  return first(ways, ["failed", "passed", "bound", "unsupported"]);
}

/** Runs one test. It passes if one of its inputs can be free, and if relprop is wrong with none of them. */
async function judge({ suite, name, model, sets }: Case): Promise<Verdict> {
  const file = model();
  try {
    const signature = signatureOf(file);
    const { opset, operators } = signature;
    return { suite, name, opset, operators, ...(await outcomeOf(file, signature, sets())) };
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
