#!/usr/bin/env node
import { troubleOf } from "./files.ts";
import { run } from "./run.ts";

// `relprop ... | head` closes the pipe early, which is no error; a full disk is one.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") return;
  process.stderr.write(`relprop: the output: expected to be written, got ${troubleOf(error) ?? error.message}.\n`);
  process.exit(2);
});

process.exitCode = await run(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  columns: process.stdout.columns,
  live: process.stderr.isTTY,
});
