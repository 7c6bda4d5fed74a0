import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const dist = (path: string) => fileURLToPath(new URL(`../../dist/${path}`, import.meta.url));

export default defineConfig({
  // Works under any path of any static server.
  base: "./",
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
    rolldownOptions: { input: ["index.html", "texts.html"] },
  },
  worker: { format: "es" },
  preview: { host: "127.0.0.1", port: 4173 },
});
