import { demand } from "../../base/complaint.ts";
import { size } from "../../base/tensor.ts";
import type { Numbers } from "../cells.ts";
import { axisOf, type Op, single } from "../op.ts";
import { type Columns, columnsOf } from "./choose.ts";
import { hosted } from "./hosted.ts";
import { noRule } from "../says.ts";

interface CumAttributes {
  readonly exclusive: boolean;
  readonly reverse: boolean;
  readonly columns?: Columns;
}

/** Visits the places of each column, in the order in which its numbers are multiplied. */
function eachColumn({ columns, reverse }: CumAttributes, visit: (places: readonly number[]) => void): void {
  const { outer, length, inner } = columns!;
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++)
      visit(Array.from({ length }, (_, k) => (o * length + (reverse ? length - 1 - k : k)) * inner + i));
}

const WHY = "it is a product of activations";

/** Products up to each position of an axis. Source: ONNX CumProd-26. */
const cumProd: Op<CumAttributes> = hosted<CumAttributes>({
  type: "CumProd",
  family: "other",
  summary: noRule(WHY),
  takes: "x:number axis:int",
  anyType: true,
  attributes: (read) => ({ exclusive: read.int("exclusive", 0) === 1, reverse: read.int("reverse", 0) === 1 }),
  infer(inputs, a) {
    const { dims } = inputs[0]!;
    const axis = axisOf(single(inputs, 1, "an axis")!, dims.length);
    return { dims: [dims], attributes: { ...a, columns: columnsOf(dims, axis) }, work: size(dims) * dims[axis] };
  },
  run([x], [y], a) {
    eachColumn(a, (places) => {
      let product = 1;
      for (const place of places) {
        y[place] = a.exclusive ? product : product * x![place];
        product *= x![place];
      }
    });
  },
  back(r, [to], [x], a) {
    eachColumn(a, (places) => {
      // ∂y_k/∂x_i is the product of all factors but x_i: without a division, which a 0 would spoil.
      for (const [i, place] of places.entries()) {
        let others = places.slice(0, i).reduce((product, at) => product * x![at], 1);
        if (!a.exclusive) to![place] += r[place] * others;
        for (const at of places.slice(i + 1)) {
          if (a.exclusive) to![place] += r[at] * others;
          others *= x![at];
          if (!a.exclusive) to![place] += r[at] * others;
        }
      }
    });
  },
  way: () => ({ kind: "none", why: WHY }),
  nonnegative: ([x]) => x,
});

/** The determinant of n × n numbers, by elimination with the largest as pivot. */
function determinant(x: Numbers, from: number, n: number): number {
  const rows = Array.from({ length: n }, (_, i) => Float64Array.from(x.subarray(from + i * n, from + (i + 1) * n)));
  let product = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    if (pivot !== k) {
      [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
      product = -product;
    }
    product *= rows[k][k];
    if (product === 0) return 0;
    for (let i = k + 1; i < n; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j < n; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  return product;
}

/** Determinants of the last two axes. Source: ONNX Det-22. */
const det: Op<{ n: number }> = hosted<{ n: number }>({
  type: "Det",
  family: "other",
  summary: noRule(WHY),
  takes: "X",
  attributes: () => ({ n: 0 }),
  infer([x]) {
    const { dims } = x!;
    const n = dims.at(-1)!;
    demand(dims.length >= 2 && dims.at(-2) === n, "shape", "square matrices", `dims [${dims}]`);
    return { dims: [dims.slice(0, -2)], attributes: { n }, work: size(dims) * n };
  },
  run([x], [y], { n }) {
    for (let i = 0; i < y.length; i++) y[i] = determinant(x!, i * n * n, n);
  },
  way: () => ({ kind: "none", why: WHY }),
});

export const products = [cumProd, det] as const;
