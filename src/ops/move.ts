import { stridesOf } from "../program/step.ts";
import { type Block, blockLoops, walkRows } from "../base/loops.ts";
import { type Constant, type Dims, numbersFor, size, strides } from "../base/tensor.ts";
import { computedOf, type Op, type Site } from "./op.ts";

/**
 * One loop of a move: `count` times, each time `step` along an axis of the input and `toStep` along one of the output
 * (axis −1: stays).
 */
export interface Loop {
  readonly count: number;
  readonly axis: number;
  readonly toAxis: number;
  readonly step: number;
  readonly toStep: number;
}

export const loop = (count: number, axis: number, toAxis = axis, step = 1, toStep = 1): Loop => ({
  count,
  axis,
  toAxis,
  step,
  toStep,
});

/** Nested loops that copy numbers of one input, from a position of it to one of the output. */
export interface Move {
  readonly input: number;
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly loops: readonly Loop[];
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);

function blockOf({ from, to, loops }: Move, fromStrides: readonly number[], toStrides: readonly number[]): Block {
  return {
    dims: loops.map((l) => l.count),
    from: dot(from, fromStrides),
    fromStrides: loops.map((l) => (l.axis < 0 ? 0 : fromStrides[l.axis] * l.step)),
    to: dot(to, toStrides),
    toStrides: loops.map((l) => toStrides[l.toAxis] * l.toStep),
  };
}

export const zeros = (dims: Dims): number[] => dims.map(() => 0);

/** All of an input, at a place of the output. */
export function whole(input: number, dims: Dims, to: readonly number[]): Move {
  return { input, from: zeros(dims), to, loops: dims.map((d, axis) => loop(d, axis)) };
}

/** Positions along one axis of the input that follow each other in the output: `outer` times `count` of them. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly step: number;
  readonly outer: number;
  readonly outerStep: number;
}

/** Neighbours that fit are joined, as far as they do. */
function joined<T>(items: Iterable<T>, join: (last: T, next: T) => T | undefined): T[] {
  const out: T[] = [];
  for (const item of items) {
    const both = out.length > 0 ? join(out[out.length - 1], item) : undefined;
    if (both) out[out.length - 1] = both;
    else out.push(item);
  }
  return out;
}

/** Each number by itself. */
function* singles(length: number, from: (to: number) => number): Generator<Run> {
  for (let to = 0; to < length; to++) {
    const at = from(to);
    if (at >= 0) yield { from: at, to, count: 1, step: 0, outer: 1, outerStep: 0 };
  }
}

/** Where each number along an axis of the output is from, as few runs; −1: from nowhere. */
export function runsOf(length: number, from: (to: number) => number): readonly Run[] {
  const rows = joined(singles(length, from), (a, b) => {
    const step = (b.from - a.from) / a.count;
    return b.to === a.to + a.count && (a.count === 1 || step === a.step)
      ? { ...a, count: a.count + 1, step }
      : undefined;
  });
  return joined(rows, (a, b) => {
    const step = (b.from - a.from) / a.outer;
    const alike = a.count === b.count && a.step === b.step && b.to === a.to + a.outer * a.count;
    return alike && (a.outer === 1 || step === a.outerStep) ? { ...a, outer: a.outer + 1, outerStep: step } : undefined;
  });
}

/** `move` with a run along an axis of the input and one of the output. */
export function withRun(move: Move, run: Run, axis: number, toAxis = axis): Move {
  const { outer, outerStep, count, step } = run;
  const at = (position: readonly number[], k: number, v: number) => position.map((p, i) => (i === k ? v : p));
  return {
    ...move,
    from: at(move.from, axis, run.from),
    to: at(move.to, toAxis, run.to),
    loops: [...move.loops, loop(outer, axis, toAxis, outerStep, count), loop(count, axis, toAxis, step)],
  };
}

/** Copies a block between arrays; the host's counterpart of the copy kernel. */
function copyHost(from: Constant["data"], to: Constant["data"], block: Block): void {
  for (const loops of blockLoops(block)) {
    walkRows(loops, ([target, source], count, [stepTo, stepFrom]) => {
      if (stepTo === 1 && stepFrom === 1) to.set(from.subarray(source, source + count), target);
      else for (let i = 0; i < count; i++) to[target + i * stepTo] = from[source + i * stepFrom];
    });
  }
}

/** What an operator that only moves numbers has to say. */
interface Mover<A extends object> {
  readonly type: string;
  readonly summary: string;
  readonly takes: Op<A>["takes"];
  attributes: Op<A>["attributes"];
  infer: NonNullable<Op<A>["infer"]>;
  /** May be many: each is made when its turn has come. */
  moves(inputs: readonly Dims[], output: Dims, a: A): Iterable<Move>;
  /** Whether every number of every input arrives exactly once. */
  readonly exact: boolean;
  /** What stands where no move arrives. */
  background?(a: A): number;
  /** Whether some of the output is not from a computed input. */
  drops(site: Site<A>): boolean;
}

/** A row for an operator that only moves numbers: one list of moves serves folding, forward and relevance. */
export function mover<A extends object>(m: Mover<A>): Op<A> {
  return {
    type: m.type,
    family: "route",
    summary: m.summary,
    takes: m.takes,
    attributes: m.attributes,
    anyType: true,
    infer: m.infer,
    fold(inputs, a, [dims]) {
      const { type } = inputs[0]!;
      const data = numbersFor(type, size(dims));
      data.fill(m.background?.(a) ?? 0);
      for (const move of m.moves(
        inputs.map((x) => x?.dims ?? []),
        dims,
        a,
      )) {
        const from = inputs[move.input]!;
        copyHost(from.data, data, blockOf(move, strides(from.dims), strides(dims)));
      }
      return [{ type, dims, data }];
    },
    node(site) {
      const {
        node,
        inputs,
        outputs: [{ name, dims }],
        attributes,
      } = site;
      // Parameters such as indices come after the data, and no move names them.
      const given = inputs.map((x) => x?.dims ?? []);
      const moves = () => m.moves(given, dims, attributes);
      const computed = computedOf(inputs);
      return {
        kind: "route",
        drops: m.drops(site),
        run(e, at) {
          const like = computed.map((i) => at.x(i)).find((x) => x.dims.length === dims.length);
          const y = e.temp(name, dims, (m.type !== "Transpose" && like?.layout) || "first");
          if (!m.exact) e.fill(y, m.background?.(attributes) ?? 0);
          for (const move of moves()) {
            const x = at.x(move.input);
            e.copy(x, y, [blockOf(move, stridesOf(x), stridesOf(y))]);
          }
          return [y];
        },
        vjp(e, at, r) {
          const outs = inputs.map((x, i) =>
            computed.includes(i) ? e.temp(`${node.name}:vjp`, x!.dims, at.x(i).layout) : undefined,
          );
          if (!m.exact) for (const out of outs) if (out) e.fill(out, 0);
          for (const move of moves()) {
            const out = outs[move.input];
            if (!out) continue;
            const { dims, from, fromStrides, to, toStrides } = blockOf(move, stridesOf(out), stridesOf(r));
            const back = { dims, from: to, fromStrides: toStrides, to: from, toStrides: fromStrides };
            e.copy(r, out, [back], m.exact ? "copyBlock" : "addBlock");
          }
          return outs;
        },
      };
    },
    nonnegative: (x) => !m.background && x.every(Boolean),
  };
}
