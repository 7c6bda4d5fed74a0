import { demand } from "../base/complaint.ts";
import { broadcast, type Dims, shapeText } from "../base/tensor.ts";
import { type Loop, loop, mover, zeros } from "./move.ts";
import { axisOf, integers, single, NONE, type None } from "./op.ts";
import { COPIES, MOVES, PARTLY } from "./says.ts";

const always = () => true;
const never = () => false;

/** Source: ONNX Expand-13, with a shape that is known while loading. */
export const expand = mover<None>({
  type: "Expand",
  takes: "input:any shape:int",
  summary: COPIES,
  attributes: () => NONE,
  infer(inputs) {
    const [x, shape] = [inputs[0]!, integers(inputs, 1, "a shape")!];
    const dims = broadcast([x.dims, shape]);
    demand(dims, "shape", "shapes that can be broadcast", `${shapeText(x.dims, "")} and ${shapeText(shape, "")}`);
    return { dims: [dims] };
  },
  moves([x], output) {
    const lead = output.length - x.length;
    const loops = output.map((d, k) => loop(d, x[k - lead] === d ? k - lead : -1, k));
    return [{ input: 0, from: zeros(x), to: zeros(output), loops }];
  },
  exact: false,
  drops: never,
});

/** Source: ONNX Tile-13, with repeats that are known while loading; before opset 6 those of one axis. */
export const tile = mover<{ ofOne: boolean; repeats?: readonly number[] }>({
  type: "Tile",
  takes: { 1: "input:any tiles:any1 axis:any2", 6: "input:any repeats:int" },
  summary: COPIES,
  attributes: (read) => ({ ofOne: read.opset < 6 }),
  infer(inputs, { ofOne }) {
    const x = inputs[0]!;
    const axis = ofOne ? axisOf(single(inputs, 2, "an axis")!, x.dims.length) : 0;
    const times = integers(inputs, 1, "repeats")!;
    const repeats = ofOne ? x.dims.map((_, i) => (i === axis ? times[0] : 1)) : times;
    demand(repeats.length === x.dims.length, "invalid-model", `${x.dims.length} repeats`, `[${repeats}]`);
    return { dims: [x.dims.map((d, k) => d * repeats[k])], attributes: { ofOne, repeats } };
  },
  moves: ([x], output, { repeats }) => [
    {
      input: 0,
      from: zeros(x),
      to: zeros(output),
      loops: x.flatMap((d, k) => [loop(repeats![k], -1, k, 0, d), loop(d, k)]),
    },
  ],
  exact: false,
  drops: never,
});

interface BlockAttributes {
  readonly size: number;
  readonly mode: string;
}

/**
 * Depth [n, b · b · c, h, w] to space [n, c, h · b, w · b]: for DCR the depth is (row · b + column) · c + channel, for
 * CRD (channel · b + row) · b + column.
 */
function toSpace([n, c, h, w]: Dims, { size: b, mode }: BlockAttributes): readonly Loop[] {
  const [row, column, channel] = mode === "DCR" ? [b * c, c, 1] : [b, 1, b * b];
  return [
    loop(n, 0),
    loop(c, 1, 1, channel),
    loop(h, 2, 2, 1, b),
    loop(b, 1, 2, row),
    loop(w, 3, 3, 1, b),
    loop(b, 1, 3, column),
  ];
}

function blocks(
  type: string,
  shape: (dims: Dims, b: number) => Dims,
  loops: (small: Dims, a: BlockAttributes) => readonly Loop[],
) {
  return mover<BlockAttributes>({
    type,
    takes: "input:any",
    summary: MOVES,
    attributes(read) {
      const [size, mode] = [read.int("blocksize", 0), read.string("mode", "DCR")];
      demand(size > 0, "invalid-model", "a blocksize ≥ 1", `${size}`);
      demand(["DCR", "CRD"].includes(mode), "unsupported", "mode DCR or CRD", mode);
      return { size, mode };
    },
    infer([x], { size }) {
      demand(x!.dims.length === 4, "invalid-model", "an input of rank 4", `rank ${x!.dims.length}`);
      const dims = shape(x!.dims, size);
      demand(
        dims.every(Number.isInteger),
        "shape",
        `axes whose lengths are multiples of the blocksize, ${size}`,
        `dims ${shapeText(x!.dims, "")}`,
      );
      return { dims: [dims] };
    },
    moves: ([x], output, a) => [
      {
        input: 0,
        from: zeros(x),
        to: zeros(output),
        loops: loops(
          x.map((d, k) => Math.min(d, output[k])),
          a,
        ),
      },
    ],
    exact: true,
    drops: never,
  });
}

/** Source: ONNX DepthToSpace-13. */
export const depthToSpace = blocks("DepthToSpace", ([n, c, h, w], b) => [n, c / (b * b), h * b, w * b], toSpace);

/** Source: ONNX SpaceToDepth-13, which is DCR. */
export const spaceToDepth = blocks(
  "SpaceToDepth",
  ([n, c, h, w], b) => [n, c * b * b, h / b, w / b],
  (small, a) => toSpace(small, a).map((l) => loop(l.count, l.toAxis, l.axis, l.toStep, l.step)),
);

/** The upper or lower triangle of matrices; k counts the diagonals above the main one. Source: ONNX Trilu-14. */
export const trilu = mover<{ upper: boolean; k?: number }>({
  type: "Trilu",
  takes: "input:any k:int?",
  summary: PARTLY,
  attributes: (read) => ({ upper: read.int("upper", 1) === 1 }),
  infer(inputs, a) {
    const x = inputs[0]!;
    demand(x.dims.length >= 2, "invalid-model", "an input of rank 2 or more", `rank ${x.dims.length}`);
    const k = single(inputs, 1, "a k") ?? 0;
    return { dims: [x.dims], attributes: { ...a, k } };
  },
  *moves([x], _output, { upper, k }) {
    const [rows, columns] = [x.length - 2, x.length - 1];
    const outer = x.slice(0, rows).map((d, axis) => loop(d, axis));
    for (let row = 0; row < x[rows]; row++) {
      const diagonal = Math.min(Math.max(row + k! + (upper ? 0 : 1), 0), x[columns]);
      const [first, end] = upper ? [diagonal, x[columns]] : [0, diagonal];
      const from = x.map((_, axis) => (axis === rows ? row : axis === columns ? first : 0));
      yield { input: 0, from, to: from, loops: [...outer, loop(end - first, columns)] };
    }
  },
  exact: false,
  drops: always,
});
