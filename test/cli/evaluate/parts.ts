import type { MethodPart, Part, Settings } from "../../../src/cli/evaluate/part.ts";

/** Settings of made-up results: two methods, two metrics. */
export const settings: Settings = {
  relprop: "1.2.3",
  command: "relprop evaluate net.onnx data.npy --methods first,second:lrn=taylor --metrics morf,gini --out results",
  node: "v20.0.0",
  model: { file: "net.onnx", sha256: "aa" },
  data: { path: "data.npy", kind: "npy", sha256: "bb", images: 9 },
  target: "argmax",
  methods: ["first", "second:lrn=taylor"],
  metrics: ["morf", "gini"],
  perturbation: { region: 2, replacement: { kind: "noise" } },
  pictures: 2,
  seed: 1,
  options: { radius: 0.5, preparation: undefined },
};

type Values = Readonly<Record<string, number | null>>;

/**
 * A part with these values of each method, an input that can be drawn if the number is even, and curves that start at
 * the image's number and fall by 1, by 2.
 */
export function part(image: number, values: readonly Values[], more: Partial<Part> = {}): Part {
  const methods = values.map(
    (own, i): MethodPart => ({
      method: settings.methods[i],
      values: own,
      missing: Object.fromEntries(
        Object.keys(own).flatMap((metric) => (own[metric] === null ? [[metric, "all 0"]] : [])),
      ),
      curves: { morf: [image, image - i - 1], random: [image, image] },
    }),
  );
  return {
    image,
    name: `#${image}`,
    predicted: { index: image % 2, logit: image },
    replaced: [0, 4],
    methods,
    drawn: image % 2 === 0 || undefined,
    ...more,
  };
}

/**
 * morf: means 2 and 3, the difference is 1 each time; gini: 0.5, and 0.3 where it is defined. Labels 0: one of two is
 * predicted.
 */
export const parts: readonly Part[] = [
  part(
    0,
    [
      { morf: 1, gini: 0.4 },
      { morf: 2, gini: 0.3 },
    ],
    { label: { index: 0, name: "cat" } },
  ),
  part(
    1,
    [
      { morf: 3, gini: 0.5 },
      { morf: 4, gini: null },
    ],
    { label: { index: 0, name: "cat" } },
  ),
  part(4, [
    { morf: 2, gini: 0.6 },
    { morf: 3, gini: 0.3 },
  ]),
];
