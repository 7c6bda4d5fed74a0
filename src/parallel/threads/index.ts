/**
 * Networks that run on several threads.
 *
 * @module relprop/threads
 */
import { LrpError } from "../../base/error.ts";
import { loadEmbedded } from "../../model/embedded.ts";
import { Model } from "../../model/model.ts";
import { open, type Source } from "../../read/open.ts";
import { checkedLoad, type LoadOptions } from "../../model/options.ts";
import { binaryFor, compileText } from "../../run/wasm.ts";
import { remoteOf } from "../remote.ts";
import { hasWorkers } from "../workers.ts";
import { shared } from "../../shared.gen.ts";
import { team } from "./team.ts";

export interface ThreadOptions extends LoadOptions {
  /** How many threads compute, the caller's included: as many as there are cores, at most. */
  readonly threads: number;
}

async function refuse(): Promise<never> {
  throw new LrpError("unsupported", {
    where: "explainAsync and predictAsync",
    expected: "a model of one thread",
    received: "one of 'relprop/threads'",
    fix: "Load from 'relprop', or call explain() and predict() inside a Worker.",
  });
}

const forgotten = new FinalizationRegistry<() => void>((end) => end());

function unsupported(expected: string, received: string, fix: string): LrpError {
  return new LrpError("unsupported", {
    where: "option 'threads'",
    expected,
    received,
    fix: `${fix} Or load from 'relprop', without threads.`,
  });
}

/** Whether a page is served with the headers under which browsers let it share memory. */
const isIsolated = () => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;

/** Throws where threads cannot share a memory, or the caller's may not wait for the others. */
function checkRuntime(): void {
  if (typeof SharedArrayBuffer === "undefined")
    throw isIsolated()
      ? unsupported(
          "SharedArrayBuffer",
          "none, although the page is cross-origin isolated: its headers are right, and this browser has it not",
          "WebKitGTK has it with JSC_useSharedArrayBuffer=1 in its environment.",
        )
      : unsupported(
          "SharedArrayBuffer",
          "a runtime without it",
          "A page has it when it is served with Cross-Origin-Opener-Policy: same-origin and " +
            "Cross-Origin-Embedder-Policy: require-corp.",
        );
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1);
  } catch {
    throw unsupported("a thread that may wait", "the main thread of a page", "Load and explain inside a Worker.");
  }
  if (!hasWorkers())
    throw unsupported(
      "Worker, or node:worker_threads",
      "neither",
      "Node has node:worker_threads from version 20.16 on.",
    );
}

/**
 * Loads a network as `load` of "relprop" does, for several threads: the same results to the last bit, sooner.
 * `dispose()` ends the threads. They do not keep a process alive.
 *
 * @throws LrpError as `load`, and "unsupported" where threads cannot share a memory
 * @example
 * const model = await load(await readFile("vgg16.onnx"), { threads: 2 });
 */
export async function load(source: Source, options: ThreadOptions): Promise<Model> {
  const threads = options?.threads;
  if (!Number.isInteger(threads) || threads < 1)
    throw new LrpError("usage", {
      where: "option 'threads'",
      expected: "a whole number, 1 or more",
      received: String(threads),
    });
  const { maxMemory } = checkedLoad(options);
  if (threads === 1) return loadEmbedded(source, options, remoteOf);
  checkRuntime();
  const graph = await open(source, options);
  const engine = await team(await compileText(shared[binaryFor(options)]), threads, maxMemory);
  try {
    const model = new Model(graph, { ...engine, remote: { predict: refuse, explain: refuse, end() {} } }, options);
    forgotten.register(model, engine.end);
    return model;
  } catch (error) {
    engine.end();
    throw error;
  }
}
