import { type Block, fourAxes, stridesOf, walkRows } from "../step.ts";
import { type Constant, type Dims, size, strides } from "../tensor.ts";
import type { Call, Inferred, Op, Operands } from "./op.ts";

/** A box of the output that is a box of one input: along output axis k it walks `steps[k]` along input axis `axes[k]` (−1: stays). */
export interface Move {
  readonly input: number;
  readonly dims: Dims;
  readonly from: readonly number[];
  readonly axes: readonly number[];
  readonly steps: readonly number[];
  readonly to: readonly number[];
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0);

function blockOf(move: Move, fromStrides: readonly number[], toStrides: readonly number[]): Block {
  return {
    dims: move.dims,
    from: dot(move.from, fromStrides),
    fromStrides: move.axes.map((axis, k) => (axis < 0 ? 0 : fromStrides[axis] * move.steps[k])),
    to: dot(move.to, toStrides),
    toStrides,
  };
}

/** All of an input, at a place of the output. */
export function whole(input: number, dims: Dims, to: readonly number[]): Move {
  return { input, dims, from: dims.map(() => 0), axes: dims.map((_, k) => k), steps: dims.map(() => 1), to };
}

/** Copies a block between arrays; the host's counterpart of the copy kernel. */
function copyHost(from: Constant["data"], to: Constant["data"], block: Block): void {
  for (const loops of fourAxes({ dims: block.dims, starts: [block.to, block.from], strides: [block.toStrides, block.fromStrides] })) {
    walkRows(loops, ([target, source], count, [stepTo, stepFrom]) => {
      if (stepTo === 1 && stepFrom === 1) to.set(from.subarray(source, source + count), target);
      else for (let i = 0; i < count; i++) to[target + i * stepTo] = from[source + i * stepFrom];
    });
  }
}

/** What an operator that only moves numbers has to say. */
interface Mover<A> {
  readonly type: string;
  readonly summary: string;
  attributes: Op<A>["attributes"];
  infer(inputs: Operands, a: A): Inferred<A>;
  moves(inputs: readonly Dims[], output: Dims, a: A): readonly Move[];
  /** Whether every number of every input arrives exactly once. */
  readonly exact: boolean;
  /** What stands where no move arrives. */
  background?(a: A): number;
  /** Whether some of the output is not from a computed input. */
  drops(call: Call<A>): boolean;
}

/** A row for an operator that only moves numbers: one list of moves serves folding, forward and relevance. */
export function mover<A>(m: Mover<A>): Op<A> {
  // Parameters such as indices come after the data, and no move names them.
  const movesOf = (call: Call<A>) =>
    m.moves(
      call.inputs.map((x) => x?.dims ?? []),
      call.outputs[0].dims,
      call.attributes,
    );
  return {
    type: m.type,
    family: "route",
    summary: m.summary,
    attributes: m.attributes,
    anyType: true,
    infer: m.infer,
    fold(inputs, a, [dims]) {
      const { type } = inputs[0]!;
      const data = type === "float32" ? new Float32Array(size(dims)) : new Float64Array(size(dims));
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
    forward(e, call) {
      const { dims } = call.outputs[0];
      const layout = call.inputs
        .map((x, i) => (x && !x.constant ? call.x(i) : undefined))
        .find((x) => x?.dims.length === dims.length)?.layout;
      const y = e.temp(call.outputs[0].name, dims, (m.type !== "Transpose" && layout) || "first");
      if (!m.exact) e.fill(y, m.background?.(call.attributes) ?? 0);
      for (const move of movesOf(call)) {
        const x = call.x(move.input);
        e.copy(x, y, [blockOf(move, stridesOf(x), stridesOf(y))]);
      }
      return [y];
    },
    relevance: {
      kind: "route",
      drops: m.drops,
      vjp(e, call, r) {
        const outs = call.inputs.map((x, i) => (x && !x.constant ? e.temp(`${call.node.name}:vjp`, x.dims, call.x(i).layout) : undefined));
        if (!m.exact) for (const out of outs) if (out) e.fill(out, 0);
        for (const move of movesOf(call)) {
          const out = outs[move.input];
          if (!out) continue;
          const { dims, from, fromStrides, to, toStrides } = blockOf(move, stridesOf(out), stridesOf(r));
          e.copy(
            r,
            out,
            [{ dims, from: to, fromStrides: toStrides, to: from, toStrides: fromStrides }],
            m.exact ? "copyBlock" : "addBlock",
          );
        }
        return outs;
      },
    },
    nonnegative: (x) => !m.background && x.every(Boolean),
  };
}
