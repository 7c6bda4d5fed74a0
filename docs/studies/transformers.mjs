/*
 * Which methods name the pixels and the words that matter to transformers and to an LSTM: pixel flipping on a small
 * vision transformer, token flipping on the demo's classifiers of sentences. After `npm run build`:
 *   node docs/studies/transformers.mjs [FOLDER]
 * FOLDER (or RELPROP_DATA, or ../shared/data) holds the vision transformer and MNIST's test images. Writes the tables of
 * docs/leaderboard.md: the symmetric relevance gain of the logit, its mean and interval of 95 %.
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { table } from "../../bench/table.mjs";
import { holm } from "../../build/js/cli/evaluate/holm.js";
import { bootstrap, mean, pairedTest } from "../../dist/evaluate/index.js";
import { measure as measurePictures } from "./transformers/pictures.mjs";
import { measure as measureTexts } from "./transformers/texts.mjs";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const folder = process.argv[2] ?? process.env.RELPROP_DATA ?? path("../../../shared/data");
const page = path("../leaderboard.md");

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

/** Methods as rows, in the order of the first column's gains. */
function tableOf(columns) {
  const texts = columns.map(textsOf);
  const name = (method) => (/^[a-zA-Z]+$/.test(method) ? `\`${method}\`` : method);
  const rows = [...texts[0].keys()].map((method) => [name(method), ...texts.map((of) => of.get(method))]);
  return table(["method", ...columns.map((column) => column.name)], rows);
}

const pictures = await measurePictures(folder);
const texts = await measureTexts();
const sections = [
  `**Pictures**: the vision transformer \`vit_tiny_mnist\` (17 tokens), ${pictures.count} digits.\n\n` +
    tableOf(pictures.columns),
  ...texts.map(
    ({ name, count, right, columns }) =>
      `**Texts, ${name}**: ${count} sentences, ${Math.round((100 * right) / count)} % right.\n\n${tableOf(columns)}`,
  ),
].join("\n\n");
const text = await readFile(page, "utf8");
const [begin, end] = ["<!-- transformers -->", "<!-- /transformers -->"];
await writeFile(
  page,
  text.replace(new RegExp(`${begin}[^]*${end}`), () => `${begin}\n${sections}\n${end}`),
);
console.log(sections);
