/*
 * Packs relprop, installs the tarball into an empty folder, and explains the demo image there in every runtime and
 * through every bundler:
 *   npm run test:runtimes; with -- NAME..., only these: Node, Deno, Next…
 * The bits must be those that dist/ gives in Node with the same binary. Relaxed SIMD lets a runtime multiply and add
 * with one rounding or with two: with two, the bits are those of the plain binary. The two may differ by TOLERANCE of
 * the largest. What npm could not install is skipped, and the command fails for it when CI is set.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { table } from "../../bench/table.mjs";
import { decodeImage } from "../../dist/image.js";
import { preprocess } from "../../dist/index.js";
import { cases } from "./cases.mjs";
import { checks } from "./checks.mjs";
import { bin, execute, root, versionOf } from "./tools.mjs";

const TOLERANCE = 1e-5;
const golden = JSON.parse(readFileSync(join(root, "test/decode/image_golden.json"), "utf8"));

const temporary = mkdtempSync(join(tmpdir(), "relprop-runtimes-"));
const installed = join(temporary, "installed");

/** The demo as a module: some runtimes have no files. */
function demo() {
  const file = (name) => readFileSync(join(root, "demo", name));
  const { data } = preprocess(decodeImage(new Uint8Array(file("three.png"))), "unit", [1, 1, 28, 28]);
  const files = {
    model: file("digits.onnx").toString("base64"),
    png: file("three.png").toString("base64"),
    jpeg: golden.find(({ name }) => name === "JPEG sampled 2x2").file,
    webp: golden.find(({ name }) => name === "WebP with alpha").file,
  };
  const lines = Object.entries(files).map(([name, base64]) => `export const ${name} = "${base64}";\n`);
  return `${lines.join("")}export const pixels = [${data}];\n`;
}

/** A folder with the apps and the demo, and nothing else. */
function folderFor(name) {
  const folder = join(temporary, name);
  cpSync(join(import.meta.dirname, "apps"), folder, { recursive: true });
  writeFileSync(join(folder, "demo.mjs"), demo());
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "consumer", private: true, type: "module", dependencies: { relprop: "*" } }),
  );
  return folder;
}

async function install() {
  const [packed] = JSON.parse(
    await execute("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", temporary], root),
  );
  mkdirSync(installed);
  writeFileSync(join(installed, "package.json"), JSON.stringify({ private: true }));
  const tarball = join(temporary, packed.filename);
  await execute("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball], installed);
  return { packed, tarball };
}

function consumerFolder(name) {
  const folder = folderFor(name);
  cpSync(join(installed, "node_modules"), join(folder, "node_modules"), { recursive: true, verbatimSymlinks: true });
  return folder;
}

function answerIn(said) {
  const [, answer] = said.match(/^answer: (.*)$/m) ?? [];
  if (!answer) throw new Error(`it did not answer:\n${said}`);
  return JSON.parse(answer);
}

/** What dist/ says to an app in Node: under either binary, if there is a Node that has both. */
async function reference(app) {
  const folder = folderFor(`reference-${app}`);
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/relprop"));
  const { relaxed, plain, best } = answerIn(
    await execute(versionOf("node24") ? bin("node24") : process.execPath, [app], folder),
  );
  return { simd: plain, relaxed: relaxed ? best : undefined };
}

const numbers = ({ bits }) => new Float32Array(Uint32Array.from(bits).buffer);

function distance(one, other) {
  const [a, b] = [numbers(one), numbers(other)];
  const largest = Math.max(...a.map(Math.abs));
  return a.length === b.length ? Math.max(...a.map((value, i) => Math.abs(value - b[i]))) / largest : Number.NaN;
}

function sameBits(name, got, wanted) {
  if (got.digit !== wanted.digit) throw new Error(`${name}: a ${got.digit} instead of a ${wanted.digit}`);
  if (got.bits.join() === wanted.bits.join()) return `${name}: same bits`;
  throw new Error(`${name}: not the same bits, off by ${distance(wanted, got).toExponential(1)} of the largest`);
}

/** @param wanted the binary that `best` must come from */
function judge({ relaxed, plain, best }, expected, wanted = "relaxed") {
  const off = distance(expected.simd, best);
  if (!(off <= TOLERANCE)) throw new Error(`${wanted} differs from simd by ${off} of the largest`);
  const findings = [sameBits("simd", plain, expected.simd)];
  if (wanted === "simd") sameBits("simd, unasked", best, expected.simd);
  else if (!relaxed) throw new Error("relaxed SIMD is not found");
  else if (off === 0) findings.push("relaxed: the bits of simd");
  else findings.push(expected.relaxed ? sameBits("relaxed", best, expected.relaxed) : `relaxed: within ${TOLERANCE}`);
  return findings.join(", ");
}

/** Two at a time, for two cores. @returns results in the order of the items */
async function pairwise(items, run) {
  const [results, left] = [[], items.entries()];
  const lane = async () => {
    for (const [i, item] of left) results[i] = await run(item, i);
  };
  await Promise.all([lane(), lane()]);
  return results;
}

const names = process.argv.slice(2);
const chosen = names.length ? cases.filter(({ runtime }) => names.includes(runtime)) : cases;

const tally = { passed: 0, failed: 0, skipped: 0 };

/** One line of a table: what came out, or why not. */
async function outcome(name, tools, run) {
  const missing = tools.find((tool) => versionOf(tool) === undefined);
  if (missing) {
    tally[process.env.CI ? "failed" : "skipped"]++;
    return `${process.env.CI ? "FAILED" : "skipped"}: npm did not install ${missing}`;
  }
  try {
    const result = await run();
    tally.passed++;
    return result;
  } catch (error) {
    tally.failed++;
    console.log(`${name}: ${error.message}\n`);
    return `FAILED: ${error.message.split("\n")[0]}`;
  }
}

async function rowsOf({ runtime, tool, needs = [], entries, best = [], run }, index, expectedOf) {
  let said;
  const once = () => (said ??= run(consumerFolder(`case-${index}`)));
  const rows = [];
  for (const [i, entry] of entries.entries()) {
    const result = await outcome(`${runtime} ${versionOf(tool)}, ${entry}`, [tool, ...needs], async () =>
      judge(answerIn((await once())[i]), expectedOf(entry), best[i]),
    );
    rows.push([runtime, versionOf(tool) ?? "-", entry, result]);
  }
  return rows;
}

try {
  const given = await install();
  const expected = await reference("import.mjs");
  const others = {};
  for (const name of ["evaluate", "image", "service"]) others[`relprop/${name}`] = await reference(`${name}.mjs`);
  const off = expected.relaxed && distance(expected.simd, expected.relaxed);
  console.log(
    `dist/ in Node: a ${expected.simd.digit}; relaxed differs from simd by ` +
      `${off?.toExponential(1) ?? "(no Node that has it)"} of the largest\n`,
  );

  const findings = await pairwise(checks, async ({ check, tool, run }, i) => {
    const result = await outcome(check, tool ? [tool] : [], () =>
      run({ ...given, folder: consumerFolder(`check-${i}`) }),
    );
    return [check, tool ? (versionOf(tool) ?? "-") : "", result];
  });
  console.log(table(["check of the package", "version", "result"], findings), "\n");

  const rows = await pairwise(chosen, (each, i) => rowsOf(each, i, (entry) => others[entry.split(" ")[0]] ?? expected));
  console.log(table(["runtime or bundler", "version", "entry", "result"], rows.flat()), "\n");
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed ? 1 : 0;
