// Not later by import(): where a chunk of a worker imports from its entry, WebKit runs the entry a second time, and the
// operators are added to that one.
import "relprop/operators";
import {
  defaultComposite,
  heatmap,
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
import type { Tell } from "./calls.ts";
import { channelsOf, HANDED_ON, hasChannels, mapOf, toDraw } from "./drawing.ts";
import type { Calls, Layer, Question } from "./protocol.ts";

/** The only state: the network, the photo, and the photo as the network's input. */
let model: Model | undefined;
let photo: Pixels | undefined;
let prepared: { readonly key: string; readonly input: Tensor; readonly seen: Picture } | undefined;

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

async function timed<T>(work: () => T | Promise<T>): Promise<{ result: T; ms: number }> {
  const start = performance.now();
  const result = await work();
  return { result, ms: performance.now() - start };
}

/** Free dims, as far as a description needs numbers for them. */
const numbersFor = (dims: readonly (number | string)[]) =>
  dims.map((d, axis) => (typeof d === "number" ? d : axis === 0 ? 1 : 224));

/** The bytes of a file, read piece by piece. */
async function read(file: Blob, name: string, tell: Tell): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(file.size);
  const reader = file.stream().getReader();
  let told = 0;
  let at = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    bytes.set(part.value, at);
    at += part.value.length;
    if (at - told < file.size / 50) continue;
    told = at;
    tell({ doing: `Reading ${name}`, share: at / file.size });
  }
  return bytes;
}

/** How many scores a network gives, if its file says it. */
function scoresOf({ outputs: [{ dims }] }: Model): number | undefined {
  const [, ...own] = dims;
  return own.every((d) => typeof d === "number") ? own.reduce((a, b) => a * b, 1) : undefined;
}

const calls: Calls = {
  async load({ file, name, classes }, tell) {
    const bytes = await read(file, name, tell);
    tell({ doing: `Loading ${name}` });
    const { result: loaded, ms } = await timed(() => load(bytes, { classes }));
    const [{ name: first, dims }, ...more] = loaded.inputs;
    if (more.length > 0)
      throw refused("the network", "one input, a picture", `${more.length + 1} inputs, '${first}' the first`);
    const { nodes, parameters, composite = defaultComposite } = loaded.inspect({ dims: numbersFor(dims) });
    model?.dispose();
    model = loaded;
    prepared = undefined;
    const has = (types: readonly string[]) =>
      nodes.some(({ type, rule }) => types.includes(type) && rule !== "left out");
    const unruled = nodes.filter(({ rule }) => rule === "none").length;
    const facts = { name, classes, dims, parameters, nodes: nodes.length, unruled, ms, scores: scoresOf(loaded) };
    const [lrn, sums, norms, attention] = [["LRN"], SUMS, NORMS, ATTENTION].map(has);
    const products = nodes.some(({ rule }) => PRODUCTS.includes(rule));
    return { ...facts, composite, lrn, sums, norms, attention, products, stated: statedPreparation(loaded) };
  },

  async see({ file, name }, tell) {
    const bytes = await read(file, name, tell);
    tell({ doing: `Decoding ${name}` });
    photo = decodeImage(bytes, { name });
    prepared = undefined;
    return `${photo.width} × ${photo.height} pixels`;
  },

  async tryPresets(_, tell) {
    if (!model || !photo) return [];
    tell({ doing: "Trying each preparation" });
    try {
      return tryPresets(model, photo);
    } catch (error) {
      if (error instanceof LrpError) return [];
      throw error;
    }
  },

  async explain(question, tell) {
    const network = opened();
    tell({ doing: "Explaining" });
    const { input, seen } = prepare(network, question);
    const drawn = toDraw(network.inspect({ ...question.options, dims: input.dims }));
    const at = drawn.map(({ value }) => value);
    const { result, ms } = await timed(() => network.explain(input, { ...question.options, at }));
    const { output, targets, start, ledger, notes } = result;
    const places = new Map(drawn.map((place) => [place.node, place]));
    const layers = ledger
      .filter(({ rule }) => !HANDED_ON.includes(rule))
      .map((row): Layer => {
        const place = places.get(row.node);
        if (!place) return row;
        return {
          ...row,
          picture: heatmap(result.at[place.value]),
          ...(hasChannels(place) && { channels: place.dims[1] }),
        };
      });
    const wanted = places.get(question.layer ?? "") ?? drawn.findLast(hasChannels);
    return {
      seen,
      scores: Float32Array.from(output.data as ArrayLike<number>, Number),
      target: targets[0][0],
      begun: targets[0].reduce((sum, { weight, score }) => sum + (start === "one" ? weight : weight * score), 0),
      map: mapOf(result, ms),
      layers,
      channels: wanted && hasChannels(wanted) ? channelsOf(wanted.node, result.at[wanted.value]) : undefined,
      handedOn: ledger.length - layers.length,
      notes,
    };
  },

  async map(question) {
    const network = opened();
    const { input } = prepare(network, question);
    const { result, ms } = await timed(() => network.explain(input, question.options));
    return mapOf(result, ms);
  },
};

function opened(): Model {
  if (model) return model;
  throw refused("the page", "a network", "none", "Open an .onnx file.");
}

function prepare({ inputs: [port] }: Model, { drawing, preset }: Question): { input: Tensor; seen: Picture } {
  const picture = drawing ?? photo;
  if (!picture) throw refused("the page", "a picture", "none", "Draw, or open a photo.");
  const made = () => ({ input: preprocess(picture, preset, port), seen: viewed(picture, preset, port) });
  if (drawing) return made();
  const key = JSON.stringify(preset);
  if (prepared?.key !== key) prepared = { key, ...made() };
  return prepared;
}

answerWith(calls);
