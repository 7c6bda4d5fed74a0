import { dirname, join } from "node:path";
import { misuse, usage } from "../base/error.ts";
import { fileKind } from "./file-kind.ts";
import { foreseen } from "./files.ts";
import { readRegular } from "./regular.ts";

/** No separator of any system, no drive or stream, and more than dots and spaces, which Windows drops. */
const PLAIN = /^(?![. ]+$)[^/\\:\p{Cc}]+$/u;

/**
 * Reads files with weights for `load`: only regular files that lie in the folder of the model and are no links, hard
 * ones included, for the name is whatever the model says.
 *
 * @throws LrpError code "usage" for any other name or file
 */
export function besideModel(modelPath: string): (location: string) => Promise<Uint8Array> {
  return async (location) => {
    const where = `file ${JSON.stringify(location.slice(0, 80))} with weights of '${modelPath}'`;
    // As exporters write it: the folder of the model itself.
    const name = location.replace(/^(\.\/)+/, "");
    if (!PLAIN.test(name)) throw misuse(where, "its name is no plain name of a file in the folder of the model");
    const expected = "a regular file in the folder of the model";
    const wanted = { where, expected, fix: "Put a copy of the file there." };
    const bytes = await foreseen(where, "a file with weights", () =>
      readRegular(join(dirname(modelPath), name), wanted),
    );
    const kind = fileKind(bytes.subarray(0, 512));
    if (kind?.instead) throw usage(where, "a file with weights", kind.name, kind.fix);
    return bytes;
  };
}
