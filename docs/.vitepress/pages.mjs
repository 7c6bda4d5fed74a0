/*
 * The pages of the site: which file of the repository each is made of, and where it stands. Whatever is not listed here
 * is no page, except for the reference of the code, which TypeDoc writes into build/api.
 */

/** @param {string} file in docs/, without .md */
const doc = (file) => ({ file: `docs/${file}.md`, address: file });

/** The groups of the side bar, in the order in which a reader meets them. */
export const groups = [
  {
    text: "Begin",
    pages: [
      doc("guides/getting-started"),
      doc("tutorials/photo"),
      doc("tutorials/page"),
      doc("tutorials/edge"),
      doc("tutorials/exporting"),
      doc("tutorials/text"),
      doc("tutorials/data-set"),
      { file: "examples/README.md", address: "examples" },
    ],
  },
  {
    text: "Guides",
    pages: [
      "choosing-a-rule",
      "reading-the-ledger",
      "lrn",
      "transformers",
      "text",
      "fused-and-quantised",
      "memory-and-workers",
      "evaluating",
      "moving-from",
    ].map((name) => doc(`guides/${name}`)),
  },
  {
    text: "Reference",
    pages: [
      "options",
      "command-line",
      "rules",
      "operators",
      "methods",
      "metrics",
      "runtimes",
      "precision",
      "errors",
      "sources",
    ].map((name) => doc(`reference/${name}`)),
  },
  {
    text: "Studies",
    pages: [
      doc("leaderboard"),
      doc("lrn-study"),
      doc("residual"),
      { file: "bench/RESULTS.md", address: "benchmarks" },
      { file: "test/conformance/REPORT.md", address: "conformance" },
    ],
  },
  {
    text: "The project",
    pages: [
      doc("inside"),
      { file: "CONTRIBUTING.md", address: "contributing" },
      { file: "CHANGELOG.md", address: "changelog" },
      { file: "demo/README.md", address: "demo" },
      { file: "demo/worker/README.md", address: "worker" },
      { file: "bench/README.md", address: "benches" },
      { file: "assembly/README.md", address: "kernels" },
    ],
  },
];

/** Pages that no group lists: the others lead to them. */
const unlisted = [
  { file: "docs/index.md", address: "index" },
  ...[
    "node",
    "react",
    "service",
    "cloudflare",
    "service-worker",
    "extension",
    "notebook",
    "text",
    "slurm",
    "kubernetes",
  ].map((name) => ({
    file: `examples/${name}/README.md`,
    address: `examples/${name}`,
  })),
];

/** What VitePress does not make: the page to try, and the reference of the code, instead of their sources. */
const others = { "demo/page/index.html": "try/index.html", "src/entries/index.ts": "api/index" };

/** Where a file of the repository stands on the site. */
export const addresses = {
  ...Object.fromEntries(
    [...groups.flatMap(({ pages }) => pages), ...unlisted].map(({ file, address }) => [file, address]),
  ),
  ...others,
};
