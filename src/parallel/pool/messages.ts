import type { EvaluateOptions, Evaluation, SharedOptions } from "../../evaluate/index.ts";
import type { Code, Issue } from "../../base/error.ts";
import type { Port } from "../../graph/graph.ts";
import type { Network } from "../../read/network.ts";
import type { ExplainOptions, LoadOptions } from "../../model/options.ts";
import type { Explanation, Prediction } from "../../model/report.ts";
import type { Input } from "../../run/input.ts";
import type { Tensor } from "../../base/tensor.ts";

/** What a worker is told to do, one order after the other; the first is to load. */
export type Order =
  | {
      readonly method: "load";
      /** Of relprop: a worker that was bundled apart may be of another. */
      readonly version: string;
      readonly network: Network;
      readonly options: LoadOptions;
      /** @internal The kernels of the model that asks; left out, the worker takes its own. */
      readonly module?: WebAssembly.Module;
    }
  | { readonly method: "predict"; readonly input: Input }
  | { readonly method: "explain"; readonly input: Input; readonly options: ExplainOptions }
  | {
      readonly method: "evaluate";
      readonly input: Tensor;
      readonly options: SharedOptions & Pick<EvaluateOptions, "target" | "mask">;
    };

/** What comes of an order; of loading, the model's inputs. */
export type Done = Prediction | Explanation | Evaluation | readonly Port[];

/** What it answers: a class does not travel, so errors do in parts. `fault`: what only a fault of relprop throws. */
export type Answer =
  | { readonly value: unknown }
  | { readonly error: { readonly code: Code; readonly issues: readonly Issue[] } }
  | { readonly fault: string };
