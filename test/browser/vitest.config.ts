import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: "test/browser",
    include: ["*.spec.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
