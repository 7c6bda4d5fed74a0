import { defineConfig } from "vitest/config";
import { common, deep, peers, project, slow } from "./mode-list.ts";

/** Every test but those that take longest, in the mode that is the library's own. */
export default defineConfig({
  test: {
    ...common,
    projects: [
      project("plain", "plain", {
        include: ["test/**/*.test.ts"],
        exclude: ["**/node_modules/**", peers, ...slow, deep],
      }),
      project("small stack", "plain", { include: [deep] }, 192),
    ],
  },
});
