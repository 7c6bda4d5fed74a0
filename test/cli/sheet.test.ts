import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/read/npy.ts";
import { run } from "../../src/cli/run.ts";
import { composites } from "../../src/entries/index.ts";
import { chain } from "../onnx-writer.ts";

const INPUTS = ["demo/digits.onnx", "demo/three.png"];

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function sheet(...words: string[]) {
  const [out, err]: string[][] = [[], []];
  const code = await run(["sheet", ...words], { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join(""), err: err.join("") };
}

const listed = (out: string) => /^sheet +(.*)$/m.exec(out)?.[1].split(", ");

test("every composite but the one that needs a box, which is named", async () => {
  const { code, out, err } = await sheet(...INPUTS, "--out", at("all.png"));
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const without = composites.map(({ name }) => name).filter((name) => name !== "epsilonGammaBox");
  expect(listed(out)).toEqual(without);
  expect(out).toMatch(/^left out +epsilonGammaBox: it needs the options --low and --high/m);
  expect(out).toMatch(/^class +3 three, logit 12\.\d+$/m);
  // The input and eleven heatmaps of 224 x 224 in four columns, gaps of 12.
  const { width, height } = decode(await readFile(at("all.png")));
  expect(width).toBe(4 * (224 + 12) + 12);
  expect(height).toBeGreaterThan(3 * (224 + 12));
});

test("with its box it is there too, and each note is told once", async () => {
  const { out } = await sheet(...INPUTS, "--low", "0", "--high", "1", "--out", at("box.png"));
  expect(listed(out)).toEqual(composites.map(({ name }) => name));
  expect(out).not.toContain("left out");
  expect(out.match(/^note /gm)).toHaveLength(1);
});

test("those that were asked for, in that order, in so many columns", async () => {
  const { out } = await sheet(
    ...INPUTS,
    "--composites",
    "gradient,epsilon",
    "--target",
    "8",
    "--columns",
    "2",
    "--out",
    at("two.png"),
  );
  expect(listed(out)).toEqual(["gradient", "epsilon"]);
  expect(out).toMatch(/^class +8 eight, logit /m);
  expect(decode(await readFile(at("two.png"))).width).toBe(2 * (224 + 12) + 12);
});

test("numbers have no picture of their own: the sheet has heatmaps only", async () => {
  await writeFile(
    at("x.npy"),
    writeNpy({ data: Float32Array.from({ length: 784 }, (_, i) => ((i * 7919) % 256) / 255), dims: [1, 1, 28, 28] }),
  );
  await sheet("demo/digits.onnx", at("x.npy"), "--composites", "epsilon", "--out", at("one.png"));
  expect(decode(await readFile(at("one.png"))).width).toBe(224 + 24);
});

test("what the network has no rule for is left out, or an error if it was asked for", async () => {
  const nodes = [{ type: "Sin" }, { type: "Flatten" }];
  await writeFile(at("layer.onnx"), chain(["n", 1, 28, 28], nodes, 17));
  await writeFile(
    at("x.npy"),
    writeNpy({ data: Float32Array.from({ length: 784 }, (_, i) => i % 5), dims: [1, 1, 28, 28] }),
  );
  const words = [at("layer.onnx"), at("x.npy"), "--out", at("layer.png")];
  const { out } = await sheet(...words);
  expect(listed(out)).toEqual(["gradient", "guidedBackprop", "deconvnet"]);
  expect(out.match(/^left out +\w+: .+/gm)).toHaveLength(composites.length - 3);
  expect((await sheet(...words, "--composites", "epsilon,gradient")).err).toMatch(/'y0' \(Sin\)/);
  expect(listed((await sheet(...words, "--composites", "epsilon", "--unknown", "gradient")).out)).toEqual(["epsilon"]);
});

test.each([
  [["--composites", "epsilon,gradien"], "option '--composites'", "Did you mean 'gradient'?"],
  [["--composites", "epsilon,,gradient"], "option '--composites': expected names joined by commas"],
  [["--composites", "epsilonGammaBox"], "composite 'epsilonGammaBox': it needs the options --low and --high"],
  [["--composites", "epsilon", "--gamma", "1"], "option '--gamma': no composite on the sheet takes it"],
  [["--target", "none"], "class"],
  [["--sample", "1"], "option '--sample'"],
])("refuses %j, and writes nothing", async (words, ...messages) => {
  const { code, out, err } = await sheet(...INPUTS, ...words, "--out", at("no.png"));
  expect({ code, out }).toEqual({ code: 2, out: "" });
  for (const message of messages) expect(err).toContain(message);
  expect(await readdir(folder)).not.toContain("no.png");
});

test.each([[["--out", "a.npy"]], [["--out", "a.png", "--out", "b.png"]]])("wants one .png: %j", async (words) => {
  expect((await sheet(...INPUTS, ...words)).err).toContain("option '--out': expected one name that ends in .png");
});
