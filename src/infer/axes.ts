import { Budget, type Limits } from "../base/budget.ts";
import { LrpError, misuse, shown, usage } from "../base/error.ts";
import { type Dims, shapeText } from "../base/tensor.ts";
import { type Graph, type Node, type Port, UNSTATED } from "../graph/graph.ts";
import { type Given, infer } from "./infer.ts";

/** What the caller says of axes, where the file does not, or says it wrongly. */
export interface AxesOptions {
  /**
   * The axis of each input that counts samples, or null where it has none; `false`: the network takes one sample, without
   * an axis for it. Left out, the file's names of axes tell it, or its shapes.
   */
  readonly batch?: false | Readonly<Record<string, number | null>>;
  /** Where channels are among the axes of a sample: of every input, or by name. Left out, the first reader tells it. */
  readonly channelAxis?: "first" | "last" | Readonly<Record<string, "first" | "last">>;
}

/** Which axes of the inputs, and which of an output, count samples. */
export interface Batch {
  readonly inputs: ReadonlyMap<string, number | null>;
  readonly output: number | null;
}

/** @throws LrpError "usage" for names that are no inputs, and axes that they do not have */
export function checkAxes(inputs: readonly Port[], { batch, channelAxis }: AxesOptions): void {
  const byName = (option: string, given: unknown): [Port, unknown][] => {
    if (typeof given !== "object" || given === null || Array.isArray(given))
      throw usage(`option '${option}' of load`, "one value, or one for each input by name", shown(given));
    return Object.entries(given).map(([name, value]) => {
      const port = inputs.find((p) => p.name === name);
      if (!port)
        throw usage(
          `option '${option}' of load`,
          `the name of an input (${inputs.map((p) => p.name).join(", ")})`,
          shown(name),
        );
      return [port, value];
    });
  };
  if (batch !== undefined && batch !== false)
    for (const [{ name, dims }, axis] of byName("batch", batch))
      if (
        axis !== null &&
        !(Number.isInteger(axis) && (axis as number) >= 0 && ((axis as number) < dims.length || dims[0] === UNSTATED))
      )
        throw usage(`option 'batch' of load`, `an axis of '${name}' ${shapeText(dims, "")}, or null`, shown(axis));
  const wheres = typeof channelAxis === "string" || channelAxis === undefined ? [channelAxis] : [];
  if (wheres.length === 0) wheres.push(...byName("channelAxis", channelAxis).map(([, where]) => where as "first"));
  const stray = wheres.find((where) => where !== undefined && where !== "first" && where !== "last");
  if (stray !== undefined) throw usage("option 'channelAxis' of load", "'first' or 'last'", shown(stray));
}

/**
 * The dims of the output, if the network takes such inputs. They are longer than those that are asked for, and so may
 * take more.
 */
function outputDims(
  { graph, output, limits: { maxMemory, maxWork } }: Search,
  given: Search["given"],
): Dims | undefined {
  try {
    return infer(graph, given, new Budget({ maxMemory: 2 * maxMemory, maxWork: 2 * maxWork }))?.dims.get(output);
  } catch (error) {
    if (error instanceof LrpError && error.code !== "memory") return undefined;
    throw error;
  }
}

/** One axis of some of the inputs. */
type InputAxes = ReadonlyMap<string, number>;

/** What is known where the axes of one output are looked for. */
interface Search {
  readonly graph: Graph;
  readonly output: string;
  /** Its dims, and those of every input. */
  readonly dims: Dims;
  readonly given: ReadonlyMap<string, Given>;
  readonly limits: Required<Limits>;
}

/** Which axis of the output is as long as these of the inputs, and stays so where they are one longer. */
function followed(search: Search, axes: InputAxes): number | undefined {
  const { dims, given } = search;
  const longer = new Map(given);
  for (const [name, axis] of axes)
    longer.set(name, { dims: given.get(name)!.dims.map((d, i) => (i === axis ? d + 1 : d)) });
  const [[first, axis]] = axes;
  const found = outputDims(search, longer);
  const at = found?.findIndex((d, i) => dims[i] === given.get(first)!.dims[axis] && d === dims[i] + 1);
  return at === undefined || at < 0 ? undefined : at;
}

/** The axes of the inputs that go by the symbolic name of the output's first, if they are as long as it. */
function byName({ graph: { inputs, outputs }, output, dims, given }: Search): InputAxes | undefined {
  const [first] = outputs.find(({ name }) => name === output)?.dims ?? [];
  const axes = new Map(
    inputs.flatMap((port) => (port.dims.includes(first) ? [[port.name, port.dims.indexOf(first)]] : [])),
  );
  const fits = typeof first === "string" && [...axes].every(([name, axis]) => given.get(name)!.dims[axis] === dims[0]);
  return fits && axes.size > 0 ? axes : undefined;
}

/** The free axes of the inputs that the output's first axis follows. */
function bySizes(search: Search): InputAxes | undefined {
  const { graph, dims, given } = search;
  const isFree = ({ name, dims: own }: Port, axis: number) =>
    typeof own[axis] === "string" && given.get(name)!.dims[axis] === dims[0];
  const groups = new Map<string, Map<string, number>>();
  const firsts = new Map<string, number>();
  for (const port of graph.inputs) {
    if (isFree(port, 0)) firsts.set(port.name, 0);
    port.dims.forEach((symbol, axis) => {
      if (!isFree(port, axis)) return;
      const group = groups.get(`${symbol}`) ?? new Map<string, number>();
      groups.set(`${symbol}`, group.has(port.name) ? group : group.set(port.name, axis));
    });
  }
  const following = [...groups.values()].filter((axes) => followed(search, axes) === 0);
  if (following.length > 0) return new Map(following.flatMap((axes) => [...axes]));
  // Exporters may give each input names of its own, of which none is longer without the others.
  return firsts.size > 0 && followed(search, firsts) === 0 ? firsts : undefined;
}

/** Axes of equal fixed size. */
function byPlace({ graph, dims, given }: Search): InputAxes {
  const isFree = graph.inputs.some((port) => port.dims.some((d) => typeof d === "string"));
  if (dims.length < 2 || (isFree && dims[0] !== 1)) return new Map();
  const fits = ({ name, dims: [first] }: Port) => first === dims[0] && given.get(name)!.dims.length >= 2;
  return new Map(graph.inputs.filter(fits).map(({ name }) => [name, 0]));
}

/** As the caller says. */
function asked(search: Search, batch: NonNullable<AxesOptions["batch"]>): Batch {
  const { graph, output, dims, given } = search;
  const own = new Map(Object.entries(batch));
  const inputs = new Map(graph.inputs.map(({ name }) => [name, own.get(name) ?? null]));
  const axes = new Map([...inputs].flatMap(([name, axis]) => (axis === null ? [] : [[name, axis] as const])));
  if (axes.size === 0) return { inputs, output: dims.length > 1 && dims[0] === 1 ? 0 : null };
  const [[name, axis]] = axes;
  const length = given.get(name)!.dims[axis];
  const equal = [...dims.keys()].filter((i) => dims[i] === length);
  const found = followed(search, axes) ?? (dims[0] === length ? 0 : equal.length === 1 ? equal[0] : undefined);
  if (found !== undefined || length === 1) return { inputs, output: found ?? null };
  const samples = `axis ${axis} of '${name}' has ${length} samples`;
  const problem = `${samples}, but it is not clear which axis of the output '${output}' ${shapeText(dims)} counts them`;
  throw misuse("option 'batch' of load", problem);
}

/**
 * Which axes count samples: as the caller says; or those that go by the symbolic name of the output's first axis; or
 * the free ones that it follows, when shapes are inferred for two sizes; or where nothing is free, axis 0 of both, if
 * they are equally long. An output whose first axis is 1 is of one sample, and so is one of rank 1.
 *
 * @param fitted the graph with the dims of every value
 */
export function batchOf(
  graph: Graph,
  fitted: Graph,
  output: string,
  given: ReadonlyMap<string, Given>,
  batch: AxesOptions["batch"],
  limits: Required<Limits>,
): Batch {
  const dims = fitted.dims.get(output)!;
  const search: Search = { graph, output, dims, given, limits };
  if (batch !== undefined) return asked(search, batch);
  const axes = byName(search) ?? bySizes(search) ?? byPlace(search);
  const inputs = new Map(graph.inputs.map(({ name }) => [name, axes.get(name) ?? null]));
  return { inputs, output: axes.size > 0 || (dims.length > 1 && dims[0] === 1) ? 0 : null };
}

/** Leave axes where they are, as far as they are about one number each, or about constants. */
const STAYING = new Set(["Identity", "Cast", "Neg", "Add", "Sub", "Mul", "Div", "Clip", "Dropout"]);
const CHANNELS_SECOND = new Set(
  (
    "Conv ConvTranspose MaxPool AveragePool LpPool GlobalMaxPool GlobalAveragePool GlobalLpPool LRN " +
    "BatchNormalization InstanceNormalization"
  ).split(" "),
);
const CHANNELS_LAST = new Set(["MatMul", "LayerNormalization"]);

/** The axes of a value behind an Unsqueeze, −1 for those that are new; undefined where it is not known which. */
function unsqueezed({ constants }: Graph, { attributes, inputs }: Node, axes: readonly number[]): number[] | undefined {
  const { axes: own = constants.get(inputs[1])?.data } = attributes as { readonly axes?: ArrayLike<number> };
  if (!own) return undefined;
  const rank = axes.length + own.length;
  const fresh = new Set(Array.from(own, (axis) => (axis < 0 ? axis + rank : axis)));
  const old = [...axes];
  return Array.from({ length: rank }, (_, i) => (fresh.has(i) ? -1 : (old.shift() ?? -1)));
}

interface Permutation {
  readonly perm?: readonly number[];
}

/** Which axis of an input becomes the channels of the first reader that has such. */
function channelsByReader(graph: Graph, { name, dims }: Port): number | undefined {
  let [value, axes] = [name, [...dims.keys()]];
  for (const node of graph.nodes) {
    if (!node.inputs.includes(value)) continue;
    if (CHANNELS_SECOND.has(node.type)) return axes[1];
    if (CHANNELS_LAST.has(node.type)) return axes.length === 3 ? axes[2] : undefined;
    const next =
      node.type === "Transpose"
        ? ((node.attributes as Permutation).perm ?? [...axes.keys()].reverse()).map((axis) => axes[axis])
        : node.type === "Unsqueeze"
          ? unsqueezed(graph, node, axes)
          : STAYING.has(node.type) && axes;
    if (!next) return undefined;
    // Channels that were last come second.
    if (node.type === "Transpose" && next[1] === dims.length - 1) return next[1];
    [value, axes] = [node.outputs[0], next];
  }
  return undefined;
}

/** Where the channels of an input are, and whether only its sizes say so. */
export function channelsOf(
  graph: Graph,
  port: Port,
  batchAxis: number | null | undefined,
  { channelAxis }: AxesOptions,
): { channelAxis?: "first" | "last"; fromSizes?: true } {
  const own = typeof channelAxis === "object" ? new Map(Object.entries(channelAxis)).get(port.name) : channelAxis;
  const inner = [...port.dims.keys()].filter((axis) => axis !== (batchAxis === undefined ? 0 : batchAxis));
  if (own || inner.length < 2) return { channelAxis: own };
  const told = channelsByReader(graph, port);
  if (told === inner[0]) return { channelAxis: "first" };
  if (told === inner.at(-1)) return { channelAxis: "last" };
  if (inner.length !== 3) return {};
  const [first, , last] = inner.map((axis) => port.dims[axis]);
  const isLast = (last === 1 || last === 3) && first !== 1 && first !== 3 && first !== 4;
  return isLast ? { channelAxis: "last", fromSizes: true } : { channelAxis: "first" };
}
