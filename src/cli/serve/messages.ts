import type { LoadOptions } from "../../model/options.ts";
import type { Preparation } from "../../picture/image/preparation.ts";
import type { Network } from "../../read/network.ts";
import type { Job } from "../../service/job.ts";

/** A network as a thread gets it. */
export interface Sent {
  readonly name: string;
  readonly network: Network;
  readonly options: LoadOptions;
  readonly preset?: Preparation;
  /** The text of its tokenizer.json, and where it is from. */
  readonly tokenizer?: { readonly text: string; readonly path: string };
}

/** What a thread is told to do, one after the other; the first is to load. */
export type Order =
  | { readonly method: "load"; readonly models: readonly Sent[]; readonly maxPixels: number }
  | { readonly method: "do"; readonly job: Job };
