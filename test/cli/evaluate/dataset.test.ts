import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { openDataset, type Sample } from "../../../src/cli/evaluate/dataset.ts";
import { writeNpy } from "../../../src/read/npy.ts";
import { encodePng } from "../../../src/entries/index.ts";

const folder = () => mkdtempSync(join(tmpdir(), "relprop-"));

function written(name: string, bytes: Uint8Array, ...beside: (readonly [string, Uint8Array | string])[]): string {
  const dir = folder();
  for (const [other, content] of [[name, bytes] as const, ...beside]) writeFileSync(join(dir, other), content);
  return join(dir, name);
}

const pixels = ({ content }: Sample) => ("picture" in content ? Array.from(content.picture.data) : []);
const bigEndian = (...words: number[]) => words.flatMap((v) => [v >>> 24, (v >>> 16) & 255, (v >>> 8) & 255, v & 255]);
/** Three images of 2 x 3. */
const images = Uint8Array.from([...bigEndian(0x803, 3, 2, 3), ...Array.from({ length: 18 }, (_, i) => i)]);
const labels = Uint8Array.from([...bigEndian(0x801, 3), 7, 2, 1]);

test.each([
  ["plain", images, labels, ""],
  ["in gzip", gzipSync(images), gzipSync(labels), ".gz"],
])("idx files, %s", async (_, bytes, beside, ending) => {
  const data = await openDataset(
    written(`t-images-idx3-ubyte${ending}`, bytes, [`t-labels-idx1-ubyte${ending}`, beside]),
  );
  expect([data.kind, data.count]).toEqual(["idx", 3]);
  const second = await data.read(1);
  expect(second).toMatchObject({ name: "#1", label: 2, content: { picture: { width: 3, height: 2 } } });
  expect(pixels(second)).toEqual([6, 7, 8, 9, 10, 11]);
  expect(data.sha256).not.toBe((await openDataset(written("other", bytes))).sha256);
});

test("idx files without labels", async () => {
  expect((await (await openDataset(written("digits", images))).read(2)).label).toBeUndefined();
});

test("a CIFAR-10 binary: planes become pixels", async () => {
  const record = (label: number) => [
    label,
    ...Array.from({ length: 3072 }, (_, i) => (i < 1024 ? i & 255 : i < 2048 ? 100 : label)),
  ];
  const data = await openDataset(written("test_batch.bin", Uint8Array.from([...record(3), ...record(9)])));
  const second = await data.read(1);
  expect([data.kind, data.count, second.label]).toEqual(["cifar10", 2, 9]);
  expect(pixels(second)).toHaveLength(3072);
  expect(pixels(second).slice(0, 6)).toEqual([0, 100, 9, 1, 100, 9]);
  expect(pixels(second).slice(-3)).toEqual([255, 100, 9]);
});

test("a .npy of several, with labels beside it", async () => {
  const all = { data: Float32Array.from({ length: 12 }, (_, i) => i), dims: [3, 2, 2] };
  const data = await openDataset(written("x.npy", writeNpy(all), ["x.labels.json", "[4, 0, 1]"]));
  expect([data.kind, data.count]).toEqual(["npy", 3]);
  expect(await data.read(2)).toEqual({
    name: "#2",
    label: 1,
    content: { numbers: { data: Float32Array.of(8, 9, 10, 11), dims: [1, 2, 2] } },
  });
});

test("a folder, by name; its hash is of names and contents", async () => {
  const picture = await encodePng({ data: Uint8ClampedArray.of(1, 2, 3, 255), width: 1, height: 1 });
  const numbers = writeNpy({ data: Float32Array.of(5), dims: [1, 1] });
  const make = (name: string) => join(written("b.png", picture, [name, numbers], ["read.me", "no picture"]), "..");
  const data = await openDataset(make("a.npy"));
  expect([data.kind, data.count]).toEqual(["folder", 2]);
  expect((await data.read(0)).content).toEqual({ numbers: { data: Float32Array.of(5), dims: [1, 1] } });
  expect(pixels(await data.read(1)).slice(0, 3)).toEqual([1, 2, 3]);
  expect((await openDataset(make("a.npy"))).sha256).toBe(data.sha256);
  expect((await openDataset(make("c.npy"))).sha256).not.toBe(data.sha256);
});

test.each<[string, () => string, RegExp]>([
  ["nothing there", () => join(folder(), "none"), /data '.*none': it does not exist\./],
  [
    "a folder without pictures",
    () => join(written("a.txt", images), ".."),
    /it has no pictures and no \.npy or \.npz files/,
  ],
  ["another file", () => written("a.zip", Uint8Array.of(80, 75, 3, 4)), /got a zip archive/],
  ["a binary of another length", () => written("a.bin", new Uint8Array(3074)), /other content/],
  ["gzip cut off", () => written("a.gz", gzipSync(images).subarray(0, 20)), /a whole gzip file/],
  ["an idx file cut off", () => written("a", images.subarray(0, 20)), /18 bytes of values for 3 x 2 x 3, got 4/],
  ["an idx header cut off", () => written("a", images.subarray(0, 9)), /an idx file of bytes/],
  [
    "labels of other images",
    () => written("t-images-idx3", images, ["t-labels-idx1", labels.subarray(0, 10)]),
    /3 bytes of values for 3, got 2/,
  ],
  [
    "fewer labels",
    () => written("x.npy", writeNpy({ data: new Float32Array(2), dims: [2, 1] }), ["x.labels.json", "[1]"]),
    /2 labels.*got 1/,
  ],
  [
    "a .npy without axes",
    () => written("x.npy", writeNpy({ data: Float32Array.of(1), dims: [1] })),
    /an array \[n, …\] of n inputs, got shape \[1\]/,
  ],
  [
    "labels that are names",
    () => written("x.npy", writeNpy({ data: new Float32Array(1), dims: [1, 1] }), ["x.labels.json", '["a"]']),
    /1 labels, whole numbers/,
  ],
  [
    "labels that are no JSON",
    () => written("x.npy", writeNpy({ data: new Float32Array(1), dims: [1, 1] }), ["x.labels.json", "a"]),
    /a JSON list of labels/,
  ],
])("refuses %s", async (_, make, text) => {
  await expect(openDataset(make())).rejects.toMatchObject({ code: "usage", message: expect.stringMatching(text) });
});
