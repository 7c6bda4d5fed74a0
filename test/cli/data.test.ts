import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../src/cli/evaluate/settings.ts";
import type { Dataset } from "../../src/cli/evaluate/dataset.ts";
import { namer, readBelow, reader } from "../../src/cli/queue/data.ts";
import { writeNpy } from "../../src/read/npy.ts";

/*
 * A job names a file, and whoever put it into the queue may have named any.
 */
let folder = "";
let data = "";
const two = writeNpy({ data: Float32Array.of(1, 2, 3, 4), dims: [2, 2] });

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "relprop-")));
  data = join(folder, "data");
  await mkdir(join(data, "sub"), { recursive: true });
  await mkdir(join(folder, "elsewhere"));
  await writeFile(join(data, "sub", "two.npy"), two);
  await writeFile(join(folder, "elsewhere", "secret"), "secret");
  await symlink(join(folder, "elsewhere", "secret"), join(data, "link"));
  await symlink(join(folder, "elsewhere"), join(data, "way"));
  await symlink(join("sub", "two.npy"), join(data, "inner"));
  execFileSync("mkfifo", [join(data, "pipe")]);
});
afterAll(() => rm(folder, { recursive: true }));

describe("nothing outside of --data is opened", () => {
  test.each([
    ["../elsewhere/secret", "its name is none of a file in the folder"],
    ["sub/../../elsewhere/secret", "its name is none"],
    ["/etc/passwd", "its name is none"],
    ["sub\\two.npy", "its name is none"],
    ["./link", "its name is none"],
    ["", "its name is none"],
    ["a\0b", "its name is none"],
    ["C:two.npy", "its name is none"],
    ["link", "got a symbolic link"],
    ["way/secret", "'way' on the way to it is no folder, or a symbolic link"],
    ["inner", "got a symbolic link"],
    ["sub/two.npy/three", "'two.npy' on the way to it is no folder"],
    ["sub", "got a directory"],
    ["pipe", "got a device, pipe or socket"],
  ])("%j", async (path, problem) => {
    await expect(readBelow(data, path)).rejects.toThrow(problem);
  });

  test("what lies in it is", async () => {
    expect(await readBelow(data, "sub/two.npy")).toEqual(two);
  });
});

describe("an input that a job names", () => {
  const file = { path: "sub/two.npy", sha256: sha256(two), index: 1 };
  const [study, pool] = [{ files: {} } as never, { inputs: [{ batchAxis: 0 }] } as never];

  test("is read, where the file is what the job means", async () => {
    expect(await (await reader(data))(file, study, pool)).toMatchObject({ data: Float32Array.of(3, 4), dims: [1, 2] });
  });

  test("that is in no such place is the item's fault; a file that is not there may be right elsewhere", async () => {
    const read = await reader(data);
    await expect(read({ ...file, index: 2 }, study, pool)).rejects.toMatchObject({
      name: "LrpError",
      message: "file 'sub/two.npy' of the data: it has 2 inputs, and none with the number 2.",
    });
    await expect(read({ ...file, path: "sub/no.npy" }, study, pool)).rejects.toMatchObject({
      name: "Error",
      message: expect.stringContaining("on this machine: file 'sub/no.npy': it does not exist."),
    });
    await expect(read({ ...file, sha256: "0".repeat(64) }, study, pool)).rejects.toMatchObject({
      name: "Error",
      message: expect.stringContaining("is another than the job means"),
    });
  });
});

test("a file that workers could not find is not named", async () => {
  const named = async (path: string) =>
    (await namer(data, { place: () => ({ path: join(folder, path) }) } as unknown as Dataset))(0);
  expect(await named("data/sub/two.npy")).toMatchObject({ path: "sub/two.npy" });
  for (const path of ["elsewhere/secret", "data/link"]) await expect(named(path)).rejects.toThrow("does not lie in");
});
