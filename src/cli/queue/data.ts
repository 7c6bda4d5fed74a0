import { lstat, realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { LrpError, misuse } from "../../base/error.ts";
import type { FileOf, ReadInput } from "../../queue/index.ts";
import { type Content, contentOf } from "../content.ts";
import { type Dataset, imagesOf } from "../evaluate/dataset.ts";
import { inputOf } from "../evaluate/run.ts";
import { sha256 } from "../evaluate/settings.ts";
import { foreseen, readBytes } from "../files.ts";
import { readRegular } from "../regular.ts";

/** A name of a folder or file below a folder: none that leads elsewhere on any system. */
const PLAIN = /^(?!\.{1,2}$)[^/\\:\p{Cc}]+$/u;

/**
 * Reads a file that somebody else has named, below a folder: nothing outside of it is opened. Neither the file nor a
 * folder on the way may be a symbolic link.
 *
 * @param root the folder, as the system names it (`realpath`)
 * @throws LrpError code "usage" for names that are not plain, links, and what is no file; errors of the system as they
 * are
 */
export async function readBelow(root: string, path: string): Promise<Uint8Array> {
  const where = `file ${JSON.stringify(path.slice(0, 200))} of the data`;
  const names = path.split("/");
  if (!names.every((name) => PLAIN.test(name)))
    throw misuse(where, "its name is none of a file in the folder that --data gives");
  for (let i = 1; i < names.length; i++)
    if (!(await lstat(join(root, ...names.slice(0, i)))).isDirectory())
      throw misuse(where, `'${names[i - 1]}' on the way to it is no folder, or a symbolic link`);
  const file = join(root, ...names);
  const wanted = { where, expected: "a regular file in the folder that --data gives", hardLinks: true } as const;
  const bytes = await readRegular(file, wanted);
  // A folder that became a link meanwhile.
  if ((await realpath(file)) !== file) throw misuse(where, "a symbolic link took its place while it was read");
  return bytes;
}

/** What the jobs of a coordinator name: the files of a data set, relative to a folder that the workers have too. */
export async function namer(dir: string, dataset: Dataset): Promise<(image: number) => Promise<FileOf>> {
  const root = await foreseen(`folder '${dir}'`, "a folder", () => realpath(dir));
  let last: { readonly file: string; readonly sha256: string } | undefined;
  return async (image) => {
    const { path: file, index } = dataset.place(image);
    const path = relative(root, await realpath(file)).replaceAll(sep, "/");
    if (path.startsWith("../") || path === "")
      throw misuse("option '--data'", `'${file}' does not lie in '${dir}', so that workers could not find it`);
    if (last?.file !== file) last = { file, sha256: sha256(await readBytes(file, "data")) };
    return { path, sha256: last.sha256, index };
  };
}

/** Several images of one file are asked for one after the other. */
interface Kept {
  readonly key: string;
  readonly content: (index: number) => Content;
}

/**
 * Reads the inputs that jobs name, below a folder. What is not there, or another file, may be right on another machine.
 *
 * @throws LrpError code "usage" for a file that holds no such input, which is the same everywhere; Error for one that
 * cannot be read here
 */
export async function reader(dir: string): Promise<ReadInput> {
  const root = await foreseen(`folder '${dir}'`, "a folder", () => realpath(dir));
  let kept: Kept | undefined;
  const bytesOf = async ({ path, sha256: wanted }: FileOf) => {
    const bytes = await foreseen(`file '${path}'`, "a file of the data", () => readBelow(root, path)).catch((error) => {
      throw error instanceof LrpError ? new Error(`on this machine: ${error.message}`) : error;
    });
    if (sha256(bytes) === wanted) return bytes;
    throw new Error(`file '${path}' of the data on this machine is another than the job means: its SHA-256 differs`);
  };
  const contentAt = async (file: FileOf, maxPixels: number | undefined): Promise<Content> => {
    const { path, index } = file;
    if (index === undefined) return contentOf(await bytesOf(file), path, { maxPixels });
    const key = `${file.sha256} ${path}`;
    if (kept?.key !== key) {
      const { count, content } = imagesOf(await bytesOf(file), path);
      const checked = (i: number) => {
        if (i < count) return content(i);
        throw misuse(`file '${path}' of the data`, `it has ${count} inputs, and none with the number ${i}`);
      };
      kept = { key, content: checked };
    }
    return kept.content(index);
  };
  return async (file, { files }, pool) => {
    const content = await contentAt(file, files?.preparation?.maxPixels);
    if ("picture" in content && !files?.preparation)
      throw misuse(`file '${file.path}' of the data`, "it is a picture, and the queue does not say how to prepare one");
    return inputOf(content, files?.preparation, pool.inputs[0]);
  };
}
