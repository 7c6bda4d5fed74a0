import { type Order, orders } from "../../evaluate/index.ts";
import { misuse } from "../../base/error.ts";
import { type CurveSums, curveSums } from "./curve-sums.ts";
import { type Exploded, explosions } from "./exploded.ts";
import type { Part, Settings } from "./part.ts";

/** The parts of a folder by image, each once. They may be gone through again and again, and need not fit into memory. */
export type Parts = Iterable<Part> | AsyncIterable<Part>;

/** How many images have no value, by reason. */
export type Reasons = Readonly<Record<string, number>>;

/** Counts and sums over all parts: as large for a million as for two. */
export interface Survey {
  readonly images: number;
  /** How many have a label, and of how many of these it is predicted. */
  readonly labelled: number;
  readonly right: number;
  /** The orders that parts have curves of, in the order of the library's table. */
  readonly orders: readonly Order[];
  /** None where images differ in how many regions are replaced at each point. */
  readonly curves: readonly CurveSums[];
  readonly exploded: readonly Exploded[];
  /** Of each metric, of each method. */
  readonly reasons: readonly (readonly Reasons[])[];
  /** Those with pictures, without their curves. */
  readonly shown: readonly Part[];
}

/** What the report needs of all parts, beside each image's values. @throws LrpError code "usage" where there is none */
export async function survey(settings: Settings, parts: Parts): Promise<Survey> {
  const [curves, exploded, reasons] = [curveSums(settings), explosions(), missing(settings)];
  const found = new Set<string>();
  const shown: Part[] = [];
  let [images, labelled, right] = [0, 0, 0];
  for await (const part of parts) {
    images++;
    if (part.label) labelled++;
    if (part.label?.index === part.predicted.index) right++;
    for (const method of part.methods) for (const order of Object.keys(method.curves)) found.add(order);
    for (const counts of [curves, exploded, reasons]) counts.add(part);
    if (part.image < settings.pictures)
      shown.push({ ...part, methods: part.methods.map((method) => ({ ...method, curves: {} })) });
  }
  if (images === 0) throw misuse("the report", "there are no results");
  return {
    images,
    labelled,
    right,
    orders: (Object.keys(orders) as Order[]).filter((order) => found.has(order)),
    curves: curves.sums(),
    exploded: exploded.of(images),
    reasons: reasons.counts(),
    shown,
  };
}

/** Why values are undefined. */
function missing({ methods, metrics }: Settings) {
  const counts = metrics.map(() => methods.map(() => new Map<string, number>()));
  return {
    add(part: Part): void {
      for (const [k, metric] of metrics.entries())
        for (const [i, { values, missing }] of part.methods.entries()) {
          if (values[metric] !== null) continue;
          const own = counts[k][i];
          own.set(missing[metric], (own.get(missing[metric]) ?? 0) + 1);
        }
    },
    counts: (): Reasons[][] =>
      counts.map((methods) => methods.map((own) => Object.fromEntries([...own].sort(([a], [b]) => (a < b ? -1 : 1))))),
  };
}
