import { execFileSync } from "node:child_process";
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { writeNpy } from "../../src/read/npy.ts";
import { external, onnx } from "../onnx-writer.ts";

/*
 * A model names the files that hold its weights, and whoever made the model may have named any.
 */
const posix = process.platform !== "win32";
let folder = "";
const at = (name: string) => join(folder, "models", name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-"));
  await mkdir(at("sub"), { recursive: true });
  const weights = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
  for (const path of [at("w.bin"), at("..w"), at("sub/w.bin"), join(folder, "secret"), at("original")])
    await writeFile(path, weights);
  await writeFile(at("short"), weights.subarray(0, 8));
  await writeFile(at("x.npy"), writeNpy({ data: Float32Array.of(1, 10, 100), dims: [1, 3] }));
  await writeFile(at("huge"), "");
  await truncate(at("huge"), 2 ** 31);
  await link(at("original"), at("hard"));
  if (posix) {
    await symlink(at("w.bin"), at("soft"));
    await symlink("nowhere", at("dangling"));
    execFileSync("mkfifo", [at("pipe")]);
  }
});
afterAll(() => rm(folder, { recursive: true }));

async function relprop(command: string, location: string) {
  const model = onnx({
    nodes: [{ type: "Gemm", inputs: ["x", "w"], outputs: ["y"], attributes: { transB: 1 } }],
    initializers: { w: { dims: [2, 3], data: { type: 1, fields: external({ location }) } } },
    inputs: { x: [1, 3] },
    outputs: { y: [1, 2] },
  });
  await writeFile(at("net.onnx"), model);
  const [out, err]: string[][] = [[], []];
  const words = [command, at("net.onnx"), ...(command === "inspect" ? [] : [at("x.npy")]), "--json"];
  const code = await run(words, { out: (text) => out.push(text), err: (text) => err.push(text) });
  return { code, out: out.join(""), err: err.join("") };
}

describe("weights beside the model", () => {
  test.each(["inspect", "predict", "explain"])("%s reads them", async (command) => {
    const { code, out, err } = await relprop(command, "w.bin");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    if (command === "inspect") expect(JSON.parse(out).parameters).toBe(6);
    else expect(JSON.parse(out).output).toEqual([321, 654]);
  });

  test("a plain name may begin with dots", async () => expect((await relprop("predict", "..w")).code).toBe(0));

  test.each(["./w.bin", "././w.bin"])("%s is in the model's own folder", async (location) => {
    const { out } = await relprop("predict", location);
    expect(JSON.parse(out).output).toEqual([321, 654]);
  });

  test("a pointer in the place of the weights", async () => {
    await writeFile(at("pointer"), "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 24\n");
    expect((await relprop("inspect", "pointer")).err).toContain(
      "expected a file with weights, got a Git LFS pointer, which stands for the file. Fetch the file itself: ",
    );
  });

  test("a file that is too short", async () => {
    const { code, err } = await relprop("inspect", "short");
    expect({ code, err }).toEqual({
      code: 2,
      err: "relprop: initializer 'w': its numbers are 24 bytes from byte 0 of 'short' on, but that file has 8 bytes.\n",
    });
  });
});

describe("files that are not opened", () => {
  const paths = [
    "../secret",
    "..",
    ".",
    "...",
    ".. ",
    " ",
    "sub/w.bin",
    "./",
    "./../secret",
    "./sub/w.bin",
    ".\\w.bin",
    "sub\\w.bin",
    "..\\secret",
    "/etc/passwd",
    "//host/x",
    "\\\\host\\x",
  ];
  test.each([
    ...paths,
    "C:\\x",
    "C:w.bin",
    "w.bin:stream",
    "w.bin\0",
    "file:///etc/passwd",
    "w.bin\u001b[31m",
    "w.bin/",
  ])("%j", async (location) => {
    const { code, out, err } = await relprop("explain", location);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain(`relprop: file ${JSON.stringify(location)} with weights of '${at("net.onnx")}'`.slice(0, 60));
    expect(err).toContain("its name is no plain name of a file in the folder of the model.");
  });

  test("no name at all", async () =>
    expect((await relprop("inspect", "")).err).toContain("external_data does not say in which file its numbers are"));

  test.each([
    ["nothing", "none", "it does not exist."],
    ["a folder", "sub", "got a directory."],
    ["a hard link", "hard", "got a file with several names (a hard link). Put a copy of the file there."],
    ["a file of 2 GiB", "huge", "it has 2147483648 bytes, more than 2147483647."],
    ["a name that is too long", "w".repeat(300), "its name is too long."],
    ...(posix
      ? [
          [
            "a symbolic link, even to a neighbour",
            "soft",
            "expected a regular file in the folder of the model, got a symbolic link.",
          ],
          ["a link to nothing", "dangling", "got a symbolic link."],
          ["a pipe", "pipe", "got a device, pipe or socket."],
        ]
      : []),
  ])("%s", async (_name, location, message) => {
    const { code, err } = await relprop("predict", location);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});
