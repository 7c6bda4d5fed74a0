import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: "test/site",
    include: ["*.spec.ts"],
    // These end what hangs; no test is about time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    reporters: ["verbose"],
  },
});
