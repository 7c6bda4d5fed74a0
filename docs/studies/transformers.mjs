/*
 * Which methods name the pixels and the words that matter to transformers and to recurrent networks: pixel flipping on a
 * small vision transformer, token flipping on the demo's classifiers of sentences. After `npm run build`:
 *   node docs/studies/transformers.mjs [FOLDER [PART]]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the vision transformer and MNIST's test images; PART is pictures,
 * transformer, lstm or gru, and all of them unless given. Writes the tables of docs/leaderboard.md: the symmetric
 * relevance gain of the logit, its mean and interval of 95 %.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { table } from "../../bench/table.mjs";
import { holm } from "../../build/js/cli/evaluate/holm.js";
import { bootstrap, mean, pairedDifference, pairedTest } from "../../dist/evaluate/index.js";
import { measure as measurePictures } from "./transformers/pictures.mjs";
import { measure as measureTexts } from "./transformers/texts.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = process.argv[2] ?? process.env.RELPROP_DATA ?? path("../../../shared/data");

/** A column's texts by method; bold is the best, and what is not shown to be lower. */
function textsOf({ gains }) {
  const sorted = [...gains].sort(([, a], [, b]) => mean(b) - mean(a));
  const [[, best], ...others] = sorted;
  const adjusted = holm(others.map(([, own]) => pairedTest(best, own).p));
  return new Map(
    sorted.map(([method, own], i) => {
      const { value, low, high } = bootstrap(own, mean);
      const text = `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
      return [method, i === 0 || adjusted[i - 1] > 0.05 ? `**${text}**` : text];
    }),
  );
}

/** How much more a column's methods gain than one of them. */
function differencesOf({ gains }, from) {
  const text = (own) => {
    const { value, low, high } = pairedDifference(own, gains.get(from));
    return `${value.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  };
  return new Map([...gains].map(([method, own]) => [method, method === from ? "" : text(own)]));
}

/** Methods as rows, in the order of the first column's gains. @param from with what they are compared, if with any */
function tableOf(columns, from) {
  const texts = [...columns.map(textsOf), ...(from ? columns.map((column) => differencesOf(column, from)) : [])];
  const name = (method) => (/^[a-zA-Z]+$/.test(method) ? `\`${method}\`` : method);
  const rows = [...texts[0].keys()].map((method) => [name(method), ...texts.map((of) => of.get(method))]);
  const heads = columns.map((column) => column.name);
  const more = from ? heads.map((head) => `${head}, more than \`${from}\``) : [];
  return table(["method", ...heads, ...more], rows);
}

/** The default where nothing in a network asks for another. */
const USUAL = "epsilonPlusFlat";
/** By the name of its part: the title of a table, and what is measured for it. */
const parts = {
  pictures: { title: "the vision transformer `vit_tiny_mnist`", measure: () => measurePictures(folder) },
  transformer: {
    title: "the transformer `sentiment.onnx`",
    from: "attnLrp",
    measure: () => measureTexts("transformer"),
  },
  lstm: { title: "the LSTM `sentiment_lstm.onnx`", from: USUAL, measure: () => measureTexts("lstm") },
  gru: { title: "the GRU `sentiment_gru.onnx`", from: USUAL, measure: () => measureTexts("gru") },
};

for (const part of process.argv[3] ? [process.argv[3]] : Object.keys(parts)) {
  const { title, from, measure } = parts[part];
  const { of, columns } = await measure();
  const text = `Gain, ${title}; ${of}:\n\n${tableOf(columns, from)}`;
  console.log(text);
  const page = await readFile(path("../leaderboard.md"), "utf8");
  const [begin, end] = [`<!-- ${part} -->`, `<!-- /${part} -->`];
  const written = page.replace(new RegExp(`${begin}[^]*${end}`), () => `${begin}\n${text}\n${end}`);
  await writeFile(path("../leaderboard.md"), written);
}
