import { execSync } from "node:child_process";
import { resolve } from "node:path";
import type { TestProject } from "vitest/node";

const root = resolve(import.meta.dirname, "..");

/**
 * What vitest does before any test, and before each new run while tests are watched: tests start what is built, and
 * import what is generated, and neither may be older than its sources. The commands do little or nothing where nothing
 * has changed.
 */
export const upToDate =
  (...commands: string[]) =>
  (project: TestProject): void => {
    const run = () => {
      for (const command of commands) execSync(command, { cwd: root, stdio: "inherit" });
    };
    run();
    project.onTestsRerun(() => {
      try {
        run();
      } catch {
        // The compiler has said why. What needs a build finds none, and the next change may mend it.
      }
    });
  };

export default upToDate("node assembly/build.mjs");
