/*
 * What relprop sets out to reach, as questions to the rows of compare.mjs.
 * A ratio is the peer's time by relprop's: above 1, relprop is faster.
 */
export const ratioOf = (row, theirs, ours) =>
  row.times[theirs] && row.times[ours] ? row.times[theirs].median / row.times[ours].median : undefined;
export const batchRatio = ({ batch: { one, eight } }) => one && eight.median / one.median;
export const geometricMean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

const predict = (row) => ratioOf(row, "onnxruntime", "predict");
const explain = (row) => ratioOf(row, "onnxruntime", "epsilonPlus");
const native = (row) => ratioOf(row, "zennit epsilonPlus", "epsilonPlus");
/** Of one explanation the time by that of another, where both were measured. */
const beside = (name, other) => (row) =>
  row.times[name] && row.times[other] && row.times[name].median / row.times[other].median;
export const alpha = beside("epsilonAlpha2Beta1", "epsilonPlus");
export const twoTargets = beside("twoTargets", "epsilonPlus");
/** What an explanation takes of predictions: by attnLrp where that was measured. */
export const explained = (row) => beside("attnLrp", "predict")(row) ?? beside("epsilonPlus", "predict")(row);
const others = ["alexnet", "googlenet", "squeezenet", "mobilenet", "vgg16"];
const large = ["alexnet", "vgg16", "resnet50"];
const known = [...others, "resnet50"];
const lowest = (values) => Math.min(...values);
const highest = (values) => Math.max(...values);

/** what, of which networks, how the networks' figures become one, the bound, and whether it is a lower one. */
const goals = [
  { what: "predict against onnxruntime-web, the slowest", of: predict, keys: known, one: lowest, bound: 2.2 },
  { what: "predict against onnxruntime-web, VGG16", of: predict, keys: ["vgg16"], one: lowest, bound: 4 },
  { what: "predict against onnxruntime-web, geometric mean", of: predict, keys: known, one: geometricMean, bound: 3 },
  {
    what: "explain epsilonPlus against onnxruntime-web's predict, the slowest but ResNet50",
    of: explain,
    keys: others,
    one: lowest,
    bound: 1,
  },
  {
    what: "explain epsilonPlus against onnxruntime-web's predict, ResNet50",
    of: explain,
    keys: ["resnet50"],
    one: lowest,
    bound: 1 / 1.2,
  },
  {
    what: "explain epsilonPlus against onnxruntime-web's predict, geometric mean",
    of: explain,
    keys: known,
    one: geometricMean,
    bound: 1.15,
  },
  {
    what: "epsilonAlpha2Beta1, times epsilonPlus, the highest",
    of: alpha,
    keys: known,
    one: highest,
    bound: 1.5,
    most: true,
  },
  {
    what: "explain epsilonPlus against zennit: AlexNet, VGG16, ResNet50, the slowest",
    of: native,
    keys: large,
    one: lowest,
    bound: 2,
  },
  {
    what: "two targets of one image, times one, the highest",
    of: twoTargets,
    keys: known,
    one: highest,
    bound: 1.6,
    most: true,
  },
  { what: "batch of 8, times one, the highest", of: batchRatio, keys: known, one: highest, bound: 8, most: true },
  { what: "batch of 8, times one, AlexNet", of: batchRatio, keys: ["alexnet"], one: highest, bound: 5, most: true },
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
