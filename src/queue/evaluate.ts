import { setTimeout as sleep } from "node:timers/promises";
import { LrpError, misuse } from "../base/error.ts";
import { orAborted, PATIENCE } from "./abort.ts";
import { addressOf } from "./address.ts";
import { Coordinator } from "./coordinator.ts";
import type { Answer, Item, QueuedEvaluation } from "./messages.ts";
import { connect, naming, type Server } from "./redis.ts";
import { keepFile } from "./store.ts";
import { type Prepared, prepare, type StudyOptions } from "./study.ts";

/** How often the queue is looked at, and how often its jobs are compared with what should be there, in milliseconds. */
const OFTEN = 100;
const COMPARE = 2000;

/** What is evaluated by a queue, and how. */
export interface QueueOptions extends StudyOptions {
  /** Which items there are. Those that are done may be left out when it goes on. */
  readonly ids: readonly number[];
  /** An item, which may be asked for again where a worker or Redis has lost it. */
  readonly item: (id: number) => Item | Promise<Item>;
  /** Milliseconds that an item takes, if that is known: a job is some seconds of work. */
  readonly each?: number;
  /** Where the address has none. */
  readonly password?: string;
  /** Aborted, it ends the iteration, which throws the signal's reason; the queue stays, and can be gone on with. */
  readonly signal?: AbortSignal;
  /** Called with what is worth knowing, in sentences. */
  readonly onNote?: (note: string) => void;
}

/** What became of an item. */
export interface QueueResult {
  readonly id: number;
  /** What went wrong with it; the others go on. */
  readonly error?: LrpError;
  /** @throws `error`, if there is one */
  readonly value: QueuedEvaluation;
}

function failed(id: number, error: LrpError): QueueResult {
  return {
    id,
    error,
    get value(): QueuedEvaluation {
      throw error;
    },
  };
}

const resultOf = (answer: Answer): QueueResult =>
  "value" in answer ? answer : failed(answer.id, new LrpError(answer.error.code, answer.error.issues));

/** What comes back, until everything has, or the signal is aborted. */
async function* followed(
  coordinator: Coordinator,
  server: Server,
  name: string,
  { files }: Prepared,
  signal: AbortSignal,
): AsyncGenerator<QueueResult, void, undefined> {
  await coordinator.claim();
  const keep = async () => {
    for (const [file, bytes] of files) await keepFile(server, name, file, bytes);
  };
  // Whoever finds the study finds its files.
  await keep();
  await coordinator.begin();
  for (let compared = Date.now(); !coordinator.isDone && !signal.aborted; ) {
    let came = false;
    for await (const answer of coordinator.answers()) {
      came = true;
      yield resultOf(answer);
    }
    await coordinator.fill();
    if (Date.now() - compared > COMPARE) {
      for await (const answer of coordinator.compare()) yield resultOf(answer);
      await keep();
      compared = Date.now();
    }
    if (!came) await sleep(OFTEN);
  }
}

/**
 * Explains and measures many inputs by way of a queue in Redis, as `pool.evaluate` does by workers of its own: whoever
 * runs `work` on that Redis, or `relprop work`, does some of it. Results come as soon as they are there, each item
 * once. When all have come, the queue is removed; if the iteration ends before, it stays, and the same call goes on
 * with it.
 *
 * @param address `redis://HOST/NAME`, as `addressOf` reads it
 * @throws LrpError "usage" for an address without a name, where no Redis answers, and for a queue that has another
 * study or another coordinator; as `load` does for the model; while iterating, what `item` throws and the signal's
 * reason
 * @example
 * const options = { methods: [{ method: "epsilonPlus" }], metrics: ["gini"] };
 * const item = (id) => ({ id, input: images[id], relevance: false });
 * const all = { key: "my images", ids: [...images.keys()], item, options };
 * for await (const { id, value } of evaluateOn("redis://localhost/mine", model, all)) console.log(id, value.results);
 */
export async function* evaluateOn(
  address: string,
  model: Uint8Array | ArrayBuffer,
  { ids, item, each, password, signal = new AbortController().signal, onNote = () => {}, ...options }: QueueOptions,
): AsyncGenerator<QueueResult, void, undefined> {
  const place = addressOf(address, password);
  const { name } = place;
  if (name === undefined) throw misuse("the address of the queue", "it has no name for it: redis://HOST/NAME");
  signal.throwIfAborted();
  const prepared = await prepare(model, options);
  const server = await connect(place);
  const coordinator = new Coordinator(server, name, prepared.study, { ids, item, each, onNote });
  const results = followed(coordinator, server, name, prepared, signal);
  let isDone = false;
  try {
    while (!isDone) {
      const next = await orAborted(results.next(), signal, PATIENCE);
      signal.throwIfAborted();
      if (next!.done) isDone = true;
      else yield next!.value;
    }
  } catch (error) {
    throw naming(error, place);
  } finally {
    await orAborted(coordinator.end(isDone), signal, PATIENCE);
    server.redis.disconnect();
  }
}
