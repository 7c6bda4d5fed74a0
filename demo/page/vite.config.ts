import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  // Works under any path of any static server.
  base: "./",
  resolve: { alias: { relprop: fileURLToPath(new URL("../../dist/index.js", import.meta.url)) } },
  build: {
    target: "es2022",
    // `default-src 'self'` does not let a page fetch data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  preview: { host: "127.0.0.1", port: 4173 },
});
