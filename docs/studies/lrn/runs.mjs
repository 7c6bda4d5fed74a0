/** The runs of the study, as rows. */
import { evaluate } from "../evaluate.mjs";
import { networkFile } from "./data.mjs";
import { CIFAR, COMPOSITES, FACTORS, MODES } from "./networks.mjs";

/** `paperEpsilon:lrn=taylor` */
export const methodOf = (composite, mode, more = "") => `${composite}${more}:lrn=${mode}`;

const methods = (modes) => COMPOSITES.flatMap(({ name }) => modes.map((mode) => methodOf(name, mode)));
const PAIR = methods(["identity", "taylor"]);

/** ε over the paper's, and far under what activations are. */
export const EPSILONS = [1, 1e-6];
const epsilonMethods = EPSILONS.flatMap((e) =>
  ["identity", "taylor"].map((mode) => methodOf("paperEpsilon", mode, `:epsilon=${e}`)),
);

const noise = ({ low, high }) => `noise:low=${low.join("/")}:high=${high.join("/")}`;

/** What the runs on a network for CIFAR-10 have in common. */
const usualOf = (key, ranges, images) => ({
  images,
  model: `${key}.onnx`,
  data: `${key}-unseen.npy`,
  methods: PAIR,
  metrics: "morf",
  step: 5,
  flips: 20,
  replacement: noise(ranges[key]),
});

const EVERYTHING = { methods: methods(MODES), metrics: "morf,minAbs,random,conservation" };

/** How runs differ from the usual one, beside the strength of LRN. */
const choices = (key) => [
  { id: `${key}-probability`, score: "probability" },
  { id: `${key}-own-range`, replacement: "noise" },
  { id: `${key}-mean`, replacement: "mean" },
  { id: `${key}-seed`, seed: 1 },
  { id: `${key}-lossless`, data: `${key}-lossless.npy` },
  { id: `${key}-epsilon`, methods: epsilonMethods },
];

const PHOTOS = {
  id: "googlenet",
  images: 9,
  model: "googlenet.onnx",
  data: "photos",
  preset: "caffe",
  ...EVERYTHING,
  region: 16,
  step: 10,
  flips: 10,
  replacement: "noise",
};

/** Every run. `ranges` as `prepareData` gives them; `images` of the tables, `others` of all other runs on CIFAR-10. */
export function runsOf(ranges, { images, others }) {
  const keys = Object.keys(CIFAR);
  const usual = (key) => usualOf(key, ranges, others);
  const changed = FACTORS.filter((factor) => factor !== 1);
  return [
    ...keys.map((key) => ({ ...usual(key), id: `${key}-table`, images, ...EVERYTHING })),
    ...keys.flatMap((key) =>
      changed.map((factor) => ({ ...usual(key), id: strengthRun(key, factor), model: networkFile(key, factor) })),
    ),
    ...keys.flatMap((key) => choices(key).map((choice) => ({ ...usual(key), ...choice }))),
    PHOTOS,
  ];
}

/** The run of that strength: unchanged, it is the one of the tables. */
export const strengthRun = (key, factor) => (factor === 1 ? `${key}-table` : `${key}-x${factor}`);

/** Makes a run in that folder, or what is missing of it. @returns its results.json */
export function run({ id, model, data, methods, ...rest }, folder) {
  return evaluate(model, data, `results/${id}`, { methods: methods.join(","), pictures: 0, ...rest }, folder);
}
