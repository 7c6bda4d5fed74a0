import { defineConfig } from "vitest/config";
import { peers, possibleModes, project, someNumbers } from "./mode-list.ts";
import { ModesReporter } from "./modes.reporter.ts";

/** Every test in the mode that is the library's own, and some in each other one. */
export default defineConfig({
  test: {
    // The machine may have two cores and other work: one file at a time keeps the memory of large models apart.
    fileParallelism: false,
    reporters: ["default", new ModesReporter()],
    projects: possibleModes().map((mode) =>
      mode === "plain"
        ? project(mode, mode, { include: ["test/**/*.test.ts"], exclude: ["**/node_modules/**", peers] })
        : project(mode, mode, { include: someNumbers }),
    ),
  },
});
