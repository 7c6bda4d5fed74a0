import type { Constant } from "../base/tensor.ts";
import type { AttributeReader, Op, Passing, Way } from "./op.ts";
import { noRule, PASSES } from "./says.ts";

type Numbers = Constant["data"];

/** One function of one variable. */
interface Unary<A extends object> {
  readonly type: string;
  attributes?(read: AttributeReader): A;
  /**
   * y_i = f(x_i). Each row has a loop of its own: one loop that is handed many functions is compiled to calls, 8 ns a
   * number more.
   */
  f(x: Numbers, y: Numbers, a: A): void;
  /** f′(v), at a kink that of PyTorch. */
  slope?(v: number, a: A): number;
  /** In the place of a slope: kernels that have both, `<name>Forward` and `<name>Vjp`, with the number that they take. */
  kernel?(a: A): { readonly name: "gelu" | "geluTanh" | "swish"; readonly a: number };
  /** Whether y ≥ 0, given whether x is; no unless given. */
  nonnegative?(x: boolean, a: A): boolean;
  /** For integers as well. */
  readonly anyType?: boolean;
  /** Why relevance does not pass. */
  readonly none?: string;
}

/**
 * A row for y = f(x): with a kernel where it is common; else steps on the host, in double precision, rounded once.
 */
export function unary<A extends object>({
  type,
  attributes,
  f,
  slope,
  kernel,
  nonnegative = () => false,
  anyType,
  none,
}: Unary<A>): Op<A> {
  return {
    type,
    family: "activation",
    summary: none ? noRule(none) : PASSES,
    anyType,
    takes: anyType ? "X:number" : "X",
    attributes: attributes ?? (() => ({}) as A),
    infer: ([x]) => ({ dims: [x!.dims] }),
    fold([x], a) {
      const data = x!.data.slice();
      f(data, data, a);
      return [{ ...x!, data }];
    },
    node({ node, outputs, attributes }) {
      const given = kernel?.(attributes);
      const vjp: Passing["vjp"] = (e, at, r) => {
        const x = at.x(0);
        const out = e.temp(`${node.name}:vjp`, x.dims, x.layout);
        const received = e.as(r, x.layout);
        if (given) e.emit(`${given.name}Vjp`, { x, r: received, y: out, count: x.count, a: given.a, b: 0 });
        else
          e.host(node.name, [x, received, out], (v, u, to) => {
            for (let i = 0; i < to.length; i++) to[i] = u[i] * slope!(v[i], attributes);
          });
        return out;
      };
      const run: Way["run"] = (e, at) => {
        const x = at.x(0);
        const y = e.temp(outputs[0].name, x.dims, x.layout);
        if (given) e.emit(`${given.name}Forward`, { x, y, count: x.count, a: given.a, b: 0 });
        else e.host(node.name, [x, y], (from, to) => f(from, to, attributes));
        return [y];
      };
      return none
        ? { run, kind: "none", why: none, vjp: (e, at, r) => [vjp(e, at, r)] }
        : { run, kind: "pass", data: 0, vjp };
    },
    nonnegative: ([x], a) => nonnegative(x, a),
  };
}

/** For `nonnegative`. */
export const always = () => true;
export const kept = (x: boolean) => x;
export const logistic = (v: number) => 1 / (1 + Math.exp(-v));
