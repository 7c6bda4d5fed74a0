/* The pages of the site: which file of the repository each is made of, where it stands, and how the side bar lists it. */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

/** Files whose place is not that of the file; the last two stand for what VitePress does not make of Markdown. */
const places = {
  "examples/README.md": "examples",
  "bench/RESULTS.md": "benchmarks",
  "bench/README.md": "benches",
  "test/conformance/REPORT.md": "conformance",
  "assembly/README.md": "kernels",
  "demo/README.md": "demo",
  "demo/worker/README.md": "worker",
  "CONTRIBUTING.md": "contributing",
  "CHANGELOG.md": "changelog",
  "demo/page/index.html": "try/index.html",
  "src/entries/index.ts": "api/index",
};

/** The others: docs/ itself, the examples, and the reference of the code, which TypeDoc has written. */
const patterns = [/^docs\/(.*)\.md$/, /^(examples\/[^/]+)\/README\.md$/, /^build\/(api\/.*)\.md$/];

/** Where a file of the repository stands on the site. @returns undefined if it is no page */
export function addressOf(file) {
  return places[file] ?? patterns.map((pattern) => pattern.exec(file)?.[1]).find(Boolean);
}

/** The pages of a folder of docs/: those that are named, in this order, and then the others. */
function folder(name, first) {
  const found = readdirSync(join(root, "docs", name)).filter((file) => file.endsWith(".md"));
  const named = first.map((page) => `${page}.md`);
  return [...named, ...found.filter((file) => !named.includes(file))].map((file) => `docs/${name}/${file}`);
}

/** The groups of the side bar, in the order in which a reader meets them. */
export const groups = [
  {
    text: "Begin",
    files: [
      "docs/guides/getting-started.md",
      ...folder("tutorials", ["photo", "page", "edge", "exporting", "text", "data-set"]),
      "examples/README.md",
    ],
  },
  {
    text: "Guides",
    files: folder("guides", [
      "getting-started",
      "choosing-a-rule",
      "reading-the-ledger",
      "lrn",
      "transformers",
      "text",
    ]).slice(1),
  },
  {
    text: "Reference",
    files: folder("reference", ["options", "command-line", "rules", "operators", "methods", "metrics"]),
  },
  {
    text: "Studies",
    files: [
      "docs/leaderboard.md",
      "docs/lrn-study.md",
      "docs/residual.md",
      "bench/RESULTS.md",
      "test/conformance/REPORT.md",
    ],
  },
  {
    text: "The project",
    files: [
      "docs/inside.md",
      "CONTRIBUTING.md",
      "CHANGELOG.md",
      "demo/README.md",
      "demo/worker/README.md",
      "bench/README.md",
      "assembly/README.md",
    ],
  },
];
