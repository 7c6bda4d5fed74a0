import { composites, type Explanation, parameters, type Tensor } from "../entries/index.ts";
import { asFloats } from "../base/tensor.ts";
import type { Inputs } from "./inputs.ts";
import type { Opened } from "./open.ts";
import type { Values } from "./options.ts";
import { scoresOf } from "../run/scores.ts";
import { ranking, sampleOf } from "../run/ranking.ts";
import { sampleOf as ofSample } from "../evaluate/index.ts";

/** What `relprop explain` found out: the object of `--json`, which the summary for people reads too. */
export type Report = ReturnType<typeof report>;

/** Where the facts come from. */
interface Sources {
  readonly path: string;
  readonly values: Values;
  readonly opened: Opened;
  readonly input: Inputs;
  readonly explanation: Explanation;
  readonly sample: number;
  readonly files: readonly string[];
  readonly ms: number;
}

export function report({ path, values, opened, input, explanation, sample, files, ms }: Sources) {
  const { output, targets, relevance, inputs, shares, at, start, rules, ledger, stability, notes } = explanation;
  const [{ index, name, score, position, area }] = targets[sample];
  const { composite = null } = explanation;
  const taken = composites.find((row) => row.name === composite)?.parameters ?? [];
  const own = (tensor: Tensor) => sampleOf(tensor, sample, targets.length);
  const sums = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [name, { dims: tensor.dims, sum: sum(own(tensor)) }]),
    );
  const total = (tensors: Readonly<Record<string, Tensor>>) =>
    Object.values(tensors).reduce((all, { data }) => all + sum(data), 0);
  const scores = scoresOf({ logits: { ...output, data: asFloats(output.data) } }, values["class-axis"]);
  return {
    model: path,
    input: input.text,
    method: values.method ?? null,
    composite,
    // Some composites leave no choice.
    lrn: taken.includes("lrn") ? (values.lrn ?? parameters.lrn.default) : null,
    sum: taken.includes("sum") ? (values.sum ?? parameters.sum.default) : null,
    target: index,
    against: values.against ?? null,
    similarTo: values["similar-to"] ?? null,
    className: name ?? null,
    position: position ?? null,
    area: area ?? null,
    // Of several numbers with weights, their sum.
    logit: values["similar-to"] === undefined ? score : targets[sample].reduce((all, t) => all + t.weight * t.score, 0),
    start,
    scores: ranking(scores, sample, 5, opened.model.classes, values.position),
    relevanceSum: sum(ofSample(relevance, sample).data),
    // Of all samples, inputs and tables, as the ledger is.
    arrivedSum: total(inputs),
    sharesSum: total(shares),
    inputs: sums(inputs),
    shares: sums(shares),
    relevanceDims: relevance.dims,
    at: sums(at),
    sample,
    targets,
    output: Array.from(output.data as ArrayLike<number>, Number),
    outputDims: output.dims,
    rules,
    ledger,
    stability,
    notes,
    files,
    time: { load: opened.ms, explain: ms },
  };
}

/** In double precision. */
function sum(values: Float32Array): number {
  return values.reduce((total, v) => total + v, 0);
}
