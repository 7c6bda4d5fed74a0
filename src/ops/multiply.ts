import type { Dims } from "../base/tensor.ts";
import type { Emitter } from "../program/emitter.ts";
import type { Ref, Value } from "../program/step.ts";
import type { KernelArguments } from "../kernels.gen.ts";
import { PANEL, roundUp, TILE } from "./conv/panels.ts";

/*
 * Products of rows and weights, by the kernel that is fastest for so many rows: few of them are multiplied with weights
 * as they are, many with panels of eight outputs, which the kernel makes on the way.
 */

/** Rows from which it pays to lay weights as panels on the way, measured. */
const MANY = 12;
/** Longer sums would lose digits where they are carried. */
const LONGEST = 32768;

/** The arguments of a product, but for scratch. */
type Forward = KernelArguments<Value | Ref>["denseForward"];
type Back = Omit<KernelArguments<Value | Ref>["denseVjp"], "scratch" | "columns">;

/** Whether so many rows, each a sum of so many terms, go by panels. */
export const byPanels = (rows: number, terms: number): boolean => rows >= MANY && terms > 0 && terms <= LONGEST;

/** Columns that `gemmVjp` lays as panels at once, and the most terms that a panel has. */
const GROUP = 32;
const PART = 1024;

/** Memory for a table of rows, a bias and so many columns of panels. */
const panelScratch = (e: Emitter, name: string, rows: number, columns: number, terms: number): Value =>
  e.scratch(`${name}:panel`, 2 * roundUp(rows, TILE) + PANEL + columns * Math.min(terms, PART));

/** What emits y = x · f(w)ᵀ + b, for matrices of up to `rows` rows of k. */
export function rowsForward(e: Emitter, name: string, rows: number, k: number) {
  if (!byPanels(rows, k)) return (given: Forward) => e.emit("denseForward", given);
  const scratch = panelScratch(e, name, rows, PANEL, k);
  return (given: Forward) => e.emit("gemmForward", { ...given, scratch });
}

/** Memory in which `denseVjp` adds up many neurons: [n, k] and no more than 2048 columns, above 1024 neurons. */
export function spreadScratch(e: Emitter, name: string, n: number, m: number, k: number): Value {
  return e.scratch(`${name}:sums`, m > 1024 ? n * Math.min(k, 2048) : 1);
}

/** What emits y = s · f(w), for matrices of up to `rows` rows of m. Panels leave out no numbers of s that are 0. */
export function rowsVjp(e: Emitter, name: string, rows: number, m: number, k: number, panels = byPanels(rows, m)) {
  const work = ({ n }: Back) => n * m * k;
  if (panels) {
    const scratch = panelScratch(e, name, rows, GROUP, m);
    return (given: Back) => e.emit("gemmVjp", { ...given, scratch, columns: k }, work(given));
  }
  const scratch = spreadScratch(e, name, rows, m, k);
  return (given: Back) => e.emit("denseVjp", { ...given, scratch, columns: k }, work(given));
}

/** Matrices [rows, columns] as [columns, rows]. */
export function swapped(e: Emitter, x: Value, rows: number, columns: number, dims: Dims): Value {
  if (rows === 1 || columns === 1) return e.view(x, dims);
  const out = e.temp(`${x.name}:swapped`, dims);
  const area = rows * columns;
  e.copy(x, out, [
    {
      dims: [x.count / area, rows, columns],
      from: 0,
      fromStrides: [area, columns, 1],
      to: 0,
      toStrides: [area, 1, rows],
    },
  ]);
  return out;
}
