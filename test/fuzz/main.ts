/*
 * npm run fuzz [-- --minutes N --seed S --corpus FOLDER --keep FOLDER --workers N]
 *
 * Mutates small networks, the project's own or those of a folder, and judges each as test/fuzz/judge.mjs says. What
 * must not be is reduced and kept (build/fuzz unless given). Ends with 0 where there was none, 1 where there was one.
 */
import "../../src/entries/operators.ts";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bytesOf, type File, fileOf, mutated, smaller } from "./graphs.ts";
import { Judge, type Verdict } from "./judge-apart.ts";
import { damaged, drawing } from "./mutate.ts";
import { filesIn, seeds } from "./seeds.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    corpus: { type: "string" },
    keep: { type: "string", default: "build/fuzz" },
    workers: { type: "string", default: `${availableParallelism()}` },
  },
});
const [minutes, first, workers] = [values.minutes, values.seed, values.workers].map(Number);
for (const [name, value] of Object.entries({ minutes, seed: first, workers }))
  if (!(value > 0)) throw new Error(`--${name}: a number above 0`);

const corpus = (values.corpus ? filesIn(values.corpus) : seeds(process.cwd())).map((bytes) => ({
  bytes,
  file: fileOrNone(bytes),
}));
if (corpus.length === 0) throw new Error(`no ONNX files of up to 200 kB in ${values.corpus}`);

/** What a network says of itself, if it is one. */
function fileOrNone(bytes: Uint8Array): File | undefined {
  try {
    return fileOf(bytes);
  } catch {
    return undefined;
  }
}

/** The file of one seed. */
function drawn(seed: number): Uint8Array {
  const draw = drawing(seed);
  const { bytes, file } = draw.of(corpus);
  let changed = file && draw.chance(0.9) ? bytesOf(mutated(draw, file)) : bytes;
  if (changed === bytes || draw.chance(0.05))
    for (let more = 1 + draw.int(3); more > 0; more--) changed = damaged(changed, draw);
  return changed;
}

/** Faults of one kind: the same words without names and numbers, from the same place. */
function kindOf({ fault = "", stack = "" }: Verdict): string {
  const place = /build\/js\/[\w/.-]+:\d+/.exec(stack)?.[0] ?? "";
  return `${fault.replace(/'[^']*'|\{.*\}|-?\d[\d.e+-]*/g, "…").slice(0, 120)} ${place}`;
}

/** A file with as little in it as fails the same way. */
async function reduced(bytes: Uint8Array, kind: string, judge: Judge): Promise<Uint8Array> {
  const fails = async (candidate: Uint8Array) => kindOf(await judge.judge(candidate)) === kind;
  let least = bytes;
  let file = fileOrNone(bytes);
  if (!file || !(await fails(bytesOf(file)))) return bytes;
  for (let found = true; found; ) {
    found = false;
    for (const candidate of smaller(file)) {
      if (!(await fails(bytesOf(candidate)))) continue;
      [file, least, found] = [candidate, bytesOf(candidate), true];
      break;
    }
  }
  return least;
}

const end = Date.now() + 60_000 * minutes;
const outcomes = new Map<string, number>();
const faults = new Map<string, { readonly seed: number; count: number }>();
let next = first;
let files = 0;

async function work(): Promise<void> {
  const judge = new Judge(process.cwd());
  while (Date.now() < end) {
    const seed = next++;
    const bytes = drawn(seed);
    const verdict = await judge.judge(bytes);
    files++;
    const outcome = verdict.fault === undefined ? verdict.outcome! : "fault";
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (verdict.fault === undefined) continue;
    const kind = kindOf(verdict);
    const known = faults.get(kind);
    if (known) known.count++;
    else {
      faults.set(kind, { seed, count: 1 });
      mkdirSync(values.keep, { recursive: true });
      const name = join(values.keep, `${seed}`);
      writeFileSync(`${name}.onnx`, await reduced(bytes, kind, judge));
      writeFileSync(`${name}.txt`, `${verdict.fault}\n${verdict.stack ?? ""}\n`);
      console.log(`seed ${seed}: ${verdict.fault.slice(0, 200)}\n  kept as ${name}.onnx`);
    }
  }
  judge.end();
}

const began = Date.now();
await Promise.all(Array.from({ length: workers }, work));
const seconds = (Date.now() - began) / 1000;
console.log(`${files} files in ${seconds.toFixed(0)} s, ${(files / seconds).toFixed(0)} a second`);
for (const [outcome, count] of [...outcomes].sort(([, a], [, b]) => b - a))
  console.log(`${`${count}`.padStart(8)}  ${outcome}`);
for (const [kind, { seed, count }] of faults) console.log(`${`${count}`.padStart(8)}  as seed ${seed}: ${kind}`);
if (faults.size > 0) process.exitCode = 1;
