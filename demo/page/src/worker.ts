import "relprop/operators";
import {
  defaultComposite,
  type Explanation,
  heatmap,
  type Inspection,
  LrpError,
  load,
  type Model,
  type Picture,
  type Pixels,
  preprocess,
  statedPreparation,
  type Tensor,
  viewed,
} from "relprop";
import { decodeImage, tryPresets } from "relprop/image";
import { answerWith, refused } from "./answering.ts";
import type { Calls, Layer, Question, RelevanceMap } from "./protocol.ts";

/** The only state: the network, the photo, and the photo as the network's input. */
let model: Model | undefined;
let photo: Pixels | undefined;
let prepared: { readonly key: string; readonly input: Tensor; readonly seen: Picture } | undefined;

/** Of the values inside a large network, as many are drawn as have so many numbers together. */
const MOST_NUMBERS = 2 ** 24;
/** A longer vector is no picture. */
const LONGEST = 256;

const HANDED_ON = ["pass", "route"];
const SUMS = ["Add", "Sub", "Sum"];
const NORMS = [
  "LayerNormalization",
  "GroupNormalization",
  "InstanceNormalization",
  "RMSNormalization",
  "MeanVarianceNormalization",
  "LpNormalization",
];

const ATTENTION = ["DotProductAttention", "Softmax", "LogSoftmax"];
const PRODUCTS = ["signal", "half"];

const now = () => performance.now();

async function timed<T>(work: () => T | Promise<T>): Promise<{ result: T; ms: number }> {
  const start = now();
  const result = await work();
  return { result, ms: now() - start };
}

/** Free dims, as far as a description needs numbers for them. */
const numbersFor = (dims: readonly (number | string)[]) =>
  dims.map((d, axis) => (typeof d === "number" ? d : axis === 0 ? 1 : 224));

const calls: Calls = {
  async load({ file, name, classes }) {
    const bytes = await file.arrayBuffer();
    const { result: loaded, ms } = await timed(() => load(bytes, { classes }));
    const [{ dims }] = loaded.inputs;
    const {
      nodes,
      parameters,
      composite = defaultComposite,
    } = loaded.inputs.length === 1 ? loaded.inspect({ dims: numbersFor(dims) }) : loaded.inspect();
    model?.dispose();
    model = loaded;
    prepared = undefined;
    const has = (types: readonly string[]) =>
      nodes.some(({ type, rule }) => types.includes(type) && rule !== "left out");
    const unruled = nodes.filter(({ rule }) => rule === "none").length;
    const facts = { name, classes, dims, parameters, nodes: nodes.length, unruled, ms };
    const [lrn, sums, norms, attention] = [["LRN"], SUMS, NORMS, ATTENTION].map(has);
    const products = nodes.some(({ rule }) => PRODUCTS.includes(rule));
    return { ...facts, composite, lrn, sums, norms, attention, products, stated: statedPreparation(loaded) };
  },

  async see({ file, name }) {
    photo = decodeImage(new Uint8Array(await file.arrayBuffer()), { name });
    prepared = undefined;
    return `${photo.width} × ${photo.height} pixels`;
  },

  async tryPresets() {
    if (!model || !photo || model.inputs.length > 1) return [];
    try {
      return tryPresets(model, photo);
    } catch (error) {
      if (error instanceof LrpError) return [];
      throw error;
    }
  },

  async explain(question) {
    if (!model) throw refused("the page", "a network", "none", "Open an .onnx file.");
    const { input, seen } = prepare(model, question);
    const inspection = model.inspect({ ...inspected(question), dims: input.dims });
    const drawn = toDraw(inspection);
    const explanations: Explanation[] = [];
    const maps: RelevanceMap[] = [];
    for (const mode of question.modes) {
      const at = explanations.length === 0 ? drawn.map(({ value }) => value) : [];
      const options = { ...question.options, at, ...(mode && { lrn: mode }) };
      const { result, ms } = await timed(() => model!.explain(input, options));
      explanations.push(result);
      maps.push(mapOf(result.relevance, ms, mode));
    }
    const [{ output, targets, start, ledger, at }] = explanations;
    const notes = [...new Set(explanations.flatMap((e) => e.notes))];
    const [target] = targets[0];
    const pictures = new Map(drawn.map(({ node, value }) => [node, heatmap(at[value])]));
    const layers = ledger
      .filter(({ rule }) => !HANDED_ON.includes(rule))
      .map((row): Layer => ({ ...row, picture: pictures.get(row.node) }));
    return {
      seen,
      scores: Float32Array.from(output.data as ArrayLike<number>, Number),
      target,
      begun: start === "one" ? target.weight : target.weight * target.score,
      maps,
      layers,
      handedOn: ledger.length - layers.length,
      notes,
      exploded: explanations.some(({ stability }) => stability.verdict === "amplified"),
    };
  },
};

function prepare({ inputs }: Model, { drawing, preset }: Question): { input: Tensor; seen: Picture } {
  const [port] = inputs;
  if (inputs.length > 1)
    throw refused("the network", "one input, a picture", `${inputs.length} inputs, '${port.name}' the first`);
  const picture = drawing ?? photo;
  if (!picture) throw refused("the page", "a picture", "none", "Draw, or open a photo.");
  const made = () => ({ input: preprocess(picture, preset, port), seen: viewed(picture, preset, port) });
  if (drawing) return made();
  const key = JSON.stringify(preset);
  if (prepared?.key !== key) prepared = { key, ...made() };
  return prepared;
}

/** What `inspect` is asked with: a target or a start changes no rule. */
const inspected = ({ options, modes }: Question) => ({ ...options, lrn: modes[0] });

/**
 * Where the network does more than hand relevance on, and relevance can be drawn; evenly chosen if there is too much.
 */
function toDraw({ nodes }: Inspection): { node: string; value: string }[] {
  const all = nodes
    .map(({ node, rule, outputs: [{ name, dims }] }) => ({
      node,
      rule,
      value: name,
      dims,
      size: dims.reduce((a, b) => a * b, 1),
    }))
    .filter(({ rule }) => ![...HANDED_ON, "left out", "none"].includes(rule))
    .filter(({ dims: [, , ...space], size }) =>
      space.length === 0 ? size <= LONGEST : space.length <= 2 && space.some((d) => d > 1),
    );
  const step = Math.ceil(all.reduce((sum, { size }) => sum + size, 0) / MOST_NUMBERS);
  return all.filter((_, i) => i % step === 0);
}

function mapOf(relevance: Tensor, ms: number, mode: RelevanceMap["mode"]): RelevanceMap {
  const { data, dims } = relevance;
  const area = dims[2] * dims[3];
  const pixels = new Float64Array(area);
  for (let i = 0; i < data.length; i++) pixels[i % area] += data[i];
  const sum = pixels.reduce((total, r) => total + r, 0);
  const largest = pixels.reduce((most, r) => Math.max(most, Math.abs(r)), 0);
  return { mode, relevance, picture: heatmap(relevance), sum, largest, ms };
}

answerWith(calls);
