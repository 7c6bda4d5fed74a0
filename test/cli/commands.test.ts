import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/read/npy.ts";
import { run } from "../../src/cli/run.ts";
import { chain, field, onnx, utf8 } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

const MODEL = "demo/digits.onnx";
const THREE = "demo/three.png";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
});
afterAll(() => rm(folder, { recursive: true }));

const relprop = (...words: string[]) => inTerminal({ out: false, err: false }, ...words);

async function inTerminal(terminals: { readonly out: boolean; readonly err: boolean }, ...words: string[]) {
  const [out, err]: string[][] = [[], []];
  const code = await run(words, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    columns: 80,
    terminals,
  });
  return { code, out: out.join(""), err: err.join("") };
}

async function json(...words: string[]) {
  const { code, out, err } = await relprop(...words, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out);
}

async function digit(n = 1): Promise<string> {
  const data = Float32Array.from({ length: n * 784 }, (_, i) => ((i * 7919) % 256) / 255);
  await writeFile(at(`digit${n}.npy`), writeNpy({ data, dims: [n, 1, 28, 28] }));
  return at(`digit${n}.npy`);
}

describe("a picture of which nobody says how it is prepared", () => {
  test.each(["explain", "predict"])("%s shows what each preset gives, and takes one as a guess", async (command) => {
    await writeFile(at("bare.onnx"), await readFile(MODEL));
    const { code, out, err } = await relprop(command, at("bare.onnx"), THREE);
    expect(code).toBe(0);
    expect(out).toMatch(/^input +three\.png, 28 x 28, prepared by unit, a guess$/m);
    const [first, head, ...rest] = err.split("\n");
    expect(first).toBe(
      "relprop: nothing says how pictures are prepared for this model. unit is a guess: with it the answer depends " +
        "most on the picture.",
    );
    expect(head).toMatch(/^ {2}preset +probability +class +dependence on the picture$/);
    // Presets of three channels do not fit.
    const rows = ["unit", "raw", "mobilenet"].map(
      (name) => new RegExp(`^  ${name} +\\d+\\.\\d %  \\d +\\d+\\.\\d bits$`),
    );
    const end = /^ {2}Give --preset, or say it in .*bare\.relprop\.json\.$/;
    expect(rest).toEqual([...rows.map(() => expect.any(String)), expect.stringMatching(end), ""]);
    for (const row of rows) expect(rest.filter((line) => row.test(line)).length, `${row}`).toBe(1);
  });

  test("is prepared as the model's metadata says", async () => {
    const said = { "Image.BitmapPixelFormat": "Gray8", "Image.NominalPixelRange": "Normalized_0_1" };
    const entry = ([key, value]: string[]) => field(14, [...field(1, utf8(key)), ...field(2, utf8(value))]);
    await writeFile(
      at("said.onnx"),
      Uint8Array.from([...(await readFile(MODEL)), ...Object.entries(said).flatMap(entry)]),
    );
    const { scores, input } = await json("predict", at("said.onnx"), THREE);
    expect(input).toBe("three.png, 28 x 28, prepared by the model's metadata");
    const own = await json("predict", MODEL, THREE);
    expect(scores.map(({ score }: { score: number }) => score)).toEqual(
      own.scores.map(({ score }: { score: number }) => score),
    );
    expect((await json("predict", at("said.onnx"), THREE, "--preset", "raw")).input).toMatch(/prepared by raw$/);
  });
});

describe("explain", () => {
  test("needs nothing but a model with a sidecar and a picture", async () => {
    const { code, out, err } = await relprop("explain", MODEL, THREE);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^class +3 three, logit \d/m);
    expect(out).toMatch(/^ {2}input +\d/m);
  });

  test.each<[string, () => Promise<string[]> | string[]]>([
    ["one picture", () => [MODEL, THREE]],
    ["one class against another", () => [MODEL, THREE, "--against", "eight"]],
    ["a batch", async () => [MODEL, await digit(3)]],
  ])("where relevance went adds up to what is printed: %s", async (_, words) => {
    const { out } = await relprop("explain", ...(await words()));
    const total = Number(/^relevance of (\S+?),? (?:of all 3 samples, )?went to$/m.exec(out)![1]);
    const rows = [...out.matchAll(/^ {2}\w+ +(\S+) +(-?[\d.]+) %/gm)].map(([, ...row]) => row.map(Number));
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.reduce((sum, [part]) => sum + part, 0)).toBeCloseTo(total, 1);
    for (const [part, share] of rows) expect(share).toBeCloseTo((100 * part) / total, 0);
    const { ledger, arrivedSum } = await json("explain", ...(await words()));
    expect(arrivedSum).toBeCloseTo(rows[0][0], 1);
    expect(ledger[0].received).toBeCloseTo(total, 1);
  });

  test("shares of a sum that cancels are left out", async () => {
    const weight = { dims: [2, 1], data: Float32Array.of(1, 1) };
    const bias = { dims: [1], data: Float32Array.of(-2.00001) };
    await writeFile(at("cancels.onnx"), chain(["n", 2], [{ type: "Gemm", parameters: [weight, bias] }]));
    await writeFile(at("ones.npy"), writeNpy({ data: Float32Array.of(1, 1), dims: [1, 2] }));
    const { out } = await relprop("explain", at("cancels.onnx"), at("ones.npy"), "--composite", "epsilon");
    expect(out).toMatch(/^ {2}biases +-[\d.]+ +most at /m);
    expect(out).not.toContain("%");
  });

  test("--json is one object with what the summary says and more", async () => {
    const found = await json("explain", MODEL, THREE);
    expect(found).toMatchObject({
      target: 3,
      className: "three",
      start: "logit",
      composite: "epsilonPlusFlat",
      lrn: "taylor",
      files: [],
    });
    expect(found.scores).toHaveLength(5);
    expect(found.scores[0]).toMatchObject({ index: 3, name: "three" });
    expect(found.output).toHaveLength(10);
    expect(found.rules.length).toBeGreaterThan(3);
    expect(found.time.explain).toBeGreaterThan(0);
    const spent = found.ledger.reduce(
      (sum: number, row: Record<string, number>) => sum + row.bias + row.stabilizer + row.dead + row.other,
      0,
    );
    expect(found.relevanceSum + spent).toBeCloseTo(found.logit, 3);
  });

  test("files: the relevance as numbers and as a picture, of the input and of a value", async () => {
    const value = (await json("inspect", MODEL)).nodes.at(-1).outputs[0].name;
    const found = await json("explain", MODEL, THREE, "--out", at("r.npy"), "--out", at("r.png"), "--at", value);
    const relevance = readNpy(await readFile(at("r.npy")), "r.npy");
    expect(relevance.dims).toEqual([1, 1, 28, 28]);
    expect(relevance.data.reduce((a, b) => a + b, 0)).toBeCloseTo(found.relevanceSum, 4);
    const sizeOf = async (name: string) => {
      const { width, height } = decode(await readFile(at(name)));
      return [width, height];
    };
    expect(await sizeOf("r.png")).toEqual([484, 335]);
    for (const [layout, size] of [
      ["beside", [484, 335]],
      ["over", [248, 335]],
      ["map", [504, 504]],
    ] as const) {
      await json("explain", MODEL, THREE, "--out", at(`${layout}.png`), "--layout", layout);
      expect(await sizeOf(`${layout}.png`)).toEqual(size);
    }
    await json("explain", MODEL, THREE, "--out", at("over-only.png"), "--over");
    expect(await sizeOf("over-only.png")).toEqual([504, 504]);
    expect(found.files).toHaveLength(4);
    expect(found.at[value]).toEqual({ dims: [1, 10], sum: expect.closeTo(found.logit, 5) });
    expect(readNpy(await readFile(found.files[1]), "at").dims).toEqual([1, 10]);
  });

  test("classes by name and by index, from the logit and from 1", async () => {
    expect(await json("explain", MODEL, THREE, "--target", "Eight")).toMatchObject({ target: 8, className: "eight" });
    const one = await json(
      "explain",
      MODEL,
      THREE,
      "--target",
      "3",
      "--start",
      "one",
      "--composite",
      "epsilon",
      "--epsilon",
      "0",
    );
    expect(one).toMatchObject({ target: 3, start: "one" });
  });

  test("--unknown gradient, where no rule is known", async () => {
    const nodes = [{ type: "Sin" }, { type: "Flatten" }];
    await writeFile(at("layer.onnx"), chain(["n", 1, 28, 28], nodes, 17));
    const words = ["explain", at("layer.onnx"), await digit()];
    expect((await relprop(...words)).err).toMatch(/'y0' \(Sin\): .* --unknown gradient/);
    const found = await json(...words, "--unknown", "gradient");
    expect(found.notes.join()).toContain("node 'y0' (Sin) has no rule: relevance passes through it by its gradient");
  });

  test("--output, of several", async () => {
    const nodes = [
      { type: "Flatten", inputs: ["x"], outputs: ["f"] },
      { type: "Gemm", inputs: ["f", "a"], outputs: ["y"] },
      { type: "Gemm", inputs: ["f", "b"], outputs: ["z"] },
    ];
    const initializers = { a: tensor([784, 2], 1), b: tensor([784, 3], 2) };
    const outputs = { y: ["n", 2], z: ["n", 3] };
    await writeFile(at("two.onnx"), onnx({ nodes, initializers, inputs: { x: ["n", 1, 28, 28] }, outputs }));
    const words = [at("two.onnx"), await digit()];
    expect((await json("explain", ...words)).outputDims).toEqual([1, 2]);
    expect((await json("explain", ...words, "--output", "z", "--target", "2")).outputDims).toEqual([1, 3]);
    expect((await relprop("explain", ...words, "--output", "w")).err).toMatch(
      /'--output': expected an output of the network \('y', 'z'\), got 'w'/,
    );
    const { nodes: told } = await json("inspect", at("two.onnx"), "--output", "z");
    expect(told.map(({ rule }: { rule: string }) => rule === "left out")).toEqual([false, true, false]);
    const sheet = ["sheet", ...words, "--output", "z", "--composites", "epsilon", "--out", at("two.png")];
    expect((await relprop(...sheet, "--target", "2")).out).toMatch(/^class +2, logit/m);
  });

  test("one class against another, all others, or others by their probability", async () => {
    const found = await json("explain", MODEL, THREE, "--target", "3", "--against", "Eight", "--sum", "ratio");
    expect(found).toMatchObject({ target: 3, against: "Eight", sum: "ratio" });
    expect(found.targets[0].map((t: { index: number; weight: number }) => [t.index, t.weight])).toEqual([
      [3, 1],
      [8, -1],
    ]);
    expect((await json("explain", MODEL, THREE, "--against", "others")).targets[0]).toHaveLength(10);
    const { out } = await relprop("explain", MODEL, THREE, "--against", "softmax");
    expect(out).toMatch(/^class +3 three against softmax, logit \d/m);
    expect(out).toMatch(/^amplified +at most [\d.]+-fold, at .+ \(\w+, .+\)$/m);
  });

  test("rule parameters, negative ones as arguments of their own", async () => {
    await json("explain", MODEL, THREE, "--composite", "epsilonGammaBox", "--low", "-1", "--high", "1");
  });

  test("--delta, with --sum clip", async () => {
    const nodes = [
      { type: "Relu", inputs: ["x"], outputs: ["p"] },
      { type: "Add", inputs: ["x", "p"], outputs: ["s"] },
      { type: "Flatten", inputs: ["s"], outputs: ["y"] },
    ];
    await writeFile(at("sum.onnx"), onnx({ nodes, inputs: { x: ["n", 1, 28, 28] }, outputs: { y: [] } }));
    const words = ["explain", at("sum.onnx"), await digit()];
    const { rules } = await json(...words, "--sum", "clip", "--delta", "0.2");
    expect(rules.map(({ rule }: { rule: string }) => rule)).toContain("clip(0.2)");
    const { code, err } = await relprop(...words, "--delta", "0.2");
    expect({ code, err }).toEqual({
      code: 2,
      err: "relprop: option '--delta': it is read only beside --sum clip, not beside --sum norm.\n",
    });
  });

  test("a batch from .npy: one sample is told and drawn", async () => {
    const found = await json(
      "explain",
      MODEL,
      await digit(3),
      "--sample",
      "2",
      "--out",
      at("batch.png"),
      "--zoom",
      "2",
    );
    expect(found.targets).toHaveLength(3);
    expect(found.target).toBe(found.targets[2][0].index);
    expect(found.relevanceDims).toEqual([3, 1, 28, 28]);
    expect(decode(await readFile(at("batch.png"))).width).toBe(56);
  });

  test("--composite gradient and --method are other methods", async () => {
    const gradient = await json("explain", MODEL, THREE, "--composite", "gradient");
    expect(gradient).toMatchObject({ method: null, composite: "gradient", start: "one", lrn: null, sum: null });
    const lost = await json(
      "explain",
      MODEL,
      THREE,
      "--method",
      "occlusion",
      "--window",
      "7",
      "--strides",
      "7",
      "--target",
      "8",
    );
    expect(lost).toMatchObject({ method: "occlusion", composite: null, target: 8, lrn: null, rules: [], ledger: [] });
    const words = [
      "explain",
      MODEL,
      THREE,
      "--method",
      "smoothGrad",
      "--samples",
      "3",
      "--noise",
      "0",
      "--out",
      at("smooth.npy"),
    ];
    const { out } = await relprop(...words);
    expect(out).toMatch(/^method +smoothGrad$/m);
    expect(out).not.toMatch(/sums? to|went to|%/);
    const { relevanceSum } = await json(...words.slice(0, -2), "--seed", "3");
    expect(relevanceSum).toBeCloseTo(gradient.relevanceSum, 4);
  });

  test.each([
    ["gradient", undefined],
    ["guidedBackprop", undefined],
    ["excitationBackprop", /^relevance of 1\.000 went to$/m],
  ])("shares are told of composites that share out: %s", async (composite, says) => {
    const { out } = await relprop("explain", MODEL, THREE, "--composite", composite);
    if (says) expect(out).toMatch(says);
    else expect(out).not.toMatch(/went to|%|^amplified/m);
  });

  test.each([
    ["gradientTimesInput", "is f(x) where the network has no biases"],
    ["integratedGradients", "nears f(x) − f(b) with more steps"],
    ["occlusion", undefined],
  ])("a sum is told where it says something: %s", async (method, says) => {
    const window = method === "occlusion" ? ["--window", "14"] : [];
    const { out } = await relprop("explain", MODEL, THREE, "--method", method, ...window);
    if (says) expect(out).toMatch(new RegExp(`^relevance sums to \\S+, which ${says.replace(/[()]/g, "\\$&")}$`, "m"));
    else expect(out).not.toContain("sum");
  });

  test("--show draws into the terminal: stdout, or stderr beside --json", async () => {
    const plain = await inTerminal({ out: true, err: false }, "explain", MODEL, THREE, "--show", "--over");
    expect(plain.out.split("\n").filter((line) => line.includes("▀"))).toHaveLength(28);
    const both = await inTerminal({ out: false, err: true }, "explain", MODEL, THREE, "--show", "--json");
    expect(JSON.parse(both.out).target).toBe(3);
    expect(both.err).toContain("▀");
  });

  test.each([
    ["out", []],
    ["err", ["--json"]],
  ] as const)("where std%s is no terminal, --show says so and the rest happens", async (stream, words) => {
    const other = { out: stream !== "out", err: stream !== "err" };
    const { code, out, err } = await inTerminal(
      other,
      ...["explain", MODEL, THREE, "--show", "--out", at(`shown-${stream}.png`), ...words],
    );
    expect(code).toBe(0);
    expect(err).toBe(
      `relprop: --show draws into a terminal only, and std${stream} is none: the picture is left out.\n`,
    );
    expect(out).toContain("three");
    expect(out).not.toContain("▀");
    expect(decode(await readFile(at(`shown-${stream}.png`))).width).toBe(484);
  });
});

test("without a word it helps, as with --help", async () => {
  const { code, out, err } = await relprop();
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toBe((await relprop("--help")).out);
  expect(out).toContain("relprop help explain");
});

test("--weights repacked changes no result", async () => {
  const kept = await json("explain", MODEL, THREE);
  const repacked = await json("explain", MODEL, THREE, "--weights", "repacked");
  expect(repacked.relevanceSum).toBe(kept.relevanceSum);
});

test("predict", async () => {
  const { out } = await relprop("predict", MODEL, THREE, "--top", "2");
  expect(out).toMatch(/^ +[\d.]+ +3 {2}three$/m);
  expect(out).not.toContain("sample");
  expect((await json("predict", MODEL, await digit(2), "--top", "3")).samples).toHaveLength(2);
  const two = await relprop("predict", MODEL, await digit(2), "--top", "1");
  expect(two.out.match(/^sample \d$/gm)).toEqual(["sample 0", "sample 1"]);
});

test("inspect, rules, composites and methods print tables", async () => {
  for (const words of [["inspect", MODEL], ["rules"], ["composites"], ["methods"]]) {
    const { code, out, err } = await relprop(...words);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out.split("\n").length).toBeGreaterThan(8);
  }
});

describe("every foreseen error: exit code 2, at most 12 lines, no stack, no file", () => {
  const model = (name: string, bytes: Uint8Array | string) => writeFile(at(name), bytes).then(() => at(name));

  test.each<[string, () => Promise<string[]> | string[], RegExp]>([
    [
      "an unknown command",
      () => ["explian"],
      /^relprop: 'explian': there is no such command\. Did you mean 'explain'\?/,
    ],
    ["a command that is like none", () => ["xyz"], /There are explain, predict, .* and metrics\.$/m],
    [
      "no command, but a model",
      () => [MODEL, THREE],
      /A command comes first: relprop explain demo\/digits.onnx INPUT\./,
    ],
    ["no command, but an option", () => ["--json"], /Options come after a command/],
    ["too few arguments", () => ["explain", MODEL], /INPUT is missing\. For example: relprop explain googlenet.onnx/],
    ["no arguments", () => ["explain"], /command 'explain': MODEL and INPUT are missing/],
    ["too many arguments", () => ["inspect", "a", "b", "c"], /it takes only MODEL, but got 'a', 'b' and 'c'/],
    ["arguments of a command without", () => ["rules", "x"], /it takes no arguments\. See 'relprop help rules'/],
    [
      "no --out of a sheet",
      () => ["sheet", MODEL, THREE],
      /command 'sheet': --out is missing\. For example: relprop sheet /,
    ],
    [
      "an option of other commands",
      () => ["predict", MODEL, THREE, "--gamma", "1"],
      /'--gamma': it belongs to 'relprop explain', 'relprop sheet' and 'relprop inspect'/,
    ],
    [
      "a parameter of another method",
      () => ["explain", MODEL, THREE, "--method", "occlusion", "--steps", "3"],
      /there is no option '--steps'/,
    ],
    ["a parameter without its method", () => ["explain", MODEL, THREE, "--steps", "3"], /there is no option '--steps'/],
    [
      "a method and a composite",
      () => ["explain", MODEL, THREE, "--method", "occlusion", "--composite", "epsilon"],
      /cannot be combined with --composite/,
    ],
    ["no model", () => ["explain", "none.onnx", THREE], /'none.onnx': it does not exist\./],
    ["a folder as model", () => ["explain", "demo", THREE], /got a directory/],
    ["an empty model", async () => ["explain", await model("empty.onnx", ""), THREE], /got an empty file/],
    ["a picture as model", () => ["explain", THREE, THREE], /three\.png': expected an ONNX model, got a PNG picture/],
    [
      "a model cut off",
      async () => ["explain", await model("cut.onnx", (await readFile(MODEL)).subarray(0, 50000)), THREE],
      /cut\.onnx'/,
    ],
    ["no input", () => ["explain", MODEL, "none.png"], /'none.png': it does not exist/],
    [
      "a text as input",
      () => ["explain", MODEL, "demo/README.md"],
      /a \.png, \.jpg or \.webp picture, or a \.npy or \.npz array, got text\./,
    ],
    [
      "another shape",
      async () => [
        "explain",
        MODEL,
        await model("shape.npy", writeNpy({ data: new Float32Array(9), dims: [1, 1, 3, 3] })),
      ],
      /28/,
    ],
    [
      "NaN in the input",
      async () => [
        "explain",
        MODEL,
        await model("nan.npy", writeNpy({ data: new Float32Array(784).fill(Number.NaN, 5, 7), dims: [1, 1, 28, 28] })),
      ],
      /expected finite numbers, got NaN at position 5/,
    ],
    ["preparation of .npy", async () => ["explain", MODEL, await digit(), "--preset", "unit"], /taken as they are/],
    [
      "no preparation, and nothing to guess it from",
      async () => ["explain", await model("map.onnx", chain([1, 1, 28, 28], [{ type: "Relu" }])), THREE],
      /Give --preset .* or write .*map\.relprop\.json/,
    ],
    ["a class out of range", () => ["explain", MODEL, THREE, "--target", "10"], /10/],
    ["a negative class", () => ["explain", MODEL, THREE, "--target", "-1"], /-1/],
    ["an unknown class", () => ["explain", MODEL, THREE, "--target", "tree"], /'three'/],
    [
      "too few class names",
      async () => ["explain", MODEL, THREE, "--classes", await model("few.txt", "a\nb\n")],
      /few.txt': it has 2 class names, but the model's output has 10 values/,
    ],
    ["an unknown preset", () => ["explain", MODEL, THREE, "--preset", "cafe"], /Did you mean 'caffe'/],
    [
      "an unknown composite",
      () => ["explain", MODEL, THREE, "--composite", "epsilonPlut"],
      /Did you mean 'epsilonPlus'/,
    ],
    ["an unknown LRN mode", () => ["explain", MODEL, THREE, "--lrn", "tailor"], /Did you mean 'taylor'/],
    ["an unknown colour map", () => ["explain", MODEL, THREE, "--colormap", "jet"], /expected one of bwr, /],
    ["a parameter that the composite does not take", () => ["explain", MODEL, THREE, "--gamma", "1"], /gamma/],
    ["an unknown value", () => ["explain", MODEL, THREE, "--at", "nowhere"], /nowhere/],
    [
      "an unknown ending",
      () => ["explain", MODEL, THREE, "--out", at("x.gif")],
      /\.png, \.npy, \.json, \.html or \.svg/,
    ],
    ["no folder", () => ["explain", MODEL, THREE, "--out", at("none/x.png")], /folder '.*none': it does not exist\./],
    [
      "numbers to draw over",
      async () => ["explain", MODEL, await digit(), "--over", "--out", at("x.png")],
      /it needs a picture as input, and the input is numbers/,
    ],
    [
      "a huge picture",
      () => ["explain", MODEL, THREE, "--zoom", "9999", "--out", at("x.png")],
      /option '--zoom': expected a number from 1 to 292, so that no side/,
    ],
    [
      "more work than is allowed",
      () => ["predict", MODEL, THREE, "--max-work", "1e4"],
      /takes \d+ multiply-adds up to here, more than the 10000 of --max-work\. Load with a larger --max-work/,
    ],
    [
      "more memory than is allowed",
      () => ["explain", MODEL, THREE, "--max-memory", "200kB"],
      /this needs \d+ bytes, more than the 200000 that are allowed\..* a larger --max-memory/,
    ],
    [
      "more memory than there are addresses for",
      () => ["predict", MODEL, THREE, "--max-memory", "8GB"],
      /option '--max-memory': expected a whole number of bytes from 1 to 4294967296, got 8000000000/,
    ],
    [
      "no such sample",
      async () => ["explain", MODEL, await digit(2), "--sample", "2"],
      /expected a sample from 0 to 1, got 2/,
    ],
  ])("%s", async (_, words, message) => {
    const line = await words();
    const before = await readdir(folder);
    const { code, out, err } = await relprop(...line);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(message);
    expect(err).toMatch(/^relprop: /);
    expect(err).not.toMatch(/^ +at /m);
    expect(err.trimEnd().split("\n").length).toBeLessThanOrEqual(12);
    expect(await readdir(folder)).toEqual(before);
  });
});
