import { LrpError, usage } from "../../base/error.ts";
import type { Model } from "../../model/model.ts";
import { scoreLayout, scoresOf } from "../../run/scores.ts";
import type { Pixels } from "../image/pixels.ts";
import { type PresetName, presets } from "../image/preparation.ts";
import { preprocess } from "../image/preprocess.ts";

/** What a network says of a picture that is prepared by a preset. */
export interface TriedPreset {
  readonly preset: PresetName;
  /** The class that is most probable, its name if it has one, and how probable it is by a softmax of the scores. */
  readonly index: number;
  readonly name?: string;
  readonly probability: number;
  /** How far the answer depends on the picture: Σ_c p_c log2(p_c / g_c), in bits, where g is of an even grey picture. */
  readonly bits: number;
}

/**
 * What a network says of a picture under each preset, for when nothing says with which it was trained. The best guess
 * comes first: the preset under which the answer depends most on the picture. Prepared wrongly, networks give the same
 * answer to all pictures, and often with more confidence than the right one.
 *
 * @throws LrpError code "usage" where the output is no row of scores, and as `preprocess` where no preset fits
 * @example
 * const [{ preset, name, probability }] = tryPresets(model, decodeImage(bytes));
 */
export function tryPresets(model: Model, image: Pixels): TriedPreset[] {
  const grey = { ...image, data: new Uint8Array(image.width * image.height).fill(128) };
  const rows: TriedPreset[] = [];
  let refused: unknown;
  for (const preset of Object.keys(presets) as PresetName[]) {
    try {
      const shares = sharesOf(model, image, preset);
      const others = sharesOf(model, grey, preset);
      const index = shares.reduce((best, p, k) => (p > shares[best] ? k : best), 0);
      const bits = shares.reduce((sum, p, k) => sum + (p === 0 ? 0 : p * Math.log2(p / Math.max(others[k], TINY))), 0);
      rows.push({ preset, index, name: model.classes?.[index], probability: shares[index], bits });
    } catch (error) {
      if (!(error instanceof LrpError)) throw error;
      refused = error;
    }
  }
  if (rows.length === 0) throw refused;
  return rows.sort((a, b) => b.bits - a.bits);
}

/** Less probable than this nothing is: a softmax of float32 can be 0. */
const TINY = 2 ** -40;

/** The softmax of the scores. */
function sharesOf(model: Model, image: Pixels, preset: PresetName): Float64Array {
  const scores = scoresOf(model.predict(preprocess(image, preset, model.inputs[0])));
  const { plain, classes, text } = scoreLayout(scores);
  if (!plain || classes < 2) throw usage("the model's output", "one score for each of several classes", text);
  const most = scores.data.reduce((a, b) => Math.max(a, b));
  const powers = Float64Array.from(scores.data, (score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}
