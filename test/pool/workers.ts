import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { Worker } from "node:worker_threads";

/*
 * Workers are started from the file that is shipped, so tests that have some run on what npm run build makes.
 */
export const root = resolve(import.meta.dirname, "../..");

/** A worker that does something of its own whenever it is told something; `flags` are shared with it. */
export const tampered = (does: string, flags = new SharedArrayBuffer(16)) =>
  new Worker(
    `const { parentPort, workerData } = require("node:worker_threads"); const flags = new Int32Array(workerData);
import(${JSON.stringify(join(root, "dist/pool/worker.js"))}).then(() => parentPort.on("message", (order) => {
  const x = order.input?.data[0]; ${does}
}));`,
    { eval: true, workerData: flags, resourceLimits: { maxOldGenerationSizeMb: 48 } },
  );

/** The first input waits, with its worker, until it is let go. */
export function held() {
  const flags = new SharedArrayBuffer(16);
  const ints = new Int32Array(flags);
  const createWorker = () => tampered("if (x === 0) Atomics.wait(flags, 0, 0);", flags);
  return {
    createWorker,
    letGo() {
      Atomics.store(ints, 0, 1);
      Atomics.notify(ints, 0);
    },
  };
}

/** What a process of its own writes; it must end by itself, and is ended only if it hangs. */
export function runAlone(code: string, ...flags: string[]): string {
  const script = `import { load } from "./dist/index.js"; import { createPool } from "./dist/pool/index.js"; import { readFileSync } from "node:fs";
const bytes = readFileSync("demo/digits.onnx"); const x = { data: new Float32Array(784), dims: [1, 1, 28, 28] };
let threads = 0; process.on("worker", (w) => { threads++; w.once("exit", () => threads--); });
function* endless() { for (;;) yield x; }
${code}`;
  const options = { cwd: root, encoding: "utf8", stdio: "pipe", timeout: 300_000 } as const;
  return execFileSync(process.execPath, [...flags, "--input-type=module", "-e", script], options);
}
