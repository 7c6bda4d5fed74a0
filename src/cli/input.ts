import { basename } from "node:path";
import { preparation } from "../picture/image/preparation.ts";
import { seenShare, viewed } from "../picture/image/preprocess.ts";
import {
  type InputTensor,
  LrpError,
  type Picture,
  type Port,
  type Preparation,
  preprocess,
  presets,
  statedPreparation,
} from "../entries/index.ts";
import { READ } from "../picture/decode/decode.ts";
import type { Streams } from "./command.ts";
import { contentOf } from "./content.ts";
import { readBytes } from "./files.ts";
import { guessed, guessText } from "./guess.ts";
import type { Opened } from "./open.ts";
import { givenIn, type Values } from "./options.ts";
import type { Sidecar } from "./sidecar.ts";

/** A crop that leaves less than this of a picture is mentioned: presets are made for inputs of 224 pixels. */
const LITTLE = 0.25;

/** What one input of a network is given. */
export interface Read {
  readonly tensor: InputTensor;
  /** Draws what the network sees of a picture; nothing for numbers. */
  readonly view?: () => Picture;
  /** Where it came from, in a few words. */
  readonly text: string;
}

/**
 * An input of a model from a .npy file, taken as it is, or from a picture, prepared by the options, or else by the
 * sidecar or the model's metadata, or else by a guess, which is said.
 *
 * @throws LrpError code "usage" when the file cannot be read, or nothing says how to prepare it or lets it be guessed
 */
export async function readFileFor(
  port: Port,
  path: string,
  opened: Opened,
  values: Values,
  { err }: Streams,
): Promise<Read> {
  const { model, sidecar } = opened;
  const content = contentOf(await readBytes(path, `${READ}, or a .npy or .npz array`), path, {
    maxPixels: mostPixels(values, sidecar),
    input: port.name,
  });
  const name = basename(path);
  if ("numbers" in content) {
    const { rounded, ...tensor } = content.numbers;
    return { tensor, text: `${name}, ${rounded ? `rounded from ${rounded} to float32` : "taken as it is"}` };
  }
  const image = content.picture;
  const told = chosen(values, opened);
  const guess = told ? undefined : guessed(model, image);
  if (guess) err(guessText(guess, sidecar.path));
  const { steps, by } =
    told ?? (guess && { steps: presets[guess[0].preset], by: `${guess[0].preset}, a guess` }) ?? unsaid(sidecar);
  const share = seenShare(image, steps, port);
  const cut = share < LITTLE ? `, whose crop leaves ${(100 * share).toFixed(1)} % of it` : "";
  return {
    tensor: preprocess(image, steps, port),
    view: () => viewed(image, steps, port),
    text: `${name}, ${image.width} x ${image.height}, prepared by ${by}${cut}`,
  };
}

/** @throws LrpError code "usage" for options that prepare pictures */
export function checkUnprepared(path: string, values: Values): void {
  const useless = Object.keys(givenIn(values, "picture"));
  if (useless.length > 0) {
    throw new LrpError(
      "usage",
      useless.map((name) => ({
        where: `option '--${name}'`,
        expected: "a picture to prepare",
        received: `'${path}', whose numbers are taken as they are`,
      })),
    );
  }
}

/** The most pixels of a picture, if it is said. */
export const mostPixels = (values: Values, { preprocess: given }: Sidecar): number | undefined =>
  values["max-pixels"] ?? given?.maxPixels;

/** How pictures are to be prepared, and what says so; undefined where nothing does. */
export function chosen(values: Values, { model, sidecar }: Opened): { steps: Preparation; by: string } | undefined {
  const { preset, "max-pixels": _, ...fields } = givenIn(values, "picture");
  const stated = preset || sidecar.preprocess ? undefined : statedPreparation(model);
  const base = preset ? presets[preset] : (sidecar.preprocess ?? stated);
  if (!base && Object.keys(fields).length === 0) return undefined;
  const source = preset ?? (stated ? "the model's metadata" : base && basename(sidecar.path));
  return {
    steps: preparation({ ...base, ...(fields as Preparation), maxPixels: mostPixels(values, sidecar) }, "options"),
    by: [source, ...Object.keys(fields).map((name) => `--${name}`)].filter(Boolean).join(", "),
  };
}

/** @throws LrpError code "usage": nothing says how pictures are to be prepared */
export function unsaid(sidecar: Sidecar): never {
  throw new LrpError("usage", {
    where: "the picture",
    expected: "how to prepare it for this model",
    received: "nothing",
    fix: `Give --preset (see 'relprop explain --help') or write ${sidecar.path}.`,
  });
}
