import { afterAll, inject, onTestFinished, TestRunner } from "vitest";
import { relaxed, simd } from "../src/core.gen.ts";
import type { LoadOptions, Network } from "../src/entries/index.ts";
import { Model } from "../src/model/model.ts";
import { open } from "../src/read/open.ts";
import { compileText, type Engine, hasRelaxedSimd, instantiate } from "../src/run/wasm.ts";
import type { Lowering } from "../src/program/emitter.ts";
import { shared } from "../src/shared.gen.ts";
import { team } from "../src/parallel/threads/team.ts";
import { canaries } from "./canaries.ts";
import { checkedInstance } from "./checked.ts";
import type { ModeName } from "./mode-list.ts";

/** One of several ways of running the same network. */
export interface Mode {
  /** How programs are written, where that is not left to the library. */
  readonly forced?: Partial<Lowering>;
  engine(): Promise<Engine>;
  /** Whether canaries stand between the values. */
  readonly watched?: true;
}

const single = (code: string) => async (): Promise<Engine> => ({
  instance: instantiate(await compileText(code)),
  end() {},
});

const idle: Engine[] = [];

/** Two threads that share out even small calls. Those of a model that has been disposed of serve the next one. */
async function pair(): Promise<Engine> {
  const engine = idle.pop() ?? (await team(await compileText(shared.simd), 2, 2 ** 28, 16));
  let isOver = false;
  const end = () => {
    if (!isOver) idle.push(engine);
    isOver = true;
  };
  return { instance: engine.instance, end };
}

/**
 * `plain` is what the library does where there is no relaxed SIMD. The others force everything that can be forced, each
 * thing once: a mode costs minutes, and none of these things hides another.
 */
const modes: Readonly<Record<ModeName, Mode>> = {
  plain: { engine: single(simd) },
  "checked-tiled": {
    engine: async () => ({ instance: checkedInstance(), end() {} }),
    forced: { winograd: "always" },
    watched: true,
  },
  "threads-sparse-direct": { engine: pair, forced: { sparse: "always", winograd: "never" } },
  "relaxed-dense-repacked": {
    engine: single(hasRelaxedSimd() ? relaxed : simd),
    forced: { sparse: "never", weights: "repacked" },
  },
};

/** The way in which this run of the tests loads networks. */
export const modeName: ModeName = inject("mode");

/**
 * Loads a network to run in this way. It is disposed of when the test ends, or, if it is loaded for several, after the
 * last.
 */
export async function loadInMode(
  source: Uint8Array | Network,
  options: Omit<LoadOptions, "relaxed"> = {},
): Promise<Model> {
  const { forced, engine, watched } = modes[modeName];
  const graph = await open(source, options);
  const { instance, end } = await engine();
  (TestRunner.getCurrentTest() ? onTestFinished : afterAll)(end);
  const watch = watched && canaries(instance.memory);
  return new Model(graph, { instance: { ...instance, watch }, end }, options, forced);
}
