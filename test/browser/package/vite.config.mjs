export default {
  base: "./",
  build: { target: "es2022", assetsInlineLimit: 0, emptyOutDir: true },
  worker: { format: "es" },
  logLevel: "warn",
};
