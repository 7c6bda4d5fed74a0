import fc from "fast-check";
import type { Tensor } from "../../src/entries/index.ts";
import type { FileGraph, FileTensor } from "../onnx-writer.ts";
import { Builder, makers, STYLES, type Style, styled, type Value, vector, type Wish } from "./makers.ts";

/*
 * Small random networks. Chance gives a list of wishes, and whatever the wishes are, `build` makes a network of them:
 * so a network that fails shrinks by leaving out wishes and lowering their numbers, and 0 is always the plainest there
 * is.
 */

export interface Sample {
  readonly graph: FileGraph;
  readonly x: Tensor;
}

interface Plan {
  readonly rank: number;
  readonly batch: number;
  readonly channels: number;
  readonly plane: readonly [number, number];
  readonly style: Style;
  readonly seed: number;
  readonly wishes: readonly (Wish & { readonly op: keyof typeof makers })[];
  readonly head: "none" | "dense" | "softmax" | "sigmoid";
}

/** Branches that are still open are flattened and joined; then comes the head. */
function build({ rank, batch, channels, plane, style, seed, wishes, head }: Plan): Sample {
  const dims = [batch, channels, ...plane].slice(0, rank);
  const b = new Builder(dims);
  for (const wish of wishes)
    b.attempt(() => makers[wish.op](b, b.values[Math.max(0, b.values.length - 1 - wish.from)], wish));
  if (b.nodes.length === 0) b.add("Relu", ["x"]);
  const leaves = b.leaves().filter(({ name }) => name !== "x");
  const flat = leaves.length === 1 ? leaves : leaves.map((v) => (vector(v) ? v : b.add("Flatten", [v.name])));
  const names = flat.map((v) => v.name);
  const joined = flat.length === 1 ? flat[0] : b.add("Concat", names, { axis: 1 });
  const logits =
    head === "none"
      ? joined
      : (makers.Gemm(b, joined, { size: 0, flag: false, style, seed: seed + 1 } as Wish) as Value);
  const end =
    head === "none" || head === "dense" ? logits : b.add(head === "softmax" ? "Softmax" : "Sigmoid", [logits.name]);
  const { nodes, initializers } = b;
  const graph = { nodes, initializers, inputs: { x: ["n", ...dims.slice(1)] }, outputs: { [end.name]: [] } };
  return described({ graph, x: { dims, data: styled(dims, style, seed) } }, `x [${dims}] = ${style} #${seed}`);
}

/** Prints as the list of its nodes. */
function described(sample: Sample, input: string): Sample {
  const { nodes, initializers = {} } = sample.graph;
  const shown = (name: string) => {
    const constant = initializers[name] as (FileTensor & { recipe: string }) | undefined;
    return constant ? `${name} [${constant.dims}] = ${constant.recipe}` : name || "-";
  };
  const lines = nodes.map(
    ({ type, inputs, outputs, attributes }) =>
      `${outputs[0]} = ${type}(${inputs.map(shown).join("; ")}) ${JSON.stringify(attributes)}`,
  );
  return Object.assign(sample, { [fc.toStringMethod]: () => `\n  ${[input, ...lines].join("\n  ")}\n` });
}

/** What is drawn as often again as everything else together. */
const OFTEN = [
  ...(["Conv", "Conv", "Conv", "Conv", "Conv", "Conv", "Conv", "Conv", "Gemm", "Gemm", "LRN", "LRN"] as const),
  ...([
    "BatchNormalization",
    "BatchNormalization",
    "BatchNormalization",
    "BatchNormalization",
    "Mul",
    "AddConstant",
    "AddConstant",
  ] as const),
  ...(["Add", "Concat", "MaxPool", "Relu"] as const),
];

const small = (max: number) => fc.nat(max);
const wish = fc.record({
  op: fc.constantFrom(...(Object.keys(makers) as (keyof typeof makers)[]), ...OFTEN),
  from: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: small(3) }),
  beside: small(3),
  kernel: fc.tuple(small(2), small(2)),
  stride: fc.tuple(small(1), small(1)),
  pads: fc.oneof(fc.constant([0, 0, 0, 0] as const), fc.tuple(small(2), small(2), small(2), small(2))),
  dilation: small(1),
  group: small(2),
  size: small(7),
  flag: fc.boolean(),
  style: fc.constantFrom(...STYLES),
  seed: small(999),
});

/** Networks of one to eight layers and a head, and their inputs. */
export const samples: fc.Arbitrary<Sample> = fc
  .record<Plan>({
    rank: fc.constantFrom(4, 4, 4, 3, 2),
    batch: fc.integer({ min: 1, max: 3 }),
    channels: fc.constantFrom(1, 2, 3, 4, 5, 9),
    plane: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 6 })),
    style: fc.constantFrom(...STYLES),
    seed: small(999),
    wishes: fc.array(wish, { minLength: 1, maxLength: 8, size: "max" }),
    head: fc.constantFrom("none", "dense", "softmax", "sigmoid"),
  })
  .map(build);
