import { defineConfig } from "vitest/config";

/** What work takes that outgrows one machine: queues on a real Redis, engines of clusters, very many parts. */
export default defineConfig({
  test: {
    include: ["test/scale/*.spec.ts"],
    globalSetup: "test/scale/build.ts",
    // These end what hangs; no test is about time.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    // Much of it is waiting.
    maxWorkers: 2,
    reporters: ["verbose"],
  },
});
