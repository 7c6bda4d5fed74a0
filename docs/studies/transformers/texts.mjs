/*
 * Token flipping on the demo's two classifiers of sentences. Gradients of words are those of their embeddings, which are
 * an input of a copy of each network.
 */
import { readFile } from "node:fs/promises";
import { open } from "../../../build/js/read/open.js";
import { attribute, relevanceGain, tokenFlipping } from "../../../dist/evaluate/index.js";
import { baseEntries, load, ruleOf } from "../../../dist/node/index.js";

const demo = (name) => new URL(`../../../demo/text/${name}`, import.meta.url);
const COUNT = 200;
const STEPS = 32;

const byGradient = { "gradient × input": "gradientTimesInput", "integrated gradients": "integratedGradients" };
const composite = (name) => ({ composite: name });
/** A rule of recurrent cells; dense layers have ε. */
const cells = (rule) => ({
  composite: [{ type: "recurrent", rule }, { type: "dense", rule: ruleOf.epsilon() }, ...baseEntries()],
});
const masked = { masked: (mask) => ({ input_ids: mask }) };
const recurrent = {
  recurrentGamma: composite("recurrentGamma"),
  epsilonPlusFlat: composite("epsilonPlusFlat"),
  attnLrp: composite("attnLrp"),
  attnLrpGamma: composite("attnLrpGamma"),
  "cells with γ = 1": cells(ruleOf.gamma({ gamma: 1 })),
  "cells with ε = 0.1": cells(ruleOf.epsilon({ epsilon: 0.1 })),
  "cells with α = 2, β = 1": cells(ruleOf.alphaBeta({ alpha: 2, beta: 1 })),
  "cells with z⁺": cells(ruleOf.zPlus()),
};

/** What is compared on each network; `flips` are the ways of flipping. */
const networks = {
  transformer: {
    file: "sentiment.onnx",
    flips: { ...masked, hidden: () => ({ attention_mask: 0 }) },
    options: {
      attnLrp: composite("attnLrp"),
      cpLrp: composite("cpLrp"),
      attnLrpGamma: composite("attnLrpGamma"),
      epsilon: composite("epsilon"),
      "attention rollout": { method: "attentionRollout" },
      "gradient × attention": { method: "gradientTimesAttention" },
    },
  },
  lstm: { file: "sentiment_lstm.onnx", flips: masked, options: recurrent },
  gru: { file: "sentiment_gru.onnx", flips: masked, options: recurrent },
};

/** A copy of a network that takes the rows of its words in place of the choice of them, and the table. */
async function embedded(bytes) {
  const graph = await open(bytes, {});
  const node = graph.nodes.find(({ type, inputs }) => type === "Gather" && inputs[1] === "input_ids");
  const table = graph.constants.get(node.inputs[0]);
  const port = { name: node.outputs[0], type: "float32", dims: ["n", "t", table.dims[1]] };
  const isRead = graph.nodes.some((other) => other !== node && other.inputs.includes("input_ids"));
  const inputs = [port, ...graph.inputs.filter(({ name }) => isRead || name !== "input_ids")];
  const model = await load({ graph: { ...graph, inputs, nodes: graph.nodes.filter((other) => other !== node) } });
  return { model, table, name: port.name };
}

/** Gradient × input, or integrated gradients from the mask's rows, summed over each word's row. */
function gradients({ model, table, name }, method, inputs, mask, target) {
  const { data: ids } = inputs.input_ids;
  const [length, width] = [ids.length, table.dims[1]];
  const rowOf = (id) => table.data.subarray(id * width, (id + 1) * width);
  const n = method === "integratedGradients" ? STEPS : 1;
  const share = (k) => (method === "integratedGradients" ? (k + 1) / STEPS : 1);
  const base = (d) => (method === "integratedGradients" ? rowOf(mask)[d] : 0);
  const data = new Float32Array(n * length * width);
  for (let k = 0; k < n; k++)
    ids.forEach((id, i) => {
      for (let d = 0; d < width; d++)
        data[(k * length + i) * width + d] = base(d) + share(k) * (rowOf(id)[d] - base(d));
    });
  const repeated = model.inputs
    .filter((port) => port.name !== name)
    .map((port) => {
      const own = Array.from(inputs[port.name].data);
      return [port.name, { data: Array.from({ length: n }, () => own).flat(), dims: [n, length] }];
    });
  const { relevance } = model.explain(
    { [name]: { data, dims: [n, length, width] }, ...Object.fromEntries(repeated) },
    { composite: "gradient", target: Array(n).fill(target) },
  );
  const sums = new Float64Array(length);
  relevance.data.forEach((slope, at) => {
    const [i, d] = [Math.floor(at / width) % length, at % width];
    sums[i] += (slope * (rowOf(ids[i])[d] - base(d))) / n;
  });
  return { data: sums, dims: [1, length] };
}

/** @returns what was measured, and columns: what each is about, and the gains of each method, sentence by sentence */
export async function measure(name) {
  const { file, flips, options } = networks[name];
  const json = async (of) => JSON.parse(await readFile(demo(of), "utf8"));
  const mask = (await json("vocabulary.json"))["[MASK]"];
  // Sentences of one length together, so that networks are seldom planned anew.
  const rows = (await json("sentences.json")).slice(0, COUNT).sort((a, b) => a.ids.length - b.ids.length);
  const bytes = await readFile(demo(file));
  // One explains, the other predicts batches.
  const [explaining, predicting, embedding] = [await load(bytes), await load(bytes), await embedded(bytes)];
  const names = [...Object.keys(options), ...Object.keys(byGradient), "leaving out"];
  const columns = Object.keys(flips).map((flip) => ({
    name: flip,
    gains: new Map(names.map((method) => [method, []])),
  }));
  let right = 0;
  for (const { ids, label } of rows) {
    const dims = [1, ids.length];
    const all = { input_ids: { data: ids, dims }, attention_mask: { data: ids.map(() => 1), dims } };
    const input = Object.fromEntries(explaining.inputs.map((port) => [port.name, all[port.name]]));
    const { logits } = explaining.predict(input);
    const target = Number(logits.data[1] > logits.data[0]);
    right += Number(target === label);
    const found = new Map();
    for (const [method, { method: other, ...own }] of Object.entries(options))
      found.set(
        method,
        (other
          ? await attribute(explaining, input, { method: other, target })
          : explaining.explain(input, { ...own, target })
        ).relevance,
      );
    for (const [method, of] of Object.entries(byGradient))
      found.set(method, gradients(embedding, of, input, mask, target));
    const without = predicting.predict(
      Object.fromEntries(
        explaining.inputs.map((port) => {
          const { data } = all[port.name];
          const each = ids.flatMap((_, k) => data.map((v, i) => (port.name === "input_ids" && i === k ? mask : v)));
          return [port.name, { data: each, dims: [ids.length, ids.length] }];
        }),
      ),
    ).logits.data;
    const scores = ids.map((_, k) => logits.data[target] - without[2 * k + target]);
    found.set("leaving out", { data: scores, dims });
    for (const [at, flip] of Object.values(flips).entries())
      for (const [method, relevance] of found) {
        const curve = (order) =>
          tokenFlipping(predicting, input, relevance, {
            order,
            target,
            flip: flip(mask),
            keep: [0, ids.length - 1],
            batch: 32,
          });
        columns[at].gains.get(method).push(relevanceGain(await curve("lerf"), await curve("morf")));
      }
  }
  return { of: `${rows.length} sentences, ${Math.round((100 * right) / rows.length)} % right`, columns };
}
