/*
 * npm run mutants                  puts the faults of list.ts into a copy of the tree, one at a time, and runs the
 *                                  tests that are to notice
 * npm run mutants -- --only NAME   one of them
 * npm run mutants -- --kind KIND   those of a kind
 *
 * Ends with 0 where every fault was noticed, 1 where one lives, 2 where the list is wrong, or tests fail without a
 * fault.
 */
import { parseArgs } from "node:util";
import { faulty, mistakes } from "./check.ts";
import { type Mutant, mutants } from "./list.ts";
import { BUILT, build, type Outcome, runTests } from "./suite.ts";
import { Tree } from "./tree.ts";

interface Result extends Outcome {
  readonly mutant: Mutant;
  readonly seconds: number;
}

const secondsSince = (start: number) => (performance.now() - start) / 1000;

function chosen(by: { readonly only?: string; readonly kind?: string }): readonly Mutant[] {
  const found = mutants.filter(({ name, kind }) => name === (by.only ?? name) && kind === (by.kind ?? kind));
  if (found.length > 0) return found;
  const known = new Set(mutants.map(({ name, kind }) => (by.only === undefined ? kind : name)));
  throw new Error(`no fault is called so; there are ${[...known].join(", ")}`);
}

/** Runs all tests concerned without a fault, and returns how long they took. */
async function soundness(tree: Tree, list: readonly Mutant[]): Promise<number> {
  const start = performance.now();
  for (const relaxed of [undefined, true] as const) {
    const tests = new Set(list.filter((mutant) => mutant.relaxed === relaxed).flatMap((mutant) => mutant.tests));
    const { verdict, by } = await runTests(tree, [...tests], relaxed, 3600);
    if (verdict !== "passed") throw new Error(`the tests without a fault: ${verdict}: ${by}`);
  }
  return secondsSince(start);
}

/** Runs the tests of one fault. @param seconds in which they end, unless they hang */
async function judge(tree: Tree, mutant: Mutant, seconds: number): Promise<Result> {
  const { file, tests, relaxed } = mutant;
  const start = performance.now();
  const outcome = await tree.keeping([file, ...BUILT], async () => {
    tree.write(file, faulty(mutant, tree.read(file)));
    await build(tree, file, tests);
    return runTests(tree, tests, relaxed, seconds);
  });
  return { ...outcome, mutant, seconds: secondsSince(start) };
}

const WORDS = { failed: "noticed", hangs: "hangs", passed: "LIVES", "does not compile": "does not compile" } as const;

function row({ mutant: { name, kind }, verdict, by, seconds }: Result): string {
  return [
    name.padEnd(56),
    kind.padEnd(10),
    WORDS[verdict].padEnd(8),
    `${seconds.toFixed(0).padStart(3)} s`,
    by.split("\n")[0],
  ].join("  ");
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: "string" }, kind: { type: "string" } } });
  const wrong = mistakes(mutants);
  if (wrong.length > 0) throw new Error(`the list of faults is wrong\n${wrong.join("\n")}`);
  const list = chosen(values);
  const run = list.filter(({ unnoticeable }) => unnoticeable === undefined);
  const tree = new Tree();
  process.once("SIGINT", () => process.exit(2));
  process.once("exit", () => tree.remove());
  const time = await soundness(tree, run);
  console.log(`without a fault all tests pass, in ${time.toFixed(0)} s`);
  const results: Result[] = [];
  for (const mutant of run) {
    results.push(await judge(tree, mutant, 60 + 3 * time));
    console.log(row(results.at(-1)!));
  }
  for (const { name, unnoticeable } of list)
    if (unnoticeable) console.log(`${name}: nothing can notice it: ${unnoticeable}`);
  const count = (...verdicts: Outcome["verdict"][]) =>
    results.filter(({ verdict }) => verdicts.includes(verdict)).length;
  console.log(
    `${list.length} faults: ${count("failed", "hangs")} noticed, ${list.length - run.length} cannot be, ` +
      `${count("passed")} live`,
  );
  if (count("does not compile") > 0) throw new Error("some faults do not compile");
  return count("passed") > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`mutants: ${(error as Error).message}`);
  process.exitCode = 2;
}
