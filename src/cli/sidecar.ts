import { dirname, join } from "node:path";
import { type PresetName, preparation } from "../picture/image/preparation.ts";
import { LrpError, type Preparation } from "../entries/index.ts";
import { parseJson, readTextIfThere } from "./files.ts";
import { listed } from "./layout.ts";

/** `NAME.relprop.json` beside `NAME.onnx`: what a user need not type. */
export interface Sidecar {
  readonly path: string;
  /** How pictures are prepared; never applied to .npy. */
  readonly preprocess?: Preparation;
  /** Class names in the order of the model's output. */
  readonly classes?: readonly string[];
  /** The path of the tokenizer.json; in the file it begins at the folder of the model. */
  readonly tokenizer?: string;
}

const KEYS = ["preprocess", "classes", "tokenizer"];

/**
 * The sidecar of a model; without its optional fields if there is no such file.
 *
 * @throws LrpError code "usage" when it is not JSON, or a key or a value is not known.
 */
export async function readSidecar(modelPath: string): Promise<Sidecar> {
  const path = `${modelPath.replace(/\.onnx$/i, "")}.relprop.json`;
  const text = await readTextIfThere(path);
  return text === undefined ? { path } : sidecarOf(text, path);
}

/** What the text of a sidecar says. @throws LrpError as `readSidecar` */
export function sidecarOf(text: string, path: string): Sidecar {
  const { tokenizer, ...others } = check(parseJson(text, path), `file '${path}'`);
  return { path, ...others, ...(tokenizer !== undefined && { tokenizer: join(dirname(path), tokenizer) }) };
}

function check(content: unknown, where: string): Omit<Sidecar, "path"> {
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new LrpError("usage", {
      where,
      expected: `an object with the keys ${listed(KEYS)}`,
      received: JSON.stringify(content).slice(0, 40),
    });
  }
  const unknown = Object.keys(content).filter((key) => !KEYS.includes(key));
  if (unknown.length > 0) {
    throw new LrpError(
      "usage",
      unknown.map((key) => ({ where, problem: `the key '${key}' is unknown`, fix: `It may have ${listed(KEYS)}.` })),
    );
  }
  const { preprocess, classes, tokenizer } = content as {
    preprocess?: PresetName | Preparation;
    classes?: unknown;
    tokenizer?: unknown;
  };
  if (classes !== undefined && !(Array.isArray(classes) && classes.every((name) => typeof name === "string"))) {
    throw new LrpError("usage", {
      where: `${where}, key 'classes'`,
      expected: "a list of names",
      received: JSON.stringify(classes).slice(0, 40),
    });
  }
  if (tokenizer !== undefined && !(typeof tokenizer === "string" && tokenizer !== "")) {
    throw new LrpError("usage", {
      where: `${where}, key 'tokenizer'`,
      expected: "the path of a tokenizer.json",
      received: JSON.stringify(tokenizer).slice(0, 40),
    });
  }
  return {
    preprocess: preprocess === undefined ? undefined : preparation(preprocess, `${where}, key 'preprocess'`),
    classes,
    tokenizer,
  };
}
