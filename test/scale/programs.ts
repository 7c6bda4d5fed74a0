import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const MAIN = "dist/cli/main.js";

/** relprop as a process of its own. */
export interface Program {
  readonly child: ChildProcess;
  /** What it has said so far. */
  readonly said: { out: string; err: string };
  /** How it ended: its exit code, or the signal. */
  readonly end: Promise<number | string>;
}

const start = (...words: string[]): Program => startIn({}, ...words);

/** @param how another build of relprop, and what its environment has besides that of the test */
export function startIn({ main = MAIN, env }: { main?: string; env?: NodeJS.ProcessEnv }, ...words: string[]): Program {
  const options = { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] } as const;
  const child = spawn(process.execPath, [main, ...words], options);
  const said = { out: "", err: "" };
  for (const [name, stream] of [
    ["out", child.stdout],
    ["err", child.stderr],
  ] as const)
    stream.on("data", (data) => {
      said[name] += data;
    });
  const end = once(child, "close").then(([code, signal]) => code ?? signal);
  return { child, said, end };
}

export async function run(...words: string[]) {
  const { said, end } = start(...words);
  return { code: await end, ...said };
}

/** Waits until something is so; the test's time is what ends it. */
export async function until(isSo: () => unknown): Promise<void> {
  while (!(await isSo())) await new Promise((go) => setTimeout(go, 50));
}

/** Every file below a folder, with its bytes. */
export function contentsOf(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(dir.length + 1), readFileSync(path, "base64")];
    }),
  );
}

/** How many images are done in a folder of results. */
export function partsIn(dir: string): number {
  try {
    return readdirSync(join(dir, "parts")).filter((name) => name.endsWith(".json")).length;
  } catch {
    return 0;
  }
}
