import type { Op } from "../../op.ts";
import { activations } from "./activations.ts";
import { attentions } from "./attention.ts";
import { groupedAttentions } from "./grouped.ts";
import { layers } from "./layers.ts";
import { norms } from "./norms.ts";

/*
 * What onnxruntime's optimizers put in the place of several nodes, in its own domain, com.microsoft: written out again
 * while loading, so that a fused file and the file that it was made of give the same numbers.
 */

// biome-ignore lint/suspicious/noExplicitAny: each row has attributes of its own type, and only the row reads them
export const fused: readonly Op<any>[] = [...attentions, ...groupedAttentions, ...norms, ...activations, ...layers];
