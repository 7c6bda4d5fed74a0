import { PANEL } from "../../ops/conv/panels.ts";
import { tileSide } from "../../ops/conv/winograd.ts";
import type { Kernels } from "../../kernels.gen.ts";

/** The arguments of a call by name. */
export type Arguments = Readonly<Record<string, number>>;

/**
 * One way to share out a call: parts take some of the units that `along` counts, and the other arguments move with
 * them. A part computes its numbers exactly as the whole call would: which vector, which tile, in which order.
 */
export interface Cut {
  readonly along: string;
  /**
   * Parts are multiples of this many units. Where a kernel adds up (`ledger`, `sums`), parts are exactly that long: as
   * the kernel's own chunks.
   * @param grain how many numbers are worth a part
   */
  readonly by: (a: Arguments, grain: number) => number;
  /** Where this way is open; always, unless given. */
  readonly when?: (a: Arguments) => boolean;
  /** Whether every part does some work that the others do too: then there are no more parts than threads. */
  readonly repeats?: boolean;
  /** How far arguments move from one unit to the next, pointers in bytes. */
  readonly moves: (a: Arguments) => Arguments;
}

/** Numbers that are worth the trouble of a part, and that start on a cache line of their own. */
export const GRAIN = 4096;
/** Numbers of a cache line. */
const LINE = 16;
/** CHUNK of the kernels that add up. */
const CHUNK = 16384;

const unitsOf = (unit: number, grain: number) => Math.max(1, Math.ceil(grain / unit));
const each = (names: string, distance: number): Arguments =>
  Object.fromEntries(names.split(" ").map((name) => [name, distance]));

/** Every number by itself. */
const flat = (pointers: string, by?: number): Cut => ({
  along: "count",
  by: (_, grain) => by ?? grain,
  moves: () => each(pointers, 4),
});

/** Rows of `row` numbers. */
const rows = (along: string, pointers: string, row: (a: Arguments) => number): Cut => ({
  along,
  by: (a, grain) => unitsOf(row(a), grain),
  moves: (a) => each(pointers, 4 * row(a)),
});

/** Four nested loops: the outermost that goes round more than once. */
const loops = (moves: (axis: number, inner: number, a: Arguments) => Arguments): readonly Cut[] =>
  [0, 1, 2, 3].map((axis) => {
    const inner = (a: Arguments) => [1, 2, 3].reduce((product, i) => (i > axis ? product * a[`d${i}`] : product), 1);
    return {
      along: `d${axis}`,
      by: (a, grain) => unitsOf(inner(a), grain),
      when: (a) => [0, 1, 2].every((i) => i >= axis || a[`d${i}`] === 1),
      moves: (a) => moves(axis, inner(a), a),
    };
  });

const zip = loops((axis, inner, a) => ({ a: 4 * a[`a${axis}`], b: 4 * a[`b${axis}`], y: 4 * inner }));

const images = (moves: (a: Arguments) => Arguments): Cut => ({ along: "n", by: () => 1, moves });

/** Images, or rows of outputs of one image: the window of the first is that much further down. */
const windows = (output: string, channels: string): readonly Cut[] => [
  images((a) => ({ x: 4 * a.h * a.w * a.c, ...each(output, 4 * a.oh * a.ow * a[channels]) })),
  {
    along: "oh",
    by: () => 1,
    when: (a) => a.n === 1,
    moves: (a) => ({ ...each(output, 4 * a.ow * a[channels]), top: -a.strideH }),
  },
];

/** Rows of the image that windows give to. */
const imageRows: readonly Cut[] = [{ along: "rows", by: () => 1, moves: () => ({ from: 1 }) }];

const lrnRule = [rows("pixels", "x r y", (a) => a.c)];
const lrnImages = [images((a) => each("x r y", 4 * a.h * a.w * a.c))];

/** How kernels are cut: the way that leaves the least to the busiest thread, of equals the first. */
export const cuts = {
  convForward: [
    { along: "pixels", by: () => 6, moves: () => ({ table: 8 }) },
    { along: "m", by: () => 8, moves: (a) => ({ w: 4 * a.rows * a.columns * a.run, b: 4, y: 4 }) },
  ],
  convListForward: [{ along: "pixels", by: () => 1, moves: () => ({ table: 8 }) }],
  depthwiseForward: [{ along: "pixels", by: () => 6, moves: () => ({ table: 8 }) }],
  convRowsForward: windows("r y", "m"),
  convRowsVjp: imageRows,
  winogradForward: [
    {
      along: "oh",
      by: (a) => tileSide(a.taps),
      // Tiles go six at a time, which does not work out where they are few.
      when: (a) => a.n === 1 && a.oh >= 64,
      moves: (a) => ({ x: 4 * a.xRow, y: 4 * a.ow * a.yPixel }),
    },
    { along: "m", by: () => 8, repeats: true, moves: (a) => ({ w: 4 * a.taps ** 2 * a.c, b: 4, y: 4 }) },
  ],
  denseForward: [{ along: "m", by: () => 4, moves: (a) => ({ w: 4 * a.k, b: 4, y: 4 }) }],
  denseVjp: [{ along: "columns", by: () => LINE, moves: () => ({ w: 4, y: 4 }) }],
  gemmForward: [{ along: "m", by: () => PANEL, moves: (a) => ({ w: 4 * a.k, b: 4, y: 4 }) }],
  gemmVjp: [{ along: "columns", by: () => LINE, moves: () => ({ w: 4, y: 4 }) }],
  packedForward: [
    {
      along: "m",
      by: () => 4,
      moves: (a) => {
        const groups = 4 * Math.ceil(a.k / a.block);
        return { w: Math.ceil((a.k * a.bits) / 8), scales: groups, zeros: groups, b: 4, y: 4 };
      },
    },
  ],
  packedVjp: [{ along: "columns", by: () => LINE, moves: () => ({ y: 4, first: 1 }) }],
  maxPoolForward: windows("y", "c"),
  maxPoolVjp: imageRows,
  averagePoolForward: windows("y", "c"),
  averagePoolVjp: imageRows,
  lrnForward: [rows("pixels", "x y", (a) => a.c)],
  lrnTaylor: lrnRule,
  lrnTaylorUniform: lrnRule,
  lrnBeta: lrnRule,
  lrnVjp: lrnRule,
  lrnUnnormalised: lrnRule,
  lrnSpatialForward: [images((a) => each("x y", 4 * a.h * a.w * a.c))],
  lrnSpatialTaylor: lrnImages,
  lrnSpatialTaylorUniform: lrnImages,
  lrnSpatialBeta: lrnImages,
  lrnSpatialVjp: lrnImages,
  lrnSpatialUnnormalised: lrnImages,
  reluForward: [flat("x y")],
  reluVjp: [flat("x r y")],
  slopeForward: [flat("x y")],
  slopeVjp: [flat("x r y")],
  clipForward: [flat("x y")],
  clipVjp: [flat("x r y")],
  sigmoidForward: [flat("x y")],
  sigmoidVjp: [flat("x r y")],
  hardSwishForward: [flat("x y")],
  hardSwishVjp: [flat("x r y")],
  swishForward: [flat("x y")],
  swishVjp: [flat("x r y")],
  geluForward: [flat("x y")],
  geluVjp: [flat("x r y")],
  geluTanhForward: [flat("x y")],
  geluTanhVjp: [flat("x r y")],
  tanhForward: [flat("x y")],
  tanhVjp: [flat("x r y")],
  addForward: zip,
  subForward: zip,
  mulForward: zip,
  divForward: zip,
  powForward: zip,
  maxForward: zip,
  pReluForward: zip,
  copyBlock: loops((axis, _, a) => ({ x: 4 * a[`x${axis}`], y: 4 * a[`y${axis}`] })),
  fill: [flat("y")],
  standardForward: [rows("rows", "x y", (a) => a.n)],
  lengthForward: [rows("rows", "x y", (a) => a.n)],
  standardVjp: [rows("rows", "x r y", (a) => a.n)],
  lengthVjp: [rows("rows", "x r y", (a) => a.n)],
  standardIdentity: [rows("rows", "x s y", (a) => a.n)],
  weightedRows: [
    {
      along: "outer",
      by: (a, grain) => unitsOf(a.rows * a.inner, grain),
      moves: (a) => ({ x: 4 * a.length * a.inner, y: 4 * a.rows * a.inner }),
    },
  ],
  softmaxForward: [rows("outer", "x y", (a) => a.axis * a.inner)],
  logSoftmaxForward: [rows("outer", "x y", (a) => a.axis * a.inner)],
  softmaxVjp: [rows("outer", "p r y", (a) => a.axis * a.inner)],
  logSoftmaxVjp: [rows("outer", "l r y", (a) => a.axis * a.inner)],
  softmaxTaylor: [rows("outer", "x p r y", (a) => a.axis * a.inner)],
  sum: [flat("x", CHUNK)],
  divideStabilized: [flat("r z s", CHUNK)],
  divideClipped: [flat("r z s", CHUNK)],
  absorbBias: [{ along: "rows", by: (a) => Math.max(1, Math.floor(CHUNK / a.m)), moves: (a) => ({ s: 4 * a.m }) }],
  gatePositive: [flat("r z y")],
  gateNegative: [flat("r z y", CHUNK)],
  multiply: [flat("x c y")],
  multiplyAdd: [flat("x c y")],
  halvesForward: [
    { along: "pixels", by: (a, grain) => unitsOf(a.c, grain), moves: (a) => ({ x: 4 * a.c, y: 8 * a.c }) },
  ],
  halvesMultiply: [
    {
      along: "pixels",
      by: (a, grain) => unitsOf(a.channels, grain),
      moves: (a) => ({ ...each("x y", 4 * a.channels), c: 8 * a.channels }),
    },
  ],
  halvesMultiplyAdd: [
    {
      along: "pixels",
      by: (a, grain) => unitsOf(a.channels, grain),
      moves: (a) => ({ ...each("x y", 4 * a.channels), c: 8 * a.channels }),
    },
  ],
} as const satisfies Partial<Record<keyof Kernels, readonly Cut[]>>;

/** Kernels that one thread does alone, and why. */
export const undivided = {
  heapBase: "computes nothing",
  convTable: "writes two numbers for a pixel, of which a part would have to repeat the last",
  countNonzero: "returns its result; reads once what is worked on for long",
  listNonzero: "a list begins where the one before it ends",
  divideRelative: "needs the sum over all before it divides",
  recurrentForward: "each step reads what the one before it has made",
  recurrentVjp: "each step reads what the one after it has made",
  recurrentTerms: "finds each step by the one before it",
  recurrentSignal: "each step reads what the one after it has made",
  addBlock: "may add to the same place from anywhere",
} as const satisfies Record<Exclude<keyof Kernels, keyof typeof cuts>, string>;
