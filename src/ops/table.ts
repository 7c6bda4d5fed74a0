import { Complaint } from "../base/complaint.ts";
import { blockLoops, broadcastStrides, walkRows } from "../base/loops.ts";
import type { Dims } from "../base/tensor.ts";
import { stridesOf } from "../program/step.ts";
import type { Op } from "./op.ts";

/** Which number of an input belongs to each place of a value: offset + Σ index · steps. */
export interface Counted {
  readonly offset: number;
  /** One for each axis of the value, 0 where the input does not count it. */
  readonly steps: readonly number[];
}

export interface TableAttributes extends Counted {
  /** What its share is called. */
  readonly name: string;
  /** The input of ids that the share is laid out like, and its dims. */
  readonly input: string;
  readonly like: Dims;
}

/**
 * Rows of a table that no input has chosen, such as positions, one for each place that they are added to. Their
 * relevance is the table's share, and goes no further. Canonization makes it; no file has it.
 */
export const table: Op<TableAttributes> = {
  type: "Table",
  family: "route",
  summary: "The share of the table gets it, added up over each row.",
  takes: "rows",
  attributes() {
    throw new Complaint("unsupported", { problem: "Table is not an operator of ONNX" });
  },
  node: ({ node, outputs: [{ name, dims }], attributes }) => ({
    kind: "route",
    table: attributes.name,
    run(e, at) {
      const x = at.x(0);
      const y = e.temp(name, dims);
      const fromStrides = broadcastStrides(x.dims, stridesOf(x), dims);
      e.copy(x, y, [{ dims, from: 0, fromStrides, to: 0, toStrides: stridesOf(y) }]);
      return [y];
    },
    vjp(e, _at, r) {
      const { like, offset, steps } = attributes;
      const out = e.temp(`${node.name}:share`, like);
      const loops = [...blockLoops({ dims, from: 0, fromStrides: stridesOf(r), to: offset, toStrides: steps })];
      e.host("Table back", [r, out], (relevance, to) => {
        const sums = new Float64Array(to.length);
        for (const loop of loops)
          walkRows(loop, ([place, from], count, [step, stride]) => {
            for (let i = 0; i < count; i++) sums[place + i * step] += relevance[from + i * stride];
          });
        to.set(sums);
      });
      return [out];
    },
  }),
  nonnegative: ([x]) => x,
};
