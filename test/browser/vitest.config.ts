import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: "test/browser",
    include: ["*.spec.ts"],
    globalSetup: "build.ts",
    // These end what hangs; no test is about time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    fileParallelism: false,
    reporters: ["verbose"],
  },
});
