import { describe, expect, test } from "vitest";
import {
  conv2d,
  dense,
  flatten,
  lrn,
  type LrnOptions,
  lrnModes,
  type LrnMode,
  relu,
  ruleOf,
  taylor,
  type TaylorNeurons,
  type Tensor,
} from "../../src/entries/index.ts";
import { loadInMode } from "../modes.ts";
import { expectClose, magnitude, total } from "../close.ts";
import { explainLayer, network, predict } from "../explain.ts";
import { tolerance } from "../golden/tolerance.ts";
import { chain } from "../onnx-writer.ts";
import { numbers, tensor } from "../random.ts";
import { count, type Dims } from "../reference/linear.ts";
import { type Lrn, lrnForward, lrnRelevance, neighbourhoods } from "../reference/lrn.ts";

const modes = Object.keys(lrnModes) as LrnMode[];

/** The window and the constants of the options, as ONNX and PyTorch define them. */
function literal({ size, alpha = 1e-4, beta = 0.75, bias = 1, region = "channels", window = "onnx" }: LrnOptions): Lrn {
  const [before, after] =
    window === "onnx"
      ? [Math.floor((size - 1) / 2), Math.ceil((size - 1) / 2)]
      : [Math.floor(size / 2), Math.floor((size - 1) / 2)];
  return { region, before, after, a: alpha / (region === "channels" ? size : size * size), c: beta, kappa: bias };
}

/** Signed numbers with some zeros; if they are wild, from 0.001 to 1000 side by side. */
function activations(dims: Dims, { scale = 1, wild = false }: Partial<Case>): Tensor {
  const exponents = numbers(count(dims), 6, -3, 3);
  return {
    dims,
    data: numbers(count(dims), 5).map((v, i) => (i % 7 === 3 ? 0 : v * scale * (wild ? 10 ** exponents[i] : 1))),
  };
}

interface Case {
  readonly dims: Dims;
  readonly options: LrnOptions;
  readonly scale?: number;
  readonly wild?: boolean;
}

const cases: readonly Case[] = [
  // Every number of channels that a vector of four leaves over.
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((c): Case => ({ dims: [2, c, 3, 2], options: { size: 5, alpha: 2 } })),
  // Every size, odd and even, up to far beyond the channels.
  ...[1, 2, 3, 4, 6, 7, 8, 13, 40].flatMap((size): Case[] => [
    { dims: [1, 7, 2, 3], options: { size, alpha: 3, window: "onnx" } },
    { dims: [1, 7, 2, 3], options: { size, alpha: 3, window: "torch" } },
  ]),
  // Every exponent; 0.75 and some others are computed without a power.
  ...[0.25, 0.5, 0.6, 1, 1.5, 2].map(
    (beta): Case => ({ dims: [1, 6, 3, 5], options: { size: 3, alpha: 1.5, beta, bias: 2 } }),
  ),
  { dims: [1, 11, 2, 2], options: { size: 5, alpha: 1e-4, bias: 1 }, scale: 250 },
  { dims: [1, 64, 3, 1], options: { size: 5, alpha: 1e-4, bias: 2 }, scale: 250 },
  { dims: [3, 5, 7], options: { size: 3, alpha: 2 } },
  // A sum over a window must not remember what has left it.
  { dims: [1, 61, 3, 2], options: { size: 3, alpha: 2 }, wild: true },
  { dims: [1, 61, 3, 2], options: { size: 6, alpha: 2, beta: 0.5 }, wild: true },
  { dims: [1, 3, 23, 19], options: { size: 3, alpha: 2, region: "spatial" }, wild: true },
  // Within a channel: windows at the edges, larger than the image, even.
  ...[1, 2, 3, 4, 5, 12].map((size): Case => ({ dims: [2, 3, 5, 4], options: { size, alpha: 4, region: "spatial" } })),
  { dims: [1, 9, 3, 7], options: { size: 3, alpha: 4, beta: 0.6, bias: 1.5, region: "spatial" } },
  { dims: [1, 2, 6, 5], options: { size: 4, alpha: 4, region: "spatial", window: "torch" } },
  { dims: [2, 5, 1, 1], options: { size: 3, alpha: 4, region: "spatial" } },
];

const nameOf = ({ dims, options, wild }: Case): string =>
  `[${dims}] ${JSON.stringify(options)}${wild ? " of wild numbers" : ""}`;

describe("against the messages", () => {
  test.each(cases.map((c) => [nameOf(c), c] as const))("%s", async (_name, { dims, options, ...range }) => {
    const x = activations(dims, range);
    const o = literal(options);
    const r = numbers(count(dims), 9);
    const source = network(dims, lrn(options));
    expectClose((await predict(source, x)).data, lrnForward(x.data, dims, o), 1e-6);
    for (const mode of modes) {
      const {
        relevance,
        ledger: [row],
      } = await explainLayer(source, x, r, ruleOf.lrn(mode));
      expectClose(relevance.data, lrnRelevance(x.data, dims, o, mode, r), tolerance.plain);
      const { received, passed, other, gap, ...rest } = row;
      expectClose([received], [total(r)], 1e-6, magnitude(r));
      expectClose([passed], [total(relevance.data)], 1e-6, magnitude(relevance.data));
      expect(rest).toMatchObject({ rule: mode, bias: 0, stabilizer: 0, dead: 0 });
      if (lrnModes[mode].conserves) {
        expect(other).toBe(0);
        expect(Math.abs(gap)).toBeLessThanOrEqual(1e-5 * magnitude(r));
      } else {
        expectClose([other], [received - passed], 1e-9, magnitude(r));
        expect(gap).toBeCloseTo(0, 9);
      }
    }
  });

  test("the operator of a file has ONNX's window, and its defaults", async () => {
    const x = activations([2, 7, 3, 2], { scale: 100 });
    for (const options of [{ size: 3 }, { size: 4, alpha: 0.5, beta: 0.6, bias: 1.25 }]) {
      const { size, ...floats } = options;
      const attributes = {
        size,
        ...Object.fromEntries(Object.entries(floats).map(([name, float]) => [name, { float }])),
      };
      const o = literal(options);
      const r = numbers(x.data.length, 9);
      const { output, relevance } = await explainLayer(
        chain(["n", 7, 3, 2], [{ type: "LRN", attributes }]),
        x,
        r,
        ruleOf.lrn(),
      );
      expectClose(output.data, lrnForward(x.data, x.dims, o), 1e-6);
      expectClose(relevance.data, lrnRelevance(x.data, x.dims, o, "taylor", r), tolerance.plain);
    }
  });

  test(
    "for beta = 0.75 the centre keeps between 1 and 1.83155 of its relevance, the neighbours together give " +
      "at most 0.83155",
    async () => {
      const dims = [1, 5, 40, 40];
      const x = tensor(dims, 3, 0, 4);
      const r = new Float32Array(count(dims));
      r.fill(1, 2 * 1600, 3 * 1600);
      const { relevance } = await explainLayer(network(dims, lrn({ size: 5, alpha: 5 })), x, r, ruleOf.lrn());
      for (let p = 0; p < 1600; p++) {
        const [a, b, centre, d, e] = [0, 1, 2, 3, 4].map((c) => relevance.data[c * 1600 + p]);
        expect(centre).toBeGreaterThanOrEqual(1);
        expect(centre).toBeLessThanOrEqual(1.83156);
        for (const neighbour of [a, b, d, e]) expect(neighbour).toBeLessThanOrEqual(0);
      }
    },
  );
});

/** LRN told as a function of each neuron and its partial derivatives. */
function lrnNeurons(dims: Dims, options: LrnOptions): TaylorNeurons {
  const { a, c, kappa, ...rest } = literal(options);
  const windows = neighbourhoods([1, ...dims], { a, c, kappa, ...rest });
  const centre = (k: number) => windows[k].window.indexOf(k);
  const scale = (x: readonly number[]) => kappa + a * x.reduce((s, v) => s + v * v, 0);
  return {
    outputDims: (d) => d,
    inputs: (k) => windows[k].window,
    value: (x, k) => x[centre(k)] * scale(x) ** -c,
    partials: (x, k) =>
      x.map((v, j) => (j === centre(k) ? scale(x) ** -c : 0) - 2 * a * c * x[centre(k)] * v * scale(x) ** (-c - 1)),
    reference: (x, k) => x.map((v, j) => (j === centre(k) ? v : 0)),
    slopesAt: "input",
  };
}

describe("the general recipe", () => {
  const shapes: readonly Case[] = [
    { dims: [2, 7, 2, 3], options: { size: 5, alpha: 3 } },
    { dims: [1, 5, 3, 2], options: { size: 4, alpha: 3, window: "torch" } },
    { dims: [1, 2, 4, 5], options: { size: 3, alpha: 4, region: "spatial" } },
  ];
  test.each(shapes.map((c) => [nameOf(c), c] as const))(
    "LRN is an instance of it: %s",
    async (_name, { dims, options }) => {
      const x = { dims, data: numbers(count(dims), 5).map((v) => (v < 0 ? v - 0.1 : v + 0.1)) };
      const r = numbers(count(dims), 9);
      const neurons = lrnNeurons(dims.slice(1), options);
      const shares = {
        "taylor-uniform": "even",
        taylor: (_x: readonly number[], k: number) => neurons.inputs(k, dims.slice(1)).map((i) => (i === k ? 1 : 0)),
      } as const;
      for (const mode of ["taylor", "taylor-uniform"] as const) {
        const general = await explainLayer(
          network(dims, taylor({ ...neurons, zeroOrder: shares[mode] })),
          x,
          r,
          ruleOf.lrn("taylor"),
        );
        const special = await explainLayer(network(dims, lrn(options)), x, r, ruleOf.lrn(mode));
        expectClose(general.output.data, special.output.data, 1e-6);
        expectClose(general.relevance.data, special.relevance.data, tolerance.plain);
        expect(Math.abs(general.ledger[0].gap)).toBeLessThanOrEqual(1e-5 * magnitude(r));
        // "even" is also what a caller gets who says nothing.
        if (mode === "taylor-uniform") {
          const silent = await explainLayer(network(dims, taylor(neurons)), x, r, ruleOf.lrn("taylor"));
          expect(silent.relevance.data).toEqual(general.relevance.data);
        }
      }
    },
  );

  // g_k = exp(w_k · x) over three inputs; at the origin z_i = 1/3 + w_i x_i,
  // at a reference x̃ z_i = g(x̃)/3 + w_i g(x̃) (x_i − x̃_i).
  const w = [
    [0.5, -1, 0.25],
    [1, 0.75, -0.5],
  ];
  const g = (x: readonly number[], k: number) => Math.exp(w[k].reduce((s, v, i) => s + v * x[i], 0));
  const neurons: TaylorNeurons = {
    outputDims: () => [2],
    inputs: (k) => [k, k + 1, k + 2],
    value: g,
    partials: (x, k) => w[k].map((v) => v * g(x, k)),
  };
  const x = { dims: [2, 4], data: Float32Array.of(0.5, 1, -0.25, 2, -1, 0.5, 1.5, 0.75) };
  const r = [1, -2, 0.5, 3];
  const expansion = (reference: readonly number[], slopes: "reference" | "input") => {
    const out = new Float64Array(8);
    for (let s = 0; s < 2; s++) {
      for (let k = 0; k < 2; k++) {
        const at = [0, 1, 2].map((i) => x.data[s * 4 + k + i]);
        const z = at.map(
          (v, i) => g(reference, k) / 3 + w[k][i] * g(slopes === "input" ? at : reference, k) * (v - reference[i]),
        );
        z.forEach((v, i) => {
          out[s * 4 + k + i] += (v / total(z)) * r[s * 2 + k];
        });
      }
    }
    return out;
  };

  test.each([
    ["at the origin", {}, expansion([0, 0, 0], "reference")],
    ["at a reference", { reference: () => [0.25, -0.5, 1] }, expansion([0.25, -0.5, 1], "reference")],
    [
      "with the slopes at the input",
      { reference: () => [0.25, -0.5, 1], slopesAt: "input" as const },
      expansion([0.25, -0.5, 1], "input"),
    ],
  ])("a function of one's own, expanded %s", async (_name, options, expected) => {
    const { output, relevance } = await explainLayer(
      network(x.dims, taylor({ ...neurons, ...options })),
      x,
      r,
      ruleOf.lrn("taylor"),
    );
    expectClose(
      output.data,
      [0, 1].flatMap((s) =>
        [0, 1].map((k) =>
          g(
            [0, 1, 2].map((i) => x.data[s * 4 + k + i]),
            k,
          ),
        ),
      ),
      1e-6,
    );
    expectClose(relevance.data, expected, tolerance.plain);
  });

  test("terms that cancel out are a dead neuron", async () => {
    const difference: TaylorNeurons = {
      outputDims: () => [1],
      inputs: () => [0, 1],
      value: ([a, b]) => a - b,
      partials: () => [1, -1],
    };
    const { relevance, ledger } = await explainLayer(
      network([1, 2], taylor(difference)),
      { dims: [1, 2], data: Float32Array.of(3, 3) },
      [7],
      ruleOf.lrn("taylor"),
    );
    expect(Array.from(relevance.data)).toEqual([0, 0]);
    expect(ledger[0]).toMatchObject({ received: 7, passed: 0, dead: 7 });
  });

  test("nothing of what passes is unaccounted for but rounding", async () => {
    const sum: TaylorNeurons = {
      outputDims: () => [1],
      inputs: () => [0, 1, 2],
      value: (v) => total(v),
      partials: () => [1, 1, 1],
    };
    const x = { dims: [1, 3], data: Float32Array.of(0.1, 0.7, -0.3) };
    const { ledger } = await explainLayer(network([1, 3], taylor(sum)), x, [0.9], ruleOf.lrn("taylor"));
    expect(ledger[0].other).toBe(0);
    expect(Math.abs(ledger[0].gap)).toBeLessThan(1e-6);
  });

  test("inside a network it gets its rule from every named composite", async () => {
    const dims = [1, 2, 4, 4];
    const body = (normalization: ReturnType<typeof lrn>) => [
      conv2d({ weight: tensor([5, 2, 3, 3], 3), pads: 1 }),
      relu(),
      normalization,
      flatten(),
      dense({ weight: tensor([3, 80], 4) }),
    ];
    const options: LrnOptions = { size: 3, alpha: 2, beta: 0.75 };
    using special = await loadInMode(network(dims, ...body(lrn(options))));
    // A neuron behind a ReLU may be 0: the general form is then 0/0, and its relevance, which is 0 there too, is dead.
    const centred = { ...lrnNeurons([5, 4, 4], options) };
    using general = await loadInMode(
      network(
        dims,
        ...body(taylor({ ...centred, zeroOrder: (_x, k) => centred.inputs(k, []).map((i) => (i === k ? 1 : 0)) })),
      ),
    );
    const x = tensor(dims, 7);
    for (const composite of ["epsilon", "epsilonPlus", "paperBeta"]) {
      expectClose(
        general.explain(x, { composite, target: 1 }).relevance.data,
        special.explain(x, { composite, target: 1 }).relevance.data,
        tolerance.alphaBeta,
      );
    }
  });
});
