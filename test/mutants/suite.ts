import { stripVTControlCharacters } from "node:util";
import type { ModeName } from "../mode-list.ts";
import type { Tree } from "./tree.ts";

/** How tests ended. */
export interface Outcome {
  readonly verdict: "passed" | "failed" | "hangs" | "does not compile";
  /** The first test that failed, or what the command said. */
  readonly by: string;
}

const isSpec = (path: string): boolean => path.startsWith("assembly/");

/** Tests that run what is built, and not src. */
const ON_DIST = /^test\/(threads\/threads|pool|run\/memory|cli\/main|cli\/evaluate\/command)/;

const node = process.execPath;
const ending = (text: string) => text.trim().split("\n").slice(-30).join("\n");

async function must(tree: Tree, program: readonly string[]): Promise<void> {
  const { code, text } = await tree.run(program, 600);
  if (code !== 0) throw new Error(`${program.join(" ")}\n${ending(text)}`);
}

/** Compiles the plain kernels again, for the tests that run src. */
async function compileKernels(tree: Tree): Promise<void> {
  await must(tree, [
    node,
    "node_modules/assemblyscript/bin/asc.js",
    "--config",
    "asconfig.json",
    "--target",
    "release",
  ]);
  const hex = tree.bytes("build/core.wasm").toString("hex");
  tree.write("src/core.gen.ts", tree.read("src/core.gen.ts").replace(/(simd: string = )"\w+"/, `$1"${hex}"`));
}

/** What `build` writes. */
export const BUILT = ["src/core.gen.ts", "dist"];

/** Makes what these tests run out of a file that has changed. */
export async function build(tree: Tree, file: string, tests: readonly string[]): Promise<void> {
  const onSource = tests.filter((path) => !isSpec(path));
  if (isSpec(file) && onSource.length > 0) await compileKernels(tree);
  if (!onSource.some((path) => ON_DIST.test(path))) return;
  await must(tree, [node, "assembly/build.mjs"]);
}

/** Runs specs of kernels. */
async function kernels(tree: Tree, specs: readonly string[], mode: ModeName, seconds: number): Promise<Outcome> {
  const config = "assembly/as-pect.some.config.js";
  tree.write(
    config,
    `import all from "./as-pect.config.js";\nexport default { ...all, entries: ${JSON.stringify(specs)} };\n`,
  );
  const how = `assembly/as-pect.${mode === "relaxed" ? "relaxed." : ""}asconfig.json`;
  const asp = "node_modules/@as-pect/cli/bin/asp.js";
  const { code, text: coloured } = await tree.run(
    [node, asp, "--config", config, "--as-config", how, "--summary"],
    seconds,
  );
  if (code === undefined) return { verdict: "hangs", by: specs.join(", ") };
  const text = stripVTControlCharacters(coloured);
  if (/^ERROR [A-Z]+\d+:/m.test(text)) return { verdict: "does not compile", by: ending(text) };
  if (code === 0) return { verdict: "passed", by: "" };
  const [file, test] = [/^❌ (\S+)/m, /^ +❌ (.*?) - /m].map((pattern) => pattern.exec(text)?.[1]);
  return { verdict: "failed", by: file ? `${file}: ${test}` : ending(text) };
}

const REPORT = "build/mutants.report.json";

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function firstFailure({ testResults }: Report): string {
  for (const { name, message, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === "failed");
    if (failed || message) return `${name.slice(name.indexOf("/test/") + 1)}: ${failed?.fullName.trim() ?? message}`;
  }
  return "an error outside of tests";
}

/** Runs test files up to the first failure. */
async function files(tree: Tree, paths: readonly string[], mode: ModeName, seconds: number): Promise<Outcome> {
  const config = `test/${mode === "plain" ? "vitest" : "modes"}.config.ts`;
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", config, "--project", mode, "--bail=1"];
  tree.write(REPORT, "");
  const { code, text } = await tree.run(
    [node, ...vitest, "--reporter=json", `--outputFile=${REPORT}`, ...paths],
    seconds,
  );
  if (code === undefined) return { verdict: "hangs", by: paths.join(", ") };
  if (code === 0) return { verdict: "passed", by: "" };
  const report = tree.read(REPORT);
  return { verdict: "failed", by: report ? firstFailure(JSON.parse(report)) : ending(text) };
}

/** Runs tests up to the first failure; those of kernels, which take least, come first. */
export async function runTests(
  tree: Tree,
  tests: readonly string[],
  mode: ModeName,
  seconds: number,
): Promise<Outcome> {
  const specs = tests.filter(isSpec);
  const others = tests.filter((path) => !isSpec(path));
  const outcome: Outcome = specs.length > 0 ? await kernels(tree, specs, mode, seconds) : { verdict: "passed", by: "" };
  return outcome.verdict === "passed" && others.length > 0 ? files(tree, others, mode, seconds) : outcome;
}
