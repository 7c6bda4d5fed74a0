import { misuse } from "../../base/error.ts";
import { parseJson, readBytes } from "../files.ts";
import type { Values } from "../options.ts";
import { type Encoded, encode } from "./encode.ts";
import type { Tokenizer, TokenizerFile } from "./file.ts";

const PACKAGE = "@huggingface/tokenizers";

/**
 * The tokens of `--text` and `--text-pair` by `--tokenizer`.
 *
 * @throws LrpError code "usage" if one of them is missing, if the package is not installed, and for a file that it does
 * not read
 */
export async function tokensOf({ text, "text-pair": pair, tokenizer: path }: Values): Promise<Encoded> {
  if (text === undefined) throw misuse("option '--text'", "it is missing: --tokenizer and --text-pair belong to it");
  if (path === undefined)
    throw misuse(
      "option '--tokenizer'",
      "it is missing: a text needs the tokenizer.json of its network",
      "Without one, give ids by the name of their input: input_ids=101,2023,102.",
    );
  const encoder = await encoderOf(await readTokenizer(path), path);
  return encoder(text, pair);
}

const EXPECTED = "a tokenizer.json";

/** The text of a tokenizer.json. */
export const readTokenizer = async (path: string): Promise<string> =>
  new TextDecoder().decode(await readBytes(path, EXPECTED));

/**
 * What makes tokens of texts, by the text of a tokenizer.json.
 *
 * @param path how errors name it
 * @throws LrpError code "usage" if the package is not installed, and for a file that it does not read, as the encoder
 * does for what the file says of texts
 */
export async function encoderOf(content: string, path: string): Promise<(text: string, pair?: string) => Encoded> {
  const where = `file '${path}'`;
  const file = parseJson(content, path, EXPECTED);
  if (typeof file !== "object" || file === null || !("model" in file))
    throw misuse(where, "it is no tokenizer.json, which has a 'model'");
  const make = await makerOf();
  const readable = <T>(use: () => T): T => {
    try {
      return use();
    } catch (error) {
      if (error instanceof Error && error.name === "LrpError") throw error;
      throw misuse(where, `${PACKAGE} cannot read it (${(error as Error).message})`);
    }
  };
  const tokenizer = readable(() => make(file));
  return (text, pair) => readable(() => encode(tokenizer, file as TokenizerFile, where, text, pair));
}

async function makerOf(): Promise<(file: object) => Tokenizer> {
  const found = await import("@huggingface/tokenizers").catch(() => undefined);
  if (!found)
    throw misuse(
      "option '--tokenizer'",
      `it needs the package ${PACKAGE}, which is not installed`,
      `Install it beside relprop: npm install ${PACKAGE}. Or give ids by the name of their input.`,
    );
  return (file) => new found.Tokenizer({ added_tokens: [], ...file }, {});
}
