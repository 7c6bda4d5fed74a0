/**
 * The page and its plots, from the rows of the analysis. Pure: every number, and every sentence that depends on one, is
 * made here.
 */
import { linePlot } from "../../../dist/plots/index.js";
import { table } from "../../../bench/table.mjs";
import { CIFAR, COMPOSITES, GOOGLENET } from "./networks.mjs";
import { claims } from "./claims.mjs";

const title = (key) => CIFAR[key].title;
const fixed = (v, digits = 3) => (v === undefined ? "" : v.toFixed(digits));
const short = (v) =>
  v === undefined
    ? ""
    : Math.abs(v) >= 1000 || (v !== 0 && Math.abs(v) < 1e-3)
      ? v.toExponential(1)
      : `${Number(v.toPrecision(2))}`;
const between = (interval) =>
  interval === undefined ? "" : `${fixed(interval.value)} (${fixed(interval.low)} to ${fixed(interval.high)})`;
const chance = (p) => (p === undefined ? "" : p < 1e-3 ? "< 0.001" : fixed(p));

function mainTable({ table: rows }) {
  const head = [
    "network",
    "other layers",
    "LRN",
    "AUC",
    "AUC / identity",
    "p (Holm)",
    "paper: AUC",
    "paper: ratio",
    "minabs / identity",
    "|ΣR − start| / |start|",
  ];
  return table(
    head.map((h) => h.replaceAll("|", "\\|")),
    rows.map((r) => [
      title(r.key),
      r.symbol,
      r.mode,
      fixed(r.auc),
      between(r.ratio),
      chance(r.holm),
      fixed(r.paperAuc, 2),
      fixed(r.paperRatio),
      between(r.minAbsRatio),
      short(r.conservation),
    ]),
  );
}

function strengthTable(strengths) {
  const named = [
    ...Object.entries(CIFAR).map(([key, network]) => [network.title, strengths[`${key} 1`]]),
    [GOOGLENET.title, strengths.googlenet],
  ];
  const row = (name) => (l) => [
    name,
    l.layer,
    ...[l.x, l.u, l.v].map((three) => three.map(short).join(", ")),
    fixed(l.meanV),
    fixed(l.mostV),
  ];
  return table(
    ["network", "layer", "activation x_k", "u_k", "v_kk", "mean v_kk", "largest v_kk"],
    named.flatMap(([name, { layers }]) => layers.map(row(name))),
  );
}

function mapsTable(strengths) {
  const named = [
    ...Object.entries(CIFAR).map(([key, network]) => [network.title, strengths[`${key} 1`]]),
    [GOOGLENET.title, strengths.googlenet],
  ];
  return table(
    [
      "network",
      "other layers",
      "Spearman's ρ",
      "‖difference‖ / ‖identity‖",
      "others among the top 100",
      "amplification by LRN",
    ],
    named.flatMap(([name, { maps }]) =>
      maps.map((m, i) => [
        name,
        COMPOSITES[i].symbol,
        fixed(m.spearman),
        fixed(m.distance, 2),
        fixed(m.others, 2),
        fixed(m.amplification, 2),
      ]),
    ),
  );
}

function effectTable({ effects }) {
  return table(
    [
      "network",
      "strength ×",
      "accuracy",
      "mean v_kk of the two layers",
      "other layers",
      "amplification",
      "ρ",
      "others among the top 100",
      "AUC, Taylor / identity",
    ],
    effects.map((e) => [
      title(e.key),
      e.factor,
      fixed(e.accuracy, 2),
      e.meanV.map((v) => fixed(v, 2)).join(", "),
      e.symbol,
      fixed(e.amplification, 2),
      fixed(e.spearman),
      fixed(e.others, 2),
      between(e.ratio),
    ]),
  );
}

function choicesTable({ choices }) {
  return table(
    ["network", "what is different", "images", ...COMPOSITES.map(({ symbol }) => `AUC, Taylor / identity, ${symbol}`)],
    choices.map(({ key, name, images, ratios }) => [title(key), name, images, ...ratios.map(between)]),
  );
}

function photosTable({ googlenet }) {
  return table(
    ["other layers", "LRN", "AUC max", "/ identity", "photos below identity", "AUC minabs", "AUC rand"],
    googlenet.map((r) => [
      r.symbol,
      r.mode,
      fixed(r.auc, 2),
      fixed(r.ratio),
      r.mode === "identity" ? "" : `${r.below} of ${r.images}`,
      fixed(r.minAbs, 2),
      fixed(r.random, 2),
    ]),
  );
}

const ORDERS = { morf: "max", minAbs: "minabs", random: "rand" };

function figure({ key, curves }) {
  const name = ({ order, method }) =>
    [ORDERS[order], method?.replace("paperEpsilon:lrn=", "")].filter(Boolean).join(", ");
  return linePlot({
    title: `${title(key)}, ε = 0.01: the logit while pixels are replaced by noise (mean, 95 % interval)`,
    x: { label: "pixels replaced" },
    y: { label: "logit of the predicted class" },
    series: curves.map((c) => ({
      name: name(c),
      x: c.replaced,
      y: c.mean,
      low: c.low,
      high: c.high,
      dashed: c.method?.endsWith("taylor") ?? false,
    })),
  });
}

function effectPlot({ effects }, label, value) {
  const lines = Object.keys(CIFAR).flatMap((key) => COMPOSITES.map((composite) => ({ key, ...composite })));
  return linePlot({
    title: "AUC of Taylor / AUC of identity (95 % interval; below 1: Taylor finds the pixels that matter sooner)",
    x: label,
    y: { label: "AUC ratio" },
    series: lines.map(({ key, name, symbol }) => {
      const rows = effects.filter((e) => e.key === key && e.composite === name).sort((a, b) => value(a) - value(b));
      return {
        name: `${title(key)}, ${symbol}`,
        x: rows.map(value),
        y: rows.map((e) => e.ratio.value),
        low: rows.map((e) => e.ratio.low),
        high: rows.map((e) => e.ratio.high),
        points: true,
      };
    }),
  });
}

/** @returns text by file name: the page, and its plots */
export function pageOf(found, strengths, ranges) {
  const plots = new Map([
    ...found.figures.map((f) => [`studies/lrn-curves-${f.key}.svg`, figure(f)]),
    [
      "studies/lrn-effect.svg",
      effectPlot(found, { label: "amplification of |R| by the LRN layers, median" }, (e) => e.amplification),
    ],
    [
      "studies/lrn-factor.svg",
      effectPlot(found, { label: "a / bias, times the trained one", log: true }, (e) => e.factor),
    ],
  ]);
  return new Map([["lrn-study.md", text(found, strengths, ranges)], ...plots]);
}

function text(found, strengths, ranges) {
  const { accuracy, random, images, others, settings } = found;
  const said = claims(found, strengths);
  const noise = Object.entries(ranges).map(
    ([key, { low, high }]) =>
      `${title(key)} from ${low.map((v) => fixed(v, 2)).join(", ")} to ${high.map((v) => fixed(v, 2)).join(", ")}`,
  );
  return `---
title: The LRN rule, measured
---

# The LRN rule, measured

[Binder et al. 2016](https://arxiv.org/abs/1604.00825) pass relevance through local response normalization by a first-order Taylor expansion. On CIFAR-10, they report the area under the perturbation curve (AUC). It is 0.956 times (ε) and 0.959 times (β) the area that they get if relevance ignores the layer ("identity"). This page repeats the measurement on networks that anybody can get. It says what is reproduced and what is not, and it looks for the conditions under which the rule matters. \`npm run study:lrn\` writes the whole page, the numbers and the sentences about them.

## What came out

${said.summary.map((line) => `- ${line}`).join("\n")}

## Set-up

- **Networks.** \`cifar10_full\`, Caffe's own CIFAR-10 network, with LRN within a channel (3 x 3, alpha 5e-5, beta 0.75), input 0 to 255 minus the mean image, red first as Caffe's converter stores it; accuracy on the ${images} images: ${fixed(accuracy.cifar10_full.mean)}. \`alexnet_lrn_cifar10\`, LRN across channels (5, alpha 0.1, beta 0.75, bias 1 and 2), input of unit variance; accuracy ${fixed(accuracy.alexnet_lrn.mean)}. \`bvlc_googlenet\`, LRN across channels (5, 1e-4, 0.75), 0 to 255 minus the mean. The paper does not say which CIFAR-10 network it used.
- **Images.** The first ${images} (table 1, figure 2) or ${others} (all else) of CIFAR-10's test set, which neither network has seen in training. They are decoded from JPEG (RMS error about 8 grey levels). The predicted class is explained from its logit, whether it is right or wrong.
- **Other layers.** The rules are ε = 0.01 (\`paperEpsilon\`) and β = 1 (\`paperBeta\`), with the bias in the denominator.
- **LRN.** \`identity\`; \`taylor\`, which gives the zero-order term to the centre; \`taylor-uniform\`, which spreads this term over the window; \`unnormalised\`, which does not divide the terms by their sum, as in the authors' released code; \`gradient\`, which is what tools without a rule for LRN do. [The LRN guide](guides/lrn.md) has the equations.
- **Perturbation.** Single pixels (three channels together) are replaced in three orders: highest R first ("max"), random ("rand"), and smallest |R| first ("minabs"). R is summed over channels, and equal values come in the image's random order. 100 pixels are replaced, and the logit y_m is read after every ${settings.perturbation.step}th. Each is replaced by uniform noise over the pixels' range: ${noise.join("; ")}. With a mean image, the range is different at each place; we take the range with the mean of each channel. The noise and the random order of an image come from a seed of its own (65537 times its number). They are the same for all orders and methods.
- **AUC** = 1/M Σ (y_(m−1) + y_m)/2, in units of the logit; lower is better for max, and higher is better for minabs. The paper's unit is unknown, so we compare ratios, not areas.
- **Statistics.** Ratios are of means; intervals are at 95 % (BCa of 2000 bootstrap resamples of images, drawn as pairs). p is a two-sided sign-flip test of the mean paired difference (10 000 flips), corrected by Holm's method for all ${found.table.filter((r) => r.p !== undefined).length} comparisons of table 1. The intervals say what other images with other noise might give. They do not say what other training runs of a network might give.

## Table 1

${mainTable(found)}

The columns AUC are for the order max; the paper's numbers stand where the paper has them. Ratios of minabs have intervals, but no test. The last column says how much relevance is lost or added on the way, including biases; it is the median over the images. The AUC of the random order is ${Object.entries(
    random,
  )
    .map(([key, auc]) => `${fixed(auc)} (${title(key)})`)
    .join(", ")}.

${said.table.map((line) => `- ${line}`).join("\n")}

## Figure 2

${found.figures.map(({ key }) => `![${title(key)}: curves](studies/lrn-curves-${key}.svg)`).join("\n\n")}

${said.figure.map((line) => `- ${line}`).join("\n")}

## How strong the normalization is

With t_k = bias + a x_k² and u_k = a Σ_(j ≠ k) x_j² / t_k, the share that a neuron keeps is

    v_kk = 1 / (1 − 2β u (1 + u)^(−β−1))

It is 1 for u = 0 and largest (1.83 for β = 0.75) at u = 1/β = 1.33; beyond that, it falls to 1 again. So the rule can matter only where the neighbours' squares are about as large as the bias. The table is for neurons that are not 0. Where a cell has three numbers, they are the median and the 90th and 99th percentile (${strengths[`${Object.keys(CIFAR)[0]} 1`].inputs} images; GoogLeNet: ${strengths.googlenet.inputs} photos).

${strengthTable(strengths)}

The next table compares the relevance of pixels under Taylor with that under identity (medians). Amplification is Σ|R| passed / Σ|R| received, multiplied over both layers. It is 1 for identity, and at most 2.67² = 7.1.

${mapsTable(strengths)}

${said.strength.map((line) => `- ${line}`).join("\n")}

## Effect and strength

Here, a / bias of both LRN layers is multiplied by a factor, in the same networks. v depends only on this quotient. Then a and bias are scaled together so that each layer's output keeps its root mean square (on 50 other test images). Scaling both by λ scales the output by λ^−β and does not change v. Nothing is trained again, so accuracy falls where the strength is far from that of the training.

![effect against strength](studies/lrn-effect.svg)

![effect against the factor](studies/lrn-factor.svg)

${effectTable(found)}

${said.effect.map((line) => `- ${line}`).join("\n")}

## Does it depend on how it is measured

${choicesTable(found)}

${said.choices.map((line) => `- ${line}`).join("\n")}

## GoogLeNet, nine photos

This section only describes: nine photos are too few for a claim, and there is no test. To replace 100 of 50 176 pixels would change next to nothing. So regions of 16 x 16 pixels are replaced, 100 of 196, ten at a time, by noise in the photo's own range.

${photosTable(found)}

## Limits

- There are only two small networks, one training run of each, and ${images} images. The paper's network, its images and its noise are unknown. What holds here need not hold for them.
- Changing LRN without training changes what the network computes: the accuracies in the table say how far each changed network can still represent one that was trained.
- An image whose pixels are replaced by noise is unlike any that a network has seen in training, so the curve also measures the network's reaction to noise. It often rises at first, because noise can speak for a class.
- Noise and random order were drawn only once for each image ("other noise" repeats this once).

## Made by

relprop ${settings.relprop}, \`npm run study:lrn\`. It prepares inputs, networks and photos from \`RELPROP_DATA\` in \`studies/lrn\`, and there it runs these commands:

${found.commands.map((command) => `    ${command}`).join("\n")}

The other runs use the file and data of the second network, or differ in one option. \`docs/studies/lrn/runs.mjs\` has all runs as rows. \`studies/lrn/results/*/settings.json\` has each command and the hashes of network and data. Seeds are 0 unless a command has another. If you stop the study and start it again, it continues with the images that are left.
`;
}
