import { describe, expect, it } from "vitest";
import { load, type Model } from "../../src/entries/index.ts";
import { spearman } from "../../src/evaluate/index.ts";
import { relativeError, dataFile, hasData } from "../data.ts";
import { fileGraph } from "../file-graph.ts";
import { type FileGraph, type FileNode, type FileTensor, MICROSOFT, onnx } from "../onnx-writer.ts";
import { floats, integers } from "../ops/quantised-cases.ts";
import { installed, ortOutputs } from "../ort.ts";

/*
 * Real networks, quantised here in each of the spellings that exporters have, against onnxruntime-web, and their maps
 * against those of the network of floats.
 */

type Given = Readonly<{ dims: readonly number[]; data: Float32Array | BigInt64Array }>;
type Weight = Readonly<{ dims: readonly number[]; data: Float32Array }>;

/** A weight as integers with one scale for each output. @param axis of the outputs */
function rounded({ dims, data }: Weight, axis: number) {
  const inner = dims.slice(axis + 1).reduce((product, d) => product * d, 1);
  const most = new Float32Array(dims[axis]);
  const at = (i: number) => Math.floor(i / inner) % dims[axis];
  data.forEach((v, i) => {
    most[at(i)] = Math.max(most[at(i)], Math.abs(v));
  });
  const scale = most.map((v) => (v || 1) / 127);
  return { q: Array.from(data, (v, i) => Math.round(v / scale[at(i)])), scale };
}

/** Writes a layer with a constant weight in another way; undefined: it stays. */
type Spelling = (
  node: FileNode,
  weight: Weight,
  set: (part: string, value: FileTensor) => string,
  range: (name: string) => readonly [number, number],
) => readonly FileNode[] | undefined;

const isTransposed = ({ attributes = {} }: FileNode) => attributes.transB === 1;
const axisOf = (node: FileNode) => (node.type === "Conv" || isTransposed(node) ? 0 : 1);

/** A DequantizeLinear in the place of the weight. */
const weights: Spelling = (node, weight, set) => {
  const axis = axisOf(node);
  const { q, scale } = rounded(weight, axis);
  const inputs = [set("q", integers("int8", weight.dims, q)), set("s", floats([scale.length], ...scale))];
  const [own] = node.outputs;
  return [
    { type: "DequantizeLinear", inputs, outputs: [`${own}:w`], attributes: { axis } },
    { ...node, inputs: [node.inputs[0], `${own}:w`, ...node.inputs.slice(2)] },
  ];
};

/** The same, with activations rounded by the range that one run has shown. */
const pairs: Spelling = (node, weight, set, range) => {
  const [low, high] = range(node.inputs[0]);
  const scale = Math.fround((high - low) / 255 || 1);
  const parameters = [set("xs", floats([], scale)), set("xz", integers("uint8", [], [Math.round(-low / scale)]))];
  const [q, d] = ["xq", "xd"].map((part) => `${node.outputs[0]}:${part}`);
  const [dequantize, layer] = weights(node, weight, set, range)!;
  return [
    dequantize,
    { type: "QuantizeLinear", inputs: [node.inputs[0], ...parameters], outputs: [q] },
    { type: "DequantizeLinear", inputs: [q, ...parameters], outputs: [d] },
    { ...layer, inputs: [d, ...layer.inputs.slice(1)] },
  ];
};

/** Integers that are scaled behind the layer, as onnxruntime's quantize_dynamic has them. */
const dynamic: Spelling = (node, weight, set) => {
  if (node.type === "Gemm") return undefined;
  const [own] = node.outputs;
  const name = (part: string) => `${own}:${part}`;
  const isConv = node.type === "Conv";
  const { q, scale } = rounded(weight, axisOf(node));
  const most = scale.reduce((a, b) => Math.max(a, b), 0);
  // One scale for a convolution, as it is written there.
  const one = isConv ? Array.from(weight.data, (v) => Math.round(v / most)) : q;
  const zero = set("z", integers("int8", [], [0]));
  const type = isConv ? "ConvInteger" : "MatMulInteger";
  const bias = node.inputs[2];
  const attributes = isConv ? node.attributes : {};
  return [
    { type: "DynamicQuantizeLinear", inputs: [node.inputs[0]], outputs: ["xq", "xs", "xz"].map(name) },
    {
      type,
      inputs: [name("xq"), set("q", integers("int8", weight.dims, one)), name("xz"), zero],
      outputs: [name("i")],
      attributes,
    },
    { type: "Cast", inputs: [name("i")], outputs: [name("f")], attributes: { to: 1 } },
    {
      type: "Mul",
      inputs: [name("xs"), set("s", isConv ? floats([], most) : floats([scale.length], ...scale))],
      outputs: [name("m")],
    },
    { type: "Mul", inputs: [name("f"), name("m")], outputs: [bias ? name("y") : own] },
    ...(bias
      ? [
          {
            type: "Reshape",
            inputs: [bias, set("d", { dims: [4], data: [1, -1, 1, 1] })],
            outputs: [name("b")],
          },
          { type: "Add", inputs: [name("y"), name("b")], outputs: [own] },
        ]
      : []),
  ];
};

/** MatMulNBits of 8 bits in blocks of 16. */
const blocks: Spelling = (node, { dims: [k, n], data }, set) => {
  if (node.type !== "MatMul") return undefined;
  const [block, count] = [16, Math.ceil(k / 16)];
  const scale = new Float32Array(n * count);
  for (let i = 0; i < k * n; i++) {
    const at = (i % n) * count + Math.floor(i / n / block);
    scale[at] = Math.max(scale[at], Math.abs(data[i]) / 127);
  }
  const q = new Array<number>(n * count * block).fill(128);
  for (let i = 0; i < k * n; i++) {
    const [row, o] = [Math.floor(i / n), i % n];
    q[o * count * block + row] = 128 + Math.round(data[i] / (scale[o * count + Math.floor(row / block)] || 1));
  }
  const inputs = [
    node.inputs[0],
    set("q", integers("uint8", [n, count, block], q)),
    set("s", floats([n * count], ...scale)),
  ];
  return [
    { ...node, type: "MatMulNBits", domain: MICROSOFT, inputs, attributes: { K: k, N: n, bits: 8, block_size: block } },
  ];
};

/** The file with every layer of a constant weight in this spelling. */
function spelled(graph: ReturnType<typeof fileGraph>, by: Spelling, range: Parameters<Spelling>[3]): FileGraph {
  const initializers = { ...graph.initializers };
  const nodes = graph.nodes.flatMap((node) => {
    const weight = initializers[node.inputs[1]];
    const isLayer = ["MatMul", "Conv", "Gemm"].includes(node.type) && weight?.data instanceof Float32Array;
    if (!isLayer || (node.type === "MatMul" && weight.dims.length !== 2)) return [node];
    const set = (part: string, value: FileTensor) => {
      initializers[`${node.outputs[0]}:${part}`] = value;
      return `${node.outputs[0]}:${part}`;
    };
    return by(node, weight as Weight, set, range) ?? [node];
  });
  return { ...graph, nodes, initializers };
}

/** A smooth picture. */
function waves(dims: readonly number[], most: number): Given {
  const width = Math.max(...dims);
  const count = dims.reduce((product, d) => product * d, 1);
  const data = Float32Array.from({ length: count }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return (most / 2) * (1 + Math.sin(row / 5) * Math.cos(column / 4 + row / 40));
  });
  return { dims, data };
}

/** A node of opset 11 in the words of opset 17: axes are an input. */
function ofToday(node: FileNode, initializers: Record<string, FileTensor>): FileNode {
  const axes = node.type === "Unsqueeze" && node.attributes?.axes;
  if (!axes) return node;
  const name = `${node.outputs[0]}:axes`;
  initializers[name] = { dims: [(axes as number[]).length], data: axes as number[] };
  return { ...node, inputs: [...node.inputs, name], attributes: {} };
}

const ids = (values: readonly number[]) => ({ dims: [1, values.length], data: BigInt64Array.from(values, BigInt) });

const composites = ["attnLrp", "epsilonPlus", "epsilon"];

/** The networks, what each is given, and under which composites the relevance of the first input is compared. */
const files: readonly Readonly<{ file: string; given: Readonly<Record<string, Given>>; composites: string[] }>[] = [
  {
    file: "models/vit_tiny_mnist/vit_tiny_mnist_opset17.onnx",
    given: { input: waves([1, 1, 28, 28], 1) },
    composites: [...composites, "gradient"],
  },
  {
    file: "models/resnet8_cifar10/resnet8_cifar10.onnx",
    given: { input_1: waves([1, 3, 32, 32], 255) },
    composites: [...composites, "gradient"],
  },
  {
    file: "wild/distilbert_optimum.onnx",
    given: {
      input_ids: ids([101, 2023, 3185, 2003, 2307, 999, 7592, 102]),
      attention_mask: ids([1, 1, 1, 1, 1, 1, 1, 1]),
    },
    // Behind LayerNormalization, the gradients of a word's two features come to exactly 0.
    composites,
  },
];
const spellings = { weights, pairs, dynamic, blocks };

describe.runIf(hasData && installed)("networks that are quantised here", () => {
  it.each(files)("$file", async ({ file, given, composites }) => {
    const read = fileGraph(dataFile(file));
    const initializers = { ...read.initializers };
    const graph = { ...read, nodes: read.nodes.map((node) => ofToday(node, initializers)), initializers };
    const entering = graph.nodes
      .filter(({ type }) => ["MatMul", "Conv", "Gemm"].includes(type))
      .map(({ inputs }) => inputs[0])
      .filter((name) => !(name in given));
    const seen = { ...graph, outputs: Object.fromEntries(entering.map((name) => [name, null])) };
    const values = { ...given, ...(await ortOutputs(onnx(seen, 17), given)) };
    const range = (of: string): readonly [number, number] => {
      const data = values[of].data as Float32Array;
      return [data.reduce((a, b) => Math.min(a, b), 0), data.reduce((a, b) => Math.max(a, b), 0)];
    };
    using float = await load(dataFile(file));
    const [first] = Object.keys(given);
    const target = float.explain(given).targets[0][0].index as number;
    const mapOf = (model: Model, composite: string) =>
      model.explain(given, { composite, target }).inputs[first].data as Float32Array;
    const maps = composites.map((composite) => mapOf(float, composite));
    for (const [spelling, by] of Object.entries(spellings)) {
      // It is for products of matrices alone.
      if (by === blocks && graph.nodes.every(({ type }) => type !== "MatMul")) continue;
      const bytes = onnx(spelled(graph, by, range), 17);
      using model = await load(bytes);
      const [wanted] = Object.values(await ortOutputs(bytes, given));
      const off = relativeError(model.predict(given).output.data as Float32Array, wanted.data as Float32Array);
      const rhos = composites.map((composite, i) => spearman(mapOf(model, composite), maps[i]));
      const said = composites.map((composite, i) => `${composite} ${rhos[i].toFixed(4)}`).join(", ");
      console.log(`  ${file}, ${spelling}: output off by ${off.toExponential(1)}, rank correlation of maps: ${said}`);
      expect(off).toBeLessThan(2e-2);
      // Where rounding opens or closes a rectifier, gradients and signed relevance change.
      expect(Math.min(...rhos)).toBeGreaterThan(0.4);
      expect(rhos[composites.indexOf("epsilonPlus")]).toBeGreaterThan(0.85);
    }
  });
});
