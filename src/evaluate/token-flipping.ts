import { shown, usage } from "../base/error.ts";
import { shapeText, size, type Tensor } from "../base/tensor.ts";
import { checkInputs, type Input } from "../run/input.ts";
import { type Attributed, mapOf, targetsOf } from "./attribution.ts";
import { checkNames } from "./check.ts";
import { type Curve, OPTIONS, perturbation, type PerturbationOptions } from "./perturbation.ts";
import type { Predictor } from "./predictor.ts";

export interface TokenFlippingOptions extends Omit<PerturbationOptions, "replacement" | "region"> {
  /**
   * What an input gets at the place of a token that is flipped, by the input's name: `{ input_ids: 103 }`, the id of
   * the mask token; `{ attention_mask: 0 }` hides the token from attention; or both.
   */
  readonly flip: Readonly<Record<string, number>>;
  /** The places of tokens that are never flipped, such as those at the beginning and the end, and padding. */
  readonly keep?: readonly number[];
}

type Given = ReturnType<typeof checkInputs>;

/** The inputs that are flipped, with the number of tokens. @throws LrpError "usage" for what cannot be flipped */
function flipped(given: Given, flip: TokenFlippingOptions["flip"], places: number): void {
  const names = Object.keys(flip ?? {});
  const where = "option 'flip'";
  if (typeof flip !== "object" || flip === null || names.length === 0)
    throw usage(where, "an object { input: number }, such as { input_ids: 103 }", shown(flip));
  for (const name of names) {
    const tensor = given.get(name);
    if (!tensor) throw usage(where, `inputs of the network (${[...given.keys()].join(", ")})`, `'${name}'`);
    if (!Number.isFinite(flip[name])) throw usage(`${where}: ${name}`, "a finite number", shown(flip[name]));
    if (size(tensor.dims) !== places || tensor.dims[0] !== 1)
      throw usage(
        `${where}: ${name}`,
        `an input [1, ${places}] with a number for each token`,
        shapeText(tensor.dims, ""),
      );
  }
}

/** What answers for tokens that are flipped where the only input has 1. */
function flippable(
  model: Predictor,
  given: Given,
  flip: TokenFlippingOptions["flip"],
  free: readonly number[],
): Predictor {
  const isFixed = model.inputs.some(({ dims }) => typeof dims[0] === "number");
  return {
    inputs: [{ name: "flipped", type: "float32", dims: [isFixed ? 1 : "n", free.length] }],
    classes: model.classes,
    predict(input) {
      const { data: flags, dims } = input as Tensor;
      const [n] = dims;
      const tensors = [...given].map(([name, { data, dims: own }]) => {
        const all = new Float32Array(n * data.length);
        for (let s = 0; s < n; s++) {
          all.set(data, s * data.length);
          if (!Object.hasOwn(flip, name)) continue;
          for (const [i, place] of free.entries())
            if (flags[s * free.length + i] === 1) all[s * data.length + place] = flip[name];
        }
        return [name, { data: all, dims: [n * own[0], ...own.slice(1)] }];
      });
      return model.predict(Object.fromEntries(tensors));
    },
  };
}

/**
 * Pixel flipping for texts: replaces tokens in the order of their relevance and follows the score of a target. Its
 * curves are as those of `perturbation`, and go into `areaUnder`, `aopc` and `relevanceGain`.
 *
 *   y_m = f_t(x with the first m · step tokens flipped)
 *
 * Source: Samek et al. 2017, with tokens for pixels; Ali et al. 2022.
 *
 * @param input the inputs of one text, each [1, …], by name
 * @param relevance [1, t], a number for each token: what `explain` or `attribute` returns, or its `inputs.NAME`
 * @throws LrpError as `perturbation`, and "usage" for inputs that have no number for each token
 * @example
 * const { relevance } = model.explain({ input_ids, attention_mask });
 * const options = { flip: { input_ids: 103 }, keep: [0, ids.length - 1] };
 * const curve = await tokenFlipping(model, { input_ids, attention_mask }, relevance, options);
 */
export async function tokenFlipping(
  model: Predictor,
  input: Input,
  relevance: Attributed,
  options: TokenFlippingOptions,
): Promise<Curve> {
  if (typeof model?.predict !== "function" || !Array.isArray(model.inputs))
    throw usage("the model of tokenFlipping", "a model or an object { inputs, predict }", shown(model));
  const known = OPTIONS.filter((name) => name !== "replacement" && name !== "region");
  checkNames("tokenFlipping", options, ["flip", "keep", ...known]);
  const { flip, keep = [], ...others } = options;
  const given = checkInputs(model.inputs, input);
  const targets = targetsOf(relevance);
  const { data } = mapOf(relevance);
  flipped(given, flip, data.length);
  if (!Array.isArray(keep) || !keep.every((place) => Number.isInteger(place) && place >= 0 && place < data.length))
    throw usage("option 'keep'", `places of tokens, from 0 to ${data.length - 1}`, shown(keep));
  const free = [...data.keys()].filter((place) => !keep.includes(place));
  if (free.length === 0) throw usage("option 'keep'", "some tokens that may be flipped", "all are kept");
  const dims = [1, free.length];
  const own = { dims, data: Float64Array.from(free, (place) => data[place]) };
  const flags = { dims, data: new Float32Array(free.length) };
  const curve = await perturbation(
    flippable(model, given, flip, free),
    flags,
    targets ? { relevance: own, targets } : own,
    { ...others, replacement: { kind: "value", value: 1 } },
  );
  return Object.freeze({ ...curve, flip: Object.freeze({ ...flip }) });
}
