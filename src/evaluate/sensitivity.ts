import { undefinedFor, usage } from "../base/error.ts";
import type { Tensor } from "../base/tensor.ts";
import { type Attribution, norm, numbersOf } from "./attribution.ts";
import { checkAbove, checkNames, checkWhole } from "./check.ts";
import { random } from "./random.ts";
import type { Watch } from "./runs.ts";
import { doParts } from "./work.ts";

/** Explains one input; the same target for all inputs near it, unless a change of the target is to count as well. */
export type Explainer = (input: Tensor) => Attribution | Promise<Attribution>;

export interface SensitivityOptions extends Watch {
  /** r: every number of the input is moved by at most this much, in its own units. */
  readonly radius: number;
  /** How many inputs nearby are explained (default 10). */
  readonly samples?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface Sensitivity {
  /** max ‖R(x + d) − R(x)‖ / ‖R(x)‖; Yeh et al. 2019. */
  readonly maxSensitivity: number;
  /** max ‖R(x + d) − R(x)‖ / ‖d‖; Alvarez-Melis and Jaakkola 2018. */
  readonly localLipschitz: number;
  readonly radius: number;
  readonly samples: number;
  readonly seed: number;
}

const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => norm(Float64Array.from(a, (v, i) => v - b[i]));

/**
 * How much an explanation changes where the input hardly does; lower is better. d is uniform in [−r, r], ‖·‖ over all
 * numbers.
 *
 * @throws LrpError "usage" for options, or an r that is too small for float32; "undefined" where R(x) is 0 everywhere
 * @example await sensitivity((x) => model.explain(x, { target: 3 }).relevance, image, { radius: 0.02 });
 */
export async function sensitivity(
  explain: Explainer,
  input: Tensor,
  options: SensitivityOptions,
): Promise<Sensitivity> {
  checkNames("sensitivity", options ?? {}, ["radius", "samples", "seed", "signal", "onProgress"]);
  const { radius, samples = 10, seed = 0 } = options ?? {};
  checkAbove("option 'radius'", radius, 0);
  checkWhole("option 'samples'", samples, 1);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  if (!(input?.data instanceof Float32Array))
    throw usage("the input", "a tensor { data: Float32Array, dims }", typeof input?.data);
  const explained = async (x: Tensor) => numbersOf("the attribution", await explain(x));
  const own = await explained(input);
  const length = norm(own);
  if (length === 0) throw undefinedFor("sensitivity", "relevance that is not 0 everywhere", 0);
  const { uniform } = random(seed);
  const moves = await doParts(
    samples,
    async () => {
      const near = { dims: input.dims, data: input.data.map((v) => v + radius * (2 * uniform() - 1)) };
      // Float32 has rounded what was added.
      const moved = apart(near.data, input.data);
      if (moved === 0)
        throw usage("option 'radius'", "one that changes float32 numbers as large as the input's", radius);
      const change = apart(await explained(near), own);
      return { relative: change / length, slope: change / moved };
    },
    options,
  );
  const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
  return Object.freeze({
    maxSensitivity: most(moves.map((m) => m.relative)),
    localLipschitz: most(moves.map((m) => m.slope)),
    radius,
    samples,
    seed,
  });
}
