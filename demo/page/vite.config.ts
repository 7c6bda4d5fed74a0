import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const dist = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));

/** Where the documentation lies, as seen from the page: SITE=../ links to it. Without it, nothing does. */
const site = process.env.SITE;
const pages = [
  { href: "./index.html", text: "Pictures" },
  { href: "./texts.html", text: "Texts" },
];
const documentation = [
  { href: "index.html", text: "Documentation" },
  { href: "guides/getting-started.html", text: "Guide" },
];

function links(current: string): string {
  const own = pages.map(
    ({ href, text }) => `<a href="${href}"${href === `./${current}` ? ' aria-current="page"' : ""}>${text}</a>`,
  );
  const others = site === undefined ? [] : documentation.map(({ href, text }) => `<a href="${site}${href}">${text}</a>`);
  return [...own, ...others].join("\n");
}

/**
 * Both pages in frame.html. A page is a list of <template id="NAME">, each of which takes the place of {{NAME}}.
 */
const framed = (): Plugin => ({
  name: "framed",
  transformIndexHtml: {
    order: "pre",
    handler(page, { path }) {
      const parts = new Map([...page.matchAll(/<template id="(\w+)">(.*?)<\/template>/gs)].map(([, k, v]) => [k, v.trim()]));
      parts.set("links", links(basename(path)));
      const frame = readFileSync(new URL("./frame.html", import.meta.url), "utf8");
      return frame.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
        const part = parts.get(name);
        if (part === undefined) throw new Error(`${path} has no <template id="${name}">`);
        return part;
      });
    },
  },
});

export default defineConfig({
  // Works under any path of any static server.
  base: "./",
  plugins: [framed()],
  resolve: {
    alias: [
      { find: /^relprop$/, replacement: dist("index.js") },
      { find: /^relprop\/image$/, replacement: dist("image.js") },
      { find: /^relprop\/operators$/, replacement: dist("operators.js") },
      { find: /^relprop\/text$/, replacement: dist("text/index.js") },
    ],
  },
  build: {
    target: "es2022",
    // `default-src 'self'` does not let a page fetch data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rolldownOptions: { input: ["index.html", "texts.html"] },
  },
  worker: { format: "es" },
  preview: { host: "127.0.0.1", port: 4173 },
});
