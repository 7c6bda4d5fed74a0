import { describe, expect, it, test } from "vitest";
import { place } from "../../src/plan/place.ts";
import type { Program } from "../../src/plan/lower.ts";
import type { Arrangement, Mapping } from "../../src/program/arrange.ts";
import { Emitter } from "../../src/program/emitter.ts";
import type { Value } from "../../src/program/step.ts";
import { simd } from "../../src/core.gen.ts";
import { Session } from "../../src/run/session.ts";
import { compileText, instantiate } from "../../src/run/wasm.ts";
import { numbers } from "../random.ts";

/*
 * What a session makes of constants, and when.
 */

const module = await compileText(simd);
const source = Float32Array.from(numbers(60 * 700, 1));
const constant = { type: "float32", dims: [60, 700], data: source } as const;
const emitter = (weights: "kept" | "repacked") => new Emitter({ winograd: "never", sparse: "paying", weights });

/** A program of one input and one output. */
function planOf(e: Emitter, x: Value, y: Value) {
  const program: Program = {
    steps: e.steps,
    inputs: [x],
    outputs: new Map([["y", y]]),
    logits: y,
    segments: [],
    work: 0,
  };
  return place(program);
}

describe("a weight", () => {
  it("is made before it is read for the first time, and never again, though two steps read it", () => {
    const e = emitter("kept");
    let made = 0;
    const w = e.weight("w", constant, "", [4], (to) => {
      made++;
      to.set(source.subarray(0, 4));
    });
    const [x, y] = [e.temp("x", [4]), e.temp("y", [4])];
    const copied = () => {
      for (const to of [e.temp("y too", [4]), y]) e.host("copy", [w, to], (from, copy) => copy.set(from));
    };
    e.choose(x, 0.5, copied, () => e.fill(y, 7));
    const plan = planOf(e, x, y);
    const session = new Session(instantiate(module), 2 ** 24);
    const run = (...v: number[]) => {
      session.forward(plan, [Float32Array.from(v)]);
      return [made, ...session.read(plan, y)];
    };
    expect(run(1, 1, 1, 1)).toEqual([0, 7, 7, 7, 7]);
    expect(run(0, 0, 0, 1)).toEqual([1, ...source.subarray(0, 4)]);
    expect(run(0, 0, 0, 1)).toEqual([1, ...source.subarray(0, 4)]);
  });

  // 60 rows of 700 numbers are several parts; of the first ten and the last five nothing is taken.
  const [row, first, rows] = [700, 10, 45];
  const turned = (map: Mapping): Arrangement => ({
    map,
    row,
    first,
    rows,
    blocks: (from, count) => [
      { dims: [count, row], from: 0, fromStrides: [row, 1], to: 1 + from, toStrides: [1, rows + 1] },
    ],
  });
  const maps: readonly (readonly [string, Mapping, (v: number) => number])[] = [
    ["as it is", [1, 1], (v) => v],
    ["what is positive", [1, 0], (v) => Math.max(v, 0)],
    ["slopes that single precision has not", [1.1, 0.3], (v) => (v > 0 ? 1.1 : 0.3) * v],
    ["squares", (v) => v * v, (v) => v * v],
  ];
  describe.each(["kept", "repacked"] as const)("%s", (weights) => {
    test.each(maps)("is moved part by part: %s", (_name, map, literal) => {
      const e = emitter(weights);
      const count = row * (rows + 1);
      const w = e.weight("w", constant, "turned", [count], [turned(map)]);
      const [x, y] = [e.temp("x", [1]), e.temp("y", [count])];
      e.host("copy", [w, y], (from, to) => to.set(from));
      const plan = planOf(e, x, y);
      const session = new Session(instantiate(module), 2 ** 24);
      session.forward(plan, [Float32Array.of(0)]);
      const want = new Float32Array(count);
      for (let i = 0; i < rows; i++)
        for (let k = 0; k < row; k++) want[1 + i + k * (rows + 1)] = literal(source[(first + i) * row + k]);
      const got = session.read(plan, y);
      expect(got.findIndex((v, i) => v !== want[i])).toBe(-1);
    });
  });
});
