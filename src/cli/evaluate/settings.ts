import { createHash } from "node:crypto";
import { metrics, type SharedOptions } from "../../evaluate/index.ts";
import { LrpError, type Preparation } from "../../entries/index.ts";
import { misuse } from "../../base/error.ts";
import { listed } from "../layout.ts";
import { didYouMean } from "../nearest.ts";
import { optionExample } from "../option.ts";
import { inGroup, type OptionName, options, type Values } from "../options.ts";
import type { Dataset } from "./dataset.ts";
import type { Settings } from "./part.ts";
import { methodsOf, replacementOf } from "./spec.ts";

/** What of the options is no part of the result. */
const PRACTICAL: readonly OptionName[] = [
  "workers",
  "shard",
  "shards",
  ...inGroup("queue"),
  "out",
  ...inGroup("model"),
  "help",
];

/** The names of `--metrics`. */
function metricsOf(list: string): string[] {
  const known = metrics.map(({ name }) => name);
  const names = list.split(",").map((name) => name.trim());
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice) throw misuse("option '--metrics'", `it has '${twice}' twice`);
  const strange = names.filter((name) => !known.includes(name));
  if (strange.length === 0) return names;
  throw new LrpError(
    "usage",
    strange.map((name) => ({
      where: "option '--metrics'",
      expected: "a metric",
      received: `'${name}'`,
      fix: didYouMean(name, known) ?? "'relprop metrics' lists them.",
    })),
  );
}

const MOST_METHODS = 40;

/** What `evaluate` takes, as the options say it. */
export function evaluationOf(values: Values): SharedOptions {
  const { region = 1, step = 1, flips = 100, score = "logit", replacement = "noise", radius, seed = 0 } = values;
  const [methods, names] = [methodsOf(values.methods!), metricsOf(values.metrics!)];
  if (methods.length > MOST_METHODS)
    throw misuse("option '--methods'", `it has ${methods.length} methods, and a plot can hold ${MOST_METHODS}`);
  const rows = metrics.filter(({ name }) => names.includes(name));
  const masked = rows.filter((row) => row.needs.includes("mask")).map(({ name }) => name);
  if (rows.some((row) => row.needs.includes("explainer")) && radius === undefined)
    throw misuse(
      "option '--radius'",
      "maxSensitivity and localLipschitz need it: how far they move each number of an input, in the network's units",
      `For example: --radius ${optionExample(options.radius)}`,
    );
  if (masked.length > 0)
    throw misuse(
      "option '--metrics'",
      `it has metrics that need masks (${listed(masked)}), and data of the command line has none`,
      "In a program, pool.evaluate of relprop/pool takes masks.",
    );
  return {
    methods,
    metrics: names,
    classAxis: values["class-axis"],
    perturbation: { region, step, steps: flips, replacement: replacementOf(replacement), score },
    sensitivity: radius === undefined ? undefined : { radius },
    randomisation: { seed },
  };
}

const quoted = (text: string) => (/^[\w./:=,@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** The command line that gives these results again. */
function commandOf(paths: readonly string[], values: Values): string {
  const words = (Object.keys(options) as OptionName[])
    .filter((name) => values[name] !== undefined && !PRACTICAL.includes(name))
    .flatMap((name) => (values[name] === true ? [`--${name}`] : [`--${name}`, String(values[name])]));
  return ["relprop", "evaluate", ...paths, ...words, "--out", "DIR"].map(quoted).join(" ");
}

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What is measured, and on what. */
export interface Study {
  readonly paths: readonly [model: string, data: string];
  readonly values: Values;
  readonly version: string;
  readonly modelHash: string;
  readonly dataset: Dataset;
  readonly evaluation: SharedOptions;
  readonly preparation?: Preparation;
}

/** How many images, and of how many there are pictures, unless it is said. */
const PICTURES = 8;

/** @throws LrpError code "usage" for more images than there are */
export function settingsOf({ paths, values, version, modelHash, dataset, evaluation, preparation }: Study): Settings {
  const images = values.images ?? dataset.count;
  if (images > dataset.count)
    throw misuse("option '--images'", `the data has ${dataset.count} images, fewer than ${images}`);
  const elsewhere: readonly string[] = [...PRACTICAL, ...inGroup("picture"), ...inGroup("evaluate"), "seed", "target"];
  const rest = Object.entries(values).filter(([name]) => !elsewhere.includes(name) || name === "radius");
  return Object.freeze({
    relprop: version,
    command: commandOf(paths, values),
    node: process.version,
    model: { file: paths[0], sha256: modelHash },
    data: { path: paths[1], kind: dataset.kind, sha256: dataset.sha256, images },
    target: values.target ?? "argmax",
    methods: evaluation.methods.map(({ label }) => label!),
    metrics: [...evaluation.metrics],
    perturbation: evaluation.perturbation!,
    pictures: Math.min(values.pictures ?? PICTURES, images),
    seed: values.seed ?? 0,
    // A limit changes no result.
    options: { ...Object.fromEntries(rest), preparation: preparation && { ...preparation, maxPixels: undefined } },
  });
}
