import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeNpy } from "../../src/read/npy.ts";
import { numbers } from "../random.ts";
import { slurmLacks, startSlurm } from "./slurm.ts";

/** The scripts of examples/slurm, submitted to a SLURM of the test's own. */
const lacks = slurmLacks();
if (lacks) {
  if (process.env.CI) throw new Error(`SLURM is required in CI; it lacks ${lacks}`);
  console.log(`skipped: examples/slurm, which need ${lacks}`);
}

const IMAGES = 11;
const script = (name: string) => resolve("examples/slurm", name);
const main = resolve("dist/cli/main.js");
const files = ["report.html", "results.csv", "results.json", "summary.csv"];

describe.skipIf(lacks)("examples/slurm", () => {
  const dir = mkdtempSync(join(tmpdir(), "relprop-"));
  const at = (...path: string[]) => join(dir, ...path);
  const env = {
    // npx takes what it finds in the project; here it is what was built.
    PATH: `${at("bin")}:${process.env.PATH}`,
    MODEL: resolve("demo/digits.onnx"),
    DATA: at("data.npy"),
    METRICS: "gini,entropy",
    OUT: at("report"),
  };
  let slurm: Awaited<ReturnType<typeof startSlurm>>;
  const output = () =>
    readdirSync(dir)
      .filter((name) => name.endsWith(".out"))
      .map((name) => readFileSync(at(name), "utf8"))
      .join("");

  beforeAll(async () => {
    mkdirSync(at("bin"));
    writeFileSync(at("bin/npx"), `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`, { mode: 0o755 });
    const dims = [IMAGES, 1, 28, 28];
    writeFileSync(at("data.npy"), writeNpy({ dims, data: Float32Array.from(numbers(IMAGES * 784, 1, 0, 1)) }));
    slurm = await startSlurm();
  });
  afterAll(async () => {
    await slurm?.stop();
    rmSync(dir, { recursive: true });
  });

  test("an array of tasks measures the shards, and the report is that of one process", async () => {
    expect(await slurm.sbatch([script("array.sbatch")], dir, env), output()).toBe(0);
    expect(output()).toContain("relprop: measures shard 3 of 8, by SLURM_ARRAY_TASK_ID");
    expect(await slurm.sbatch([script("merge.sbatch")], dir, env), output()).toBe(0);
    const methods = ["--methods", "epsilonPlus,gradient", "--metrics", env.METRICS];
    execFileSync(process.execPath, [main, "evaluate", env.MODEL, env.DATA, ...methods, "--out", at("one")]);
    for (const name of files) expect(readFileSync(at("report", name)), name).toEqual(readFileSync(at("one", name)));
  });

  test("one task is repeated alone, and finds what is there", async () => {
    rmSync(at("report-3/parts/00002.json"));
    expect(await slurm.sbatch(["--array=3", script("array.sbatch")], dir, env), output()).toBe(0);
    expect(output()).toContain("relprop: 1 of 2 images are there already");
  });

  test("a task beyond the shards fails", async () => {
    expect(await slurm.sbatch(["--array=9", script("array.sbatch")], dir, env)).not.toBe(0);
    expect(output()).toContain("expected a number from 1 to 8, since there are 8 shards, got '9'");
  });
});
