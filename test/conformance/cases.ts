import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { readTar } from "./tar.ts";

/** Serialised tensors: what a model is given, and what it must answer. */
export interface DataSet {
  /** Undefined: one input, whose element i of n is i / n, as ONNX has it for its light models. */
  readonly inputs?: readonly Uint8Array[];
  readonly outputs: readonly Uint8Array[];
}

export interface Case {
  /** The folder in which the test lies. */
  readonly suite: string;
  readonly name: string;
  model(): Uint8Array;
  sets(): readonly DataSet[];
}

type Files = ReadonlyMap<string, () => Uint8Array>;

/** More than any test archive holds; a small file that grows without end is stopped there. */
const LARGEST_ARCHIVE = 2 ** 30;

function archived(path: string): Files {
  try {
    const files = readTar(gunzipSync(readFileSync(path), { maxOutputLength: LARGEST_ARCHIVE }));
    return new Map([...files].map(([name, bytes]) => [`${path}/${name}`, () => bytes]));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}

/** The files at and below a path, and inside the archives there. */
function filesOf(path: string): Files {
  if (statSync(path).isDirectory()) return new Map(readdirSync(path).flatMap((name) => [...filesOf(join(path, name))]));
  return path.endsWith(".tar.gz") ? archived(path) : new Map([[path, () => new Uint8Array(readFileSync(path))]]);
}

/** What `stem`0`.pb`, `stem`1`.pb` … hold. */
function numbered(files: Files, stem: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let file = files.get(`${stem}0.pb`); file; file = files.get(`${stem}${found.length}.pb`)) found.push(file());
  return found;
}

/** NAME/model.onnx with NAME/test_data_set_0/input_0.pb … */
function standardCase(files: Files, folder: string, model: () => Uint8Array): Case {
  const setsOf = () => {
    const sets: DataSet[] = [];
    for (
      let stem = `${folder}/test_data_set_0`;
      files.has(`${stem}/output_0.pb`);
      stem = `${folder}/test_data_set_${sets.length}`
    )
      sets.push({ inputs: numbered(files, `${stem}/input_`), outputs: numbered(files, `${stem}/output_`) });
    return sets;
  };
  return { suite: basename(dirname(folder)), name: basename(folder), model, sets: setsOf };
}

/** NAME.onnx with NAME_output_0.pb beside it. */
function lightCase(files: Files, stem: string, model: () => Uint8Array): Case {
  return {
    suite: basename(dirname(stem)),
    name: basename(stem),
    model,
    sets: () => [{ outputs: numbered(files, `${stem}_output_`) }],
  };
}

/** The tests in ONNX's layout at and below these paths, in the order of their names. */
export function casesOf(paths: readonly string[]): Case[] {
  const files: Files = new Map(paths.flatMap((path) => [...filesOf(resolve(path))]));
  const cases = [...files].flatMap(([path, model]) => {
    if (basename(path) === "model.onnx") return [standardCase(files, dirname(path), model)];
    const stem = path.slice(0, -".onnx".length);
    return path.endsWith(".onnx") && files.has(`${stem}_output_0.pb`) ? [lightCase(files, stem, model)] : [];
  });
  const key = ({ suite, name }: Case) => `${suite}/${name}`;
  return cases.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
