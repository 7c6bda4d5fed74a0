import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileKind } from "../../src/cli/file-kind.ts";
import { run } from "../../src/cli/run.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
/** The first header of a zip, and a name in its directory, which stands at the end. */
const zip = (...names: string[]) =>
  Buffer.concat([bytes("PK\x03\x04"), Buffer.alloc(1e5, 7), ...names.map((name) => bytes(`PK\x01\x02${name}`))]);
const safetensors = (header: string) => {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, bytes(header), Buffer.alloc(8)]);
};
const POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";

const others: readonly [name: string, content: Uint8Array, message: RegExp][] = [
  ["a pointer", bytes(POINTER), /got a Git LFS pointer, which stands for the file\. Fetch .*: git lfs pull\./],
  ["model.ort", bytes("\x1c\0\0\0ORTM\0\0"), /got a model in ONNX Runtime's own format \(\.ort\)\. Use the \.onnx/],
  ["model.tflite", bytes("\x1c\0\0\0TFL3\x14\0"), /got a TensorFlow Lite model \(\.tflite\)\. .*tf2onnx/],
  ["model.keras", zip("metadata.json", "config.json", "model.weights.h5"), /got a Keras model \(\.keras\)\. .*tf2onnx/],
  ["model.h5", bytes("\x89HDF\r\n\x1a\n\0"), /got an HDF5 file, such as a Keras model \(\.h5\)\. .*tf2onnx/],
  ["model.pt", zip("archive/data.pkl"), /got a PyTorch file \(\.pt, \.pth\)\. .*torch\.onnx\.export/],
  ["an old model.pt", bytes("\x80\x02\x8a\x0al\xfc"), /got a Python pickle, such as a PyTorch .*torch\.onnx\.export/],
  ["model.safetensors", safetensors('{"w":{}}'), /got weights without their network .*torch\.onnx\.export/],
  ["arrays.npz", zip("x.npy"), /got numpy arrays \(\.npz\)/],
  ["model.zip", zip("model.onnx"), /got a zip archive\. Unpack it\./],
  ["model.onnx.gz", gzipSync(bytes("x")), /got a gzip archive\. Unpack it: gunzip FILE\./],
  ["a failed download", bytes("\n<!DOCTYPE html>\n<title>404</title>"), /got a web page\. The download failed:/],
  ["an answer in XML", bytes('<?xml version="1.0"?><Error>AccessDenied</Error>'), /got XML\./],
  ["an answer in JSON", bytes('{"error": "not found"}'), /got JSON\./],
  ["text", Buffer.from("Größe: 3 — siehe README\r\n"), /got text\./],
  ["text that is cut within a character", Buffer.concat([Buffer.alloc(511, "a"), Buffer.from("ä")]), /got text\./],
  ["a picture", readFileSync("demo/three.png"), /got a PNG picture\./],
  ["an array", bytes("\x93NUMPY\x01\0"), /got a numpy array \(\.npy\)\./],
];

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function inspect(content: Uint8Array) {
  const path = join(folder, "model.onnx");
  await writeFile(path, content);
  const err: string[] = [];
  const code = await run(["inspect", path], { out: () => {}, err: (text) => err.push(text) });
  return { code, err: err.join(""), path };
}

describe("a model that is something else is named as what it is", () => {
  test.each(others)("%s", async (_, content, message) => {
    const { code, err, path } = await inspect(content);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err).toContain(`relprop: file '${path}': expected an ONNX model, got `);
  });

  test("what is nothing known is what the library says", async () => {
    expect((await inspect(Buffer.alloc(99, 0xff))).err).toMatch(/model\.onnx': expected .*ONNX/);
  });
});

test("models are none of these", () => {
  expect(fileKind(readFileSync("demo/digits.onnx"))).toBeUndefined();
});
