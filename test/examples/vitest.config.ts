import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: "test/examples",
    include: ["*.spec.ts"],
    globalSetup: "build.ts",
    // These end what hangs; no test is about time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ["verbose"],
  },
});
