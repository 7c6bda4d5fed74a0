/**
 * Sentences that depend on numbers. None says more than the intervals: what an interval does not exclude is called "not
 * shown".
 */
import { CIFAR, COMPOSITES, FACTORS } from "./networks.mjs";

const title = (key) => CIFAR[key].title;
const fixed = (v, digits = 3) => v.toFixed(digits);
const between = ({ value, low, high }) => `${fixed(value)} (${fixed(low)} to ${fixed(high)})`;

/** Whether a ratio is shown to be below or above 1. */
const shown = ({ low, high }) => (high < 1 ? "lower" : low > 1 ? "higher" : "not shown to differ");

/** Table 1 with its test: both interval and Holm's p must say so. */
const tested = ({ ratio, holm }) => (holm < 0.05 ? shown(ratio) : "not shown to differ");

const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

export function againstPaper(row) {
  const direction = {
    lower: "reproduced in direction",
    higher: "not reproduced (the other direction)",
    "not shown to differ": "not reproduced (no difference shown)",
  }[tested(row)];
  const size = row.ratio.low <= row.paperRatio && row.paperRatio <= row.ratio.high;
  return (
    `${title(row.key)}, ${row.symbol}: Taylor / identity is ${between(row.ratio)}, the paper's is ` +
    `${fixed(row.paperRatio)}: **${direction}**; the interval ${size ? "contains" : "does not contain"} the paper's ratio.`
  );
}

const modeRow = (mode) => (rows) => {
  const each = rows.map((row) => `${tested(row)} on ${title(row.key)}, ${row.symbol} (${fixed(row.ratio.value)})`);
  return `\`${mode}\` against identity: AUC ${list(each)}.`;
};

const spread = (values, digits = 2) => `${fixed(Math.min(...values), digits)} to ${fixed(Math.max(...values), digits)}`;

/** The largest |ratio − 1| of a series, and where. */
const strongest = (rows) => rows.reduce((a, b) => (Math.abs(b.ratio.value - 1) > Math.abs(a.ratio.value - 1) ? b : a));

function effectLines({ effects }) {
  return Object.keys(CIFAR).flatMap((key) =>
    COMPOSITES.map(({ name, symbol }) => {
      const rows = effects.filter((e) => e.key === key && e.composite === name);
      const away = rows
        .filter((e) => shown(e.ratio) !== "not shown to differ")
        .map((e) => `×${e.factor} (${shown(e.ratio)})`);
      const most = strongest(rows);
      return (
        `${title(key)}, ${symbol}: a difference is shown at ` +
        `${away.length > 0 ? list(away) : "no strength"}; furthest from 1 at ×${most.factor}, ` +
        `${between(most.ratio)}, where LRN amplifies ${fixed(most.amplification, 2)}-fold and accuracy is ` +
        `${fixed(most.accuracy, 2)} (intervals not corrected for their number).`
      );
    }),
  );
}

const named = (rows) =>
  list(
    rows.map(
      (e) => `${title(e.key)} ×${e.factor}, ${e.symbol} (${fixed(e.ratio.value)}, accuracy ${fixed(e.accuracy, 2)})`,
    ),
  ) || "none";

/** What all strengths together show: how often, where the other way, and where as much as in the paper. */
function strengthLine({ effects }) {
  const of = (verdict) => effects.filter((e) => shown(e.ratio) === verdict);
  const paperOf = (e) =>
    COMPOSITES.map(({ name, paper }) => name === e.composite && paper.taylor / paper.identity).find(Boolean);
  const asMuch = effects.filter((e) => e.ratio.low <= paperOf(e) && paperOf(e) <= e.ratio.high);
  const stronger =
    asMuch.length > 0 && asMuch.every((e) => e.factor > 1)
      ? ", only where the normalization is stronger than the networks were trained with"
      : "";
  return (
    `If the strength of the layer is changed, Taylor is shown to have a lower area in ${of("lower").length} ` +
    `of ${effects.length} cases (2 networks, ε and β, ${FACTORS.length} strengths), and a higher area in ` +
    `${of("higher").length}: ${named(of("higher"))}. The interval contains the paper's ratio on ` +
    `${named(asMuch)}${stronger} (intervals not corrected for their number).`
  );
}

function choiceLines({ choices }) {
  return Object.keys(CIFAR).flatMap((key) =>
    COMPOSITES.map(({ symbol }, i) => {
      const rows = choices.filter((c) => c.key === key && c.ratios[i] !== undefined);
      const of = (verdict) => rows.filter((c) => shown(c.ratios[i]) === verdict).length;
      return `${title(key)}, ${symbol}: of ${rows.length} ways to measure, ${of("lower")} show a lower area with Taylor, ${of("higher")} a higher one, ${of("not shown to differ")} no difference; ratios from ${spread(
        rows.map((c) => c.ratios[i].value),
        3,
      )} (intervals not corrected for their number).`;
    }),
  );
}

export function claims(found, strengths) {
  const taylor = found.table.filter((row) => row.mode === "taylor");
  const others = ["taylor-uniform", "unnormalised", "gradient"].map((mode) =>
    modeRow(mode)(found.table.filter((row) => row.mode === mode)),
  );
  const trained = found.effects.filter((e) => e.factor === 1);
  const directions = taylor.filter((row) => tested(row) === "lower").length;
  const sizes = taylor.filter((row) => row.ratio.low <= row.paperRatio && row.paperRatio <= row.ratio.high).length;
  const auc = (key, composite, mode) =>
    found.table.find((row) => row.key === key && row.composite === composite && row.mode === mode).auc;
  const ordered = Object.keys(CIFAR).filter(
    (key) => auc(key, "paperEpsilon", "identity") < auc(key, "paperBeta", "identity"),
  ).length;
  const everyLayer = [...Object.keys(CIFAR).map((key) => `${key} 1`), "googlenet"].flatMap(
    (name) => strengths[name].layers,
  );
  return {
    summary: [
      `Taylor is shown to have a lower AUC than identity in ${directions} of ${taylor.length} cases (2 networks, ε and β). The interval contains the paper's ratio in ${sizes} of ${taylor.length} cases. The ratios here are ${spread(
        taylor.map((row) => row.ratio.value),
        3,
      )}; the paper's are 0.956 and 0.959.`,
      `Of ${Object.keys(CIFAR).length} networks, ${ordered} have a lower AUC with ε = 0.01 than with β = 1 ` +
        `(identity), as in the paper.`,
      `At the trained strength the two rules order pixels almost alike: ρ is ${spread(
        trained.map((e) => e.spearman),
        3,
      )}, and ${spread(
        trained.map((e) => 100 * e.others),
        0,
      )} of the 100 most relevant pixels are different (medians). So the areas can hardly differ, whichever rule is better.`,
      strengthLine(found),
      ...others,
    ],
    table: taylor.map(againstPaper),
    figure: found.figures.map(({ key, curves }) => {
      const last = (order, end = "") =>
        curves.find((c) => c.order === order && (c.method ?? "").endsWith(end)).mean.at(-1);
      const first = curves[0].mean[0];
      return (
        `${title(key)}: from ${fixed(first, 2)} to ${fixed(last("morf", "taylor"), 2)} (max, Taylor), ` +
        `${fixed(last("morf", "identity"), 2)} (max, identity), ${fixed(last("random"), 2)} (rand), ` +
        `${fixed(last("minAbs", "taylor"), 2)} (minabs, Taylor) after 100 pixels. The paper's figure: from ` +
        `about 4.5 to 0.57, 1.1 and 2.9.`
      );
    }),
    strength: [
      `GoogLeNet's alpha is 1e-4, but its activations are those of a network that is fed 0 to 255: mean v_kk ` +
        `is ${list(strengths.googlenet.layers.map((l) => fixed(l.meanV, 2)))}.`,
      `The largest v_kk seen in any of these layers is ${fixed(Math.max(...everyLayer.map((l) => l.mostV)))}; ` +
        `the theory allows 1.832. Medians of the layers are ${spread(everyLayer.map((l) => l.v[0]))}.`,
    ],
    effect: effectLines(found),
    choices: choiceLines(found),
  };
}
