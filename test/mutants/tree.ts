import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { dataRoot } from "../data-root.ts";

/** What is built, which git does not know. */
const BUILT = [
  "build",
  "dist",
  ...readdirSync("src")
    .filter((name) => name.endsWith(".gen.ts"))
    .map((name) => `src/${name}`),
];

/** How a command ended; undefined: it did not within its time. */
export interface Ended {
  readonly code: number | undefined;
  /** What it wrote. */
  readonly text: string;
}

/** Runs a command with all that it starts; what does not end in time is ended. */
function command(cwd: string, [program, ...args]: readonly string[], seconds: number): Promise<Ended> {
  const env = { ...process.env, RELPROP_DATA: resolve(dataRoot), NO_COLOR: "1" };
  const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part) => (text += part));
  const end = () => process.kill(-child.pid!, "SIGKILL");
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    end();
  }, 1000 * seconds);
  process.once("exit", end);
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (code) => {
      clearTimeout(timer);
      process.off("exit", end);
      done({ code: late ? undefined : (code ?? 1), text });
    });
  });
}

/** A copy of the tree, as it is and built, in which files may be changed and tests run. */
export class Tree {
  readonly root = mkdtempSync(join(tmpdir(), "relprop-mutants-"));

  constructor() {
    const listed = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      encoding: "utf8",
    });
    for (const file of [...listed.split("\0").filter(Boolean), ...BUILT]) {
      if (existsSync(file)) cpSync(file, join(this.root, file), { recursive: true });
    }
    // Not the folder itself: vitest keeps its notes in it.
    mkdirSync(join(this.root, "node_modules"));
    for (const name of readdirSync("node_modules").filter((entry) => !entry.startsWith(".vite"))) {
      symlinkSync(resolve("node_modules", name), join(this.root, "node_modules", name));
    }
    // What a fault needs of the build is built before the tests, and no more.
    this.write("test/build.ts", "export default () => {};\n");
  }

  bytes(file: string): Buffer {
    return readFileSync(join(this.root, file));
  }

  read(file: string): string {
    return this.bytes(file).toString();
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.root, file), text);
  }

  /** `task`, after which these files and folders are as they were. */
  async keeping<R>(paths: readonly string[], task: () => Promise<R>): Promise<R> {
    const copy = (from: string, to: string) => {
      for (const path of paths) {
        rmSync(join(to, path), { recursive: true, force: true });
        cpSync(join(from, path), join(to, path), { recursive: true });
      }
    };
    const aside = join(this.root, "kept");
    copy(this.root, aside);
    try {
      return await task();
    } finally {
      copy(aside, this.root);
    }
  }

  run(program: readonly string[], seconds: number): Promise<Ended> {
    return command(this.root, program, seconds);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
