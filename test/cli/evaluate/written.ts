import type { Part, Settings } from "../../../src/cli/evaluate/part.ts";
import { reportOf } from "../../../src/cli/evaluate/report.ts";

/** The report's files as they are written, by name. */
export async function written(settings: Settings, parts: readonly Part[]): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const [name, text] of await reportOf(settings, parts)) {
    let whole = typeof text === "string" ? text : "";
    if (typeof text !== "string") for await (const piece of text) whole += piece;
    files.set(name, whole);
  }
  return files;
}
