/** A text, or one that is made while it is written: it has lines for each image, and is never held as a whole. */
export type Text = string | AsyncIterable<string>;

/** Characters that are written at a time. */
const BLOCK = 2 ** 20;

/** The same text in fewer pieces. */
export async function* inBlocks(texts: AsyncIterable<string>): AsyncGenerator<string> {
  let block = "";
  for await (const text of texts) {
    block += text;
    if (block.length < BLOCK) continue;
    yield block;
    block = "";
  }
  yield block;
}
