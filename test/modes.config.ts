import { defineConfig } from "vitest/config";
import { common, numbers, peers, possibleModes, project, slow } from "./mode-list.ts";

/**
 * Every test of numbers in each mode but the library's own, which `npm test` has, what takes longest, and the
 * comparison with peers.
 */
export default defineConfig({
  test: {
    ...common,
    projects: [
      ...possibleModes()
        .filter((mode) => mode !== "plain")
        .map((mode) => project(mode, mode, numbers)),
      project("slow", "plain", { include: [peers, ...slow] }),
    ],
  },
});
