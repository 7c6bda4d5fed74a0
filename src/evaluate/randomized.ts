import { misuse } from "../base/error.ts";
import { type Graph, type Node, producers } from "../graph/graph.ts";
import type { Network } from "../read/network.ts";
import { open, type Source } from "../read/open.ts";
import type { LoadOptions } from "../model/options.ts";
import { type Constant, isFloat } from "../base/tensor.ts";
import { checkNames, checkWhole } from "./check.ts";
import { shuffled } from "./random.ts";

/** A layer, and the names of its constants. */
interface Parametrised {
  readonly node: Node;
  readonly constants: readonly string[];
}

/** Operators with parameters that are learned. */
const LEARNING = new Set([
  "Conv",
  "ConvTranspose",
  "Gemm",
  "MatMul",
  "BatchNormalization",
  "InstanceNormalization",
  "GroupNormalization",
  "LayerNormalization",
  "PRelu",
]);

/** Constants of the graph, those of Constant nodes among them. */
function constantsOf({ nodes, constants }: Graph): Map<string, Constant> {
  const own = nodes.filter((node) => node.type === "Constant");
  return new Map([
    ...constants,
    ...own.map((node) => [node.outputs[0], (node.attributes as { value: Constant }).value] as const),
  ]);
}

/**
 * Layers with parameters of their own, from the output down. Parameters that are read twice belong to the layer nearer
 * to the output.
 */
function layersOf(graph: Graph): Parametrised[] {
  const [constants, by] = [constantsOf(graph), producers(graph)];
  // Weights may pass a transposition or a reshape before a layer reads them.
  const fixed = new Set(constants.keys());
  for (const { inputs, outputs } of graph.nodes) {
    const read = inputs.filter(Boolean);
    const isFixed = read.length > 0 && read.every((name) => fixed.has(name));
    if (isFixed) for (const name of outputs.filter(Boolean)) fixed.add(name);
  }
  const seen = new Set<string>();
  /** The constants behind what a layer reads, unless one nearer to the output has met them. */
  const sources = ({ inputs }: Node): string[] => {
    const found: string[] = [];
    const open = [...inputs].reverse();
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (!fixed.has(name) || seen.has(name)) continue;
      seen.add(name);
      if (constants.has(name)) found.push(name);
      else for (const input of [...by.get(name)!.inputs].reverse()) open.push(input);
    }
    return found;
  };
  const isLearned = (name: string): boolean => {
    const { type, data } = constants.get(name)!;
    return isFloat(type) && data.length > 1;
  };
  return [...graph.nodes]
    .reverse()
    .filter((node) => LEARNING.has(node.type))
    .map((node) => ({ node, constants: sources(node).filter(isLearned) }))
    .filter((layer) => layer.constants.length > 0);
}

type OpenOptions = Pick<LoadOptions, "externalData">;

/**
 * The names of the layers that have learned parameters, from the output down: Conv, ConvTranspose, Gemm, MatMul, PRelu,
 * normalizations.
 * @throws LrpError as `load`, for a source that is no network
 */
export async function parametrisedLayers(source: Source, options: OpenOptions = {}): Promise<readonly string[]> {
  checkNames("parametrisedLayers", options, ["externalData"]);
  return layersOf(await open(source, options)).map(({ node }) => node.name);
}

export interface RandomizedOptions extends OpenOptions {
  /** How many layers lose what they have learned, from the output down (default: all). */
  readonly layers?: number;
  /** Default 0. One layer is randomised in the same way, however many others are. */
  readonly seed?: number;
}

/**
 * The network with parameters at random: those of each layer change places within their tensor (weights among weights,
 * biases among biases). So every tensor keeps its distribution: scales stay what they were trained to, and variances
 * positive.
 * Source: Adebayo et al. 2018, cascading randomisation.
 *
 * @returns what `load` takes
 * @throws LrpError "usage" for options, or a network without parameters
 * @example const model = await load(await randomized(bytes, { layers: 2, seed: 1 }));
 */
export async function randomized(source: Source, options: RandomizedOptions = {}): Promise<Network> {
  checkNames("randomized", options, ["layers", "seed", "externalData"]);
  const graph = await open(source, options);
  const all = layersOf(graph);
  const { layers = all.length, seed = 0 } = options;
  if (all.length === 0) throw misuse("the model", "it has no layers with parameters");
  checkWhole("option 'layers'", layers, 0, all.length);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  const constants = constantsOf(graph);
  const names = all.slice(0, layers).flatMap((layer) => layer.constants);
  const mixed = new Map(
    names.map((name, i) => {
      const { type, data, dims } = constants.get(name)!;
      return [name, Object.freeze({ type, data: shuffled(data as Float32Array, (seed + i) >>> 0), dims })];
    }),
  );
  const nodes = graph.nodes.filter((node) => !(node.type === "Constant" && mixed.has(node.outputs[0])));
  return Object.freeze({
    graph: Object.freeze({ ...graph, nodes, constants: new Map([...graph.constants, ...mixed]) }),
  });
}
