import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { load } from "../../src/entries/index.ts";
import { chain, type FileNode, onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

const MODEL = "demo/digits.onnx";

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function inspect(...words: string[]) {
  const [out, err]: string[][] = [[], []];
  const code = await run(["inspect", ...words], { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join(""), err: err.join("") };
}

async function of(name: string, bytes: Uint8Array, ...words: string[]): Promise<string> {
  await writeFile(at(name), bytes);
  const { code, out, err } = await inspect(at(name), ...words);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

/** The lines of operators: how many of each. */
const groupsOf = (out: string) =>
  [...out.matchAll(/^ *(\d+) {2}(.*\S) {2,}(\S+|left out) {2,}(\[.*)$/gm)].map(([, n, text, rule, shape]) => [
    Number(n),
    text.trim(),
    rule,
    shape,
  ]);

/** A window over 2 x 9 x 7 numbers, in a network of one node that is told of. */
const windowed = (node: FileNode, weight?: ReturnType<typeof tensor>) =>
  onnx({
    nodes: [node],
    initializers: weight && { w: weight },
    inputs: { x: ["n", 2, 9, 7] },
    outputs: { y: [] },
  });
const conv = (attributes: FileNode["attributes"]): FileNode => ({
  type: "Conv",
  inputs: ["x", "w"],
  outputs: ["y"],
  attributes,
});
const pool = (type: string, attributes: FileNode["attributes"] = {}): FileNode => ({
  type,
  inputs: ["x"],
  outputs: ["y"],
  attributes,
});

describe("relprop inspect", () => {
  test("has a header, groups of operators, and notes", async () => {
    const { out } = await inspect(MODEL);
    const rows = Object.fromEntries([...out.matchAll(/^([a-z]+) {2,}(.*)$/gm)].map(([, term, text]) => [term, text]));
    expect(rows).toMatchObject({
      model: "digits.onnx, 96.8 kB",
      input: "image  f32[n, 1, 28, 28], channels first",
      output: "logits  f32[n, 10]",
      operators: "12: 3 Relu, 2 Conv, 2 LRN, 2 MaxPool, 2 Gemm, 1 Flatten",
      parameters: "20522",
      memory: expect.stringMatching(/^\d+ kB for an explanation, which takes [\d.]+ million multiply-adds$/),
      explainable: "yes",
    });
    expect(rows.composite).toMatch(/^epsilonPlusFlat, the default: /);
    expect(groupsOf(out)).toEqual([
      [1, "Conv 5x5", "flat", "[1, 8, 24, 24]"],
      [3, "Relu", "pass", "[1, 8, 24, 24] …"],
      [2, "LRN channels −2…+2, a 0.8, beta 0.75,", "taylor", "[1, 8, 24, 24] …"],
      [2, "MaxPool 2x2, stride 2", "route", "[1, 8, 12, 12] …"],
      [1, "Conv 5x5", "zPlus", "[1, 16, 8, 8]"],
      [1, "Flatten", "route", "[1, 256]"],
      [2, "Gemm", "epsilon(0.000001)", "[1, 64] …"],
    ]);
    expect(out).toContain("stands for 12 nodes of the file");
  });

  test("says which composite the rules are of", async () => {
    expect((await inspect(MODEL, "--composite", "epsilon")).out).toMatch(/^composite +epsilon, as --composite says$/m);
  });

  test.each<[string, string, Uint8Array]>([
    ["Conv 3x2", "a window without more", windowed(conv({}), tensor([4, 2, 3, 2], 1))],
    [
      "Conv 3x3, stride 2, pad 1",
      "equal numbers",
      windowed(conv({ strides: [2, 2], pads: [1, 1, 1, 1] }), tensor([4, 2, 3, 3], 1)),
    ],
    [
      "Conv 3x2, strides 2,1, pads 1,0,0,1, dilations 1,2",
      "other numbers",
      windowed(conv({ strides: [2, 1], pads: [1, 0, 0, 1], dilations: [1, 2] }), tensor([4, 2, 3, 2], 1)),
    ],
    ["Conv 3x3, depthwise", "a filter for each channel", windowed(conv({ group: 2 }), tensor([2, 1, 3, 3], 1))],
    ["Conv 3x3, 2 groups", "groups", windowed(conv({ group: 2 }), tensor([4, 1, 3, 3], 1))],
    [
      "Conv 3x3, pads SAME_UPPER",
      "padding by name",
      windowed(conv({ auto_pad: "SAME_UPPER" }), tensor([4, 2, 3, 3], 1)),
    ],
    ["MaxPool 2x3, strides 2,3", "a pool", windowed(pool("MaxPool", { kernel_shape: [2, 3], strides: [2, 3] }))],
    ["GlobalAveragePool 9x7", "a pool over all", windowed(pool("GlobalAveragePool"))],
    [
      "LRN channels −1…+1, a 0.0001, beta 0.75, bias 2",
      "LRN",
      windowed(pool("LRN", { size: 3, alpha: { float: 3e-4 }, bias: { float: 2 } })),
    ],
  ])("%s: %s", async (text, _, bytes) => {
    const out = await of("window.onnx", bytes, "--full");
    expect(out).toMatch(new RegExp(`^ {2}\\S+ +${text.replace(/[+()]/g, "\\$&")}$`, "m"));
  });

  test("operators that differ in their place alone are one line, with the shape of the first", async () => {
    const layer = (seed: number) => ({
      type: "Conv",
      attributes: { pads: [1, 1, 1, 1] },
      parameters: [tensor([2, 2, 3, 3], seed)],
    });
    const nodes = [layer(1), { type: "Relu" }, layer(2), { type: "Relu" }, layer(3), { type: "Flatten" }];
    const out = await of("groups.onnx", chain(["n", 2, 9, 7], nodes));
    expect(groupsOf(out)).toEqual([
      [1, "Conv 3x3, pad 1", "flat", "[1, 2, 9, 7]"],
      [2, "Relu", "pass", "[1, 2, 9, 7]"],
      [2, "Conv 3x3, pad 1", "zPlus", "[1, 2, 9, 7]"],
      [1, "Flatten", "route", "[1, 126]"],
    ]);
  });

  test("--full lists each, with what it reads unless that stands above", async () => {
    const nodes = [
      { type: "Relu", inputs: ["x"], outputs: ["p"] },
      { type: "Neg", inputs: ["x"], outputs: ["q"] },
      { type: "Add", inputs: ["p", "q"], outputs: ["s"] },
      { type: "Flatten", inputs: ["s"], outputs: ["y"] },
    ];
    const out = await of("full.onnx", onnx({ nodes, inputs: { x: ["n", 1, 3, 2] }, outputs: { y: [] } }), "--full");
    expect(out).toContain(
      `p [1, 1, 3, 2]\n  pass   Relu\nq [1, 1, 3, 2]\n  pass   Neg, of x\ns [1, 1, 3, 2]\n  norm   Add, of p and q\n` +
        "y [1, 6]\n  route  Flatten\n",
    );
  });

  test("no line is wider than 80, whatever names are", async () => {
    const [long, longer] = ["long/".repeat(30), "block;".repeat(20)];
    const nodes = [
      { type: "Sin", inputs: ["x"], outputs: [`${longer}0`] },
      { type: "Sin", inputs: [`${longer}0`], outputs: [`${longer}1`] },
      { type: "Flatten", inputs: [`${longer}1`], outputs: [long] },
    ];
    const bytes = onnx({
      nodes,
      inputs: { x: ["a name of samples", 1, 3, 2] },
      outputs: { [long]: [] },
    });
    const out = await of("long.onnx", bytes);
    expect(out.split("\n").filter((line) => [...line].length > 80)).toEqual([]);
    expect(out.replace(/\n */g, "")).toContain(`${longer}0`);
  });

  test("says what can be explained in part, and with --unknown gradient", async () => {
    const bytes = chain(["n", 1, 3, 2], [{ type: "Sin" }, { type: "Sin" }, { type: "Flatten" }], 17);
    const plain = await of("waves.onnx", bytes);
    expect(plain).toMatch(/^explainable +partly: 2 of 3 operators have no rule; 'relprop explain' passes$/m);
    expect(plain).toMatch(/^memory +[\d.]+ kB for an explanation/m);
    expect(plain.replace(/\s+/g, " ")).toContain("'relprop inspect --full'");
    expect(plain.replace(/\s+/g, " ")).toContain("--unknown gradient passes relevance");
    expect(await of("waves.onnx", bytes, "--unknown", "gradient")).toMatch(
      /^explainable +partly: operators without a rule pass relevance by their gradient,$/m,
    );
  });

  test("says where relevance reaches no input", async () => {
    const bytes = onnx({
      nodes: [{ type: "Where", inputs: ["c", "a", "b"], outputs: ["y"] }],
      initializers: { a: tensor([3], 1), b: tensor([3], 2) },
      inputs: { c: ["n", 3] },
      types: { c: 9 },
      outputs: { y: [] },
    });
    const out = await of("where.onnx", bytes);
    expect(out).toMatch(/^explainable +no: the inputs only choose among other numbers/m);
    expect(out).not.toMatch(/^memory/m);
  });

  test("says that an explanation needs more than is allowed", async () => {
    const bytes = chain(["n", 2, 9, 7], [{ type: "Conv", parameters: [tensor([4, 2, 3, 3], 1)] }, { type: "Flatten" }]);
    using model = await load(bytes);
    const out = await of("work.onnx", bytes, "--max-work", `${model.needs().work - 1}`);
    expect(out.replace(/\s+/g, " ")).toMatch(/ memory .* a larger --max-work/);
  });

  test("--dims of one input, and of several by name", async () => {
    const one = chain(["n", 1, "h", "w"], [{ type: "Conv", parameters: [tensor([1, 1, 3, 3], 1)] }, { type: "Relu" }]);
    await writeFile(at("free.onnx"), one);
    expect((await inspect(at("free.onnx"))).err).toMatch(/'--dims'.* For example: --dims 1,1,16,16\n$/);
    expect((await inspect(at("free.onnx"), "--dims", "1,1,5,7")).out).toContain("[1, 1, 3, 5]");
    const two = onnx({
      nodes: [{ type: "Add", inputs: ["a", "b:0"], outputs: ["y"] }],
      inputs: { a: ["n", "t"], "b:0": ["n", "t"] },
      outputs: { y: [] },
    });
    await writeFile(at("two.onnx"), two);
    expect((await inspect(at("two.onnx"))).err).toMatch(/ For example: --dims a:1,16 --dims b:0:1,16\n$/);
    const { out } = await inspect(at("two.onnx"), "--dims", "a:2,9", "--dims", "b:0:2,9");
    expect(groupsOf(out)).toEqual([[1, "Add", "norm", "[2, 9]"]]);
  });

  test("--json has all of it", async () => {
    const found = JSON.parse((await inspect(MODEL, "--json")).out);
    using model = await load(readFileSync(MODEL));
    expect(found).toMatchObject({ composite: "epsilonPlusFlat", explainable: "yes", ...model.needs() });
    expect(found.nodes[0]).toMatchObject({ type: "Conv", rule: "flat", settings: { kernel: [5, 5] } });
    expect(found.text).toBeUndefined();
  });
});
