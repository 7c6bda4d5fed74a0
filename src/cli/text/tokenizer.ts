import { misuse } from "../../base/error.ts";
import { type EncodedText, encodeText, type TextTokenizer, type TokenizerFile } from "../../picture/text/index.ts";
import { parseJson, readBytes } from "../files.ts";
import type { Values } from "../options.ts";

const PACKAGE = "@huggingface/tokenizers";

interface OpenedTokenizer {
  readonly made: TextTokenizer;
  readonly file: TokenizerFile;
  /** What errors call it. */
  readonly where: string;
}

/**
 * The tokens of `--text` and `--text-pair` by `--tokenizer`.
 *
 * @throws LrpError code "usage" if one of them is missing, if the package is not installed, and for a file that it does
 * not read
 */
export async function tokensOf(values: Values): Promise<EncodedText> {
  const { text, "text-pair": pair } = values;
  if (text === undefined) throw misuse("option '--text'", "it is missing: --tokenizer and --text-pair belong to it");
  return encoding(await tokenizerOf(values))(text, pair);
}

/** The tokenizer of `--tokenizer`. @throws LrpError code "usage" as `tokensOf` */
export async function tokenizerOf({ tokenizer: path }: Values): Promise<OpenedTokenizer> {
  if (path === undefined)
    throw misuse(
      "option '--tokenizer'",
      "it is missing: a text needs the tokenizer.json of its network",
      "Without one, give ids by the name of their input: input_ids=101,2023,102.",
    );
  return opened(await readTokenizer(path), path);
}

const EXPECTED = "a tokenizer.json";

/** The text of a tokenizer.json. */
export const readTokenizer = async (path: string): Promise<string> =>
  new TextDecoder().decode(await readBytes(path, EXPECTED));

type Encoder = (text: string, pair?: string) => EncodedText;

/**
 * What makes tokens of texts, by the text of a tokenizer.json.
 *
 * @param path how errors name it
 * @throws LrpError code "usage" if the package is not installed, and for a file that it does not read, as the encoder
 * does for what the file says of texts
 */
export const encoderOf = async (content: string, path: string): Promise<Encoder> =>
  encoding(await opened(content, path));

const encoding =
  ({ made, file, where }: OpenedTokenizer): Encoder =>
  (text, pair) =>
    readable(where, () => encodeText(made, file, text, { pair, where }));

async function opened(content: string, path: string): Promise<OpenedTokenizer> {
  const where = `file '${path}'`;
  const file = parseJson(content, path, EXPECTED);
  if (typeof file !== "object" || file === null || !("model" in file))
    throw misuse(where, "it is no tokenizer.json, which has a 'model'");
  const make = await makerOf();
  return { made: readable(where, () => make(file)), file: file as TokenizerFile, where };
}

function readable<R>(where: string, task: () => R): R {
  try {
    return task();
  } catch (error) {
    if (error instanceof Error && error.name === "LrpError") throw error;
    throw misuse(where, `${PACKAGE} cannot read it (${(error as Error).message})`);
  }
}

async function makerOf(): Promise<(file: object) => TextTokenizer> {
  const found = await import("@huggingface/tokenizers").catch(() => undefined);
  if (!found)
    throw misuse(
      "option '--tokenizer'",
      `it needs the package ${PACKAGE}, which is not installed`,
      `Install it beside relprop: npm install ${PACKAGE}. Or give ids by the name of their input.`,
    );
  return (file) => new found.Tokenizer({ added_tokens: [], ...file }, {});
}
