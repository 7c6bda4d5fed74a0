import { demand, insist } from "../base/complaint.ts";
import { misuse, usage } from "../base/error.ts";
import { OPSETS } from "./build.ts";
import { attributesFor, checkType, type ConstantInput, constantOf, Handle, isNone, textOf } from "./described.ts";
import { type Graph, type Node, type OutputPort, type Port, whereIs } from "../graph/graph.ts";
import { Problems } from "../base/problems.ts";
import { ops } from "../ops/index.ts";
import { checkCounts } from "../ops/takes.ts";
import type { Layer } from "./layers.ts";
import type { Constant, ElementType } from "../base/tensor.ts";

/** A network described in code, to be given to `load`. */
export interface Network {
  readonly graph: Graph;
}

/** Dims of an input, batch axis included: sizes, or names of free ones; and its type, where that is not float32. */
export type NetworkInput = Port["dims"] | { readonly dims: Port["dims"]; readonly type?: ElementType };

/** What a node reads: a value, or numbers that do not change; undefined for what the operator can do without. */
export type NodeInput = Handle | ConstantInput | undefined;

/** A node before all values have their names. */
type Draft = Omit<Node, "inputs" | "outputs"> & {
  readonly inputs: readonly (Handle | undefined)[];
  readonly outputs: readonly Handle[];
};

const isLayer = (given: unknown): given is Layer =>
  typeof given === "object" && given !== null && typeof (given as Layer).type === "string" && "parameters" in given;

/** @param place how many nodes there are before */
const nameOf = ({ name, type }: Layer, place: number): string => name ?? `${type.toLowerCase()}${place}`;

function portOf(name: string, given: NetworkInput): Port {
  const spelled = (Array.isArray(given) ? { dims: given } : (given ?? {})) as { dims?: unknown; type?: unknown };
  const { dims, type = "float32" } = spelled;
  const fits = (d: unknown) => (typeof d === "string" ? d !== "" : Number.isSafeInteger(d) && (d as number) >= 1);
  const expected = "a list of dims: sizes of 1 or more, or names where any size fits";
  demand(Array.isArray(dims) && dims.every(fits), "usage", expected, textOf(dims));
  checkType(type);
  return Object.freeze({ name, type, dims: Object.freeze([...dims]) });
}

function claim(names: Set<string>, name: unknown): void {
  demand(typeof name === "string" && name !== "", "usage", "a name", textOf(name));
  insist(!names.has(name), "usage", `the name '${name}' is taken`);
  names.add(name);
}

/** Makes the nodes of a network, for `network`. Whatever is wrong with them is told when all are there. */
export class Builder {
  readonly #problems = new Problems();
  readonly #nodeNames = new Set<string>();
  readonly #valueNames = new Set<string>();
  readonly #values = new Set<Handle>();
  readonly #constants = new Map<string, Constant>();
  /** What tensors became: one that is given twice is one constant. */
  readonly #known = new Map<unknown, Handle>();
  readonly #ports: readonly Port[];
  readonly #nodes: Draft[] = [];
  #isOver = false;
  /** @internal */
  readonly inputs: Readonly<Record<string, Handle>>;

  /** @internal Made by `network`. */
  constructor(inputs: Readonly<Record<string, NetworkInput>>) {
    const names = Object.keys(inputs);
    this.#problems.attempt("network", () => demand(names.length > 0, "usage", "at least one input", "none"));
    this.#ports = this.#problems.collect(
      names,
      (name) => `input '${name}'`,
      (name) => {
        claim(this.#valueNames, name);
        return portOf(name, inputs[name]);
      },
    );
    this.inputs = Object.fromEntries(names.map((name) => [name, this.#value(name)]));
  }

  /**
   * A node of this layer. A tensor that several nodes are given is there once.
   * @returns its output, the first if there are several
   */
  node(layer: Layer, ...inputs: readonly NodeInput[]): Handle {
    return this.#put(layer, inputs)[0];
  }

  /** Nodes one after another. @returns the output of the last */
  chain(x: Handle, ...layers: readonly Layer[]): Handle {
    return layers.reduce((value, layer) => this.node(layer, value), x);
  }

  /**
   * A node with several outputs, such as a Split.
   * @param of how many outputs, or their names
   */
  outputs(of: number | readonly string[], layer: Layer, ...inputs: readonly NodeInput[]): Handle[] {
    const names = Number.isInteger(of) ? Array.from({ length: of as number }, () => undefined) : of;
    if (!Array.isArray(names) || names.length === 0)
      throw usage("outputs", "a number of outputs, or a list of their names", textOf(of));
    return this.#put(layer, inputs, names);
  }

  /** @internal The graph of what was made so far. @throws LrpError "usage" with all that is wrong */
  finish(returned: unknown): Graph {
    this.#isOver = true;
    const isRecord = typeof returned === "object" && !Array.isArray(returned) && !(returned instanceof Handle);
    const entries = Object.entries((isRecord && returned) || {});
    this.#problems.attempt("the result of build", () =>
      demand(entries.length > 0, "usage", "values by name, { name: value }", textOf(returned)),
    );
    const outputs = this.#problems.collect(
      entries,
      ([name]) => `output '${name}'`,
      ([name, value]) => this.#output(name, value),
    );
    this.#problems.raise("usage");
    const namesOf = (values: readonly (Handle | undefined)[]) => values.map((value) => value?.name ?? "");
    const nodes = this.#nodes.map((draft) =>
      Object.freeze({ ...draft, inputs: namesOf(draft.inputs), outputs: namesOf(draft.outputs) }),
    );
    const [inputs, constants] = [this.#ports, this.#constants];
    const later = { refused: new Map(), dims: new Map(), types: new Map(), aliases: new Map() };
    return Object.freeze({ opset: OPSETS.newest, inputs, outputs, nodes, constants, ...later });
  }

  #put(layer: Layer, given: readonly NodeInput[], chosen: readonly (string | undefined)[] = []): Handle[] {
    const place = this.#nodes.length;
    if (this.#isOver) throw misuse("network", "a node was made after build had returned");
    if (!isLayer(layer)) throw usage(`node ${place}`, 'a layer, such as relu() or op("Relu")', textOf(layer));
    const { type, parameters } = layer;
    const name = nameOf(layer, place);
    const where = whereIs({ name, type });
    const before = this.#problems.count;
    const names = chosen.length > 0 ? chosen.map((own, i) => own ?? `${name}.${i}`) : [name];
    const attributes = this.#problems.attempt(where, () => {
      claim(this.#nodeNames, name);
      for (const own of names) claim(this.#valueNames, own);
      demand(given.length === (layer.inputs ?? given.length), "usage", "one input", `${given.length}`);
      return attributesFor(type, layer.attributes);
    });
    const inputs = [
      ...given.map((x, i) =>
        this.#problems.attempt(`input ${i + 1} of ${where}`, () => this.#input(x, `${name}:input${i + 1}`)),
      ),
      ...parameters.map((x, i) =>
        this.#problems.attempt(`parameter '${name}:${i}'`, () => this.#constant(x, `${name}:${i}`, true)),
      ),
    ];
    // What is wrong with an input is not told as one that is missing.
    if (this.#problems.count === before)
      this.#problems.attempt(where, () =>
        checkCounts(ops.get(type)!, OPSETS.newest, { inputs: inputs.map((x) => (x ? "there" : "")), outputs: names }),
      );
    while (inputs.length > 0 && !inputs.at(-1)) inputs.pop();
    const outputs = names.map((own, i) => this.#value(own, isNone(layer.name ?? chosen[i])));
    this.#nodes.push({ name, type, attributes: attributes ?? {}, inputs, outputs });
    return outputs;
  }

  /** A value that is there from here on. */
  #value(name: string, isOpen = false): Handle {
    const value = new Handle(name, isOpen);
    this.#values.add(value);
    return value;
  }

  #input(x: NodeInput, name: string): Handle | undefined {
    if (!(x instanceof Handle)) return this.#constant(x, name);
    this.#own(x);
    return x;
  }

  #constant(given: ConstantInput | undefined, name: string, isWeight = false): Handle | undefined {
    if (isNone(given) || this.#known.has(given)) return this.#known.get(given);
    claim(this.#valueNames, name);
    this.#constants.set(name, constantOf(given, isWeight));
    const value = this.#value(name);
    this.#known.set(given, value);
    return value;
  }

  #own(value: unknown): asserts value is Handle {
    const received = value instanceof Handle ? "a value of another network" : textOf(value);
    demand(this.#values.has(value as Handle), "usage", "a value of this network", received);
  }

  #output(name: string, value: unknown): OutputPort {
    this.#own(value);
    if (value.name !== name) {
      claim(this.#valueNames, name);
      if (value.isOpen) value.name = name;
      else {
        claim(this.#nodeNames, name);
        this.#nodes.push({ name, type: "Identity", attributes: {}, inputs: [value], outputs: [this.#value(name)] });
      }
    }
    value.isOpen = false;
    return Object.freeze({ name, dims: [] });
  }
}

/**
 * A network with any number of inputs and outputs, branches that join, and layers that share weights. A node reads
 * values that are there already, so there are no cycles.
 *
 * @throws LrpError "usage" with all that is wrong in the description; whether shapes fit is seen by `load`
 * @example
 * const weight = { data: Float32Array.of(1, 0, 0, 2), dims: [2, 2] };
 * const block = network({
 *   inputs: { x: ["n", 2] },
 *   build: (g, { x }) => ({ y: g.node(op("Add"), x, g.chain(x, dense({ weight }), relu())) }),
 * });
 * const model = await load(block);
 * const { y } = model.predict({ data: Float32Array.of(3, -1), dims: [1, 2] }).outputs;
 * console.log(y.data); // → Float32Array(2) [ 6, -1 ]
 */
export function network<Inputs extends Readonly<Record<string, NetworkInput>>>(description: {
  /** By name. */
  readonly inputs: Inputs;
  /** Makes the nodes. @returns the outputs, by name */
  build(g: Builder, inputs: { readonly [Name in keyof Inputs]: Handle }): Readonly<Record<string, Handle>>;
}): Network {
  const { inputs, build }: Partial<typeof description> = description ?? {};
  if (typeof inputs !== "object" || inputs === null || typeof build !== "function")
    throw usage("network", "inputs by name, and a function build", `${textOf(inputs)} and ${textOf(build)}`);
  const g = new Builder(inputs);
  return Object.freeze({ graph: g.finish(build(g, g.inputs as { readonly [Name in keyof Inputs]: Handle })) });
}

/**
 * Layers one after another. The batch axis is free.
 *
 * @param input dims without the batch axis, e.g. [3, 32, 32]
 * @throws LrpError "usage", as `network`
 * @example
 * const weight = { data: Float32Array.of(1, -1), dims: [1, 2] };
 * const model = await load(sequential({ input: [2] }, [dense({ weight }), relu()]));
 * console.log(model.predict({ data: Float32Array.of(3, 1), dims: [1, 2] }).output.data); // → Float32Array(1) [ 2 ]
 */
export function sequential({ input }: { readonly input: readonly number[] }, layers: readonly Layer[]): Network {
  if (layers.length === 0) throw usage("sequential", "at least one layer", "none");
  return network({
    inputs: { input: ["n", ...input] },
    build(g, values) {
      // Not as arguments of one call, which has no room for very many.
      const last = layers.reduce((value: Handle, layer) => g.node(layer, value), values.input);
      return { [nameOf(layers[layers.length - 1], layers.length - 1)]: last };
    },
  });
}
