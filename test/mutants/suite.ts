import { stripVTControlCharacters } from "node:util";
import { slow } from "../mode-list.ts";
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
async function kernels(
  tree: Tree,
  specs: readonly string[],
  relaxed: true | undefined,
  seconds: number,
): Promise<Outcome> {
  const config = "assembly/as-pect.some.config.js";
  tree.write(
    config,
    `import all from "./as-pect.config.js";\nexport default { ...all, entries: ${JSON.stringify(specs)} };\n`,
  );
  const how = `assembly/as-pect.${relaxed ? "relaxed." : ""}asconfig.json`;
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

/** Runs test files of one project of vitest up to the first failure. */
async function files(
  tree: Tree,
  paths: readonly string[],
  [config, project]: readonly [config: string, project: string],
  seconds: number,
): Promise<Outcome> {
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", config, "--project", project, "--bail=1"];
  tree.write(REPORT, "");
  const { code, text } = await tree.run(
    [node, ...vitest, "--reporter=json", `--outputFile=${REPORT}`, ...paths],
    seconds,
  );
  if (code === undefined) return { verdict: "hangs", by: paths.join(", ") };
  const written = tree.read(REPORT);
  if (!written) return { verdict: "failed", by: ending(text) };
  const report = JSON.parse(written) as Report;
  // vitest leaves out files that are not of the project, and fails where none is left.
  if (report.testResults.length < (code === 0 ? paths.length : 1))
    throw new Error(`not all of these are tests of the project ${project}: ${paths.join(", ")}`);
  return code === 0 ? { verdict: "passed", by: "" } : { verdict: "failed", by: firstFailure(report) };
}

/** Runs tests up to the first failure; those of kernels, which take least, come first. */
export async function runTests(
  tree: Tree,
  tests: readonly string[],
  relaxed: true | undefined,
  seconds: number,
): Promise<Outcome> {
  const [specs, others] = [tests.filter(isSpec), tests.filter((path) => !isSpec(path))];
  const [long, short] = [others.filter((path) => slow.includes(path)), others.filter((path) => !slow.includes(path))];
  const parts = [
    [specs, () => kernels(tree, specs, relaxed, seconds)],
    [short, () => files(tree, short, ["test/vitest.config.ts", "plain"], seconds)],
    [long, () => files(tree, long, ["test/modes.config.ts", "slow"], seconds)],
  ] as const;
  for (const [paths, run] of parts) {
    if (paths.length === 0) continue;
    const outcome = await run();
    if (outcome.verdict !== "passed") return outcome;
  }
  return { verdict: "passed", by: "" };
}
