import { LrpError } from "../base/error.ts";
import { whereIs } from "../graph/graph.ts";
import { isExact, size } from "../base/tensor.ts";
import { type GatherAttributes, gatherKnown } from "./layout.ts";
import type { Op, Site, Way } from "./op.ts";

/** The way of a node whose indices are computed. */
function computedWay({
  node,
  inputs: [data, index],
  outputs: [output],
  attributes: { axis, columns },
}: Site<GatherAttributes>): Way {
  const { dims } = data!;
  const length = dims[axis];
  const [outer, inner] = [size(dims.slice(0, axis)), size(dims.slice(axis + 1))];
  /** Row by row: where it lies in the data, where in the output, and which index has chosen it. */
  const walk = (indices: Float32Array, visit: (from: number, to: number, index: number) => void): void => {
    const places = indices.map((id) => (id < 0 && columns !== "plain" ? id + length : id));
    const isThere = (place: number) => place >= 0 && place < length && Number.isInteger(place);
    const wrong = columns ? -1 : places.findIndex((place) => !isThere(place));
    if (wrong >= 0)
      throw new LrpError("usage", {
        where: whereIs(node),
        expected: `indices from ${-length} to ${length - 1}`,
        received: `${indices[wrong]}`,
        fix: "Do these numbers come from the vocabulary that the network was trained with?",
      });
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < places.length; i++)
        if (isThere(places[i])) visit((o * length + places[i]) * inner, (o * places.length + i) * inner, i);
  };
  // To the numbers that were chosen; where these are constants, to the indices that chose them.
  const toIndices = data!.constant !== undefined;
  // Rows of a table are read where it lies: there is no copy of it for the kernels.
  const table = data!.constant && isExact(data!.constant) ? data!.constant : undefined;
  const copyRow = (from: number, to: number, out: Float32Array) => {
    if (table!.packed) for (let k = 0; k < inner; k++) out[to + k] = table!.packed.at(from + k);
    else out.set(table!.data.subarray(from, from + inner), to);
  };
  return {
    kind: "route",
    steers: toIndices ? [] : [1],
    run(e, at) {
      const y = e.temp(output.name, output.dims);
      if (table)
        e.host("Gather", [e.as(at.x(1), "first"), y], (indices, out) => {
          out.fill(0);
          walk(indices, (from, to) => copyRow(from, to, out));
        });
      else
        e.host("Gather", [e.as(at.x(0), "first"), e.as(at.x(1), "first"), y], (x, indices, out) => {
          out.fill(0);
          walk(indices, (from, to) => out.set(x.subarray(from, from + inner), to));
        });
      return [y];
    },
    vjp(e, at, r) {
      const out = e.temp(`${node.name}:vjp`, (toIndices ? index! : data!).dims);
      e.host("Gather back", [e.as(r, "first"), e.as(at.x(1), "first"), out], (relevance, indices, to) => {
        const sums = new Float64Array(to.length);
        if (toIndices)
          for (let i = 0; i < relevance.length; i++) sums[Math.floor(i / inner) % indices.length] += relevance[i];
        else
          walk(indices, (from, start) => {
            for (let k = 0; k < inner; k++) sums[from + k] += relevance[start + k];
          });
        to.set(sums);
      });
      return toIndices ? [undefined, out] : [out];
    },
  };
}

/**
 * Chooses slices of the data along one axis, such as the rows of a table of embeddings. Source: ONNX Gather-13.
 * Relevance of a slice that computed indices chose from constants is the relevance of its index: of a word, not of its
 * vector's entries.
 */
export const gather: Op<GatherAttributes> = {
  ...gatherKnown,
  summary:
    "It moves back to where each number came from, and is added up where an index repeats. If the table is constant, the indices that chose its rows get it.",
  node: (site) => (site.attributes.indices ? gatherKnown.node!(site) : computedWay(site)),
};
