/** From results of runs to the rows of the page's tables. Pure. */
import { areaUnder, bootstrap, mean, pairedTest } from "../../../dist/evaluate/index.js";
import { holm } from "../../../build/js/cli/evaluate/holm.js";
import { CIFAR, COMPOSITES, FACTORS, MODES } from "./networks.mjs";
import { strengthRun, EPSILONS, methodOf } from "./runs.mjs";

const PIXELS = [20, 50];

const all = () => true;

/** What a metric of a method is on every image, or on those that `keep` lets through. */
function valuesOf({ settings, images }, method, metric, keep = all) {
  const at = settings.methods.indexOf(method);
  return images.filter(keep).map((image) => image.methods[at].values[metric]);
}

/** The area under the first part of the curve, up to that many pixels. */
function areasOf({ settings, images }, method, pixels) {
  const at = settings.methods.indexOf(method);
  return images.map((image) =>
    areaUnder({ values: image.methods[at].curves.morf.slice(0, 1 + image.replaced.indexOf(pixels)) }),
  );
}

/** mean(a) / mean(b), with images drawn again as pairs. */
export function ratioOf(a, b) {
  const pairs = a.map((v, i) => [v, b[i]]);
  return bootstrap(pairs, (some) => mean(some.map(([v]) => v)) / mean(some.map(([, w]) => w)));
}

const medianOf = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Table 1 of one network: every mode beside identity. */
function tableOf(key, result) {
  return COMPOSITES.flatMap(({ name, symbol, paper }) => {
    const identity = methodOf(name, "identity");
    return MODES.map((mode) => {
      const method = methodOf(name, mode);
      const [own, base] = [method, identity].map((m) => valuesOf(result, m, "morf"));
      const compared = mode === "identity" ? {} : { ratio: ratioOf(own, base), p: pairedTest(own, base).p };
      const least = valuesOf(result, method, "minAbs");
      return {
        key,
        composite: name,
        symbol,
        mode,
        method,
        ...compared,
        auc: mean(own),
        paperRatio: mode === "taylor" ? paper.taylor / paper.identity : undefined,
        paperAuc: paper[mode],
        minAbs: mean(least),
        minAbsRatio: mode === "identity" ? undefined : ratioOf(least, valuesOf(result, identity, "minAbs")),
        conservation: medianOf(valuesOf(result, method, "conservation").filter((v) => v !== null)),
      };
    });
  });
}

/** p of every row that has one, by Holm's method over all of them. */
function withHolm(rows) {
  const adjusted = holm(rows.flatMap(({ p }) => (p === undefined ? [] : [p])));
  let next = 0;
  return rows.map((row) => (row.p === undefined ? row : { ...row, holm: adjusted[next++] }));
}

const taylorRatio = (result, composite, { more = "", keep = all } = {}) =>
  ratioOf(...["taylor", "identity"].map((mode) => valuesOf(result, methodOf(composite, mode, more), "morf", keep)));

const right = ({ label, predicted }) => label.index === predicted.index;

/** How Taylor / identity comes out under other choices. */
function choicesOf(key, results) {
  const base = results[`${key}-table`];
  const both = (name, ratio) => ({ key, name, ratios: COMPOSITES.map((composite) => ratio(composite.name)) });
  const other = (name, id) => ({
    ...both(name, (composite) => taylorRatio(results[`${key}-${id}`], composite)),
    images: results[`${key}-${id}`].images.length,
  });
  const part = (name, keep) => ({
    ...both(name, (composite) => taylorRatio(base, composite, { keep })),
    images: base.images.filter(keep).length,
  });
  const pixels = (count) => ({
    ...both(`area up to ${count} pixels`, (composite) =>
      ratioOf(...["taylor", "identity"].map((mode) => areasOf(base, methodOf(composite, mode), count))),
    ),
    images: base.images.length,
  });
  const epsilon = (e) => {
    const result = results[`${key}-epsilon`];
    return {
      key,
      name: `ε = ${e}`,
      ratios: [taylorRatio(result, "paperEpsilon", { more: `:epsilon=${e}` }), undefined],
      images: result.images.length,
    };
  };
  return [
    part("as in table 1", all),
    part("images that the network gets right", right),
    part("images that it gets wrong", (image) => !right(image)),
    ...PIXELS.map(pixels),
    other("score: probability", "probability"),
    other("noise in the image's own range", "own-range"),
    other("the image's mean instead of noise", "mean"),
    other("other noise (seed 1)", "seed"),
    other("lossless images of the training set", "lossless"),
    ...EPSILONS.map(epsilon),
  ];
}

/** The effect beside the strength, for every factor. */
function effectsOf(key, results, strengths) {
  return FACTORS.flatMap((factor) => {
    const [result, strength] = [results[strengthRun(key, factor)], strengths[`${key} ${factor}`]];
    return COMPOSITES.map(({ name, symbol }, i) => ({
      key,
      factor,
      composite: name,
      symbol,
      accuracy: result.summary.accuracy.mean,
      images: result.images.length,
      meanV: strength.layers.map((layer) => layer.meanV),
      ...strength.maps[i],
      ratio: taylorRatio(result, name),
    }));
  });
}

/** The curves of figure 2, with bands: from the summary of the run. */
function figureOf(key, { summary }) {
  const { name } = COMPOSITES[0];
  const row = ({ order, method }) =>
    order === "random" || [methodOf(name, "identity"), methodOf(name, "taylor")].includes(method);
  return { key, curves: summary.curves.filter(row) };
}

/** The runs whose commands the page has: one of each kind. */
const SHOWN = ["-table", "-x10", "-probability", "googlenet"];

/** @param results by id of the run; @param strengths by "network factor" */
export function analysed(results, strengths) {
  const keys = Object.keys(CIFAR);
  return {
    table: withHolm(keys.flatMap((key) => tableOf(key, results[`${key}-table`]))),
    random: Object.fromEntries(
      keys.map((key) => [key, mean(valuesOf(results[`${key}-table`], methodOf("paperEpsilon", "identity"), "random"))]),
    ),
    accuracy: Object.fromEntries(keys.map((key) => [key, results[`${key}-table`].summary.accuracy])),
    figures: keys.map((key) => figureOf(key, results[`${key}-table`])),
    effects: keys.flatMap((key) => effectsOf(key, results, strengths)),
    choices: keys.flatMap((key) => choicesOf(key, results)),
    googlenet: googlenetOf(results.googlenet),
    commands: SHOWN.map((run) => results[`${keys[0]}${run}`] ?? results[run]).map(({ settings }) => settings.command),
    settings: results[`${keys[0]}-table`].settings,
    images: results[`${keys[0]}-table`].images.length,
    others: results[`${keys[0]}-mean`].images.length,
  };
}

/** The nine photos: means, in how many of them the area is below identity's, and no test. */
function googlenetOf(result) {
  return COMPOSITES.flatMap(({ name, symbol }) =>
    MODES.map((mode) => {
      const [own, base] = [mode, "identity"].map((m) => valuesOf(result, methodOf(name, m), "morf"));
      return {
        symbol,
        mode,
        auc: mean(own),
        ratio: mean(own) / mean(base),
        below: own.filter((v, i) => v < base[i]).length,
        minAbs: mean(valuesOf(result, methodOf(name, mode), "minAbs")),
        random: mean(valuesOf(result, methodOf(name, mode), "random")),
        images: own.length,
      };
    }),
  );
}
