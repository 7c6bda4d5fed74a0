import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../../..");

/** `relprop serve`, as a user has it. */
export interface Served {
  readonly url: string;
  readonly port: number;
  readonly child: ChildProcess;
  /** What it has said on stderr. */
  said(): string;
  /** The largest memory that the process has had, in bytes. */
  peak(): number;
  /** Ends it by a signal. @returns its exit code */
  end(signal?: NodeJS.Signals): Promise<number | null>;
}

export function command(...words: string[]): ChildProcess {
  return spawn(process.execPath, [join(root, "dist/cli/main.js"), "serve", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Starts it on a free port. */
export async function served(...words: string[]): Promise<Served> {
  const child = command(...words, "--port", "0");
  let [out, err] = ["", ""];
  child.stderr!.on("data", (text) => (err += text));
  const url = await new Promise<string>((found, failed) => {
    child.stdout!.on("data", (text) => {
      out += text;
      const line = /^listening on (http:\/\/\S+:\d+)\n$/.exec(out);
      if (line) found(line[1]);
    });
    child.on("exit", (code) => failed(new Error(`it ends with ${code}: ${out}${err}`)));
  });
  return {
    url,
    port: Number(new URL(url).port),
    child,
    said: () => err,
    peak: () => 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]),
    async end(signal = "SIGTERM") {
      if (child.exitCode !== null) return child.exitCode;
      const ended = once(child, "exit");
      child.kill(signal);
      return (await ended)[0];
    },
  };
}

/** A connection of one's own, on which anything may be said. */
export interface Line {
  readonly socket: Socket;
  write(text: string | Uint8Array): void;
  /** What has been answered, once it fits, or the connection has ended. */
  until(pattern: RegExp): Promise<string>;
}

export async function line(port: number): Promise<Line> {
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  let heard = "";
  socket.on("data", (part) => (heard += part.toString("latin1")));
  // A server may close while something is still being written.
  socket.on("error", () => {});
  return {
    socket,
    write: (text) => void socket.write(text),
    async until(pattern) {
      while (!pattern.test(heard) && !socket.closed)
        await Promise.race(["data", "close"].map((event) => once(socket, event)));
      return heard;
    },
  };
}

/** A request as it goes over the line. */
export const head = (path: string, headers: Readonly<Record<string, string | number>>, method = "POST") =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
