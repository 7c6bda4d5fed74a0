import { misuse, usage } from "../base/error.ts";
import { type Area, LrpError, type Target } from "../entries/index.ts";
import { parseJson, readBytes } from "./files.ts";
import { readArray } from "../read/npz.ts";
import type { Values } from "./options.ts";

/** Ids that no token has, as far as they are no mistake. */
const MOST_GAPS = 2 ** 16;

/**
 * Class names from a file: a JSON list, one per line, a leading synset id ("n01440764 ") dropped, or the tokens of a
 * tokenizer.json.
 */
export async function readClasses(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(path, "class names, one per line"));
  if (/^\s*[[{]/.test(text)) return fromJson(text, path);
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.replace(/^n\d{8}\s+/, "").trim());
}

function fromJson(text: string, path: string): string[] {
  const expected = "class names, one per line, a JSON list of them, or a tokenizer.json";
  const names = parseJson(text, path, expected);
  const vocabulary = vocabularyOf(names);
  if (vocabulary) return vocabulary;
  if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  throw usage(`file '${path}'`, expected, "other JSON");
}

/** The tokens of a tokenizer.json by their ids; undefined for what is none. */
function vocabularyOf(file: unknown): string[] | undefined {
  const { model, added_tokens: added = [] } = (file ?? {}) as {
    model?: { vocab?: Readonly<Record<string, number>> | readonly (readonly [string, number])[] };
    added_tokens?: readonly { content: string; id: number }[];
  };
  const vocab = model?.vocab;
  if (typeof vocab !== "object" || vocab === null || !Array.isArray(added)) return undefined;
  const pairs: (readonly [string, number])[] = [
    ...(Array.isArray(vocab) ? vocab.map(([piece], id) => [piece, id] as const) : Object.entries(vocab)),
    ...added.map(({ content, id }) => [content, id] as const),
  ];
  const most = pairs.length + MOST_GAPS;
  if (pairs.length === 0 || !pairs.every(([, id]) => Number.isInteger(id) && id >= 0 && id < most)) return undefined;
  const names: string[] = [];
  for (const [name, id] of pairs) names[id] = String(name);
  return Array.from(names, (name, id) => name ?? `token ${id}`);
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

/** The places that `--area` means: all, those of a mask in a file, or a box. */
async function areaOf(text: string): Promise<Area> {
  if (text === "all") return text;
  if (/^\d+(,\d+)*$/.test(text)) return { box: text.split(",").map(Number) };
  if (/\.np[yz]$/.test(text)) return readArray(await readBytes(text, "a .npy array of 0 and 1"), text);
  throw usage("option '--area'", "all, a .npy or .npz file, or the corners Y0,X0,Y1,X1 of a box", `'${text}'`);
}

/** What is explained: the target, at its place, against another class or several; or one number. */
export async function targetOf(values: Values, classes: readonly string[] | undefined): Promise<Target> {
  const { target = "argmax", against, position, area, index } = values;
  if (index) {
    const beside = (["target", "against", "position", "area"] as const).find((name) => values[name] !== undefined);
    if (beside)
      throw misuse("option '--index'", `it names one number by itself, and cannot be combined with --${beside}`);
    return { index };
  }
  if (position && area) throw misuse("option '--area'", "it cannot be combined with --position");
  const chosen = classOf("target", target, ["argmax"], classes);
  if (against === undefined && !position && !area) return chosen;
  return {
    class: chosen,
    ...(against !== undefined && { against: classOf("against", against, ["others", "softmax"], classes) }),
    ...(position && { position }),
    ...(area && { area: await areaOf(area) }),
  };
}
