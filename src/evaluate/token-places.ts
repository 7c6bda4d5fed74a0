import { LrpError } from "../base/error.ts";
import { layoutOf } from "../base/layout.ts";
import { type Dims, isFloat, size } from "../base/tensor.ts";
import type { Model } from "../model/model.ts";
import type { Given } from "../infer/infer.ts";
import { random } from "./random.ts";
import { turn, type Watch } from "./runs.ts";

/*
 * Which numbers of an input each token is made from. It is measured: numbers are changed, and it is looked at which
 * tokens of the first attention are others then.
 */

/** The input that is looked at, and all that the network gets. */
interface Looked {
  readonly given: ReadonlyMap<string, Required<Given>>;
  readonly port: string;
  /** What refuses. */
  readonly where: string;
}

/** A token's value counts as another where it differs by more than this share of its head's largest. */
const CHANGED = 1e-4;

/** What can be changed: numbers with coordinates along channels and the axes of places; ids stand along one axis. */
interface Grid {
  readonly axes: Dims;
  /** Where the numbers are, in row-major order of the axes. */
  readonly numbers: readonly number[];
  /** Another number in place of number i. */
  other(i: number): number;
}

function gridOf(model: Model, { given, port }: Looked): Grid {
  const { data, dims } = given.get(port)!;
  const { type, batchAxis, channelAxis } = model.inputs.find(({ name }) => name === port)!;
  if (!isFloat(type)) {
    // An id that is there already, or one of the first two, which every table has.
    const ids = [...new Set([...data, 0, 1])];
    const other = (i: number) => ids.find((id) => id !== data[i])!;
    return { axes: [size(dims)], numbers: [...data.keys()], other };
  }
  const layout = layoutOf({ dims, batchAxis, channelAxis });
  const { normal } = random(0);
  const range = data.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  const noise = Float64Array.from(data, () => range * normal());
  const { channels, count, axes } = layout;
  const numbers = Array.from({ length: channels * count }, (_, i) =>
    layout.positionOf(Math.floor(i / count), i % count),
  );
  return { axes: [channels, ...axes], numbers, other: (i) => data[i] + noise[i] };
}

/** The coordinate of the nth number along an axis. */
function coordinate(axes: Dims, axis: number, n: number): number {
  return Math.floor(n / size(axes.slice(axis + 1))) % axes[axis];
}

/** The largest |v| of each of equal parts. */
const largestOf = (values: Float32Array, area: number) =>
  Array.from({ length: values.length / area }, (_, part) =>
    values.subarray(part * area, (part + 1) * area).reduce((most, v) => Math.max(most, Math.abs(v)), 0),
  );

/**
 * Relevance of tokens, spread evenly over the numbers that they are made from.
 * @param value the name of V of the first attention, [...heads, tokens, width]
 * @throws LrpError "unsupported" where tokens have numbers in common, or the heads of a token are made from different ones
 */
export async function spreadOf(
  model: Model,
  looked: Looked,
  value: string,
  scores: Float64Array,
  { signal, onProgress }: Watch,
): Promise<Float32Array> {
  const { given, port, where } = looked;
  const grid = gridOf(model, looked);
  const { axes, numbers } = grid;
  const refuse = (received: string) =>
    new LrpError("unsupported", {
      where,
      expected: "tokens that are each made from numbers of their own",
      received,
      fix: "Composites, gradients and occlusion explain any network.",
    });
  const { data } = given.get(port)!;
  const valuesOf = (changed: Float32Array) => {
    const tensors = [...given].map(([key, tensor]) => [key, key === port ? { ...tensor, data: changed } : tensor]);
    return model.activations(Object.fromEntries(tensors), [value])[value];
  };
  const clean = valuesOf(data);
  const [tokens, width] = clean.dims.slice(-2);
  const largest = largestOf(clean.data, tokens * width);
  const total = axes.reduce((sum, length) => sum + length, 0);
  let done = 0;
  /** Of each axis and coordinate, the tokens that depend on it. */
  const seen: ReadonlySet<number>[][] = [];
  for (const [axis, length] of axes.entries()) {
    const along: ReadonlySet<number>[] = [];
    for (let at = 0; at < length; at++) {
      signal?.throwIfAborted();
      const changed = data.slice();
      for (const [n, i] of numbers.entries()) if (coordinate(axes, axis, n) === at) changed[i] = grid.other(i);
      const parts = new Set<number>();
      valuesOf(changed).data.forEach((v, i) => {
        const head = Math.floor(i / width / tokens);
        if (Math.abs(v - clean.data[i]) > CHANGED * largest[head]) parts.add(Math.floor(i / width));
      });
      const found = new Set([...parts].map((part) => part % tokens));
      if (parts.size !== found.size * largest.length) throw refuse("ones that differ from head to head, as in windows");
      along.push(found);
      onProgress?.({ done: ++done, total });
      await turn();
    }
    seen.push(along);
  }
  const owners = numbers.map((_, n) => {
    const sets = axes.map((_, axis) => seen[axis][coordinate(axes, axis, n)]);
    const all = [...sets[0]].filter((token) => sets.every((set) => set.has(token)));
    if (all.length > 1) throw refuse(`number ${numbers[n]} of '${port}' in ${all.length} of ${tokens} tokens`);
    return all[0];
  });
  const counts = new Float64Array(tokens);
  for (const token of owners) if (token !== undefined) counts[token]++;
  const spread = new Float32Array(data.length);
  for (const [n, token] of owners.entries())
    if (token !== undefined) spread[numbers[n]] = scores[token] / counts[token];
  return spread;
}
