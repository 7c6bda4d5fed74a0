import { expect, test } from "vitest";
import { simd } from "../../src/core.gen.ts";
import { LrpError } from "../../src/base/error.ts";
import { type Kernels, parametersOf } from "../../src/kernels.gen.ts";
import { compileText, instantiate } from "../../src/run/wasm.ts";
import { type Cut, cuts, GRAIN, undivided } from "../../src/parallel/threads/cuts.ts";
import { SUMS } from "../../src/parallel/threads/split.ts";
import { numbers } from "../random.ts";

/*
 * Every way to share out a kernel's call, one part after the other in one thread: together the parts write what the
 * whole call writes, to the last bit, and nothing else.
 */

const { kernels, memory } = instantiate(await compileText(simd));
memory.grow(64);
const BASE = Math.ceil(kernels.heapBase() / 16) * 16;

/** A pointer to that many numbers of its own. */
const at = (count: number) => ({ count });
type Given = Readonly<Record<string, number | { readonly count: number }>>;

/** One call: its arguments, and what other kernels write before it. */
interface Call {
  readonly given: Given;
  prepare?(a: Readonly<Record<string, number>>): void;
}

const call = (given: Given, prepare?: Call["prepare"]): Call => ({ given, prepare });
const flat = (pointers: string, count: number, more: Given = {}) =>
  call({ ...Object.fromEntries(pointers.split(" ").map((name) => [name, at(count)])), count, ...more });

const COUNTS = [4097, 8200, 13001];
const LONG = [16385, 32768, 49999];
const unary = (pointers: string) => COUNTS.map((count) => flat(pointers, count, { a: 1, b: 0.25 }));
const sums = LONG.map((count) => call({ x: at(count), sums: at(4), count }));
const divided = LONG.map((count) => flat("r z s", count, { coefficient: 1, epsilon: 0.01, ledger: at(6) }));

/** Broadcast along some axes, which are those of the strides 0. */
const zips = [
  [1, 1, 1, 9001],
  [1, 1, 3, 4099],
  [1, 5, 7, 1009],
  [7, 3, 5, 211],
].map(([d0, d1, d2, d3]) => {
  const all = d0 * d1 * d2 * d3;
  const [a2, a1, a0] = [d3, d2 * d3, d1 * d2 * d3];
  return call({
    ...{ a: at(all), b: at(d0 * d2 * d3), y: at(all), d0, d1, d2, d3 },
    ...{ a0, a1, a2, a3: 1, b0: d2 * d3, b1: 0, b2: d3, b3: 1 },
  });
});
/** [d0, d1, d2, d3] to [d3, d2, d1, d0]. */
const copies = [
  [1, 1, 1, 9001],
  [1, 1, 3, 4099],
  [1, 5, 7, 1009],
  [7, 3, 5, 211],
].map(([d0, d1, d2, d3]) =>
  call({
    ...{ x: at(d0 * d1 * d2 * d3), y: at(d0 * d1 * d2 * d3), d0, d1, d2, d3 },
    ...{ x0: d1 * d2 * d3, x1: d2 * d3, x2: d3, x3: 1, y0: 1, y1: d0, y2: d0 * d1, y3: d0 * d1 * d2 },
  }),
);

interface Window {
  readonly n: number;
  readonly h: number;
  readonly w: number;
  readonly c: number;
  readonly k: number;
  readonly stride: number;
  readonly pad: number;
  readonly dilation: number;
}

const windows: readonly Window[] = [
  { n: 1, h: 9, w: 7, c: 6, k: 3, stride: 1, pad: 1, dilation: 1 },
  { n: 1, h: 13, w: 6, c: 5, k: 3, stride: 2, pad: 2, dilation: 1 },
  { n: 3, h: 8, w: 9, c: 8, k: 2, stride: 3, pad: 1, dilation: 2 },
];

/** What kernels with a window take. */
function windowed({ n, h, w, c, k, stride, pad, dilation }: Window) {
  const out = (length: number) => Math.floor((length + 2 * pad - (k - 1) * dilation - 1) / stride) + 1;
  const [oh, ow] = [out(h), out(w)];
  const sizes = {
    n,
    h,
    w,
    c,
    oh,
    ow,
    kh: k,
    kw: k,
    strideH: stride,
    strideW: stride,
    top: pad,
    left: pad,
    dilationH: dilation,
  };
  return { x: n * h * w * c, pixels: n * oh * ow, sizes: { ...sizes, dilationW: dilation } };
}

const pooled = (make: (x: number, y: number) => Given, more: Given = {}) =>
  windows.map((window) => {
    const { x, pixels, sizes } = windowed(window);
    return call({ ...make(x, pixels * window.c), ...sizes, ...more });
  });
const counted = { countTop: 1, countBottom: 0, countLeft: 1, countRight: 1 };

const rowed = (back: boolean) =>
  windows.map((window) => {
    const { x, pixels, sizes } = windowed(window);
    const m = 2 * window.c;
    const [line, weights] = [window.k ** 2 * (window.c / 1) + 2 * (m + 4), at(m * window.k ** 2 * window.c)];
    const both = { weights, scratch: at(line), ...sizes, m, group: 1 };
    if (back) return call({ s: at(pixels * m), out: at(x), ...both, from: 0, rows: window.h });
    return call({ r: at(pixels * m), x: at(x), b: at(m), y: at(pixels * m), ...both });
  });

/** A convolution of an image that is padded already, as its table says. */
const convolved = [
  { n: 1, oh: 5, ow: 7, c: 9, m: 21, k: 3 },
  { n: 2, oh: 4, ow: 5, c: 130, m: 37, k: 1 },
].map(({ n, oh, ow, c, m, k }) => {
  const [h, w] = [oh + k - 1, ow + k - 1];
  const pixels = n * oh * ow;
  const common = { y: at(pixels * m), table: at(2 * 6 * Math.ceil(pixels / 6)), pixels, rows: k, columns: k };
  const panels = { w: at(Math.ceil(m / 8) * k * k * c * 8), b: at(8 * Math.ceil(m / 8)) };
  const tables = (step: number) => (a: Readonly<Record<string, number>>) =>
    kernels.convTable(a.table, n, oh, ow, h * w * step, w * step, step, oh * ow * m, ow * m, m);
  return {
    dense: call({ ...common, ...panels, x: at(n * h * w * c), m, run: c, tapRow: w * c, tapColumn: c }, tables(c)),
    depthwise: call(
      { ...common, x: at(n * h * w * m), w: at(k * k * m), b: at(m), c: m, tapRow: w * m, tapColumn: m },
      tables(m),
    ),
    lists: call(
      {
        ...{ ...common, ...panels, m, c, image: n * h * w, tapRow: w, tapColumn: 1, x: at(n * h * w * c) },
        ...{ lists: at(2 * n * h * w * c + 2), starts: at(Math.ceil(c / 128) * (n * h * w + 1)) },
      },
      (a) => {
        tables(1)(a);
        kernels.listNonzero(a.x, a.starts, a.lists, n * h * w, c);
      },
    ),
  };
});

const tiled = [
  { n: 1, oh: 67, ow: 5, c: 4, m: 20, taps: 3, some: 12 },
  { n: 1, oh: 66, ow: 4, c: 8, m: 12, taps: 5, some: 6 },
  { n: 2, oh: 7, ow: 9, c: 4, m: 28, taps: 3, some: 6 },
].map(({ n, oh, ow, c, m, taps, some }) => {
  const side = 7 - taps;
  const [h, w] = [oh, ow].map((length) => Math.ceil(length / side) * side + taps - 1);
  return call({
    ...{ x: at(n * h * w * c), w: at(Math.ceil(m / 8) * taps ** 2 * c * 8), b: at(8 * Math.ceil(m / 8)), zeros: at(8) },
    ...{ y: at(n * oh * ow * m), scratch: at(some * (36 * (c + 8) + 2) + 36 * 8 * c + 1896) },
    ...{ n, oh, ow, c, m, taps, xImage: h * w * c, xRow: w * c, xPixel: c, yPixel: m, some },
  });
});

const normalized = [5, 64, 1009].map((c) => {
  const pixels = Math.ceil(12000 / c) + 1;
  const lines = 3 * (c + 3 + 4);
  return {
    x: at(pixels * c),
    r: at(pixels * c),
    y: at(pixels * c),
    scratch: at(lines),
    pixels,
    c,
    before: 1,
    after: 2,
    a: 0.5,
    beta: 0.75,
    bias: 1,
  };
});
const spatial = [{ n: 3, h: 5, w: 7, c: 6, before: 1, after: 2, a: 0.5, beta: 0.75, bias: 1 }].map((sizes) => {
  const count = at(sizes.n * sizes.h * sizes.w * sizes.c);
  return { x: count, r: count, y: count, scratch: at(2 * (sizes.h * sizes.w * sizes.c + 4)), ...sizes };
});
const [acrossChannels, withinChannels] = [normalized, spatial].map((list) => list.map((given) => call(given)));

const softmaxes = [
  [9, 1000, 1],
  [4100, 3, 1],
  [3, 7, 400],
].map(([outer, axis, inner]) => call({ x: at(outer * axis * inner), y: at(outer * axis * inner), outer, axis, inner }));

const halves = (both: string) =>
  [1, 3, 7].map((channels) => {
    const pixels = Math.ceil(9001 / channels);
    const [c, x, y] = [at(2 * pixels * channels), at(pixels * channels), at(pixels * channels)];
    return call(both === "y" ? { x, y: c, pixels, c: channels } : { x, c, y, pixels, channels });
  });

const denses = [
  { n: 3, m: 21, k: 35 },
  { n: 1, m: 9, k: 1030 },
].map(({ n, m, k }) => ({ n, m, k, p: 1, q: 0.5 }));

/** What passes back through a softmax. */
const softmaxed = (...read: readonly string[]) =>
  [1, 7].map((inner) => {
    const [outer, axis] = [Math.ceil(9001 / (5 * inner)), 5];
    const pointers = Object.fromEntries([...read, "r", "y"].map((name) => [name, at(outer * axis * inner)]));
    return call({ ...pointers, outer, axis, inner });
  });

/** Rows that are normalized, of n numbers. */
const normed = (read: "b" | "r" | "s") =>
  [1, 7, 768].map((n) => {
    const rows = Math.ceil(9001 / n);
    const own = read === "b" ? { b: at(n) } : { [read]: at(rows * n) };
    const given = { x: at(rows * n), w: at(n), y: at(rows * n), ...own };
    return call({ ...given, rows, n, divisor: n, epsilon: 0.1, floor: 0, delta: 0 });
  });

/** Dense layers of packed weights. */
const packed = [
  { n: 1, m: 70, k: 131, block: 131, bits: 8, p: 1, q: 1 },
  { n: 3, m: 37, k: 160, block: 32, bits: 4, p: 1, q: 0 },
  { n: 2, m: 9, k: 75, block: 16, bits: 4, p: 1, q: -1 },
];

/** Calls of every kernel that is cut, such that each of its ways is open in one of them. */
const calls: Readonly<Record<keyof typeof cuts, readonly Call[]>> = {
  convForward: convolved.map(({ dense }) => dense),
  convListForward: convolved.map(({ lists }) => lists),
  depthwiseForward: convolved.map(({ depthwise }) => depthwise),
  convRowsForward: rowed(false),
  convRowsVjp: rowed(true),
  winogradForward: tiled,
  denseForward: denses.map(({ n, m, k, p, q }) =>
    call({ x: at(n * k), w: at(m * k), b: at(m), y: at(n * m), n, m, k, yRow: m, p, q }),
  ),
  denseVjp: [...denses, { n: 2, m: 1033, k: 70, p: 1, q: 0.5 }].map(({ n, m, k, p, q }) =>
    call({ s: at(n * m), w: at(m * k), y: at(n * k), scratch: at(m > 1024 ? n * k : 1), n, m, k, columns: k, p, q }),
  ),
  gemmForward: denses.map(({ n, m, k, p, q }) =>
    call({ x: at(n * k), w: at(m * k), b: at(m), y: at(n * m), scratch: at(20 + 8 * k), n, m, k, yRow: m, p, q }),
  ),
  gemmVjp: denses.map(({ n, m, k, p, q }) =>
    call({ s: at(n * m), w: at(m * k), y: at(n * k), scratch: at(20 + 32 * m), n, m, k, columns: k, p, q }),
  ),
  packedForward: packed.map(({ n, m, k, block, bits, p, q }) => {
    const [w, groups] = [Math.ceil((m * Math.ceil((k * bits) / 8)) / 4), m * Math.ceil(k / block)];
    const given = { x: at(n * k), w: at(w), scales: at(groups), zeros: at(groups), b: at(m), y: at(n * m) };
    return call({ ...given, scratch: at(4 * k), n, m, k, yRow: m, block, bits, p, q });
  }),
  packedVjp: packed.map(({ n, m, k, block, bits, p, q }) => {
    const [w, groups] = [Math.ceil((m * Math.ceil((k * bits) / 8)) / 4), m * Math.ceil(k / block)];
    const given = { s: at(n * m), w: at(w), scales: at(groups), zeros: at(groups), y: at(n * k) };
    const scratch = at((32 + n) * k + 32 * n);
    return call({ ...given, scratch, n, m, k, first: 0, columns: k, block, bits, p, q });
  }),
  maxPoolForward: pooled((x, y) => ({ x: at(x), y: at(y) })),
  maxPoolVjp: pooled((x, y) => ({ x: at(x), y: at(y), r: at(y), out: at(x) })).map(({ given }) => maxPoolBack(given)),
  averagePoolForward: pooled((x, y) => ({ x: at(x), y: at(y) }), counted),
  averagePoolVjp: pooled((x, y) => ({ s: at(y), scratch: at(2 * 64), out: at(x) }), counted).map(({ given }) =>
    call({ ...given, from: 0, rows: given.h }),
  ),
  lrnForward: acrossChannels,
  lrnTaylor: acrossChannels,
  lrnTaylorUniform: acrossChannels,
  lrnBeta: acrossChannels,
  lrnVjp: acrossChannels,
  lrnUnnormalised: acrossChannels,
  lrnSpatialForward: withinChannels,
  lrnSpatialTaylor: withinChannels,
  lrnSpatialTaylorUniform: withinChannels,
  lrnSpatialBeta: withinChannels,
  lrnSpatialVjp: withinChannels,
  lrnSpatialUnnormalised: withinChannels,
  reluForward: unary("x y"),
  reluVjp: unary("x r y"),
  slopeForward: unary("x y"),
  slopeVjp: unary("x r y"),
  clipForward: unary("x y"),
  clipVjp: unary("x r y"),
  sigmoidForward: unary("x y"),
  sigmoidVjp: unary("x r y"),
  hardSwishForward: unary("x y"),
  hardSwishVjp: unary("x r y"),
  swishForward: unary("x y"),
  swishVjp: unary("x r y"),
  geluForward: unary("x y"),
  geluVjp: unary("x r y"),
  geluTanhForward: unary("x y"),
  geluTanhVjp: unary("x r y"),
  tanhForward: unary("x y"),
  tanhVjp: unary("x r y"),
  addForward: zips,
  subForward: zips,
  mulForward: zips,
  divForward: zips,
  powForward: zips,
  maxForward: zips,
  pReluForward: zips,
  copyBlock: copies,
  weightedRows: [1, 7, 300].map((inner) => {
    const [outer, length, rows] = [Math.ceil(9001 / inner), 3, 2];
    const [x, y] = [at(outer * length * inner), at(outer * rows * inner)];
    return call({ x, starts: at(3), list: at(6), y, outer, length, rows, inner }, (a) => {
      new Int32Array(memory.buffer, a.starts, 3).set([0, 2, 3]);
      for (const [e, from] of [2, 0, 1].entries()) new Int32Array(memory.buffer, a.list)[2 * e] = from;
    });
  }),
  fill: COUNTS.map((count) => flat("y", count, { value: 3 })),
  standardForward: normed("b"),
  lengthForward: normed("b"),
  standardVjp: normed("r"),
  lengthVjp: normed("r"),
  standardIdentity: normed("s"),
  softmaxForward: softmaxes,
  logSoftmaxForward: softmaxes,
  softmaxVjp: softmaxed("p"),
  logSoftmaxVjp: softmaxed("l"),
  softmaxTaylor: softmaxed("x", "p"),
  sum: sums,
  divideStabilized: divided,
  divideClipped: divided,
  absorbBias: [7, 100, 20000].map((m) => {
    const rows = Math.ceil(40000 / m) + 1;
    return call({ s: at(rows * m), b: at(m), rows, m, ledger: at(6) });
  }),
  gatePositive: COUNTS.map((count) => flat("r z y", count)),
  gateNegative: LONG.map((count) => flat("r z y", count, { ledger: at(6) })),
  multiply: COUNTS.map((count) => flat("x c y", count)),
  multiplyAdd: COUNTS.map((count) => flat("x c y", count)),
  halvesForward: halves("y"),
  halvesMultiply: halves("c"),
  halvesMultiplyAdd: halves("c"),
};

/** y is the maximum of x: what is given elsewhere goes nowhere. */
function maxPoolBack(given: Given): Call {
  return call({ ...given, from: 0, rows: given.h }, (a) => {
    const sizes = parametersOf("maxPoolForward")
      .slice(2)
      .map((name) => a[name]);
    (kernels.maxPoolForward as (...args: number[]) => void)(a.x, a.y, ...sizes);
  });
}

interface Laid {
  readonly a: Readonly<Record<string, number>>;
  /** Bytes from BASE on. */
  readonly bytes: number;
  /** Where the scratch is, and how much. */
  readonly scratch: readonly [number, number];
}

/** Gives every pointer a place with room around it. */
function laid({ given }: Call): Laid {
  let top = BASE + 64;
  let scratch: readonly [number, number] = [0, 0];
  const a = Object.entries(given).map(([name, value]) => {
    if (typeof value === "number") return [name, value] as const;
    const place = top;
    top += 16 * Math.ceil(value.count / 4) + 64;
    if (name === "scratch") scratch = [place, 4 * value.count];
    return [name, place] as const;
  });
  if (top > memory.buffer.byteLength)
    throw new LrpError("memory", { where: "the test", expected: "less", received: `${top}` });
  return { a: Object.fromEntries(a), bytes: top - BASE, scratch };
}

/** Fills the memory with numbers, some of them 0, and makes the call ready. */
function prepared(one: Call): Laid {
  const place = laid(one);
  new Float32Array(memory.buffer, BASE, place.bytes / 4).set(
    numbers(place.bytes / 4, 7).map((v) => (Math.abs(v) < 0.3 ? 0 : v)),
  );
  const { zeros } = place.a;
  if (zeros !== undefined) new Float32Array(memory.buffer, zeros, 8).fill(0);
  one.prepare?.(place.a);
  return place;
}

/** All that was written, without the scratch. */
function result({ bytes, scratch: [from, length] }: Laid): Uint8Array {
  const all = new Uint8Array(memory.buffer, BASE, bytes).slice();
  if (length > 0) all.fill(0, from - BASE, from - BASE + length);
  return all;
}

type Name = keyof typeof cuts;
const run = (kernel: Name, a: Readonly<Record<string, number>>) =>
  (kernels[kernel as keyof Kernels] as (...args: number[]) => void)(...parametersOf(kernel).map((name) => a[name]));

/** The parts, each with its share of the units; sums are those of the parts, added in order. */
function runParts(kernel: Name, cut: Cut, unit: number, { a }: Laid): void {
  const moves = cut.moves(a);
  const sum = parametersOf(kernel).find((name) => name in SUMS);
  const own = sum === undefined ? undefined : new Float64Array(memory.buffer, a[sum], SUMS[sum]);
  const totals = own?.slice();
  if (sum === "sums") totals?.fill(0);
  for (let first = 0; first < a[cut.along]; first += unit) {
    own?.fill(0);
    const moved = Object.fromEntries(Object.entries(a).map(([name, v]) => [name, v + first * (moves[name] ?? 0)]));
    run(kernel, { ...moved, [cut.along]: Math.min(unit, a[cut.along] - first) });
    totals?.forEach((v, i) => {
      totals[i] = v + own![i];
    });
  }
  if (totals) own!.set(totals);
}

test.each(Object.keys(cuts) as Name[])("%s in parts is the whole", (kernel) => {
  const known: readonly Cut[] = cuts[kernel];
  const taken = new Set<Cut>();
  for (const one of calls[kernel]) {
    const whole = prepared(one);
    run(kernel, whole.a);
    const expected = result(whole);
    for (const cut of known) {
      if (cut.when?.(whole.a) === false) continue;
      const by = cut.by(whole.a, GRAIN);
      const fixed = parametersOf(kernel).some((name) => name in SUMS);
      for (const unit of fixed ? [by] : [by, 2 * by, 3 * by]) {
        if (unit >= whole.a[cut.along]) continue;
        taken.add(cut);
        runParts(kernel, cut, unit, prepared(one));
        const got = result(whole);
        const wrong = got.findIndex((byte, i) => byte !== expected[i]);
        expect(wrong, `along ${cut.along} by ${unit}: a byte that differs`).toBe(-1);
      }
    }
  }
  expect([...taken].length, "ways that were taken").toBe(known.length);
});

test("every kernel is shared out, or there is a reason why not", () => {
  const compiled = Object.entries(kernels).flatMap(([name, f]) =>
    typeof f === "function" && !name.startsWith("__") ? [name] : [],
  );
  expect([...Object.keys(cuts), ...Object.keys(undivided)].sort()).toEqual(compiled.sort());
});
