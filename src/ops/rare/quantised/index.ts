import type { Op } from "../../op.ts";
import { blockwise } from "./blocks.ts";
import { quantisedFused } from "./fused.ts";
import { integerLayers } from "./integer.ts";
import { quantisedLayers } from "./layers.ts";
import { roundings } from "./rounding.ts";

// biome-ignore lint/suspicious/noExplicitAny: each row has attributes of its own type, and only the row reads them
export const quantised: readonly Op<any>[] = [
  ...roundings,
  ...quantisedLayers,
  ...integerLayers,
  ...blockwise,
  ...quantisedFused,
];
