import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode } from "fast-png";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeNpy } from "../../src/read/npy.ts";
import { run } from "../../src/cli/run.ts";
import { chain } from "../onnx-writer.ts";
import { parts, settings } from "./evaluate/parts.ts";
import { written } from "./evaluate/written.ts";

/*
 * An explanation that has exploded cannot be missed: 1201 − 1200 is 1, of which 2401 arrive.
 */

let folder = "";
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
  const weight = { dims: [2, 1], data: Float32Array.of(1, -1) };
  await writeFile(at("difference.onnx"), chain(["n", 2], [{ type: "Gemm", parameters: [weight] }]));
  await writeFile(at("near.npy"), writeNpy({ dims: [1, 2], data: Float32Array.of(1201, 1200) }));
  await writeFile(at("far.npy"), writeNpy({ dims: [1, 2], data: Float32Array.of(5, 3) }));
});
afterAll(() => rm(folder, { recursive: true }));

async function command(...words: string[]) {
  const [out, err]: string[][] = [[], []];
  const code = await run(words, { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join(""), err: err.join("") };
}
const explain = (input: string, ...words: string[]) =>
  command("explain", at("difference.onnx"), at(input), "--composite", "epsilon", ...words);

test("explain says it on stderr, in its summary, and on the picture", async () => {
  const { code, out, err } = await explain("near.npy", "--out", at("near.png"));
  expect(code).toBe(0);
  expect(err).toMatch(
    /^relprop: warning: this explanation has exploded, .* These may help: the composite epsilonPlusFlat.*\n$/,
  );
  expect(out).toMatch(
    /^EXPLODED +Σ\|R\| is 2401 times that of the start, and at most 2401 times on the way; ΣR is 1\.000 of the start$/m,
  );
  expect(out).toMatch(/^WARNING +this explanation has exploded/m);
  const { data, channels, width } = decode(await readFile(at("near.png")));
  const column = Array.from({ length: width }, (_, x) => Array.from(data.slice(channels * x, channels * x + 3)).join());
  expect(column).toContain("255,204,0");
  expect(column).toContain("0,0,0");
});

test("explain --json has the numbers", async () => {
  const { out, err } = await explain("near.npy", "--json");
  expect(err).toMatch(/^relprop: warning: /);
  const { stability } = JSON.parse(out);
  expect(stability.verdict).toBe("amplified");
  expect(stability.amplification).toBeCloseTo(2401, 1);
});

test("of one that can be read nothing is said", async () => {
  const { out, err } = await explain("far.npy", "--out", at("far.png"));
  expect(err).toBe("");
  expect(out).toMatch(
    /^stable +Σ\|R\| is 4\.000 times that of the start, and at most 4\.000 times on the way; ΣR is 1\.000 of the start$/m,
  );
});

test("sheet says of which composite it is", async () => {
  const { out, err } = await command(
    ...["sheet", at("difference.onnx"), at("near.npy"), "--composites", "epsilon,gradient", "--out", at("sheet.png")],
  );
  expect(err).toMatch(/^relprop: epsilon: warning: this explanation has exploded.*\n$/);
  expect(out).toMatch(/^note +epsilon: Warning: /m);
});

test("the report of evaluate counts the images, and marks the pictures", async () => {
  const exploded = parts.map((part, i) => ({
    ...part,
    methods: part.methods.map((own, k) => (k === 0 && i < 2 ? { ...own, amplified: true as const } : own)),
  }));
  const html = (await written(settings, exploded)).get("report.html")!;
  expect(html).toContain(`<p class="warning" role="alert">Warning: first has exploded on 2 of ${parts.length} images:`);
  expect(html).toContain('<strong class="warning">exploded</strong>');
  expect((await written(settings, parts)).get("report.html")!).not.toContain("exploded");
});
