import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What became of a file: an outcome that is right, or a fault. */
export interface Verdict {
  readonly outcome?: string;
  readonly fault?: string;
  readonly stack?: string;
  /** The most that the process has had. */
  readonly megabytes?: number;
}

/** Files may take so much each, of a processor's time; every call is made four times. */
const SECONDS = 20;
const MEGABYTES = 500;

/** By how much longer a file may take where other processes have the machine, or where it waits for itself. */
const PATIENCE = 15;

/** Seconds of a processor that a process has had so far; undefined where the system does not say (it is not Linux). */
function secondsOf(pid: number): number | undefined {
  try {
    // The name of the program, in brackets, may have spaces; times are in hundredths.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

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
        clearInterval(watchdog);
        child.removeAllListeners();
        child.stderr!.off("data", hear);
        resolve(verdict);
      };
      const [began, before] = [Date.now(), secondsOf(child.pid!) ?? 0];
      const watchdog = setInterval(() => {
        const passed = (Date.now() - began) / 1000;
        const used = (secondsOf(child.pid!) ?? before + passed) - before;
        if (used > seconds || passed > PATIENCE * seconds) done({ fault: `a hang: no answer in ${seconds} s` });
      }, 250);
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
