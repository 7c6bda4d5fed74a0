import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readClasses } from "../../src/cli/classes.ts";
import { checkWritable, foreseen, readBytes, writeAll } from "../../src/cli/files.ts";
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
  await expect(readBytes(at("none"), "an ONNX model")).rejects.toThrow("none': it does not exist.");
  await expect(readBytes(folder, "an ONNX model")).rejects.toThrow("expected an ONNX model, got a directory.");
  await expect(readBytes(at("empty"), "an ONNX model")).rejects.toThrow("expected an ONNX model, got an empty file.");
});

describe("writing", () => {
  test("paths are checked before the work", async () => {
    await expect(checkWritable([at("r.npy")])).resolves.toBeUndefined();
    await expect(checkWritable([at("none/r.npy")])).rejects.toThrow("none': it does not exist.");
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
    ).rejects.toThrow("it does not exist");
    expect(await readdir(folder)).toEqual(before);
    await writeAll(new Map([[good, Uint8Array.of(1)]]));
    expect(await readFile(good)).toEqual(Buffer.of(1));
    expect((await readdir(folder)).sort()).toEqual([...before, "new.npy"].sort());
  });

  test("what killed runs have left goes, and what others are writing stays", async () => {
    const out = at("drafts");
    await mkdir(out);
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const draft = (pid: number, host = hostname()) =>
      join(out, `.r.npy.${pid}-${host.replace(/[^\w-]/g, "_")}.${randomUUID()}.tmp`);
    const [old, running, elsewhere, stale] = [
      draft(dead),
      draft(process.ppid),
      draft(dead, "other"),
      draft(1, "other"),
    ];
    const others = [".r.npy.tmp", `.${randomUUID()}.tmp`, "r.npy"].map((name) => join(out, name));
    for (const path of [old, running, elsewhere, stale, ...others]) await writeFile(path, "");
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
    await utimes(stale, yesterday, yesterday);
    await checkWritable([join(out, "r.npy")]);
    expect((await readdir(out)).map((name) => join(out, name)).sort()).toEqual([running, elsewhere, ...others].sort());
  });

  test("a draft is known as one", async () => {
    const out = at("killed");
    await mkdir(out);
    const code = `import { promises } from "node:fs"; import { syncBuiltinESMExports } from "node:module";
promises.rename = () => process.kill(process.pid, "SIGKILL"); syncBuiltinESMExports();`;
    const flag = `--import=data:text/javascript,${encodeURIComponent(code)}`;
    const words = ["explain", "demo/digits.onnx", "demo/three.png", "--out", join(out, "r.npy")];
    expect(spawnSync(process.execPath, [flag, "dist/cli/main.js", ...words]).signal).toBe("SIGKILL");
    expect(await readdir(out)).toEqual([expect.stringMatching(/^\.r\.npy\..*\.tmp$/)]);
    await checkWritable([join(out, "r.npy")]);
    expect(await readdir(out)).toEqual([]);
  });

  test.each([
    ["EFBIG", "the system does not allow so large a file"],
    ["EDQUOT", "the disk quota is used up"],
    ["EIO", "the device fails"],
    ["EMFILE", "too many files are open"],
    ["ENOSPC", "the disk is full"],
    ["EACCES", "permission is denied"],
    ["EISDIR", "expected a file to write, got a directory"],
    ["ESTALE", "the system reports an error (ESTALE of write)"],
  ])("%s is a sentence", async (code, says) => {
    const failing = () => Promise.reject(Object.assign(new Error(`${code}: …`), { code, errno: -1, syscall: "write" }));
    await expect(foreseen("file 'x'", "a file to write", failing)).rejects.toThrow(`file 'x': ${says}.`);
  });

  test("what is no error of the system is thrown as it is", async () =>
    expect(foreseen("file 'x'", "y", () => Promise.reject(new TypeError("z")))).rejects.toThrow(TypeError));

  test.runIf(process.platform === "linux")("a file larger than the shell allows, and a full disk behind stdout", () => {
    const words = `explain demo/digits.onnx demo/three.png --out ${at("big.npy")}`;
    const limited = spawnSync("bash", ["-c", `ulimit -f 1; exec node dist/cli/main.js ${words}`], { encoding: "utf8" });
    expect([limited.status, limited.stderr]).toEqual([
      2,
      `relprop: file '${at("big.npy")}': the system does not allow so large a file.\n`,
    ]);
    const full = spawnSync("bash", ["-c", "node dist/cli/main.js rules > /dev/full"], { encoding: "utf8" });
    expect([full.status, full.stderr]).toEqual([2, "relprop: the output cannot be written: the disk is full.\n"]);
  });

  test("relevance at values goes beside the input's", () => {
    const out = ["a/r.npy", "h.png", "r.json"];
    expect(outFiles({ out, at: ["conv1", "inception_3a/output:0"] })).toEqual([
      { path: "a/r.npy" },
      { path: "a/r.conv1.npy", at: "conv1" },
      { path: "a/r.inception_3a_output_0.npy", at: "inception_3a/output:0" },
      { path: "h.png" },
      { path: "h.conv1.png", at: "conv1" },
      { path: "h.inception_3a_output_0.png", at: "inception_3a/output:0" },
      { path: "r.json" },
    ]);
  });

  test("endings and collisions", () => {
    const endings = "option '--out': expected a name that ends in .png, .npy, .json, .html or .svg, got";
    expect(() => outFiles({ out: ["a.jpg", "b"] })).toThrow(`${endings} 'a.jpg'.\n${endings} 'b'.`);
    const twice = { out: ["r.npy"], at: ["a/b", "a_b"] };
    expect(() => outFiles(twice)).toThrow("two results would be written to 'r.a_b.npy'.");
  });
});

test("class names lose their synset ids", async () => {
  await put("words.txt", "n01440764 tench, Tinca tinca\r\nn01443537 goldfish\ncat\n\n");
  expect(await readClasses(at("words.txt"))).toEqual(["tench, Tinca tinca", "goldfish", "cat"]);
});

test("class names as JSON", async () => {
  await put("list.json", ' ["n01440764 tench, Tinca tinca", "cat"]');
  expect(await readClasses(at("list.json"))).toEqual(["n01440764 tench, Tinca tinca", "cat"]);
  await put(
    "vocabulary.json",
    '{"model": {"vocab": {"cat": 2, "a": 0}}, "added_tokens": [{"content": "<s>", "id": 3}]}',
  );
  expect(await readClasses(at("vocabulary.json"))).toEqual(["a", "token 1", "cat", "<s>"]);
  await put("pieces.json", '{"model": {"vocab": [["a", -1], ["cat", -2]]}}');
  expect(await readClasses(at("pieces.json"))).toEqual(["a", "cat"]);
  for (const [other, says] of [
    ['["cat", 3]', "or a tokenizer.json, got other JSON."],
    ['["cat"', "or a tokenizer.json, got text that is no JSON ("],
    ['{"model": {"vocab": {"a": -1}}}', "or a tokenizer.json, got other JSON."],
    ['{"model": {"vocab": {"a": 1e9}}}', "or a tokenizer.json, got other JSON."],
    ["[".repeat(1e5), "lists and objects in it nest deeper than 64."],
  ]) {
    await put("other.json", other);
    await expect(readClasses(at("other.json"))).rejects.toThrow(says);
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

  test.runIf(process.platform !== "win32")("a pipe is not waited for", async () => {
    execFileSync("mkfifo", [at("pipe.relprop.json")]);
    await expect(readSidecar(at("pipe.onnx"))).rejects.toThrow(
      "pipe.relprop.json': expected a readable file, got a device, pipe or socket.",
    );
  });

  test("a folder, and one that is too long", async () => {
    await mkdir(at("folder.relprop.json"));
    await expect(readSidecar(at("folder.onnx"))).rejects.toThrow("expected a readable file, got a directory.");
    await put("long.relprop.json", "");
    await truncate(at("long.relprop.json"), 2 ** 28 + 1);
    await expect(readSidecar(at("long.onnx"))).rejects.toThrow("it has 268435457 bytes, more than 268435456.");
  });

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
    ["{", /expected JSON, got text that is no JSON \(/],
    ["[1]", /expected an object with the keys preprocess, classes and tokenizer, got \[1\]\.$/],
    ["null", /got null\.$/],
    ['{"preset": "unit"}', /the key 'preset' is unknown\. It may have preprocess, classes and tokenizer\.$/],
    [
      '{"preprocess": "units"}',
      /net\.relprop\.json', key 'preprocess': expected one of caffe, .*, or an object of fields, got "units"\.$/,
    ],
    ['{"preprocess": {"size": 8}}', /key 'preprocess': there is no field 'size'\. The fields are resize, .*\.$/],
    [
      '{"preprocess": {"resize": "8"}}',
      /key 'preprocess', field 'resize': expected a number of pixels from 1 to 16384, "imagenet" or "exact", got "8"\.$/,
    ],
    ["[".repeat(1e5), /lists and objects in it nest deeper than 64\.$/],
    [`{"classes": ${"[".repeat(1e5)}${"]".repeat(1e5)}}`, /nest deeper than 64\.$/],
    [`{"preprocess": {"mean": ${'{"a":'.repeat(1e5)}1${"}".repeat(1e5)}}}`, /nest deeper than 64\.$/],
    [`{"classes": "${"[".repeat(99)}"}`, /key 'classes': expected a list of names, got "\[{39}\.$/],
    ["<!DOCTYPE html><title>404</title>", /got a web page\. The download failed: /],
    ['{"classes": ["a", 3]}', /key 'classes': expected a list of names, got \["a",3\]\.$/],
  ])("%s", async (text, message) => expect(sidecar(text)).rejects.toThrow(message));
});
