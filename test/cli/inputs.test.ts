import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readInputs } from "../../src/cli/inputs.ts";
import { readNpy, writeNpy } from "../../src/read/npy.ts";
import { open } from "../../src/cli/open.ts";
import { run } from "../../src/cli/run.ts";
import { onnx } from "../onnx-writer.ts";
import { tensor } from "../random.ts";

let folder = "";
const at = (name: string) => join(folder, name);
const NODES = [
  { type: "Add", inputs: ["x", "x=2"], outputs: ["sum"] },
  { type: "Identity", inputs: ["n"], outputs: ["count"] },
];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
  const inputs = { x: ["b", "s", 2], "x=2": ["b", "s", 2], n: [] };
  const outputs = { sum: ["b", "s", 2], count: [] };
  await writeFile(at("two.onnx"), onnx({ inputs, outputs, types: { n: 7, count: 7 }, nodes: NODES }));
  const one = [{ type: "Relu", inputs: ["x"], outputs: ["y"] }];
  await writeFile(at("one.onnx"), onnx({ inputs: { x: [2, 3] }, outputs: { y: [2, 3] }, nodes: one }));
  await writeFile(at("any.onnx"), onnx({ inputs: { x: null }, outputs: { y: [] }, nodes: one }));
  const named = { inputs: { left: [1, 2], right: [1, 2] }, outputs: { y: [1, 2] } };
  const sub = [{ type: "Sub", inputs: ["left", "right"], outputs: ["y"] }];
  await writeFile(at("named.onnx"), onnx({ ...named, nodes: sub }));
  await writeFile(at("a.npy"), writeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [1, 3, 2] }));
  await writeFile(at("x=a.npy"), writeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [2, 3] }));
});
afterAll(() => rm(folder, { recursive: true }));

async function relprop(...words: string[]) {
  const [out, err]: string[][] = [[], []];
  const code = await run(words, { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join(""), err: err.join("") };
}

/** @param values options, by their names */
async function read(name: string, words: string[], values = {}) {
  const opened = await open(at(name), values);
  return readInputs(words, opened, values, { out() {}, err() {} });
}

describe("inputs by name", () => {
  test("are files and numbers in any order; a name may have a = in it", async () => {
    const { tensors, text } = await read("two.onnx", ["n=7", `x=2=${at("a.npy")}`, "x=1,-2,1/4,3e0"]);
    expect(tensors).toEqual({
      n: { data: Float64Array.of(7), dims: [] },
      "x=2": { data: Float32Array.of(1, 2, 3, 4, 5, 6), dims: [1, 3, 2] },
      x: { data: Float64Array.of(1, -2, 0.25, 3), dims: [1, 2, 2] },
    });
    expect(text).toBe("n: 7 as []; x=2: a.npy, taken as it is; x: 1, -2, 0.25, 3 as [1, 2, 2]");
  });

  test("name the only input, too", async () => {
    const expected = { data: Float64Array.of(1, 2, 3, 4, 5, 6), dims: [2, 3] };
    expect((await read("one.onnx", ["x=1,2,3,4,5,6"])).tensors).toEqual(expected);
    expect(await read("one.onnx", [at("x=a.npy")])).toMatchObject({ text: "x=a.npy, taken as it is" });
  });

  test.each<[string, string, string[], object, RegExp]>([
    [
      "one is missing",
      "two.onnx",
      ["x=1,2", "n=1"],
      {},
      /^INPUT: the input 'x=2' is missing\. The model takes x=VALUE f32\[b, s, 2\], x=2=VALUE f32\[b, s, 2\] and n=VALUE int64\[\]\. VALUE is a file, or a number or several joined by commas\.$/,
    ],
    [
      "one is given twice",
      "two.onnx",
      ["x=1,2", "x=1,2", "n=1"],
      {},
      /^INPUT: the input 'x' is given 2 times; the input 'x=2' is missing\. The model takes/,
    ],
    [
      "a file without a name",
      "two.onnx",
      ["a.npy", "x=1,2", "x=2=1,2"],
      {},
      /^INPUT: 'a\.npy' does not say which input it is for; the input 'n' is missing\./,
    ],
    [
      "a name that the model has not",
      "named.onnx",
      ["left=1,2", "rihgt=3,4"],
      {},
      /^INPUT: the model has no input 'rihgt' \(did you mean 'right'\?\); the input 'right' is missing\./,
    ],
    ["a name that is none", "one.onnx", ["z=1"], {}, /^INPUT: expected one file, or x=VALUE f32\[2, 3\], got 'z=1'\./],
    ["two files", "one.onnx", ["a.npy", "b.npy"], {}, /^INPUT: expected one file, or x=VALUE/],
    [
      "too few numbers",
      "one.onnx",
      ["x=1,2"],
      {},
      /^input 'x': expected 6 numbers for f32\[2, 3\], got 2\. Other shapes come from a file: x=FILE\.npy\./,
    ],
    [
      "a size that does not divide them",
      "two.onnx",
      ["x=1,2,3", "x=2=1,2", "n=1"],
      {},
      /^input 'x': expected a multiple of 2 numbers for f32\[b, s, 2\], got 3\. The last free axis follows/,
    ],
    [
      "dims that nobody knows",
      "any.onnx",
      ["x=1"],
      {},
      /^input 'x': expected a file, since the model does not say how many axes it has, got numbers/,
    ],
    [
      "a file that is not there",
      "one.onnx",
      ["x=none.npy"],
      {},
      /^input 'x': 'none\.npy' is no number, no list of numbers, and no file that is there\. Write x=3, x=1,2,3 or x=FILE\.npy\./,
    ],
    ["words in place of numbers", "named.onnx", ["left=a,b", "right=1,2"], {}, /^input 'left': 'a,b' is no number/],
    [
      "an option for pictures",
      "one.onnx",
      ["x=1,2,3,4,5,6"],
      { scale: 2 },
      /^option '--scale': expected a picture to prepare, got 'x=1,2,3,4,5,6'/,
    ],
  ])("%s: an error that says what to write", async (_, name, words, values, message) => {
    await expect(read(name, words, values)).rejects.toThrow(message);
  });
});

test("predict and explain take them, and say which output is listed", async () => {
  const words = ["x=1,2", "x=2=3,4", "n=5"];
  const { code, out, err } = await relprop("predict", at("two.onnx"), ...words);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^output +sum; --output takes count too$/m);
  const { output, outputName } = JSON.parse((await relprop("predict", at("two.onnx"), ...words, "--json")).out);
  expect({ output, outputName }).toEqual({ output: [4, 6], outputName: "sum" });
  const count = JSON.parse((await relprop("predict", at("two.onnx"), ...words, "--output", "count", "--json")).out);
  expect(count).toMatchObject({ output: [5], outputName: "count" });
  const explained = await relprop("explain", at("two.onnx"), ...words, "--index", "0,1", "--json");
  const { logit, relevanceSum, arrivedSum } = JSON.parse(explained.out);
  expect(logit).toBe(6);
  expect(relevanceSum).toBeCloseTo(2, 5);
  expect(arrivedSum).toBeCloseTo(6, 5);
  expect((await relprop("predict", at("two.onnx"), ...words, "--output", "z")).err).toBe(
    "relprop: option '--output': expected an output that is computed: 'sum', 'count', got 'z'. " +
      "'relprop inspect' says why another one is left out.\n",
  );
});

test("explain says what each input and each table that is added has received", async () => {
  const { data: words } = tensor([9, 2], 1, 0.2, 1);
  const bytes = onnx({
    nodes: [
      { type: "Gather", inputs: ["words", "ids"], outputs: ["w"] },
      { type: "Gather", inputs: ["kinds", "types"], outputs: ["t"] },
      { type: "Add", inputs: ["w", "t"], outputs: ["a"] },
      { type: "Add", inputs: ["a", "places"], outputs: ["x"] },
      { type: "Flatten", inputs: ["x"], outputs: ["f"] },
      { type: "MatMul", inputs: ["f", "scores"], outputs: ["y"] },
    ],
    initializers: {
      words: { dims: [9, 2], data: words },
      kinds: tensor([2, 2], 2, 0.2, 1),
      places: tensor([3, 2], 3, 0.2, 1),
      scores: tensor([6, 2], 4),
    },
    inputs: { ids: ["n", 3], types: ["n", 3] },
    outputs: { y: ["n", 2] },
    types: { ids: 7, types: 7 },
  });
  await writeFile(at("text.onnx"), bytes);
  const given = ["ids=4,8,1", "types=0,0,1", "--composite", "epsilon", "--index", "1"];
  const found = JSON.parse((await relprop("explain", at("text.onnx"), ...given, "--json")).out);
  const { inputs, shares, logit, arrivedSum, sharesSum } = found;
  expect(Object.keys(inputs)).toEqual(["ids", "types"]);
  expect(Object.keys(shares)).toEqual(["places"]);
  expect(shares.places.dims).toEqual([1, 3]);
  expect(inputs.ids.sum + inputs.types.sum).toBeCloseTo(arrivedSum, 6);
  expect(sharesSum).toBe(shares.places.sum);
  expect(arrivedSum + sharesSum).toBeCloseTo(logit, 4);
  const npy = at("text.npy");
  const { out, err, code } = await relprop("explain", at("text.onnx"), ...given, "--at", "places", "--out", npy);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toMatch(/^input +ids: -?\d.* in \[1, 3\]$/m);
  expect(out).toMatch(/^input +types: -?\d.* in \[1, 3\]$/m);
  expect(out).toMatch(/^table +places: -?\d.* in \[1, 3\]$/m);
  expect(out).toMatch(/^at +places: -?\d.* in \[1, 3\]$/m);
  expect(out).toMatch(/^ +tables +-?\d.* %/m);
  const { data } = readNpy(await readFile(at("text.places.npy")), "text.places.npy");
  expect((data as Float32Array).reduce((a, b) => a + b, 0)).toBeCloseTo(shares.places.sum, 5);
});

test("evaluate says that it measures networks of one input", async () => {
  const options = ["--methods", "epsilon", "--metrics", "gini", "--out", at("report")];
  const { code, err } = await relprop("evaluate", at("named.onnx"), at("a.npy"), ...options);
  expect(code).toBe(2);
  expect(err).toBe(
    "relprop: command 'evaluate': it measures networks of one input, and this network has 2: left f32[1, 2] and right " +
      "f32[1, 2]. 'relprop explain' takes several inputs, each by its name.\n",
  );
  await expect(readdir(at("report"))).rejects.toThrow("ENOENT");
});

test("a score of 0 has no percentages", async () => {
  const { out } = await relprop("explain", at("named.onnx"), "left=1,2", "right=1,2");
  expect(out).toMatch(/^relevance of 0 went to$/m);
  expect(out).not.toMatch(/NaN|%/);
});

test("a crop that leaves little of a picture is mentioned", async () => {
  const pool = [{ type: "GlobalAveragePool", inputs: ["x"], outputs: ["y"] }];
  await writeFile(at("small.onnx"), onnx({ inputs: { x: [1, 3, 8, 8] }, outputs: { y: [1, 3, 1, 1] }, nodes: pool }));
  const three = fileURLToPath(new URL("../../demo/three.png", import.meta.url));
  const { text } = await read("small.onnx", [three], { preset: "torchvision" });
  expect(text).toBe("three.png, 28 x 28, prepared by torchvision, whose crop leaves 0.1 % of it");
  expect((await read("small.onnx", [three], { preset: "unit" })).text).toBe("three.png, 28 x 28, prepared by unit");
});
