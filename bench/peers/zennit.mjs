import { spawn, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { CannotRun, layersOf } from "../layers.mjs";
import { scratch } from "../networks.mjs";

const python = process.env.RELPROP_PYTHON ?? "python3";

/** What zennit needs to run at all: not every version of it fits every PyTorch. */
const PROBE = "import torch; from zennit.composites import EpsilonPlus; EpsilonPlus().register(torch.nn.Linear(1, 1))";

/** Why zennit cannot be run here; undefined if it can. */
export function zennitMissing() {
  const { status, stderr, error } = spawnSync(python, ["-c", PROBE], { encoding: "utf8" });
  if (status === 0) return undefined;
  return `${basename(python)}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`;
}

/** Relevance starts from the logits. */
const withoutSoftmax = (layers) => (layers.at(-1).type === "Softmax" ? layers.slice(0, -1) : layers);

/**
 * zennit on PyTorch, one thread, in a process of its own that answers a request at a time.
 *
 * @throws CannotRun for a network with an operator that zennit_process.py does not have
 */
export async function zennit(bytes, given) {
  const { input, layers } = layersOf(bytes, given);
  const { data, dims } = given;
  mkdirSync(scratch, { recursive: true });
  const folder = mkdtempSync(join(scratch, "zennit-"));
  const [weights, x, r, plan] = ["weights.f32", "x.f32", "r.f32", "plan.json"].map((name) => join(folder, name));
  const file = openSync(weights, "w");
  let at = 0;
  const stored = (parameter) => {
    const placed = { at, dims: parameter.dims };
    writeSync(file, new Uint8Array(parameter.data.buffer, parameter.data.byteOffset, parameter.data.byteLength));
    at += parameter.data.length;
    return placed;
  };
  const planned = withoutSoftmax(layers).map(({ parameters, ...layer }) => ({
    ...layer,
    parameters: Object.fromEntries(Object.entries(parameters).flatMap(([name, p]) => (p ? [[name, stored(p)]] : []))),
  }));
  closeSync(file);
  writeFileSync(plan, JSON.stringify({ input, dims, weights, layers: planned }));
  writeFileSync(x, data);

  const child = spawn(python, [join(import.meta.dirname, "zennit_process.py"), plan], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`zennit: ${basename(python)} ended without an answer; what it said stands above`);
    return JSON.parse(value);
  };
  const dispose = () => child.stdin.end();
  process.on("exit", () => rmSync(folder, { recursive: true }));
  const hello = await answer();
  rmSync(weights);
  if (hello.cannot) {
    dispose();
    throw new CannotRun(hello.cannot);
  }
  return {
    versions: { torch: hello.torch, zennit: hello.zennit },
    /**
     * One explanation: the time it took without start, end and hand-over, the logit, and, if asked for, its relevance.
     */
    async explain(composite, target, wanted = false) {
      child.stdin.write(`${JSON.stringify({ composite, target, input: x, relevance: wanted ? r : null })}\n`);
      const { ms, logit, peak } = await answer();
      return {
        ms,
        logit,
        peak,
        relevance: wanted ? new Float32Array(new Uint8Array(readFileSync(r)).buffer) : undefined,
      };
    },
    dispose,
  };
}
