import { LrpError, type Target } from "../entries/index.ts";
import { readBytes } from "./files.ts";
import type { Values } from "./options.ts";

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
 * What `--target` and `--against` say: one of `words`, the index of a class, or else a class name, which the core looks
 * up.
 *
 * @throws LrpError code "usage" for a name when the names of the classes are not known.
 */
function classOf(
  option: string,
  text: string,
  words: readonly string[],
  classes: readonly string[] | undefined,
): string | number {
  if (/^[+-]?\d+$/.test(text)) return Number(text);
  if (words.includes(text) || classes) return text;
  throw new LrpError("usage", {
    where: `option '--${option}'`,
    expected: `${words.join(", ")} or a class index, as the names of the classes are not known`,
    received: `'${text}'`,
    fix: "Give them with --classes FILE.",
  });
}

/** What is explained: the target, or the target against another class or several. */
export function targetOf({ target = "argmax", against }: Values, classes: readonly string[] | undefined): Target {
  const chosen = classOf("target", target, ["argmax"], classes);
  return against === undefined
    ? chosen
    : { class: chosen, against: classOf("against", against, ["others", "softmax"], classes) };
}
