import { defineConfig } from "vitest/config";
import { common, deep, peers, possibleModes, project, someNumbers } from "./mode-list.ts";

/** Every test in the mode that is the library's own, and some in each other one. */
export default defineConfig({
  test: {
    ...common,
    projects: [
      ...possibleModes().map((mode) =>
        mode === "plain"
          ? project(mode, mode, { include: ["test/**/*.test.ts"], exclude: ["**/node_modules/**", peers, deep] })
          : project(mode, mode, { include: someNumbers }),
      ),
      project("small stack", "plain", { include: [deep] }, 256),
    ],
  },
});
