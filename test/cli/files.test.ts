import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readClasses } from "../../src/cli/classes.ts";
import { checkWritable, readBytes, writeAll } from "../../src/cli/files.ts";
import { fitting, outFiles } from "../../src/cli/outputs.ts";
import { readSidecar } from "../../src/cli/sidecar.ts";

let folder = "";
const at = (name: string) => join(folder, name);
const put = (name: string, text: string) => writeFile(at(name), text);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("what cannot be read", async () => {
  await put("empty", "");
  await expect(readBytes(at("none"), "an ONNX model")).rejects.toThrow(
    "none': expected an ONNX model, got nothing there.",
  );
  await expect(readBytes(folder, "an ONNX model")).rejects.toThrow("expected an ONNX model, got a directory.");
  await expect(readBytes(at("empty"), "an ONNX model")).rejects.toThrow("expected an ONNX model, got an empty file.");
});

describe("writing", () => {
  test("paths are checked before the work", async () => {
    await expect(checkWritable([at("r.npy")])).resolves.toBeUndefined();
    await expect(checkWritable([at("none/r.npy")])).rejects.toThrow(
      "none': expected a folder to write into, got nothing there.",
    );
    await put("file", "x");
    await expect(checkWritable([at("file/r.npy")])).rejects.toThrow("expected a folder to write into, got a file.");
    await mkdir(at("folder.png"));
    await expect(checkWritable([at("folder.png")])).rejects.toThrow(
      "folder.png': expected a file to write, got a directory.",
    );
  });

  test("all files or none", async () => {
    const before = await readdir(folder);
    const [good, bad] = [at("new.npy"), at("none/r.npy")];
    await expect(
      writeAll(
        new Map([
          [good, Uint8Array.of(1)],
          [bad, Uint8Array.of(2)],
        ]),
      ),
    ).rejects.toThrow("expected a file to write");
    expect(await readdir(folder)).toEqual(before);
    await writeAll(new Map([[good, Uint8Array.of(1)]]));
    expect(await readFile(good)).toEqual(Buffer.of(1));
    expect((await readdir(folder)).sort()).toEqual([...before, "new.npy"].sort());
  });

  test("relevance at values goes beside the input's", () => {
    expect(outFiles(["a/r.npy", "h.png"], ["conv1", "inception_3a/output:0"])).toEqual([
      { path: "a/r.npy" },
      { path: "a/r.conv1.npy", at: "conv1" },
      { path: "a/r.inception_3a_output_0.npy", at: "inception_3a/output:0" },
      { path: "h.png" },
      { path: "h.conv1.png", at: "conv1" },
      { path: "h.inception_3a_output_0.png", at: "inception_3a/output:0" },
    ]);
  });

  test("endings and collisions", () => {
    expect(() => outFiles(["a.jpg", "b"])).toThrow(
      "option '--out': expected a name that ends in .png or .npy, got 'a.jpg'.\noption '--out': expected a " +
        "name that ends in .png or .npy, got 'b'.",
    );
    expect(() => outFiles(["r.npy"], ["a/b", "a_b"])).toThrow(
      "expected a file of its own for every result, got 'r.a_b.npy' twice.",
    );
  });
});

test("class names lose their synset ids", async () => {
  await put("words.txt", "n01440764 tench, Tinca tinca\r\nn01443537 goldfish\ncat\n\n");
  expect(await readClasses(at("words.txt"))).toEqual(["tench, Tinca tinca", "goldfish", "cat"]);
});

test("class names as JSON", async () => {
  await put("list.json", ' ["n01440764 tench, Tinca tinca", "cat"]');
  expect(await readClasses(at("list.json"))).toEqual(["n01440764 tench, Tinca tinca", "cat"]);
  for (const other of ['["cat", 3]', '["cat"']) {
    await put("other.json", other);
    await expect(readClasses(at("other.json"))).rejects.toThrow("or a JSON list of them, got other JSON.");
  }
});

test.each<[number[], number, number]>([
  [[1, 3, 20, 30], 100, 3],
  [[1, 3, 30, 20], 100, 3],
  [[1, 3, 25], 100, 4],
  [[1, 25], 100, 4],
  [[1, 1, 20, 300], 100, 1],
])("relevance of %j fits into %i pixels %i-fold", (dims, side, scale) => {
  expect(fitting({ dims, data: new Float32Array() }, side)).toBe(scale);
});

describe("sidecars", () => {
  const sidecar = async (text: string) => {
    await put("net.relprop.json", text);
    return readSidecar(at("net.onnx"));
  };

  test("none is fine", async () => {
    expect(await readSidecar(at("other.onnx"))).toEqual({ path: at("other.relprop.json") });
  });

  test("a preset by name, or its fields, and class names", async () => {
    expect(await sidecar('{"preprocess": "unit", "classes": ["a", "b"]}')).toMatchObject({
      preprocess: { resize: "exact", scale: 1 / 255 },
      classes: ["a", "b"],
    });
    expect(await sidecar('{"preprocess": {"resize": 8, "mean": [1, 2, 3]}}')).toMatchObject({
      preprocess: { resize: 8, mean: [1, 2, 3] },
    });
  });

  test.each([
    ["{", /expected JSON, got other text \(/],
    ["[1]", /expected an object with preprocess and classes, got \[1\]\.$/],
    ["null", /got null\.$/],
    ['{"preset": "unit"}', /expected only the keys preprocess and classes, got 'preset'\.$/],
    [
      '{"preprocess": "units"}',
      /net\.relprop\.json', key 'preprocess': expected one of caffe, .*, or its fields, got "units"\.$/,
    ],
    ['{"preprocess": {"size": 8}}', /key 'preprocess': expected only the fields resize, .*, got 'size'\.$/],
    [
      '{"preprocess": {"resize": "8"}}',
      /key 'preprocess', field 'resize': expected 1 to 16384 pixels or "exact", got "8"\.$/,
    ],
    ['{"classes": ["a", 3]}', /key 'classes': expected a list of names, got \["a",3\]\.$/],
  ])("%s", async (text, message) => expect(sidecar(text)).rejects.toThrow(message));
});
