import { resolve } from "node:path";
import { expect, it } from "vitest";
import { open } from "../../src/read/open.ts";
import { topological } from "../../src/read/topological.ts";
import { seeds } from "../fuzz/seeds.ts";

it("a node that waits for many values is not looked through again for each", () => {
  const names = Array.from({ length: 1000 }, (_, i) => `v${i}`);
  const node = (type: string, inputs: string[], output: string) => ({
    name: output,
    type,
    attributes: {},
    inputs,
    outputs: [output],
  });
  const nodes = [node("Sum", names, "y"), ...names.map((name) => node("Relu", ["x"], name))];
  let asked = 0;
  const { ordered } = topological(nodes, new Set(["x"]), () => {
    asked++;
    return false;
  });
  expect(ordered.at(-1)!.type).toBe("Sum");
  // Once for every value that is not there yet.
  expect(asked).toBe(names.length);
});

it("what a file becomes is data, which can be sent to a worker", async () => {
  for (const bytes of seeds(resolve(import.meta.dirname, "../.."))) {
    const graph = await open(bytes, {}).catch(() => undefined);
    expect(() => structuredClone(graph)).not.toThrow();
  }
});
