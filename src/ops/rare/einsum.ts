import { demand } from "../../base/complaint.ts";
import { type Dims, shapeText, size } from "../../base/tensor.ts";
import type { Operands } from "../../graph/graph.ts";
import { Composition } from "./compose.ts";
import type { Op } from "../op.ts";
import { standsFor } from "../says.ts";

/** A value whose axes have labels: letters, and for those that an ellipsis stands for, numbers from the last on. */
interface Labelled {
  readonly name: string;
  readonly labels: readonly string[];
  readonly dims: Dims;
}

function labelsOf(term: string, rank: number): readonly string[] {
  const [before, after, ...more] = term.split("...");
  const letters = `${before}${after ?? ""}`;
  const fits = more.length === 0 && /^[a-z]*$/i.test(letters);
  demand(fits, "invalid-model", "terms of letters, with at most one ellipsis", `'${term}'`);
  const rest = rank - letters.length;
  demand(after === undefined ? rest === 0 : rest >= 0, "shape", `as many axes as '${term}' has`, `${rank}`);
  return [...before, ...Array.from({ length: rest }, (_, i) => `${rest - 1 - i}`), ...(after ?? "")];
}

/** The labels of inputs and output, and the size of each. */
function parsed(equation: string, inputs: Operands) {
  const [left, right, ...more] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  const isEquation = more.length === 0 && terms.length === inputs.length;
  demand(isEquation, "invalid-model", `an equation with ${inputs.length} terms`, `'${equation}'`);
  const given = terms.map((term, i) => labelsOf(term, inputs[i]!.dims.length));
  const sizes = new Map<string, number>();
  given.forEach((labels, i) => {
    const { dims } = inputs[i]!;
    labels.forEach((label, axis) => {
      const known = sizes.get(label) ?? 1;
      const fits = dims[axis] === known || dims[axis] === 1 || known === 1;
      demand(fits, "shape", `an axis '${label}' of ${known}`, shapeText(dims, ""));
      sizes.set(label, Math.max(dims[axis], known));
    });
  });
  const labels = [...sizes.keys()];
  const dots = labels.filter((label) => /\d/.test(label)).sort((a, b) => Number(b) - Number(a));
  const once = labels.filter((label) => given.flat().filter((l) => l === label).length === 1 && !dots.includes(label));
  const [before, after] = right?.split("...") ?? ["", once.sort().join("")];
  const output = [...before, ...(after === undefined ? [] : dots), ...(after ?? "")];
  const fits = new Set(output).size === output.length && output.every((label) => sizes.has(label));
  const isWhole = dots.length === 0 || after !== undefined;
  demand(fits && isWhole, "invalid-model", "an output of the terms' labels, each once", `'${equation}'`);
  return { given, sizes, output };
}

/** A value with the axes of these labels, in this order, and those in `joined` as one behind them, if they are given. */
function arranged(c: Composition, { name, labels, dims }: Labelled, ...groups: readonly (readonly string[])[]): string {
  const of = (list: readonly string[]) => list.map((label) => dims[labels.indexOf(label)]);
  const moved = c.transpose(
    name,
    groups.flat().map((label) => labels.indexOf(label)),
  );
  const [first, ...joined] = groups;
  return joined.length === 0 ? moved : c.reshape(moved, [...of(first), ...joined.map((group) => size(of(group)))]);
}

/** The diagonal of axes with one label, and no axes of one along which it is broadcast. */
function plain(c: Composition, x: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  let { name, labels, dims } = x;
  for (let twice = 0; twice >= 0; ) {
    twice = labels.findIndex((label, i) => labels.indexOf(label) < i);
    if (twice < 0) break;
    const label = labels[twice];
    const [first, n] = [labels.indexOf(label), dims[twice]];
    demand(dims[first] === n, "shape", `axes '${label}' of one size`, shapeText(dims, ""));
    const others = [...dims.keys()].filter((axis) => axis !== first && axis !== twice);
    const rest = others.map((axis) => dims[axis]);
    const flat = c.reshape(c.transpose(name, [...others, first, twice]), [...rest, n * n]);
    const diagonal = c.ints(Array.from({ length: n }, (_, i) => i * (n + 1)));
    name = c.add("Gather", [flat, diagonal], { axis: rest.length });
    [labels, dims] = [
      [...others.map((axis) => labels[axis]), label],
      [...rest, n],
    ];
  }
  const kept = [...dims.keys()].filter((axis) => dims[axis] === sizes.get(labels[axis]));
  if (kept.length === dims.length) return { name, labels, dims };
  const left = kept.map((axis) => dims[axis]);
  return { name: c.reshape(name, left), labels: kept.map((axis) => labels[axis]), dims: left };
}

/** Summed over the labels that are not kept. */
function summed(c: Composition, { name, labels, dims }: Labelled, kept: readonly string[]): Labelled {
  const [gone, left] = [false, true].map((is) => [...dims.keys()].filter((axis) => kept.includes(labels[axis]) === is));
  return { name: c.sum(name, gone), labels: left.map((axis) => labels[axis]), dims: left.map((axis) => dims[axis]) };
}

/** The product of two values, summed over the labels that are not kept. */
function product(c: Composition, a: Labelled, b: Labelled, kept: readonly string[]): Labelled {
  const [x, y] = [summed(c, a, [...kept, ...b.labels]), summed(c, b, [...kept, ...a.labels])];
  const shared = x.labels.filter((label) => y.labels.includes(label));
  const [batch, inner] = [true, false].map((is) => shared.filter((label) => kept.includes(label) === is));
  const [rows, columns] = [x, y].map(({ labels }) => labels.filter((label) => !shared.includes(label)));
  const sizeOf = (label: string) => [x, y].flatMap((v) => v.dims[v.labels.indexOf(label)] ?? [])[0];
  const outer = [...batch, ...rows, ...columns];
  const all = [...outer, ...inner];
  // Without rows or columns there is a product for each place of the batch, which would be a call for each.
  if (inner.length === 0 || outer.length === batch.length) {
    const spread = (v: Labelled) =>
      c.reshape(
        arranged(
          c,
          v,
          all.filter((label) => v.labels.includes(label)),
        ),
        all.map((label) => (v.labels.includes(label) ? sizeOf(label) : 1)),
      );
    return summed(c, { name: c.add("Mul", [spread(x), spread(y)]), labels: all, dims: all.map(sizeOf) }, kept);
  }
  const name = c.add("MatMul", [arranged(c, x, batch, rows, inner), arranged(c, y, batch, inner, columns)], {
    rowsAreOutputs: false,
    alpha: 1,
    beta: 1,
  });
  const dims = outer.map(sizeOf);
  return { name: c.reshape(name, dims), labels: outer, dims };
}

/**
 * Einstein's sum over products: the inputs one after another as products of matrices, each a dense layer where one
 * factor is constant. Source: ONNX Einsum-12.
 */
export const einsum: Op<{ equation: string }> = {
  type: "Einsum",
  family: "dense",
  summary: standsFor("MatMul, Mul and ReduceSum"),
  takes: "Inputs...:number",
  attributes: (read) => ({ equation: read.string("equation", "") }),
  instead(inputs, { equation }, node) {
    const { given, sizes, output } = parsed(equation, inputs);
    const c = new Composition(node);
    const values = given.map((labels, i) => plain(c, { name: node.inputs[i], labels, dims: inputs[i]!.dims }, sizes));
    const result = values.reduce((a, b, i) =>
      product(c, a, b, [...output, ...values.slice(i + 1).flatMap(({ labels }) => labels)]),
    );
    const sum = summed(c, result, output);
    return c.nodes(arranged(c, sum, output));
  },
};
