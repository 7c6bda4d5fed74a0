import { bytesOf } from "../../plan/place.ts";
import type { BoundCall } from "../../run/wasm.ts";
import { type Arguments, type Cut, cuts, GRAIN } from "./cuts.ts";
import { parametersOf } from "../../kernels.gen.ts";

/** A call that is cut into parts. */
export interface Split {
  readonly parts: number;
  /** Arguments of part 0. */
  readonly args: readonly number[];
  /** How far each moves from one part to the next. */
  readonly moves: readonly number[];
  /** The argument that counts units: how many a part has, and all have. */
  readonly along: number;
  readonly unit: number;
  readonly total: number;
  /** The argument of which every thread needs one of its own, of that many bytes; or -1. */
  readonly scratch: number;
  readonly scratchBytes: number;
  /** The argument where parts leave sums, f64 each; or -1. */
  readonly sums: number;
}

/** Where a kernel adds up, and how many sums it has. */
export const SUMS: Arguments = { ledger: 3, sums: 2 };

/** Parts for one thread: one that is interrupted leaves the rest of its share to the others. */
const SPREAD = [4, 2, 1];

interface Way {
  readonly cut: Cut;
  readonly unit: number;
  /** What the busiest thread gets of the whole. */
  readonly share: number;
}

function ways(cut: Cut, a: Arguments, threads: number, grain: number, fixed: boolean): Way[] {
  if (cut.when?.(a) === false) return [];
  const by = cut.by(a, grain);
  const granules = Math.ceil(a[cut.along] / by);
  const units = fixed ? [by] : (cut.repeats ? [1] : SPREAD).map((s) => Math.ceil(granules / (s * threads)) * by);
  return units.map((unit) => {
    const parts = Math.ceil(a[cut.along] / unit);
    return { cut, unit, share: Math.min(1, (Math.ceil(parts / threads) * unit) / a[cut.along]) };
  });
}

/**
 * The parts of a call for that many threads; undefined where one thread does it best.
 * @param grain fewer than the default only in tests, which share out small calls too
 */
export function split({ kernel, args, lengths }: BoundCall, threads: number, grain = GRAIN): Split | undefined {
  const names = parametersOf(kernel);
  const a = Object.fromEntries(names.map((name, i) => [name, args[i]]));
  const sums = names.findIndex((name) => name in SUMS);
  const known: readonly Cut[] = (cuts as Partial<Record<string, readonly Cut[]>>)[kernel] ?? [];
  const [best] = known.flatMap((cut) => ways(cut, a, threads, grain, sums >= 0)).sort((p, q) => p.share - q.share);
  if (!best || best.share > 0.9) return undefined;
  const { cut, unit } = best;
  const total = a[cut.along];
  const parts = Math.ceil(total / unit);
  const moves = cut.moves(a);
  const scratch = names.indexOf("scratch");
  return {
    parts,
    args,
    moves: names.map((name) => unit * (moves[name] ?? 0)),
    along: names.indexOf(cut.along),
    unit,
    total,
    scratch,
    scratchBytes: scratch < 0 ? 0 : bytesOf(lengths[scratch]),
    sums,
  };
}
