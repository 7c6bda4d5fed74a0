import { demand } from "../../../base/complaint.ts";
import { shapeText } from "../../../base/tensor.ts";
import type { Operand } from "../../../graph/graph.ts";
import type { Op } from "../../op.ts";
import { type Composition, composed } from "../compose.ts";
import { biased } from "./activations.ts";
import { standsFor } from "../../says.ts";

interface NormAttributes {
  readonly epsilon: number;
  readonly axis: number;
}

const SUMMARY = standsFor("normalization and the sums");

/** A normalization of the sum of two values and a bias, which belongs to the layer before. */
function skip(
  type: string,
  takes: string,
  normalize: (
    c: Composition,
    sum: string,
    parameters: readonly (Operand | undefined)[],
    epsilon: number,
    further: readonly string[],
  ) => string,
): Op<{ epsilon: number }> {
  return composed<{ epsilon: number }>(
    {
      type: `com.microsoft.${type}`,
      summary: SUMMARY,
      takes,
      outputs: 4,
      attributes: (read) => ({ epsilon: read.float("epsilon", 1e-12) }),
    },
    (c, [input, skipped, ...parameters], { epsilon }, { outputs }) => {
      const bias = parameters.at(takes.split(" ").length - 3);
      const [own, other] = [input.dims, skipped.dims].map((dims) => dims.join());
      const fits = own === other || own.endsWith(`,${other}`) || own.slice(own.indexOf(",")) === other.slice(1);
      demand(fits, "shape", `a skip of ${shapeText(input.dims, "")}`, shapeText(skipped.dims, ""));
      const [, mean = "", factor = "", total = ""] = outputs;
      const added = c.add("Add", [biased(c, input.name, bias), skipped.name]);
      if (total) c.add("Identity", [added], {}, total);
      return normalize(c, added, parameters, epsilon, mean || factor ? [mean, factor] : []);
    },
  );
}

const refuseStatistics = (further: readonly string[]) =>
  demand(further.length === 0, "unsupported", "outputs mean and inv_std_var left out", "one that is read");

const skips = [
  skip("SkipLayerNormalization", "input skip gamma beta? bias?", (c, sum, [gamma, beta], epsilon, further) =>
    c.add(
      "LayerNormalization",
      [sum, gamma!.name, ...(beta ? [beta.name] : [])],
      { epsilon, axes: [-1] },
      undefined,
      further,
    ),
  ),
  skip("SkipSimplifiedLayerNormalization", "input skip gamma bias?", (c, sum, [gamma], epsilon, further) => {
    refuseStatistics(further);
    return c.add("RMSNormalization", [sum, gamma!.name], { epsilon, axes: [-1] });
  }),
];

/** x / √(mean x² + ε), as files of onnxruntime call it, in ONNX's domain or in com.microsoft. */
const simplified = (type: string): Op<NormAttributes> =>
  composed<NormAttributes>(
    {
      type,
      summary: SUMMARY,
      takes: "X scale:float1",
      outputs: 2,
      attributes(read) {
        read.ignore("stash_type");
        return { epsilon: read.float("epsilon", 1e-5), axis: read.int("axis", -1) };
      },
    },
    (c, [x, scale], { epsilon, axis }, { outputs }) => {
      refuseStatistics(outputs.slice(1).filter(Boolean));
      return c.add("RMSNormalization", [x.name, scale.name], { epsilon, axes: [axis] });
    },
  );

interface EmbedAttributes {
  readonly epsilon: number;
}

/**
 * The sum of the embeddings of words, positions and segments, normalized. Without position_ids, positions count from 0.
 * Its second output counts the ones of the mask in each row; its third is the sum.
 */
const embed: Op<EmbedAttributes> = composed<EmbedAttributes>(
  {
    type: "com.microsoft.EmbedLayerNormalization",
    summary: SUMMARY,
    takes:
      "input_ids:int segment_ids:int? word_embedding position_embedding segment_embedding? gamma beta mask:int? position_ids:int?",
    outputs: 3,
    attributes(read) {
      read.ignore("mask_index_type");
      return { epsilon: read.float("epsilon", 1e-12) };
    },
  },
  (c, [ids, segments, words, positions, kinds, gamma, beta, mask, places], { epsilon }, { outputs }) => {
    demand(ids.dims.length === 2, "shape", "input_ids of rank 2", `rank ${ids.dims.length}`);
    demand(!segments === !kinds, "invalid-model", "segment_ids and segment_embedding together", "one of them");
    const [n, length] = ids.dims;
    const chosen = (table: Operand, by: string) => c.add("Gather", [table.name, by], { axis: 0 });
    const counted = () =>
      c.ints(
        Array.from({ length }, (_, i) => i),
        [1, length],
      );
    const placed = c.add("Add", [chosen(words, ids.name), chosen(positions, places ? places.name : counted())]);
    const total = kinds ? c.add("Add", [placed, chosen(kinds, segments.name)]) : placed;
    const [, index, sum] = outputs;
    if (sum) c.add("Identity", [total], {}, sum);
    if (index) {
      const ones = mask ? sumOf(c, mask) : c.constant({ type: "int32", dims: [n], data: new Float64Array(n) });
      c.add("Identity", [ones], {}, index);
    }
    return c.add("LayerNormalization", [total, gamma.name, beta.name], { epsilon, axes: [-1] });
  },
);

const sumOf = (c: Composition, { name, type }: Operand) => {
  const sum = c.sum(name, [1]);
  return type === "int32" ? sum : c.add("Cast", [sum], { to: "int32" });
};

interface GroupAttributes {
  readonly epsilon: number;
  readonly groups: number;
  readonly swish: boolean;
  readonly last: boolean;
}

/** Group normalization of channels that are the last axis (or the second), with or without x / (1 + e^(−x)) behind it. */
const groupNorm: Op<GroupAttributes> = composed<GroupAttributes>(
  {
    type: "com.microsoft.GroupNorm",
    summary: SUMMARY,
    takes: "X gamma:float1 beta:float1",
    attributes(read) {
      const activation = read.int("activation", 0);
      demand(activation === 0 || activation === 1, "unsupported", "activation 0 or 1", `${activation}`);
      return {
        epsilon: read.float("epsilon", 1e-5),
        groups: read.int("groups", 0),
        swish: activation === 1,
        last: read.int("channels_last", 1) === 1,
      };
    },
  },
  (c, [x, gamma, beta], { epsilon, groups, swish, last }) => {
    const rank = x.dims.length;
    demand(rank >= 3, "shape", "an input of rank 3 or more", `rank ${rank}`);
    demand(groups >= 1, "invalid-model", "groups ≥ 1", `${groups}`);
    const axes = x.dims.map((_, i) => i);
    const first = last ? c.transpose(x.name, [0, rank - 1, ...axes.slice(1, -1)]) : x.name;
    const normed = c.add("GroupNormalization", [first, gamma.name, beta.name], { epsilon, groups, perGroup: false });
    const y = swish ? c.add("Swish", [normed], { alpha: 1 }) : normed;
    return last ? c.transpose(y, [0, ...axes.slice(2), 1]) : y;
  },
);

/**
 * Sources: com.microsoft's SkipLayerNormalization-1, SkipSimplifiedLayerNormalization-1, EmbedLayerNormalization-1,
 * GroupNorm-1; onnxruntime's SimplifiedLayerNormalization-1.
 */
export const norms = [
  ...skips,
  simplified("SimplifiedLayerNormalization"),
  simplified("com.microsoft.SimplifiedLayerNormalization"),
  embed,
  groupNorm,
] as const;
