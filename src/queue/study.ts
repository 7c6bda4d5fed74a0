import { misuse } from "../base/error.ts";
import type { SharedOptions } from "../evaluate/index.ts";
import { version } from "../kernels.gen.ts";
import { checkedLoad, type LoadOptions } from "../model/options.ts";
import { bytesOf } from "../read/onnx/external.ts";
import { open } from "../read/open.ts";
import { preparation } from "../picture/image/preparation.ts";
import { toText } from "./json.ts";
import { checkedShared, type File, type Study } from "./messages.ts";
import { fileOf, sha256 } from "./store.ts";

/** What a queue is made of. */
export interface StudyOptions extends Omit<LoadOptions, "createWorker"> {
  /**
   * Of what the items are, in up to 1000 characters: the same number is the same item only where this is the same.
   * A queue of another study is refused.
   */
  readonly key: string;
  readonly options: SharedOptions;
  readonly files?: Study["files"];
}

/** A study, and the bytes of its files. */
export interface Prepared {
  readonly study: Study;
  readonly files: readonly (readonly [File, Uint8Array])[];
}

/** What changes no result may be another when the same study goes on. */
function idOf(study: Omit<Study, "id">): string {
  const { node: _, load, ...rest } = study;
  const { maxMemory: __, maxWork: ___, weights: ____, ...axes } = load;
  return sha256(new TextEncoder().encode(toText({ ...rest, load: axes }, "the study")));
}

/** Reads a model as workers will, so that one that cannot be read is refused here. @throws LrpError as `load` does */
export async function prepare(
  source: Uint8Array | ArrayBuffer,
  { key, options, files, classes, externalData, ...load }: StudyOptions,
): Promise<Prepared> {
  const model = bytesOf(source);
  if (!model) throw misuse("the model", "a queue takes the bytes of an ONNX file");
  checkedLoad(load);
  const weights = new Map<string, Uint8Array>();
  const recorded = async (location: string) => {
    const bytes = bytesOf(await externalData!(location))!;
    weights.set(location, bytes);
    return bytes;
  };
  await open(model, { ...load, externalData: externalData && recorded });
  const content = {
    relprop: version,
    node: process.version,
    key,
    model: fileOf(model),
    weights: [...weights].map(([location, bytes]) => ({ location, ...fileOf(bytes) })),
    load,
    classes,
    options: checkedShared(options),
    files,
  };
  return {
    study: { id: idOf(content), ...content },
    files: [[content.model, model], ...[...weights.values()].map((bytes) => [fileOf(bytes), bytes] as const)],
  };
}

/** Why this process does nothing for a study, in a sentence without its full stop; undefined: it may. */
export function refusal(study: Study, hasFiles: boolean): string | undefined {
  const { id, ...content } = study;
  if (study.relprop !== version) return `it is of relprop ${study.relprop}, and this is ${version}`;
  if (idOf(content) !== id) return "its study was changed after it was made";
  if (study.files && !hasFiles) return "its jobs name files in place of holding them, which needs --data DIR here";
  if (study.files?.preparation) preparation(study.files.preparation, "the queue's preparation");
  return undefined;
}
