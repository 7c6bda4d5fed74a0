/* docs/leaderboard.md: its tables, the numbers in its text, its plots. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { barPlot } from "../../../dist/plots/index.js";
import { table } from "../../../bench/table.mjs";
import { candidates } from "./methods.mjs";
import { FAITHFUL } from "./runs.mjs";
import { cell, mean, shareAbove, shareOf, summary } from "./statistics.mjs";

const page = new URL("../../leaderboard.md", import.meta.url);
const plots = new URL("../", import.meta.url);
const SETTINGS = Object.keys(FAITHFUL);
const DEFAULT = candidates.find((name) => name === "epsilonPlus");

const digits = (value) => (Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : `${Number(value.toPrecision(3))}`);
const percent = (share) => `${Math.round(100 * share)}`;
const within = (interval, text = digits) => (interval ? `${text(interval.value)} (${text(interval.low)} to ${text(interval.high)})` : "–");
const code = (name) => `\`${name}\``;

/** Bold: the best, or not shown to be worse. */
const marked = ({ p }, text) => (p > 0.05 ? `**${text}**` : text);

function networkTable(network, cells) {
  const own = cells.filter((c) => c.network === network.name);
  const rows = own[0].rows.map(({ method }) => {
    const gains = own.map(({ run, rows: all }) => marked(all.find((row) => row.method === method), within(summary(network, run, "relevanceGain", method))));
    const rest = [["mean", "morf"], ["mean", "gini"], ["mean", "entropy"], ["mean", "conservation"], ["robust", "maxSensitivity"], ["random", "parameterRandomisation"]];
    return [code(method), ...gains, ...rest.map(([run, metric]) => within(summary(network, run, metric, method))), digits(summary(network, "robust", "time", method).value)];
  });
  const head = ["method", ...SETTINGS.map((run) => `gain, ${run}`), "morf, mean", "Gini", "entropy", "conservation", "sensitivity", "randomised ρ", "ms"];
  const { predicted, label } = { predicted: network.runs.mean.images.map((i) => i.predicted.index), label: network.runs.mean.images.map((i) => i.label?.index) };
  const right = percent(mean(predicted.map((p, i) => Number(p === label[i]))));
  const about = network.about ? `, ${network.about}` : "";
  return `### ${network.title}\n\n\`${network.model}\`${about}; ${predicted.length} images, ${right} % right.\n\n![relevance gain](studies/leaderboard-${network.name}.svg)\n\n${table(head, rows)}`;
}

/** What a method does over all networks and settings. */
function overall(cells, method) {
  const rows = cells.map((c) => c.rows.find((row) => row.method === method));
  return {
    method,
    shares: SETTINGS.map((run) => shareOf(cells.filter((c) => c.run === run), method)),
    share: mean(rows.map((row) => row.share)),
    worst: Math.min(...rows.map((row) => row.share)),
    rank: mean(rows.map((row) => row.rank)),
    best: rows.filter((row) => row.p > 0.05).length,
  };
}

function overallTable(rows, count) {
  const head = ["method", "mean share, %", ...SETTINGS.map((run) => `share, ${run}, %`), "smallest share, %", "mean rank", `not shown to be worse than the best, of ${count}`];
  return table(head, rows.map((r) => [code(r.method), percent(r.share), ...r.shares.map((s) => within(s, percent)), percent(r.worst), r.rank.toFixed(1), r.best]));
}

function candidateTable(cells, rows) {
  const head = ["composite", ...SETTINGS.map((run) => `share above ${code(DEFAULT)}, ${run}, %`)];
  const above = (method) => SETTINGS.map((run) => within(shareAbove(cells.filter((c) => c.run === run), method, DEFAULT), percent));
  return table(head, rows.filter((r) => candidates.includes(r.method) && r.method !== DEFAULT).map((r) => [code(r.method), ...above(r.method)]));
}

function photoTable(network) {
  const metrics = ["relevanceGain", "morf", "gini", "entropy", "conservation", "time"];
  const rows = network.methods.map((method) => [code(method), ...metrics.map((metric) => summary(network, "mean", metric, method)?.value)]);
  const sorted = rows.sort((a, b) => b[1] - a[1]).map(([name, ...values]) => [name, ...values.map((v) => (v === undefined ? "–" : digits(v)))]);
  return `### ${network.title}\n\n${table(["method", "gain", "morf", "Gini", "entropy", "conservation", "ms"], sorted)}`;
}

/** The candidate that comes out first, and what the intervals say of it. */
function verdict(cells, rows) {
  const own = rows.filter((r) => candidates.includes(r.method));
  const [first, second] = own;
  const usual = own.find((r) => r.method === DEFAULT);
  const clear = (a, b) => SETTINGS.filter((run) => shareAbove(cells.filter((c) => c.run === run), a, b).low > 0);
  const over = (a, b) => {
    const found = clear(a, b);
    return found.length > 0 ? `in ${found.length} of ${SETTINGS.length} ways of replacing (${found.join(", ")})` : "in none of the ways of replacing";
  };
  const text = [
    `Of the composites that need no parameter, ${code(first.method)} has the largest relevance gain: ${percent(first.share)} % of the best method's, as a mean over ${cells.length} networks and ways of replacing, and nowhere less than ${percent(first.worst)} %.`,
    `${code(second.method)} comes next with ${percent(second.share)} % (smallest: ${percent(second.worst)} %); the interval of the difference lies above 0 ${over(first.method, second.method)}.`,
  ];
  if (first !== usual) text.push(`${code(DEFAULT)} has ${percent(usual.share)} % (smallest: ${percent(usual.worst)} %); there it does so ${over(first.method, DEFAULT)}.`);
  return text.join(" ");
}

async function draw(file, title, label, bars) {
  await writeFile(new URL(file, plots), barPlot({ title, value: { label }, bars }));
}

/** Fills in what stands between the page's marks, and writes its plots. */
export async function writePage(small, large) {
  const cells = small.flatMap((network) => SETTINGS.map((run) => cell(network, run)));
  const rows = small[0].methods.map((method) => overall(cells, method)).sort((a, b) => b.share - a.share);
  const tables = {
    verdict: verdict(cells, rows),
    overall: overallTable(rows, cells.length),
    candidates: candidateTable(cells, rows),
    networks: small.map((network) => networkTable(network, cells)).join("\n\n"),
    photos: large.map(photoTable).join("\n\n"),
    commands: small[0].runs ? Object.values(small[0].runs).map(({ settings }) => `- \`${settings.command}\``).join("\n") : "",
  };
  await mkdir(plots, { recursive: true });
  await draw("leaderboard.svg", "Relevance gain as a share of the best method's", "mean over networks and ways of replacing, %", rows.map((r) => ({ name: r.method, value: 100 * r.share })));
  for (const network of small) {
    const bars = cells.find((c) => c.network === network.name && c.run === "mean").rows.map(({ method }) => {
      const { value, low, high } = summary(network, "mean", "relevanceGain", method);
      return { name: method, value, low, high };
    });
    await draw(`leaderboard-${network.name}.svg`, network.title, "relevance gain, single pixels by the mean (95 % interval)", bars);
  }
  let text = await readFile(page, "utf8");
  for (const [name, content] of Object.entries(tables))
    text = text.replace(new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`), (_, start, end) => `${start}${content}\n${end}`);
  await writeFile(page, text);
}
