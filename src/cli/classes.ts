import { LrpError } from "../index.ts";
import { readBytes } from "./files.ts";

/** Class names from a file: a JSON list, or one per line, a leading synset id ("n01440764 ") dropped. */
export async function readClasses(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(path, "class names, one per line"));
  if (text.trimStart().startsWith("[")) return fromJson(text, path);
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.replace(/^n\d{8}\s+/, "").trim());
}

function fromJson(text: string, path: string): string[] {
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch {
    names = undefined;
  }
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw new LrpError("usage", {
    where: `file '${path}'`,
    expected: "class names, one per line, or a JSON list of them",
    received: "other JSON",
  });
}

/**
 * What `--target` says: "argmax", the index of a class, or else a class name, which the core looks up.
 *
 * @throws LrpError code "usage" for a name when the names of the classes are not known.
 */
export function targetOf(text: string, classes: readonly string[] | undefined): string | number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  if (text === "argmax" || classes) return text;
  throw new LrpError("usage", {
    where: "option '--target'",
    expected: "argmax or a class index, as the names of the classes are not known",
    received: `'${text}'`,
    fix: "Give them with --classes FILE.",
  });
}
