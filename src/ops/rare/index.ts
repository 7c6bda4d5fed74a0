import type { Op } from "../op.ts";
import { arrangements } from "./arrange.ts";
import { attentions } from "./attention.ts";
import { bits } from "./bits.ts";
import { choices } from "./choose.ts";
import { einsum } from "./einsum.ts";
import { elementary } from "./elementary.ts";
import { gathers } from "./gather-at.ts";
import { fused } from "./fused/index.ts";
import { grids } from "./grid-sample.ts";
import { loops } from "./loops.ts";
import { lpPools } from "./lp-pool.ts";
import { features } from "./ml/features.ts";
import { linearModels } from "./ml/linear.ts";
import { mod } from "./mod.ts";
import { old } from "./old.ts";
import { products } from "./products.ts";
import { quantised } from "./quantised/index.ts";
import { recurrences } from "./recurrent/layers.ts";
import { regions } from "./regions.ts";
import { selections } from "./selections.ts";
import { signals } from "./signal.ts";
import { sequences } from "./sequences.ts";
import { states } from "./states.ts";

/** Operators that few networks have: a page loads them only if it asks for them, with "relprop/operators". */
// biome-ignore lint/suspicious/noExplicitAny: each row has attributes of its own type, and only the row reads them
export const rare: readonly Op<any>[] = [
  ...recurrences,
  ...gathers,
  ...choices,
  einsum,
  mod,
  ...lpPools,
  ...elementary,
  ...bits,
  ...grids,
  ...regions,
  ...arrangements,
  ...selections,
  ...signals,
  ...attentions,
  ...states,
  ...products,
  ...old,
  ...linearModels,
  ...features,
  ...loops,
  ...sequences,
  ...fused,
  ...quantised,
];
