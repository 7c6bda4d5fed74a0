import { describe, expect, test } from "vitest";
import {
  averagePool2d,
  conv2d,
  dense,
  type Explanation,
  globalAveragePool,
  type LedgerRow,
  type Network,
  relu,
  type Rule,
  ruleOf,
  type Tensor,
} from "../../src/entries/index.ts";

import { expectClose, largest, magnitude } from "../close.ts";
import { explainLayer, network } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { chain, onnx } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import {
  apply,
  average,
  conv,
  convTranspose,
  count,
  dense as denseMap,
  type Dims,
  type LinearMap,
  positions,
  sum,
  turnover,
} from "../reference/linear.ts";
import { adding, alphaBeta, clip, clipping, epsilon, explain, gamma, type Outcome, ratio } from "../reference/rules.ts";
import { parameterless, plainRow, type Row, withParameters } from "./rows.ts";

/*
 * Every rule against its definition, scalar by scalar in double precision, on layers of every kind; with the ledger's
 * columns.
 */

interface Site {
  readonly name: string;
  readonly dims: Dims;
  readonly map: LinearMap;
  readonly source: Network | Uint8Array;
}

type Pads = [number, number, number, number];
interface ConvCase {
  x: Dims;
  w: Dims;
  group?: number;
  strides?: [number, number];
  pads?: Pads;
  dilations?: [number, number];
  bias?: false;
}

function convSite({
  x,
  w,
  group = 1,
  strides = [1, 1],
  pads = [0, 0, 0, 0],
  dilations = [1, 1],
  bias,
}: ConvCase): Site {
  const [weight, b] = [tensor(w, 3), bias === false ? undefined : tensor([w[0]], 5, -0.5, 0.5)];
  return {
    name:
      `conv [${x}] * [${w}] group ${group} strides ${strides} pads ${pads} dilations ` +
      `${dilations}${b ? "" : " no bias"}`,
    dims: x,
    map: conv(x, weight, b?.data, { group, strides, pads, dilations }),
    source: network(x, conv2d({ weight, bias: b, group, strides, pads, dilations })),
  };
}

interface FileCase {
  strides?: Dims;
  pads?: Dims;
  dilations?: Dims;
  output_padding?: Dims;
  group?: number;
}

/** A convolution, or a transposed one, over any number of axes as a file has it. */
function fileSite(type: "Conv" | "ConvTranspose", x: Dims, w: Dims, options: FileCase = {}): Site {
  const [of, m] = type === "Conv" ? [conv, w[0]] : [convTranspose, w[1] * (options.group ?? 1)];
  const [weight, bias] = [tensor(w, 3), tensor([m], 5, -0.5, 0.5)];
  return {
    name: `${type} [${x}] * [${w}] ${JSON.stringify(options)}`,
    dims: x,
    map: of(x, weight, bias.data, options),
    source: chain(["n", ...x.slice(1)], [{ type, attributes: { ...options }, parameters: [weight, bias] }]),
  };
}

function denseSite(n: number, k: number, m: number): Site {
  const [weight, bias] = [tensor([m, k], 3), tensor([m], 5, -0.5, 0.5)];
  return {
    name: `dense ${n} × ${k} → ${m}`,
    dims: [n, k],
    map: denseMap(n, weight, bias.data),
    source: network([n, k], dense({ weight, bias })),
  };
}

/** y = alpha · x · B + beta · C as a file has it, B lying as [k, m]. */
function gemmSite(n: number, k: number, m: number, alpha: number, beta: number, c: number): Site {
  const [b, bias] = [tensor([k, m], 3), tensor([c], 5, -0.5, 0.5)];
  const weight = {
    dims: [m, k],
    data: Float64Array.from({ length: m * k }, (_, i) => alpha * b.data[(i % k) * m + Math.floor(i / k)]),
  };
  return {
    name: `Gemm ${n} × ${k} → ${m}, alpha ${alpha}, beta ${beta}, ${c} biases`,
    dims: [n, k],
    map: denseMap(
      n,
      weight,
      Array.from({ length: m }, (_, o) => beta * bias.data[c === 1 ? 0 : o]),
    ),
    source: chain(
      ["n", k],
      [{ type: "Gemm", attributes: { alpha: { float: alpha }, beta: { float: beta } }, parameters: [b, bias] }],
    ),
  };
}

/** Rows of a tensor of rank 3, without a bias. */
function matMulSite(n: number, rows: number, k: number, m: number): Site {
  const b = tensor([k, m], 3);
  const weight = {
    dims: [m, k],
    data: Float64Array.from({ length: m * k }, (_, i) => b.data[(i % k) * m + Math.floor(i / k)]),
  };
  return {
    name: `MatMul [${n}, ${rows}, ${k}] · [${k}, ${m}]`,
    dims: [n, rows, k],
    map: { ...denseMap(n * rows, weight), dims: [n, rows, m] },
    source: chain(["n", rows, k], [{ type: "MatMul", parameters: [b] }]),
  };
}

const weightedSites: readonly Site[] = [
  denseSite(1, 7, 3),
  denseSite(3, 13, 9),
  denseSite(2, 37, 5),
  gemmSite(2, 11, 7, 1, 1, 7),
  gemmSite(3, 7, 5, -1.5, 0.5, 5),
  gemmSite(2, 9, 4, 0.75, 2, 1),
  matMulSite(2, 3, 7, 5),
  convSite({ x: [2, 3, 7, 5], w: [5, 3, 3, 2] }),
  convSite({ x: [1, 2, 5, 11], w: [9, 2, 3, 3], pads: [1, 2, 0, 3] }),
  convSite({ x: [1, 3, 11, 7], w: [4, 3, 3, 5], strides: [2, 3], pads: [1, 2, 1, 2] }),
  convSite({ x: [1, 2, 13, 11], w: [3, 2, 3, 2], strides: [2, 1], pads: [2, 0, 1, 1], dilations: [3, 2] }),
  convSite({ x: [1, 2, 9, 10], w: [3, 2, 2, 2], strides: [3, 4] }),
  convSite({ x: [2, 6, 5, 7], w: [9, 2, 3, 3], group: 3, pads: [1, 1, 1, 1] }),
  convSite({ x: [1, 7, 5, 6], w: [7, 1, 3, 3], group: 7, pads: [1, 1, 1, 1] }),
  convSite({ x: [1, 5, 7, 6], w: [10, 1, 3, 2], group: 5, strides: [2, 2], pads: [0, 1, 1, 0] }),
  convSite({ x: [1, 4, 5, 3], w: [6, 4, 1, 1], bias: false }),
  fileSite("Conv", [2, 3, 17], [5, 3, 4], { strides: [2], pads: [1, 3], dilations: [2] }),
  fileSite("Conv", [1, 3, 5, 4, 3], [5, 3, 3, 2, 2], { strides: [2, 1, 1], pads: [1, 1, 0, 2, 0, 1] }),
  fileSite("Conv", [1, 4, 4, 3, 5], [6, 2, 2, 3, 3], { group: 2, dilations: [2, 1, 2], pads: [0, 1, 1, 1, 1, 1] }),
  fileSite("ConvTranspose", [2, 3, 4, 3], [3, 5, 3, 3], {
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    output_padding: [1, 0],
  }),
  fileSite("ConvTranspose", [1, 4, 3, 5], [4, 3, 2, 3], { strides: [3, 1], dilations: [1, 2], group: 2 }),
  fileSite("ConvTranspose", [2, 5, 3, 4], [5, 1, 3, 2], { strides: [1, 2], group: 5 }),
  fileSite("ConvTranspose", [1, 3, 3, 2, 3], [3, 2, 2, 3, 2], { strides: [2, 1, 2], output_padding: [1, 0, 0] }),
];

const sparseSites: readonly Site[] = [
  convSite({ x: [2, 3, 7, 5], w: [17, 3, 3, 2], pads: [1, 0, 0, 1] }),
  convSite({ x: [1, 5, 11, 7], w: [12, 5, 3, 5], strides: [2, 3], pads: [1, 2, 1, 2] }),
  convSite({ x: [1, 3, 13, 11], w: [7, 3, 3, 2], strides: [2, 1], pads: [2, 0, 1, 1], dilations: [3, 2] }),
  convSite({ x: [2, 12, 5, 7], w: [18, 4, 3, 3], group: 3, pads: [1, 1, 1, 1] }),
  convSite({ x: [1, 37, 4, 5], w: [9, 37, 1, 1], bias: false }),
  convSite({ x: [1, 8, 9, 10], w: [12, 8, 3, 3], pads: [1, 1, 1, 1] }),
  fileSite("Conv", [1, 9, 3, 4, 5], [7, 9, 2, 3, 2], { pads: [1, 1, 0, 0, 1, 1] }),
  fileSite("ConvTranspose", [1, 17, 4, 5], [17, 9, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
];

const average2d = (
  x: Dims,
  kernel: [number, number],
  strides: [number, number],
  pads: Pads,
  ceil: boolean,
  countPads: boolean,
): Site => ({
  name:
    `average [${x}] over ${kernel} strides ${strides} pads ` +
    `${pads}${ceil ? " ceil" : ""}${countPads ? " counting pads" : ""}`,
  dims: x,
  map: average(x, { kernel, strides, pads, ceil }, countPads),
  source: network(x, averagePool2d({ kernel, strides, pads, ceil, countPads })),
});

/** Two halves of the input along the channels, added or subtracted. */
function addition(type: "Add" | "Sub" | "Sum", terms: number, before?: string): Site {
  const dims = [1, 3, 5, 2];
  const int = (v: number) => ({ dims: [1], data: [v] });
  const names = Array.from({ length: terms }, (_, t) => `t${t}`);
  return {
    name: `${type} of ${terms}`,
    dims: [1, 3 * terms, 5, 2],
    map: sum(
      dims,
      names.map((_, t) => (type === "Sub" && t > 0 ? -1 : 1)),
    ),
    source: onnx({
      nodes: [
        ...(before ? [{ type: before, inputs: ["x"], outputs: ["seen"] }] : []),
        ...names.map((name, t) => ({
          type: "Slice",
          inputs: [before ? "seen" : "x", `b${t}`, `b${t + 1}`, "one"],
          outputs: [name],
        })),
        { type, inputs: names, outputs: ["y"] },
      ],
      initializers: {
        one: int(1),
        ...Object.fromEntries(Array.from({ length: terms + 1 }, (_, t) => [`b${t}`, int(3 * t)])),
      },
      inputs: { x: ["n", 3 * terms, 5, 2] },
      outputs: { y: [] },
    }),
  };
}

const parameterlessSites: readonly Site[] = [
  average2d([2, 3, 7, 5], [3, 2], [2, 1], [0, 0, 0, 0], false, false),
  average2d([1, 5, 7, 8], [3, 3], [2, 2], [1, 0, 0, 1], false, false),
  average2d([1, 5, 7, 8], [3, 3], [2, 2], [1, 0, 0, 1], false, true),
  average2d([1, 2, 8, 6], [3, 4], [3, 5], [1, 1, 1, 2], true, false),
  average2d([1, 9, 8, 6], [3, 2], [2, 3], [1, 0, 1, 1], true, true),
  {
    name: "global average",
    dims: [2, 5, 3, 7],
    map: average([2, 5, 3, 7], { kernel: [3, 7] }),
    source: network([2, 5, 3, 7], globalAveragePool()),
  },
  addition("Add", 2),
  addition("Sub", 2),
  addition("Sum", 3),
];

/** The same sites, with a ReLU before them. */
const behindRelu: readonly { readonly site: Site; readonly rows: readonly Row[] }[] = [
  { weight: [9, 13], dims: [3, 13] },
  { weight: [5, 3, 3, 3], dims: [2, 3, 6, 5] },
]
  .map(({ weight: w, dims }) => {
    const [weight, bias] = [tensor(w, 3), tensor([w[0]], 5, -0.5, 0.5)];
    const isDense = dims.length === 2;
    const site: Site = {
      name: isDense ? "dense" : "conv",
      dims,
      map: isDense ? denseMap(dims[0], weight, bias.data) : conv(dims, weight, bias.data, { pads: [1, 1, 1, 1] }),
      source: network(dims, relu(), isDense ? dense({ weight, bias }) : conv2d({ weight, bias, pads: 1 })),
    };
    return { site, rows: withParameters };
  })
  .concat([
    {
      site: {
        name: "average",
        dims: [2, 3, 6, 5],
        map: average([2, 3, 6, 5], { kernel: [3, 2], strides: [2, 1], pads: [1, 0, 0, 1] }),
        source: network([2, 3, 6, 5], relu(), averagePool2d({ kernel: [3, 2], strides: [2, 1], pads: [1, 0, 0, 1] })),
      },
      rows: [...parameterless],
    },
    { site: addition("Add", 2, "Relu"), rows: [...parameterless] },
    { site: addition("Sub", 2, "Relu"), rows: [...parameterless] },
    { site: addition("Sum", 3, "Relu"), rows: [...parameterless] },
  ]);

/** Relevance for every output but those whose z is a small difference of large numbers: there float32 has no digits. */
function relevanceAt(map: LinearMap, x: ArrayLike<number>, biasCounts: boolean, oneIn: number): Float32Array {
  const still = biasCounts ? map : { ...map, bias: map.bias.map(() => 0) };
  const [z, size] = [apply(still, x), turnover(still, x)];
  return numbers(z.length, 7, 0.25, 1.25).map((r, j) =>
    j % oneIn === 0 && Math.abs(z[j]) > 0.05 * size[j] ? (j % 3 === 2 ? -r : r) : 0,
  );
}

function expectOutcome({ relevance, ledger }: Explanation, expected: Outcome, r: ArrayLike<number>, off: number): void {
  expectClose(relevance.data, expected.relevance, off);
  const row = ledger.find((l) => l.rule !== "route" && l.rule !== "pass") as LedgerRow;
  const scale = Math.max(
    magnitude(r),
    magnitude(expected.relevance),
    Math.abs(expected.bias),
    Math.abs(expected.stabilizer),
  );
  expectClose(
    [row.bias, row.stabilizer, row.dead, row.other],
    [expected.bias, expected.stabilizer, expected.dead, 0],
    off,
    scale,
  );
  const received = Array.from(r).reduce((a, b) => a + b, 0);
  expectClose([row.received, row.passed], [received, expected.relevance.reduce((a, b) => a + b, 0)], off, scale);
}

function check(
  site: Site,
  row: Row,
  x: Tensor,
  seen: ArrayLike<number>,
  source: Network | Uint8Array,
  rules: (rule: Rule) => Parameters<typeof explainLayer>[4],
  oneIn = 1,
) {
  const places = positions(site.dims).map((p) => p[1]);
  const r = relevanceAt(site.map, seen, row.options?.bias !== false, oneIn);
  const expected = explain(
    site.map,
    seen,
    r,
    row.literal((i) => places[i]),
    row.options,
  );
  expect(largest(expected.relevance)).toBeGreaterThan(0);
  return explainLayer(source, x, r, rules(row.rule(site.dims[1]))).then((e) => expectOutcome(e, expected, r, row.off));
}

describe.each([
  ...weightedSites.map((site) => ({ site, rows: withParameters })),
  ...parameterlessSites.map((site) => ({ site, rows: parameterless })),
])(`$site.name`, ({ site, rows }) => {
  const x = tensor(site.dims, 11);
  // Channels are axis 1; a MatMul of rank 3 has its weights along another.
  const fitting = rows.filter(
    (row) => site.dims.length !== 3 || !row.name.includes("each channel") || !site.name.startsWith("MatMul"),
  );
  test.each(fitting)("$name", (row) => check(site, row, x, x.data, site.source, (rule) => rule));
});

// Where little relevance arrives, convolutions go neuron by neuron.
describe.each(sparseSites)(`$name, one neuron in 17 has relevance`, (site) => {
  const x = tensor(site.dims, 11);
  test.each(withParameters)("$name", (row) => check(site, row, x, x.data, site.source, (rule) => rule, 17));
});

// Behind a ReLU the library knows that no input is negative, and leaves half of the work out.
describe.each(behindRelu)(`$site.name behind a ReLU`, ({ site, rows }) => {
  const x = tensor(site.dims, 11);
  test.each(rows)("$name", (row) =>
    check(
      site,
      row,
      x,
      x.data.map((v) => Math.max(v, 0)),
      site.source,
      (rule) => [{ type: "activation", rule: ruleOf.pass() }, { rule }],
    ),
  );
});

describe("where there is nothing to share by", () => {
  // z = 0 in the first neuron, by cancellation; in the second because all its inputs are 0; the third is alive.
  const weight = { dims: [3, 4], data: Float32Array.of(1, -1, 0, 0, 0, 0, 3, -2, 2, 1, 5, 5) };
  const x = { dims: [1, 4], data: Float32Array.of(2, 2, 0, 0) };
  const map = denseMap(1, weight);
  const r = [1, 10, 100];
  const rows: readonly (Row & { readonly passed?: readonly number[] })[] = [
    {
      ...plainRow("lrp0: 0/0 is 0", tolerance.lrp0, ruleOf.lrp0(), epsilon, { stab: adding(0) }),
      passed: [200 / 3, 100 / 3, 0, 0],
    },
    {
      ...plainRow("gamma: z = 0 has no relevance to give", tolerance.plain, ruleOf.gamma(), gamma(0.25)),
      passed: [200 / 3, 100 / 3, 0, 0],
    },
    plainRow("epsilon: sign(0) = +1", tolerance.epsilon, ruleOf.epsilon({ epsilon: 0.5 }), epsilon, {
      stab: adding(0.5),
    }),
    plainRow("clip", tolerance.epsilon, ruleOf.epsilon({ epsilon: 0.5, stabilizer: "clip" }), epsilon, {
      stab: clipping(0.5),
    }),
    plainRow("zPlus", tolerance.plain, ruleOf.zPlus(), alphaBeta(1, 0)),
    plainRow("alphaBeta", tolerance.alphaBeta, ruleOf.alphaBeta(), alphaBeta(2, 1)),
    plainRow("ratio", tolerance.plain, ruleOf.ratio(), ratio),
    plainRow("clip to a share of the terms", tolerance.epsilon, ruleOf.clip(), clip(0.1)),
  ];
  test.each(rows)("$name", async ({ off, rule, literal, options, passed }) => {
    const expected = explain(
      map,
      x.data,
      r,
      literal(() => 0),
      options,
    );
    const explanation = await explainLayer(network([1, 4], dense({ weight })), x, r, rule(4));
    expectOutcome(explanation, expected, r, off);
    if (passed) {
      expectClose(explanation.relevance.data, passed, off);
      expect(explanation.ledger[0].dead).toBe(11);
    }
  });

  test("a convolution over zeros passes nothing on, whatever the rule", async () => {
    const dims = [1, 2, 4, 4];
    const source = network(dims, conv2d({ weight: tensor([3, 2, 3, 3], 3) }));
    const ones = new Float32Array(count([1, 3, 2, 2])).fill(1);
    for (const rule of [
      ruleOf.lrp0(),
      ruleOf.epsilon(),
      ruleOf.zPlus(),
      ruleOf.alphaBeta(),
      ruleOf.gamma(),
      ruleOf.ratio(),
      ruleOf.clip(),
      ruleOf.epsilon({ stabilizer: "relative" }),
    ]) {
      const { relevance, ledger } = await explainLayer(source, { dims, data: new Float32Array(32) }, ones, rule);
      expect(Array.from(relevance.data, Math.abs), rule.name).toEqual(new Array(32).fill(0));
      expect(ledger[0], rule.name).toMatchObject({ received: 12, dead: 12, passed: 0 });
    }
  });
});
