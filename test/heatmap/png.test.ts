import { execFileSync } from "node:child_process";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { heatmap } from "../../src/picture/heatmap/heatmap.ts";
import { encodePng } from "../../src/picture/heatmap/png.ts";
import { root } from "../readme.ts";

test("a PNG holds the picture without loss", async () => {
  const values = Float32Array.from({ length: 3 * 5 * 7 }, (_, i) => Math.sin(i * i));
  const drawn = heatmap({ data: values, dims: [1, 3, 5, 7] }, { scale: 2 });
  const { width, height, channels, depth, data } = decode(await encodePng(drawn));
  expect({ width, height, channels, depth }).toEqual({ width: 14, height: 10, channels: 4, depth: 8 });
  expect(Array.from(data)).toEqual(Array.from(drawn.data));
});

test.each([1, 2, 3, 4])("a PNG has as many channels as the picture: %i", async (channels) => {
  const given = Uint8Array.from({ length: 3 * 2 * channels }, (_, i) => 40 * i);
  const { width, height, data, ...decoded } = decode(await encodePng({ data: given, width: 3, height: 2 }), {
    checkCrc: true,
  });
  expect([width, height, decoded.channels, decoded.depth]).toEqual([3, 2, channels, 8]);
  expect(data).toEqual(given);
});

test("works without anything of Node's", () => {
  // In a process of its own: the runner needs what is taken away.
  const script = `import { encodePng } from "./dist/index.js";
const { log } = console;
Object.assign(globalThis, { Buffer: undefined, process: undefined });
const png = await encodePng({ data: Uint8Array.of(1, 2, 3), width: 1, height: 1 });
log(String.fromCharCode(...png.subarray(1, 4)));`;
  const args = ["--input-type=module", "-e", script];
  expect(execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" })).toBe("PNG\n");
});

test("data that is no picture is an error", async () => {
  await expect(encodePng({ data: new Uint8Array(5), width: 1, height: 1 })).rejects.toThrow(
    "encodePng: expected 1, 2, 3 or 4 values per pixel, got 5 values for 1 x 1 pixels.",
  );
});
