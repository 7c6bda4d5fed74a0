import { HOST } from "../../base/budget.ts";
import { numbersFor, size, widened } from "../../base/tensor.ts";
import type { Emitter } from "../../program/emitter.ts";
import type { Value } from "../../program/step.ts";
import type { Numbers } from "../cells.ts";
import { type Linear, mapOf, type NumberMap, type Op, PLAIN, type Way } from "../op.ts";
import { type Lists, told } from "./hosted.ts";

/*
 * Operators that read an input between its numbers: each number of the output is a weighted sum of some that lie near a
 * point, and other inputs say where the points are.
 */

/** Adds x[from] · weight to the number of the output that is being made. */
export type Tap = (from: number, weight: number) => void;

/** A row of such an operator. */
interface Sampling<A extends object> extends Pick<Op<A>, "type" | "takes" | "attributes" | "nonnegative"> {
  infer: NonNullable<Op<A>["infer"]>;
  /** Calls `begin` for each number of the output, and then `tap` for each number that it is made of. */
  walk(inputs: Lists, a: A, begin: (to: number) => void, tap: Tap): void;
  /** Whether the largest of the weighted numbers is taken, not their sum. */
  largest?(a: A): boolean;
}

/** The attributes, with what else `infer` has found. */
interface Found<A extends object> {
  readonly own: A;
  readonly work: number;
}

/** y_j = Σ f(w) x, in double precision; or the largest of them. */
function sampled(
  x: Numbers,
  y: Numbers,
  walk: (begin: (to: number) => void, tap: Tap) => void,
  largest: boolean,
  f = (w: number) => w,
): void {
  let [at, value, isEmpty] = [-1, 0, true];
  const end = () => {
    if (at >= 0) y[at] = value;
  };
  walk(
    (to) => {
      end();
      [at, value, isEmpty] = [to, 0, true];
    },
    (from, w) => {
      const part = f(w) * x[from];
      value = largest ? (isEmpty ? part : Math.max(value, part)) : value + part;
      isEmpty = false;
    },
  );
  end();
}

/** Adds what each number of the output has to those that it is made of; or to the first that is the largest. */
function spread(
  x: Numbers | undefined,
  r: Numbers,
  sums: Float64Array,
  walk: (begin: (to: number) => void, tap: Tap) => void,
  f = (w: number) => w,
): void {
  let [at, best, winner, slope] = [-1, -Infinity, -1, 0];
  const end = () => {
    if (x && winner >= 0) sums[winner] += r[at] * slope;
  };
  walk(
    (to) => {
      end();
      [at, best, winner, slope] = [to, -Infinity, -1, 0];
    },
    (from, w) => {
      if (!x) sums[from] += r[at] * f(w);
      else if (w * x[from] > best) [best, winner, slope] = [w * x[from], from, w];
    },
  );
  end();
}

/**
 * The row: linear, with any rule on its weights, where all points are known while loading; where they are computed they
 * say where relevance goes, and receive none.
 */
export function sampling<A extends object>({ walk, largest = () => false, nonnegative, ...row }: Sampling<A>): Op<A> {
  const found = (a: unknown) => a as Found<A>;
  return {
    ...row,
    family: "average",
    anyType: true,
    summary:
      "The rule norm or any other linear rule shares it. If the network computes the points, it moves back by the weights.",
    nonnegative: nonnegative && ((x, a) => nonnegative(x, found(a).own)),
    infer(inputs, a, budget) {
      const { dims, attributes: own = a, work = 0, ...rest } = row.infer(inputs, a, budget);
      return { ...rest, dims, work, attributes: { own, work } as A };
    },
    fold(inputs, a, [dims]) {
      const { own } = found(a);
      const [type, lists] = [inputs[0]!.type, inputs.map((x) => x?.data)];
      const data = numbersFor(type, size(dims));
      sampled(inputs[0]!.data, data, (begin, tap) => walk(lists, own, begin, tap), largest(own));
      return [{ type, dims, data }];
    },
    node({ node, inputs, outputs: [{ name, dims }], attributes }): Way {
      const { own, work } = found(attributes);
      const x = inputs[0]!;
      const isWinner = largest(own);
      const known: Lists = inputs.map((input, i) =>
        i > 0 && input?.constant ? widened(input.constant).data : undefined,
      );
      const points = inputs.flatMap((input, i) => (i > 0 && input && !input.constant ? [i] : []));
      /** A step that reads values and computed points, and writes the last value. */
      const step = (
        e: Emitter,
        values: readonly Value[],
        given: readonly Value[],
        task: (lists: Lists, views: Float32Array[]) => void,
      ) => {
        const run = (...views: Float32Array[]) => {
          const [own, computed] = [views.slice(0, values.length), views.slice(values.length)];
          const lists = known.map((list, i) => list ?? computed[points.indexOf(i)]);
          told(node, () => task(lists, own));
        };
        e.host(node.type, [...values, ...given], run, HOST * work);
      };
      const forward = (e: Emitter, given: Value, at: readonly Value[], map: NumberMap) => {
        const y = e.temp(name, dims);
        step(e, [given, y], at, (lists, [from, to]) =>
          sampled(from, to, (begin, tap) => walk(lists, own, begin, tap), isWinner, mapOf(map)),
        );
        return y;
      };
      const backward = (e: Emitter, r: Value, at: readonly Value[], map: NumberMap, input?: Value) => {
        const out = e.temp(`${node.name}:vjp`, x.dims);
        step(e, [r, out, ...(input ? [input] : [])], at, (lists, [received, to, from]) => {
          const sums = new Float64Array(to.length);
          spread(from, received, sums, (begin, tap) => walk(lists, own, begin, tap), mapOf(map));
          to.set(sums);
        });
        return out;
      };
      if (points.length === 0 && !isWinner) {
        const linear: Linear = {
          kind: "linear",
          layout: "first",
          data: [0],
          z: (e, [given], weight) => forward(e, given, [], weight as NumberMap),
          vjp: (e, s, weight) => [backward(e, e.as(s, "first"), [], weight as NumberMap)],
        };
        return { ...linear, run: (e, at) => [linear.z(e, [e.as(at.x(0), "first")], PLAIN, undefined, "exact")] };
      }
      return {
        kind: "route",
        steers: inputs.flatMap((input, i) => (i > 0 && input ? [i] : [])),
        drops: true,
        run: (e, at) => [
          forward(
            e,
            e.as(at.x(0), "first"),
            points.map((i) => e.as(at.x(i), "first")),
            PLAIN,
          ),
        ],
        vjp: (e, at, r) => [
          backward(
            e,
            e.as(r, "first"),
            points.map((i) => e.as(at.x(i), "first")),
            PLAIN,
            isWinner ? e.as(at.x(0), "first") : undefined,
          ),
        ],
      };
    },
  };
}
