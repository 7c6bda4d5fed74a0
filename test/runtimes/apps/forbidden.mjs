// Holds what the core must not: a check that does not find all of it is blind.
import { readFile } from "node:fs/promises";

export const text =
  eval("1") + new Function("return 1")() + location.href + document.title + process.pid + Buffer.from("");
export const late = await import("./demo.mjs");
export const file = await readFile("demo.mjs");
