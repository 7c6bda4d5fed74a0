/* docs/leaderboard.md: its tables, the numbers in its text, its plots. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { barPlot } from "../../../dist/plots/index.js";
import { table } from "../../../bench/table.mjs";
import { candidates } from "./methods.mjs";
import { FAITHFUL } from "./runs.mjs";
import { cell, mean, shareAbove, shareOf, summary } from "./statistics.mjs";

const page = new URL("../../leaderboard.md", import.meta.url);
const plots = new URL("../", import.meta.url);
/** What zennit and others start with, and relprop did. */
const USUAL = "epsilonPlus";

const digits = (value) =>
  Math.abs(value) >= 1000 || (value !== 0 && Math.abs(value) < 1e-3)
    ? value.toExponential(1)
    : `${Number(value.toPrecision(3))}`;
const percent = (share) => `${Math.round(100 * share)}`;
const within = (interval, text = digits) =>
  interval ? `${text(interval.value)} (${text(interval.low)} to ${text(interval.high)})` : "–";
const code = (name) => `\`${name}\``;

/** Bold: the best, or not shown to be worse. */
const marked = ({ p }, text) => (p > 0.05 ? `**${text}**` : text);

function networkTable(network, cells) {
  const own = cells.filter((c) => c.network === network.name);
  const rows = own[0].rows.map(({ method }) => {
    const gains = own.map(({ run, rows: all }) =>
      marked(
        all.find((row) => row.method === method),
        within(summary(network, run, "relevanceGain", method)),
      ),
    );
    const rest = [
      ["mean", "morf"],
      ["mean", "gini"],
      ["mean", "entropy"],
      ["mean", "conservation"],
      ["robust", "maxSensitivity"],
      ["random", "parameterRandomisation"],
    ];
    return [
      code(method),
      ...gains,
      ...rest.map(([run, metric]) => within(summary(network, run, metric, method))),
      digits(summary(network, "robust", "time", method).value),
    ];
  });
  const head = [
    "method",
    ...FAITHFUL.map((run) => `gain, ${run}`),
    "morf, mean",
    "Gini",
    "entropy",
    "conservation",
    "sensitivity",
    "randomised \\|ρ\\|",
    "ms",
  ];
  const { images } = network.runs.mean;
  const right = percent(mean(images.map(({ predicted, label }) => Number(predicted.index === label.index))));
  const about = network.about ? `, ${network.about}` : "";
  return (
    `### ${network.title}\n\n\`${network.model}\`${about}; ${images.length} images, ${right} % ` +
    `right.\n\n![relevance gain](studies/leaderboard-${network.name}.svg)\n\n${table(head, rows)}`
  );
}

/** What is described without an interval: means over the networks. */
const DESCRIBED = [
  ["mean", "gini"],
  ["robust", "maxSensitivity"],
  ["random", "parameterRandomisation"],
];

/** What a method does over all networks and settings. */
function overall(small, cells, method) {
  const rows = cells.map((c) => c.rows.find((row) => row.method === method));
  const time = (network, name) => summary(network, "robust", "time", name).value;
  return {
    method,
    shares: FAITHFUL.map((run) =>
      shareOf(
        cells.filter((c) => c.run === run),
        method,
      ),
    ),
    share: mean(rows.map((row) => row.share)),
    worst: Math.min(...rows.map((row) => row.share)),
    rank: mean(rows.map((row) => row.rank)),
    best: rows.filter((row) => row.p > 0.05).length,
    described: DESCRIBED.map(([run, metric]) =>
      mean(small.map((network) => summary(network, run, metric, method)?.value ?? Number.NaN)),
    ),
    time: mean(small.map((network) => time(network, method) / time(network, USUAL))),
  };
}

function overallTable(rows, count) {
  const head = [
    "method",
    "share, %",
    ...FAITHFUL.map((run) => `${run}, %`),
    "smallest share, %",
    "mean rank",
    `bold in, of ${count}`,
    "Gini",
    "sensitivity",
    "randomised \\|ρ\\|",
    `time / ${code(USUAL)}`,
  ];
  const last = (r) => [...r.described.map((v) => (Number.isNaN(v) ? "–" : v.toFixed(2))), digits(r.time)];
  return table(
    head,
    rows.map((r) => [
      code(r.method),
      percent(r.share),
      ...r.shares.map((s) => within(s, percent)),
      percent(r.worst),
      r.rank.toFixed(1),
      r.best,
      ...last(r),
    ]),
  );
}

function candidateTable(cells, rows) {
  const head = ["composite", ...FAITHFUL.map((run) => `${run}, %`)];
  const above = (method) =>
    FAITHFUL.map((run) =>
      within(
        shareAbove(
          cells.filter((c) => c.run === run),
          method,
          USUAL,
        ),
        percent,
      ),
    );
  return table(
    head,
    rows
      .filter((r) => candidates.includes(r.method) && r.method !== USUAL)
      .map((r) => [code(r.method), ...above(r.method)]),
  );
}

function photoTable(network) {
  const metrics = ["relevanceGain", "morf", "gini", "entropy", "conservation"];
  const rows = network.methods.map((method) => [
    code(method),
    ...metrics.map((metric) => summary(network, "mean", metric, method)?.value),
  ]);
  const sorted = rows
    .sort((a, b) => b[1] - a[1])
    .map(([name, ...values]) => [name, ...values.map((v) => (v === undefined ? "–" : digits(v)))]);
  return `### ${network.title}\n\n${table(["method", "gain", "morf", "Gini", "entropy", "conservation"], sorted)}`;
}

/** The candidate that comes out first, and what the intervals say of it. */
function verdict(cells, rows) {
  const [first, second] = rows.filter((r) => candidates.includes(r.method));
  const usual = rows.find((r) => r.method === USUAL);
  const has = (r) => `${percent(r.share)} % (at least ${percent(r.worst)} %)`;
  const clearly = (a, b) => {
    const won = FAITHFUL.filter(
      (run) =>
        shareAbove(
          cells.filter((c) => c.run === run),
          a,
          b,
        ).low > 0,
    );
    return (
      `for ${won.length} of the ${FAITHFUL.length} ways of ` +
      `replacing${won.length > 0 ? ` (${won.join(", ")})` : ""}`
    );
  };
  return [
    `Of the composites that need no parameter, **${code(first.method)}** has the largest relevance gain: ` +
      `${has(first)} of the best method's, as a mean over ${cells.length / FAITHFUL.length} networks and ` +
      `${FAITHFUL.length} ways of replacing pixels.`,
    `Next comes ${code(second.method)} with ${has(second)}; the interval of the difference lies above 0 ` +
      `${clearly(first.method, second.method)}.`,
    ...(first === usual
      ? []
      : [
          `${code(USUAL)}, with which most people start, has ${has(usual)}; the interval of the difference from it ` +
            `lies above 0 ${clearly(first.method, USUAL)}.`,
        ]),
    `Of all methods, ${code(rows[0].method)} has the largest share, ${has(rows[0])}.`,
  ].join(" ");
}

async function draw(file, title, label, bars) {
  await writeFile(new URL(file, plots), barPlot({ title, value: { label }, bars }));
}

/**
 * Fills in what stands between the page's marks, and writes its plots.
 * @param folders what commands call folders of this machine, as pairs
 */
export async function writePage(small, large, folders) {
  const cells = small.flatMap((network) => FAITHFUL.map((run) => cell(network, run)));
  const rows = small[0].methods.map((method) => overall(small, cells, method)).sort((a, b) => b.share - a.share);
  const tables = {
    verdict: verdict(cells, rows),
    overall: overallTable(rows, cells.length),
    candidates: candidateTable(cells, rows),
    networks: small.map((network) => networkTable(network, cells)).join("\n\n"),
    photos: large.map(photoTable).join("\n\n"),
    commands: [
      "```sh",
      ...Object.values(small[0].runs).map(({ settings: { command } }) =>
        folders.reduce((text, [from, to]) => text.replaceAll(from, to), command),
      ),
      "```",
    ].join("\n"),
  };
  await mkdir(plots, { recursive: true });
  await draw(
    "leaderboard.svg",
    "Relevance gain as a share of the best method's",
    "mean over networks and ways of replacing, %",
    rows.map((r) => ({ name: r.method, value: 100 * r.share })),
  );
  for (const network of small) {
    const bars = cells
      .find((c) => c.network === network.name && c.run === "mean")
      .rows.map(({ method }) => {
        const { value, low, high } = summary(network, "mean", "relevanceGain", method);
        return { name: method, value, low, high };
      });
    await draw(
      `leaderboard-${network.name}.svg`,
      network.title,
      "relevance gain, single pixels by the mean (95 % interval)",
      bars,
    );
  }
  let text = await readFile(page, "utf8");
  for (const [name, content] of Object.entries(tables))
    text = text.replace(
      new RegExp(`(<!-- ${name} -->\n)[^]*?(<!-- /${name} -->)`),
      (_, start, end) => `${start}${content}\n${end}`,
    );
  await writeFile(page, text);
}
