/*
 * What relprop sets out to reach, as questions to the rows of compare.mjs.
 * A ratio is the peer's time by relprop's: above 1, relprop is faster.
 */
import { wild } from "./networks.mjs";

export const ratioOf = (row, theirs, ours) =>
  row.times[theirs] && row.times[ours] ? row.times[theirs].median / row.times[ours].median : undefined;
export const batchRatio = ({ batch: { one, eight } }) => one && eight.median / one.median;
export const geometricMean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

const predict = (row) => ratioOf(row, "onnxruntime", "predict");
const explain = (row) => ratioOf(row, "onnxruntime", "epsilonPlus");
/** Of one explanation the time by that of another, where both were measured. */
const beside = (name, other) => (row) =>
  row.times[name] && row.times[other] && row.times[name].median / row.times[other].median;
export const alpha = beside("epsilonAlpha2Beta1", "epsilonPlus");
export const twoTargets = beside("twoTargets", "epsilonPlus");
/** What an explanation takes of predictions: by attnLrp where that was measured. */
export const explained = (row) => beside("attnLrp", "predict")(row) ?? beside("epsilonPlus", "predict")(row);
const known = ["alexnet", "googlenet", "squeezenet", "mobilenet", "vgg16", "resnet50"];
const transformers = ["minilm", "vit", "gpt2"];
const lowest = (values) => Math.min(...values);
const highest = (values) => Math.max(...values);

/** One bound for each network, the same question. */
const each = (what, of, bounds, more = {}) =>
  Object.entries(bounds).map(([key, bound]) => ({ what, of, keys: [key], one: lowest, bound, ...more }));

/** what, of which networks, how the networks' figures become one, the bound, and whether it is a lower one. */
const goals = [
  {
    what: "predict against onnxruntime-web, the slowest but AlexNet, MobileNet, VGG16",
    of: predict,
    keys: ["googlenet", "squeezenet", "resnet50"],
    one: lowest,
    bound: 2.2,
  },
  ...each("predict against onnxruntime-web", predict, { alexnet: 1.9, mobilenet: 1.7, vgg16: 4 }),
  {
    what: "predict against onnxruntime-web, published networks",
    of: predict,
    keys: Object.keys(wild),
    one: lowest,
    bound: 1,
  },
  {
    what: "predict against onnxruntime-web, published networks, geometric mean",
    of: predict,
    keys: Object.keys(wild),
    one: geometricMean,
    bound: 2,
  },
  ...each("predict against onnxruntime-web", predict, { minilm: 2, vit: 2, gpt2: 2 }),
  {
    what: "explain attnLrp, times predict, transformers",
    of: explained,
    keys: transformers,
    one: highest,
    bound: 2.6,
    most: true,
  },
  {
    what: "explain, times predict, geometric mean",
    of: explained,
    keys: [...known, ...transformers],
    one: geometricMean,
    bound: 3.2,
    most: true,
  },
  ...each("epsilonPlus against onnxruntime-web's predict", explain, {
    googlenet: 1.2,
    vgg16: 1.2,
    squeezenet: 1,
    alexnet: 0.95,
    resnet50: 0.85,
    mobilenet: 0.7,
  }),
  {
    what: "epsilonAlpha2Beta1, times epsilonPlus, the highest but MobileNet, VGG16",
    of: alpha,
    keys: ["alexnet", "googlenet", "squeezenet", "resnet50"],
    one: highest,
    bound: 1.4,
    most: true,
  },
  ...each("epsilonAlpha2Beta1, times epsilonPlus", alpha, { mobilenet: 1.6, vgg16: 1.85 }, { most: true }),
  {
    what: "two targets of one image, times one, the highest",
    of: twoTargets,
    keys: known,
    one: highest,
    bound: 1.6,
    most: true,
  },
  { what: "batch of 8, times one, the highest", of: batchRatio, keys: known, one: highest, bound: 8, most: true },
];

/**
 * Each goal with what was measured, at which network, and whether it is met; undefined where not all of its networks
 * were measured.
 */
export function judged(rows) {
  return goals.map(({ what, of, keys, one, bound, most = false }) => {
    const values = keys.map((key) => rows.find((row) => row.key === key)).map((row) => row && of(row));
    const value = values.every((v) => v !== undefined) ? one(values) : undefined;
    const at = one === geometricMean ? undefined : keys[values.indexOf(value)];
    return {
      what,
      bound,
      most,
      value,
      at,
      met: value === undefined ? undefined : most ? value <= bound : value >= bound,
    };
  });
}
