import { type Order, orders } from "../../evaluate/index.ts";
import type { Moments } from "./many.ts";
import type { Part, Settings } from "./part.ts";

/** Which of a part's curves: those of a method, or of the random order, which is the same for all methods. */
export interface CurveKey {
  readonly order: Order;
  /** Null for the random order. */
  readonly method: string | null;
  /** Of the method among those of the settings. */
  readonly index: number;
}

/** Sums of a curve over images, at each of its points. */
export interface CurveSums extends CurveKey {
  readonly n: number;
  readonly replaced: readonly number[];
  readonly moments: readonly Moments[];
}

/** A part's curve of that order and method, if it has one. */
export function curveOf({ methods }: Part, { order, method, index }: CurveKey): readonly number[] | undefined {
  const own = method === null ? methods.find(({ curves }) => Object.hasOwn(curves, order)) : methods[index];
  return own && Object.hasOwn(own.curves, order) ? own.curves[order] : undefined;
}

/** Every curve that there can be, in the order of the report. */
export const curveKeys = ({ methods }: Pick<Settings, "methods">): readonly CurveKey[] =>
  (Object.keys(orders) as Order[]).flatMap((order): CurveKey[] =>
    order === "random"
      ? [{ order, method: null, index: 0 }]
      : methods.map((method, index) => ({ order, method, index })),
  );

/** Sums of v, and of powers of v − first: these may be subtracted from each other without loss. */
interface Point {
  readonly first: number;
  sum: number;
  readonly powers: [number, number, number];
}

function add(point: Point, v: number): void {
  const { first, powers } = point;
  point.sum += v;
  const off = v - first;
  powers[0] += off;
  powers[1] += off * off;
  powers[2] += off * off * off;
}

function momentsOf({ sum, powers: [one, two, three] }: Point, n: number): Moments {
  const off = one / n;
  return {
    n,
    mean: sum / n,
    square: Math.max(0, two - n * off * off),
    cube: three - 3 * off * two + 2 * n * off ** 3,
  };
}

/** Adds up all curves, part by part. */
export function curveSums(settings: Settings) {
  const rows = curveKeys(settings).map((key) => ({ key, n: 0, points: [] as Point[] }));
  let replaced: readonly number[] | undefined;
  let differ = false;
  return {
    add(part: Part): void {
      replaced ??= part.replaced;
      differ ||= part.replaced !== undefined && part.replaced.join() !== replaced!.join();
      if (differ) return;
      for (const row of rows) {
        const curve = curveOf(part, row.key);
        if (!curve) continue;
        if (row.n++ === 0) row.points = curve.map((first) => ({ first, sum: 0, powers: [0, 0, 0] }));
        for (const [m, point] of row.points.entries()) add(point, curve[m]);
      }
    },
    /** None where images differ in how many regions are replaced at each point: there is no mean. */
    sums: (): CurveSums[] =>
      rows.flatMap(({ key, n, points }) =>
        differ || n === 0
          ? []
          : [{ ...key, n, replaced: replaced!, moments: points.map((point) => momentsOf(point, n)) }],
      ),
  };
}
