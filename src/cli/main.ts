#!/usr/bin/env node
import { troubleOf } from "./files.ts";
import { register } from "../ops/index.ts";
import { rare } from "../ops/rare/index.ts";
import { run } from "./run.ts";

// `relprop ... | head` closes the pipe early, which is no error; a full disk is one.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`relprop: the output cannot be written: ${troubleOf(error) ?? error.message}.\n`);
  process.exit(2);
});

/** Work that these signals abort. A second one ends the process, as every one does while nothing is to be said. */
const until =
  (...signals: NodeJS.Signals[]) =>
  async <T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const controller = new AbortController();
    const abort = () => {
      forget();
      controller.abort();
    };
    const forget = () => {
      for (const signal of signals) process.off(signal, abort);
    };
    for (const signal of signals) process.on(signal, abort);
    try {
      return await work(controller.signal);
    } finally {
      forget();
    }
  };

register(rare);

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  // A terminal that does not know its width says 0.
  columns: process.stdout.columns || process.stderr.columns || undefined,
  terminals: { out: process.stdout.isTTY, err: process.stderr.isTTY },
  interruptible: until("SIGINT"),
  stoppable: until("SIGINT", "SIGTERM"),
});
