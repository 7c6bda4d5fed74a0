import { afterEach, expect, test, vi } from "vitest";
import { load } from "../../src/entries/index.ts";
import { costOf } from "../../src/evaluate/cost.ts";
import { evaluate, parametrisedLayers, type SharedOptions } from "../../src/evaluate/index.ts";
import { Model } from "../../src/model/model.ts";
import { chain } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const bytes = chain(
  ["n", 2, 7, 5],
  [
    { type: "Conv", parameters: [tensor([3, 2, 3, 3], 1)] },
    { type: "Relu" },
    { type: "Flatten" },
    { type: "Gemm", parameters: [tensor([45, 4], 2)] },
  ],
);
const image = { ...tensor([1, 2, 7, 5], 3), batchAxis: 0 };

const composites = [{ method: "epsilonPlus" }, { method: "gradient" }];
const many = [
  { method: "epsilon" },
  { method: "gradientTimesInput" },
  { method: "integratedGradients" },
  { method: "smoothGrad", samples: 3 },
  { method: "occlusion", window: [3, 2], strides: [2, 2] },
];

test.each<[string, SharedOptions]>([
  ["nothing to follow", { methods: composites, metrics: ["gini", "conservation"] }],
  ["methods that take several runs", { methods: many, metrics: ["gini"] }],
  ["curves", { methods: composites, metrics: ["morf", "aopc", "lerf", "minAbs"] }],
  ["the curve of the random order", { methods: composites, metrics: ["random", "relevanceGain"] }],
  ["regions and steps", { methods: composites, metrics: ["lerf"], perturbation: { region: 3, step: 2, steps: 20 } }],
  ["few steps", { methods: composites, metrics: ["lerf"], perturbation: { steps: 5 } }],
  ["inputs nearby", { methods: many, metrics: ["maxSensitivity", "localLipschitz"], sensitivity: { radius: 0.1 } }],
  [
    "some inputs nearby",
    { methods: composites, metrics: ["localLipschitz"], sensitivity: { radius: 0.1, samples: 2 } },
  ],
  ["time", { methods: many, metrics: ["time"] }],
  ["random networks", { methods: composites, metrics: ["parameterRandomisation"], randomisation: { draws: 2 } }],
  ["as many as there are", { methods: many, metrics: ["parameterRandomisation", "time", "morf"] }],
])("runs of the network are counted before they are made: %s", async (_, options) => {
  using model = await load(bytes);
  const { length: layers } = await parametrisedLayers(bytes);
  const loads = vi.fn(load);
  const [predictions, explanations] = [vi.spyOn(Model.prototype, "predict"), vi.spyOn(Model.prototype, "explainEach")];
  await evaluate(model, image, {
    ...options,
    batch: 1,
    network: { source: bytes, load: loads },
  });
  expect(costOf(image, layers, options)).toEqual({
    predictions: predictions.mock.calls.length,
    explanations: explanations.mock.calls.length,
    loads: loads.mock.calls.length,
  });
});
