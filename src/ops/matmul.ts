import { demand } from "../base/complaint.ts";
import type { Operand } from "../graph/graph.ts";
import type { Emitter } from "../program/emitter.ts";
import { broadcast, type Constant, numbersFor, size } from "../base/tensor.ts";
import { reduceTo } from "./arithmetic.ts";
import { type DenseAttributes, denseShared, denseWay, matrix, multiplied, productOf } from "./dense.ts";
import { byPanels, rowsForward, rowsVjp, swapped } from "./multiply.ts";
import { type Back, computedOf, type Op, type OwnRule, type Site, type Way } from "./op.ts";
import { divided, timesInput } from "./taken.ts";

/**
 * Half of R to each factor, shared by what its terms contribute:
 *
 *   s = R / (2 ab),   R_a = a ⊙ (s bᵀ),   R_b = b ⊙ (aᵀ s)
 *
 * Source: Achtibat et al. 2024 (AttnLRP), equation for bilinear products.
 */
function halfOf({ node: { name } }: Site<unknown>, slopes: Back): OwnRule {
  return {
    conserves: true,
    back: (e, at, r, ledger) =>
      slopes(e, at, divided(e, name, r, at.y(0), ledger)).map((c, i) => timesInput(e, name, at.x(i), c!, 1 / 2)),
  };
}

/** The way of a product whose factors are both computed. */
function computedProduct(site: Site<DenseAttributes>): Way {
  const matrices = productOf(site);
  const { n, m, k, batch, ofX, ofW } = matrices;
  const zerosOf = (e: Emitter, count: number) => {
    const zeros = e.scratch(`${site.node.name}:zeros`, count);
    e.fill(zeros, 0);
    return zeros;
  };
  // R · bᵀ and aᵀ · R, summed over the axes along which a factor is broadcast.
  const slopes: Back = (e, at, received) => {
    const [r, a, b] = [received, at.x(0), at.x(1)].map((value) => e.as(value, "first"));
    const name = `${site.node.name}:vjp`;
    const [toA, toB] = [e.temp(name, [...batch, n, k]), e.temp(name, [...batch, k, m])];
    const zeros = zerosOf(e, k);
    const toRows = rowsForward(e, `${name}:a`, n, m);
    // The columns of a are rows of aᵀ.
    const columns = swapped(e, a, n, k, a.dims);
    const toColumns = rowsVjp(e, `${name}:b`, k, n, m);
    matrices.x.forEach((from, i) => {
      const received = { value: r, offset: i * n * m };
      const w = { value: b, offset: matrices.w[i] * k * m };
      toRows({ x: received, w, b: zeros, y: { value: toA, offset: i * n * k }, n, m: k, k: m, yRow: k, p: 1, q: 1 });
      const s = { value: columns, offset: from * n * k };
      toColumns({ s, w: received, y: { value: toB, offset: i * k * m }, n: k, m: n, k: m, p: 1, q: 1 });
    });
    return [
      e.view(reduceTo(e, toA, { ...toA, dims: [...ofX, n, k] }), a.dims),
      e.view(reduceTo(e, toB, { ...toB, dims: [...ofW, k, m] }), b.dims),
    ];
  };
  return {
    run(e, at) {
      const [x, w] = [0, 1].map((i) => e.as(at.x(i), "first"));
      if (!byPanels(n, k)) {
        // The second factor, laid as rows of k, is the weight.
        const rows = { w: swapped(e, w, k, m, w.dims), p: 1, q: 1 };
        return [multiplied(e, site, matrices, x, rows, zerosOf(e, m))];
      }
      // Panels are made of columns as well as of rows.
      const y = e.temp(site.outputs[0].name, site.outputs[0].dims);
      const emit = rowsVjp(e, y.name, n, k, m);
      matrices.x.forEach((from, i) => {
        const s = { value: x, offset: from * n * k };
        const weight = { value: w, offset: matrices.w[i] * k * m };
        emit({ s, w: weight, y: { value: y, offset: i * n * m }, n, m: k, k: m, p: 1, q: 1 });
      });
      return [y];
    },
    kind: "own",
    family: "bilinear",
    rules: { half: halfOf(site, slopes), gradient: { conserves: false, back: slopes } },
  };
}

/**
 * Product of matrices of any batch, or vectors, as numpy has it; relevance where one factor is constant.
 *
 *   y[…, i, j] = Σ_k a[…, i, k] · b[…, k, j]
 *
 * Source: ONNX MatMul-1, -9, -13.
 */
export const matMul: Op<DenseAttributes> = {
  ...denseShared,
  type: "MatMul",
  takes: "A:number B:number",
  summary:
    "If one factor is constant, any linear rule shares it. Otherwise the operator has rules of its own: half, gradient.",
  attributes: () => ({ rowsAreOutputs: false, alpha: 1, beta: 1 }),
  infer(inputs, attributes) {
    const [a, b] = inputs as readonly Operand[];
    demand(
      a.dims.length > 0 && b.dims.length > 0,
      "shape",
      "factors of rank 1 or more",
      `ranks ${a.dims.length} and ${b.dims.length}`,
    );
    const [left, right] = [matrix(a.dims, 0), matrix(b.dims, 1)];
    demand(left.at(-1) === right.at(-2), "shape", `a first factor of ${right.at(-2)} columns`, `${left.at(-1)}`);
    const batch = broadcast([left.slice(0, -2), right.slice(0, -2)]);
    demand(batch, "shape", "batches that can be broadcast", `[${a.dims}] and [${b.dims}]`);
    const dims = [
      ...batch,
      ...(a.dims.length > 1 ? [left.at(-2)!] : []),
      ...(b.dims.length > 1 ? [right.at(-1)!] : []),
    ];
    const weightFirst = a.constant !== undefined && !b.constant;
    return {
      dims: [dims],
      attributes: { ...attributes, weightFirst, rowsAreOutputs: weightFirst },
      work: size(dims) * left.at(-1)!,
    };
  },
  fold(inputs, attributes, [dims]) {
    const [a, b] = inputs as readonly Constant[];
    const { n, m, k, x, w } = productOf({
      inputs: [a, b].map(({ dims, type }) => ({ name: "", dims, type })),
      attributes,
    });
    const data = numbersFor(a.type, size(dims));
    data.forEach((_, at) => {
      const [i, row, column] = [Math.floor(at / (n * m)), Math.floor(at / m) % n, at % m];
      let sum = 0;
      for (let t = 0; t < k; t++) sum += a.data[(x[i] * n + row) * k + t] * b.data[(w[i] * k + t) * m + column];
      data[at] = sum;
    });
    return [{ type: a.type, dims, data }];
  },
  node: (site) => (computedOf(site.inputs).length > 1 ? computedProduct(site) : denseWay(site)),
};
