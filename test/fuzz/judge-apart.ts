import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

/** What became of a file: an outcome that is right, or a fault. */
export interface Verdict {
  readonly outcome?: string;
  readonly fault?: string;
  readonly stack?: string;
  /** The most that the process has had. */
  readonly megabytes?: number;
}

/** Files may take so much each; time of which a process waits for others is in it, and every call is made four times. */
const SECONDS = 20;
const MEGABYTES = 500;

/** Whatever a file does to the process that judges it, there is a next one. */
export class Judge {
  readonly #script: string;
  #child: ChildProcess | undefined;

  /** @param root the project's folder, which is built */
  constructor(root: string) {
    this.#script = join(root, "test/fuzz/judge-process.mjs");
  }

  async judge(bytes: Uint8Array, seconds = SECONDS): Promise<Verdict> {
    const isFresh = !this.#child;
    const verdict = await this.#ask(bytes, seconds);
    const over = (verdict.megabytes ?? 0) > MEGABYTES;
    if (verdict.fault || over) this.end();
    // Of what files before it have left behind, a file is not guilty.
    if (over && !isFresh) return this.judge(bytes, seconds);
    return over ? { ...verdict, fault: `memory: ${verdict.megabytes} MB` } : verdict;
  }

  #ask(bytes: Uint8Array, seconds: number): Promise<Verdict> {
    const child = (this.#child ??= fork(this.#script, {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    }));
    return new Promise((resolve) => {
      let said = "";
      const hear = (text: Buffer) => {
        said += text;
      };
      const done = (verdict: Verdict) => {
        clearTimeout(watchdog);
        child.removeAllListeners();
        child.stderr!.off("data", hear);
        resolve(verdict);
      };
      const watchdog = setTimeout(() => done({ fault: `a hang: no answer in ${seconds} s` }), 1000 * seconds);
      child.stderr!.on("data", hear);
      child.once("message", (verdict: Verdict) => done(verdict));
      child.once("exit", (code, signal) => {
        this.#child = undefined;
        done({ fault: `an abort: ${signal ?? code}`, stack: said });
      });
      child.send({ bytes });
    });
  }

  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }
}
