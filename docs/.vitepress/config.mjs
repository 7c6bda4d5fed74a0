/*
 * The documentation site, which `npm run docs:site` builds into build/site: the Markdown of the repository as it is, and
 * the reference of the code. Its links lead from file to file, so that they also work where the repository is shown.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { defineConfig } from "vitepress";
import { slug } from "../links.mjs";
import { addresses, groups } from "./pages.mjs";
import { pages, tables } from "./markdown.mjs";

const root = resolve(import.meta.dirname, "../..");
const tracked = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");

/** Where a file stands on the site, if it is a page of it. Those of TypeDoc have the same place in api/ as in build/api/. */
const addressOf = (file) => addresses[file] ?? /^build\/(api\/.*)\.md$/.exec(file)?.[1];

/** What a page's heading says. */
const titleOf = (file) => /^# (.*)$/m.exec(readFileSync(join(root, file), "utf8"))[1].replaceAll("`", "");

const item = ({ file, address }) => ({ text: titleOf(file), link: `/${address}` });

/** The pages of the reference of the code that the side bar lists: one for each entry of the package. */
const entries = ["", "/slim", "/image", "/text", "/evaluate", "/plots", "/pool", "/threads", "/operators"];

/** The page's icon, inside of every page. */
const icon = `data:image/svg+xml,${encodeURIComponent(readFileSync(join(root, "demo/page/src/icon.svg"), "utf8"))}`;

export default defineConfig({
  title: "relprop",
  description: "Layer-wise Relevance Propagation for ONNX networks, in TypeScript and WebAssembly",
  lang: "en",
  srcDir: root,
  srcExclude: [...tracked.filter((file) => !(file in addresses)), "build/!(api)/**", "studies/**"],
  outDir: join(root, "build/site"),
  cacheDir: join(root, "build/vitepress"),
  rewrites: (file) => `${addressOf(file)}.md`,
  ignoreDeadLinks: [/^\/try\//],
  head: [["link", { rel: "icon", href: icon }]],
  vite: { publicDir: false, build: { chunkSizeWarningLimit: 1000 } },
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: slug },
    config: (markdown) => markdown.use(pages, { root, addressOf }).use(tables),
  },
  themeConfig: {
    siteTitle: "relprop",
    nav: [
      { text: "Guides", link: "/guides/getting-started" },
      { text: "Reference", link: "/reference/options" },
      { text: "API", link: "/api/index" },
      { text: "Try it", link: "/try/index.html", target: "_self" },
    ],
    sidebar: {
      "/api/": [
        {
          text: "API",
          link: "/api/index",
          items: entries.map((entry) => ({ text: `relprop${entry}`, link: `/api/relprop${entry}/index` })),
        },
      ],
      "/": groups.map(({ text, pages }, i) => ({ text, collapsed: i > 1, items: pages.map(item) })),
    },
    outline: { level: [2, 3] },
    search: { provider: "local" },
    externalLinkIcon: false,
  },
});
