import { defineConfig } from "vitest/config";
import { numbers, peers, possibleModes, project } from "./mode-list.ts";
import { ModesReporter } from "./modes.reporter.ts";

/** Every test of numbers in each mode but the library's own, which `npm test` has, and the comparison with peers. */
export default defineConfig({
  test: {
    fileParallelism: false,
    reporters: ["default", new ModesReporter()],
    projects: [
      ...possibleModes()
        .filter((mode) => mode !== "plain")
        .map((mode) => project(mode, mode, numbers)),
      project("peers", "plain", { include: [peers] }),
    ],
  },
});
