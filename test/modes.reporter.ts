import type { Reporter, TestModule } from "vitest/node";

/** Prints modes × suites: how many tests of each folder ran in each mode, and in how many seconds. */
export class ModesReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const rows = new Map<string, Map<string, { tests: number; ms: number }>>();
    for (const module of modules) {
      const suite = module.relativeModuleId.split("/").slice(1, -1).join("/") || "test";
      const row = rows.get(suite) ?? new Map<string, { tests: number; ms: number }>();
      rows.set(suite, row);
      const { tests, ms } = row.get(module.project.name) ?? { tests: 0, ms: 0 };
      const ran = [...module.children.allTests()].filter((test) => test.result().state !== "skipped").length;
      row.set(module.project.name, { tests: tests + ran, ms: ms + module.diagnostic().duration });
    }
    const modes = [...new Set(modules.map((module) => module.project.name))];
    if (modes.length < 2) return;
    const line = (cells: readonly string[]) =>
      cells.map((cell, i) => (i === 0 ? cell.padEnd(12) : cell.padStart(14))).join("");
    const cell = (row: Map<string, { tests: number; ms: number }>, mode: string) => {
      const found = row.get(mode);
      return found ? `${found.tests} in ${(found.ms / 1000).toFixed(1)} s` : "";
    };
    console.log(line(["suite", ...modes]));
    for (const [suite, row] of [...rows].sort()) console.log(line([suite, ...modes.map((mode) => cell(row, mode))]));
  }
}
