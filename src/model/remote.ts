import { LrpError } from "../base/error.ts";
import type { Graph } from "../graph/graph.ts";
import type { Input } from "../run/input.ts";
import type { Engine } from "../run/wasm.ts";
import type { ExplainOptions, LoadOptions } from "./options.ts";
import type { Explanation, Prediction } from "./report.ts";

/** @internal The same model on a worker, which is started when it is asked for the first time. */
export interface Remote {
  predict(input: Input): Promise<Prediction>;
  explain(input: Input, options: ExplainOptions): Promise<Explanation>;
  end(): void;
}

/** @internal An engine; `remote` is left out where there are no workers. */
export interface RemoteEngine extends Engine {
  readonly remote?: Remote;
}

/** @internal Makes the remote of a network that is loaded. */
export type RemoteOf = (graph: Graph, module: WebAssembly.Module, options: LoadOptions) => Remote;

/** @internal @throws LrpError "unsupported" where there are no workers */
export function workerOf({ remote }: RemoteEngine): Remote {
  if (remote) return remote;
  throw new LrpError("unsupported", {
    where: "explainAsync and predictAsync",
    expected: "a runtime with workers",
    received: "one without",
    fix: "Call explain() or predict().",
  });
}
