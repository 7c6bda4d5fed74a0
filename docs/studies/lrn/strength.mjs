/** How strong LRN is on real activations, and how far Taylor's relevance is from identity's. */
import { readFile } from "node:fs/promises";
import { load } from "../../../dist/index.js";
import { mapOf, mean, orders, sampleOf, spearman } from "../../../dist/evaluate/index.js";
import { COMPOSITES } from "./networks.mjs";
import { numbersIn, observed } from "./lrn-file.mjs";

const TOP = 100;

const quantile = (values, q) =>
  Float64Array.from(values).sort()[Math.min(values.length - 1, Math.floor(q * values.length))];
const squares = (values) => values.reduce((total, v) => total + v * v, 0);

/** Offsets of the neurons in the window of neuron (c, y, x). */
function* windowOf({ region, reach }, [, C, H, W], c, y, x) {
  if (region === "channels")
    for (let k = Math.max(0, c - reach); k <= Math.min(C - 1, c + reach); k++) yield (k * H + y) * W + x;
  else
    for (let i = Math.max(0, y - reach); i <= Math.min(H - 1, y + reach); i++)
      for (let j = Math.max(0, x - reach); j <= Math.min(W - 1, x + reach); j++) yield (c * H + i) * W + j;
}

/**
 * u_k = a Σ_{j ≠ k} x_j² / t_k and v_kk of every neuron that fires; the network's own output must be what these
 * parameters give.
 */
function sharesOf(network, { a, bias }, { data, dims }, out) {
  const [us, vs] = [[], []];
  const { beta } = network;
  for (let k = 0; k < data.length; k++) {
    const [c, y, x] = [Math.floor(k / dims[2] / dims[3]), Math.floor(k / dims[3]) % dims[2], k % dims[3]];
    let total = 0;
    for (const j of windowOf(network, dims, c, y, x)) total += data[j] ** 2;
    const expected = data[k] * (bias + a * total) ** -beta;
    if (Math.abs(out.data[k] - expected) > 1e-3 * (1 + Math.abs(expected)))
      throw new Error(`LRN gives ${out.data[k]}, not ${expected}`);
    if (data[k] <= 0) continue;
    const u = (a * (total - data[k] ** 2)) / (bias + a * data[k] ** 2);
    us.push(u);
    vs.push(1 / (1 - 2 * beta * u * (1 + u) ** -(beta + 1)));
  }
  return { us, vs };
}

/** The layers in numbers: activation, u and v_kk, over all neurons that fire. */
async function layersOf(network, bytes, inputs) {
  const numbers = numbersIn(bytes, network);
  const model = await observed(bytes, network.layers);
  const outputs = inputs.map((input) => model.predict(input).outputs);
  const rows = network.layers.map((layer, i) => {
    const each = outputs.map((o) => sharesOf(network, numbers[i], o[layer.input], o[layer.output]));
    const [u, v] = [each.flatMap(({ us }) => us), each.flatMap(({ vs }) => vs)];
    const x = outputs.flatMap((o) => Array.from(o[layer.input].data).filter((value) => value > 0));
    const three = (values) => [0.5, 0.9, 0.99].map((q) => quantile(values, q));
    return {
      layer: layer.name,
      ...numbers[i],
      fired: v.length,
      x: three(x),
      u: three(u),
      v: three(v),
      meanV: mean(v),
      mostV: quantile(v, 1),
    };
  });
  model.dispose();
  return rows;
}

/** The most relevant places; of equal ones some by chance, the same in all maps. */
const top = (map) => new Set(orders.morf.arrange(map, 0).subarray(0, TOP));

/** Two maps of one input: ρ, ‖a − b‖ / ‖a‖, and the share of the 100 highest that are others. */
function apart(a, b) {
  const [x, y] = [mapOf(a), mapOf(b)];
  const [first, second] = [top(x.data), top(y.data)];
  return {
    spearman: spearman(x, y),
    distance: Math.sqrt(squares(x.data.map((v, i) => v - y.data[i])) / squares(x.data)),
    others: [...first].filter((place) => !second.has(place)).length / TOP,
  };
}

async function mapsOf(bytes, inputs) {
  const model = await load(bytes);
  const rows = COMPOSITES.map(({ name: composite }) => {
    const each = inputs.map((input) => {
      const [identity, taylor] = ["identity", "taylor"].map((lrn) => model.explain(input, { composite, lrn }));
      const own = taylor.ledger.filter(({ type }) => type === "LRN").map(({ amplification }) => amplification);
      return { ...apart(identity.relevance, taylor.relevance), amplification: own.reduce((a, b) => a * b) };
    });
    const medians = Object.keys(each[0]).map((key) => [
      key,
      quantile(
        each.map((row) => row[key]),
        0.5,
      ),
    ]);
    return { composite, ...Object.fromEntries(medians) };
  });
  model.dispose();
  return rows;
}

/** @returns layers and maps of a network on these inputs */
export async function strengthOf(network, path, inputs) {
  const bytes = await readFile(path);
  return { inputs: inputs.length, layers: await layersOf(network, bytes, inputs), maps: await mapsOf(bytes, inputs) };
}

/** The first inputs of a .npy of many. */
export const firstOf = (all, count) => Array.from({ length: count }, (_, n) => sampleOf(all, n));
