import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { decodeImage } from "../src/entries/image.ts";
import { preprocess, type Tensor } from "../src/entries/index.ts";
import { dataRoot } from "./data-root.ts";

export const hasData = existsSync(join(dataRoot, "models"));

if (!hasData) {
  if (process.env.CI && process.env.RELPROP_DATA !== "none")
    throw new Error(
      "real models are required in CI; none under RELPROP_DATA or ../shared/data (RELPROP_DATA=none says that " +
        "there are none)",
    );
  console.log(
    "skipped: tests on real models, which need RELPROP_DATA (or ../shared/data) with models/, images/ and datasets/",
  );
}

/** A file of the data folder, as plain bytes. */
export function dataFile(path: string): Uint8Array {
  const bytes = new Uint8Array(readFileSync(join(dataRoot, path)));
  return path.endsWith(".gz") ? new Uint8Array(gunzipSync(bytes)) : bytes;
}

export function dataJson<T>(path: string): T {
  return JSON.parse(new TextDecoder().decode(dataFile(path))) as T;
}

/** Little-endian float32 numbers. */
export function dataFloats(path: string): Float32Array {
  return new Float32Array(dataFile(path).buffer);
}

export const photos = [
  "cat.jpg",
  "bridge.jpg",
  "coyote.jpg",
  "flamingo.jpg",
  "chelsea.png",
  "coffee.png",
  "rocket.jpg",
  "torch.jpg",
  "grace_hopper.jpg",
] as const;

/** A photo, prepared as a network of that input size wants it. */
export function photo(name: string, preset: "caffe" | "mobilenet", dims: readonly (number | string)[]): Tensor {
  return preprocess(decodeImage(dataFile(`images/${name}`), { name }), preset, dims);
}

/** The largest difference, as a share of the largest reference value. */
export function relativeError(got: ArrayLike<number>, want: ArrayLike<number>): number {
  expect(got.length).toBe(want.length);
  let [error, largest] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    // NaN must not pass as "not larger".
    const difference = Math.abs(got[i] - want[i]);
    if (!(difference <= error)) error = difference;
    largest = Math.max(largest, Math.abs(want[i]));
  }
  return error / largest;
}
