import { defineConfig } from "vitest/config";

// The machine may have two cores and other work: one file at a time keeps the memory of large models apart.
export default defineConfig({
  test: {
    root: ".",
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 120_000,
    fileParallelism: false,
    reporters: ["default"],
  },
});
