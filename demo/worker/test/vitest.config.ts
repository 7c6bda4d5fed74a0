import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: join(import.meta.dirname, ".."),
    include: ["test/*.test.ts"],
    globalSetup: "test/build.ts",
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
