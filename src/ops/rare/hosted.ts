import { HOST } from "../../base/budget.ts";
import { Complaint } from "../../base/complaint.ts";
import { LrpError } from "../../base/error.ts";
import { type Dims, type ElementType, numbersFor, size } from "../../base/tensor.ts";
import { type Node, whereIs } from "../../graph/graph.ts";
import type { Emitter } from "../../program/emitter.ts";
import type { Value } from "../../program/step.ts";
import type { Numbers } from "../cells.ts";
import { type Back, computedOf, type Op, type Places, type Way } from "../op.ts";

/** Numbers in row-major order; undefined for an input that is left out. */
export type Lists = readonly (Numbers | undefined)[];
/** Sums, for each input that receives something. */
export type Sums = readonly (Float64Array | undefined)[];

/** How relevance goes back: see `Routing`, `Linear` and `Ruleless`. */
export type Kind =
  | { readonly kind: "route"; readonly steers?: readonly number[] }
  | { readonly kind: "linear"; readonly data: readonly number[] }
  | { readonly kind: "none"; readonly why: string };

/** An operator as two loops over row-major numbers: there, and back. */
interface Hosted<A extends object> extends Omit<Op<A>, "fold" | "node"> {
  infer: NonNullable<Op<A>["infer"]>;
  run(x: Lists, y: readonly Numbers[], a: A): void;
  /** Adds Jᵀ r to `to`. */
  back?(r: Numbers, to: Sums, x: Lists, a: A): void;
  /** Where it is linear, it is a sum of data, all that it reads beside them is in the attributes, and `x` of `back` is empty. */
  way(a: A): Kind;
}

/** The attributes, with what else `infer` has found. */
interface Found<A extends object> {
  readonly own: A;
  readonly dims: readonly Dims[];
  readonly types: readonly ElementType[];
  readonly work: number;
}

/** Computed numbers that do not fit are the caller's fault, not the file's. */
export function told(node: Node, task: () => void): void {
  try {
    task();
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    throw new LrpError("usage", { where: whereIs(node), ...error.finding });
  }
}

/** A row for what is rare enough for steps on the host. */
export function hosted<A extends object>({ run, back, way, nonnegative, ...row }: Hosted<A>): Op<A> {
  const found = (a: unknown) => a as Found<A>;
  return {
    ...row,
    infer(inputs, a, budget) {
      const { dims, types = [], attributes: own = a, work = 0 } = row.infer(inputs, a, budget);
      const all = dims.map((_, i) => types[i] ?? inputs[0]?.type ?? "float32");
      return { dims, types: all, work, attributes: { own, dims, types: all, work } as A };
    },
    fold(inputs, a) {
      const { own, dims, types } = found(a);
      const y = dims.map((d, i) => numbersFor(types[i], size(d)));
      const x = inputs.map((c) => c?.data);
      run(x, y, own);
      return y.map((data, i) => ({ type: types[i], dims: dims[i], data }));
    },
    node({ node, inputs, attributes }): Way {
      const { own, dims, work } = found(attributes);
      type Given = readonly (Value | undefined)[];
      const step = (e: Emitter, x: Given, more: readonly Value[], task: (x: Lists, more: Float32Array[]) => void) => {
        const given = x.filter((value) => value !== undefined);
        const host = (...views: Float32Array[]) => {
          let next = 0;
          const lists = x.map((value) => value && views[next++]);
          told(node, () => task(lists, views.slice(given.length)));
        };
        e.host(node.type, [...given, ...more], host, HOST * work);
      };
      const forward = (e: Emitter, x: Given) => {
        const y = dims.map((d, i) => e.temp(node.outputs[i] || `${node.name}:${i}`, d));
        step(e, x, y, (from, to) => run(from, to, own));
        return y;
      };
      const backward = (e: Emitter, x: Given, r: Value, to: readonly number[]) => {
        const out = inputs.map((_, i) => (to.includes(i) ? e.temp(`${node.name}:vjp`, inputs[i]!.dims) : undefined));
        const targets = to.map((i) => out[i]!);
        step(e, x, [r, ...targets], (from, [received, ...views]) => {
          const sums: (Float64Array | undefined)[] = [];
          for (const [k, i] of to.entries()) sums[i] = new Float64Array(views[k].length);
          back!(received, sums, from, own);
          for (const [k, i] of to.entries()) views[k].set(sums[i]!);
        });
        return out;
      };
      const kind = way(own);
      const operands = (e: Emitter, at: Places) => inputs.map((x, i) => x && e.as(at.x(i), "first"));
      if (kind.kind === "linear") {
        const { data } = kind;
        const placed = (xs: Given) => inputs.map((_, i) => xs[data.indexOf(i)]);
        return {
          kind: "linear",
          data,
          layout: "first",
          run: (e, at) => forward(e, placed(data.map((i) => e.as(at.x(i), "first")))),
          z: (e, x) => forward(e, placed(x))[0],
          vjp: (e: Emitter, s: Value) => backward(e, [], s, data).filter((value) => value !== undefined),
          signs: data.map(() => 1),
        };
      }
      // Where relevance is moved, all of it is: to constants, too.
      const moved = kind.kind === "route" && inputs.flatMap((x, i) => (x && !kind.steers?.includes(i) ? [i] : []));
      const to = moved || computedOf(inputs);
      const vjp: Back | undefined = back && ((e, at, r) => backward(e, operands(e, at), e.as(r, "first"), to));
      return { ...kind, run: (e, at) => forward(e, operands(e, at)), vjp } as Way;
    },
    nonnegative: nonnegative && ((x, a) => nonnegative(x, found(a).own)),
  };
}
