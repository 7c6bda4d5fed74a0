import { resolve } from "node:path";
import { expect, it } from "vitest";
import { buildNodes } from "../../src/read/build.ts";
import { decode } from "../../src/read/onnx/decode.ts";
import { open } from "../../src/read/open.ts";
import { seeds } from "../fuzz/seeds.ts";
import { onnx } from "../onnx-writer.ts";

it("a node that waits for many values is not looked through again for each", () => {
  const names = Array.from({ length: 1000 }, (_, i) => `v${i}`);
  const relus = names.map((name) => ({ type: "Relu", inputs: ["x"], outputs: [name] }));
  const sum = { type: "Sum", inputs: names, outputs: ["y"] };
  const { graph } = decode(onnx({ nodes: [sum, ...relus], inputs: { x: [1, 3] }, outputs: { y: [] } }));
  let asked = 0;
  const { nodes } = buildNodes(graph, 17, () => {
    asked++;
    return false;
  });
  expect(nodes.at(-1)!.type).toBe("Sum");
  // Once for every value that is not there yet.
  expect(asked).toBe(names.length);
});

it("what a file becomes is data, which can be sent to a worker", async () => {
  for (const bytes of seeds(resolve(import.meta.dirname, "../.."))) {
    const graph = await open(bytes, {}).catch(() => undefined);
    expect(() => structuredClone(graph)).not.toThrow();
  }
});
