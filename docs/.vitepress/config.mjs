/*
 * The documentation site, which `npm run docs:site` builds into build/site: the Markdown of the repository as it is, and
 * the reference of the code. Its links lead from file to file, so that they also work where the repository is shown.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitepress";
import { slug } from "../links.mjs";
import { links, tables } from "./markdown.mjs";
import { addressOf, groups, root } from "./pages.mjs";

const tracked = execFileSync("git", ["ls-files", "*.md"], { cwd: root, encoding: "utf8" }).trim().split("\n");

/** What a page's heading says. */
const titleOf = (file) => /^# (.*)$/m.exec(readFileSync(join(root, file), "utf8"))[1].replaceAll("`", "");

const item = (file) => ({ text: titleOf(file), link: `/${addressOf(file)}` });

/** The pages of the reference of the code that the side bar lists: one for each entry of the package. */
const entries = ["", "/slim", "/image", "/text", "/evaluate", "/plots", "/pool", "/threads", "/service", "/queue", "/operators"];

/** The page's icon, inside of every page. */
const icon = `data:image/svg+xml,${encodeURIComponent(readFileSync(join(root, "demo/page/src/icon.svg"), "utf8"))}`;

export default defineConfig({
  title: "relprop",
  description: "Layer-wise Relevance Propagation for ONNX networks, in TypeScript and WebAssembly",
  lang: "en",
  srcDir: root,
  srcExclude: [...tracked.filter((file) => !addressOf(file)), "build/!(api)/**", "studies/**"],
  outDir: join(root, "build/site"),
  cacheDir: join(root, "build/vitepress"),
  rewrites: (file) => `${addressOf(file)}.md`,
  ignoreDeadLinks: [/^\/try\//],
  head: [["link", { rel: "icon", href: icon }]],
  vite: { publicDir: false, build: { chunkSizeWarningLimit: 1000 } },
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: slug },
    config: (markdown) => markdown.use(links).use(tables),
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
      "/": groups.map(({ text, files }) => ({ text, items: files.map(item) })),
    },
    outline: { level: [2, 3] },
    search: { provider: "local" },
    externalLinkIcon: false,
  },
});
