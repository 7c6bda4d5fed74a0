import { ModesReporter } from "./modes.reporter.ts";
import { hasRelaxedSimd } from "../src/run/wasm.ts";

/**
 * The ways of running in which operators, rules, properties and goldens are tested: the library's own, and three that
 * have, between them, each other kernel, layout and engine once. `test/modes.ts` says how.
 */
export const modeNames = ["plain", "checked-tiled", "threads-sparse-direct", "relaxed-dense-repacked"] as const;

export type ModeName = (typeof modeNames)[number];

declare module "vitest" {
  export interface ProvidedContext {
    mode: ModeName;
  }
}

/**
 * What every mode runs. `test/ops/winograd.test.ts` compares two of them itself; what parameters, inputs and operators
 * there are is the same in all, and so is what only the host computes.
 */
export const numbers = {
  include: ["ops", "rules", "properties", "graph"].map((folder) => `test/${folder}/**/*.test.ts`),
  exclude: [
    "**/node_modules/**",
    ...["ops/winograd", "ops/takes", "ops/complete", "ops/sampling", "rules/parameters"].map(
      (name) => `test/${name}.test.ts`,
    ),
  ],
};

/** Compares with onnxruntime-web, which `test/peers` installs. */
export const peers = "test/models/*onnxruntime.test.ts";

/** What takes longest: every published network and every test of ONNX, whole evaluations, processes that may not grow. */
export const slow = [
  "conformance/conformance",
  "wild/wild",
  "models/families",
  "cli/evaluate/command",
  "run/memory",
].map((name) => `test/${name}.test.ts`);

/** The modes; says what this runtime lacks for one of them. */
export function possibleModes(): readonly ModeName[] {
  if (!hasRelaxedSimd())
    console.log(
      "skipped: relaxed SIMD in mode relaxed-dense-repacked, since this runtime has none (Node has it from 22; npm run " +
        "test:modes brings one)",
    );
  return modeNames;
}

/** What every project shares. */
export const common = {
  globalSetup: "test/build.ts",
  // Two files at a time: the machine may have two cores, and a file on real models takes a gigabyte.
  maxWorkers: 2,
  reporters: ["default", new ModesReporter()],
};

/** Deep networks, which overflow a small stack where anything follows nodes by recursion. */
export const deep = "test/plan/depth.test.ts";

/** A project of vitest: these files in this mode, on a stack of that many kB if it is not to be Node's own of 984. */
export function project(
  name: string,
  mode: ModeName,
  files: { readonly include: readonly string[]; readonly exclude?: readonly string[] },
  stack?: number,
) {
  const { include, exclude = ["**/node_modules/**"] } = files;
  return {
    test: {
      root: ".",
      name,
      provide: { mode },
      setupFiles: "src/entries/operators.ts",
      ...(stack === undefined ? {} : { execArgv: [`--stack-size=${stack}`] }),
      include: [...include],
      exclude: [...exclude],
      // Modules are loaded once for all files, which saves a third of the time.
      isolate: false,
      // These end what hangs; no test is about time.
      testTimeout: 600_000,
      hookTimeout: 600_000,
    },
  };
}
