import { readFile, writeFile } from "node:fs/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { load } from "relprop";
import { embeddingOf, mergeSubwords, similarTo, textHtml } from "relprop/text";

const [network, vocabulary, ...texts] = process.argv.slice(2);
const model = await load(await readFile(network));
const tokenizer = new Tokenizer(JSON.parse(await readFile(vocabulary, "utf8")), {});

const [first, second] = texts.map((text) => {
  const { ids, tokens, attention_mask, token_type_ids } = tokenizer.encode(text, { return_token_type_ids: true });
  const rows = { input_ids: ids, attention_mask, token_type_ids: token_type_ids ?? ids.map(() => 0) };
  const given = model.inputs.map(({ name }) => [name, { data: rows[name], dims: [1, ids.length] }]);
  const { output } = model.predict(Object.fromEntries(given));
  return { tokens, input: Object.fromEntries(given), output, pooling: { pooling: "mean", mask: attention_mask } };
});

const target = similarTo(embeddingOf(second.output, second.pooling), first.output, first.pooling);
const explanation = model.explain(first.input, { target });
const score = explanation.targets[0].reduce((sum, { weight, score }) => sum + weight * score, 0);
const { words, ...merged } = mergeSubwords(first.tokens, explanation.inputs.input_ids.data);
for (const [i, word] of words.entries()) console.log(`${merged.relevance[i].toFixed(3)} ${word}`);
console.log(`${score.toFixed(3)} in all`);
const text = { tokens: words, ...merged, target: `"${texts[1]}"`, score };
await writeFile("similar.html", textHtml(text, { page: true }));
