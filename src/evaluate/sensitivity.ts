import { shown, usage } from "../base/error.ts";
import { shapeText, type Tensor } from "../base/tensor.ts";
import { type Attributed, checkRelevant, norm, numbersOf, targetsOf } from "./attribution.ts";
import { checkAbove, checkNames, checkWhole } from "./check.ts";
import { random } from "./random.ts";
import type { Watch } from "./runs.ts";
import { doParts } from "./work.ts";

/**
 * Explains one input; the same target for all inputs near it, unless a change of the target is to count as well. What
 * `explain` returns knows its target: then `notes` say where it was another one than that of the input itself.
 */
export type Explainer = (input: Tensor) => Attributed | Promise<Attributed>;

/** @internal How many inputs nearby are explained, unless it is said. */
export const NEARBY = 10;

export interface SensitivityOptions extends Watch {
  /** r: every number of the input is moved by at most this much, in its own units. */
  readonly radius: number;
  /** How many inputs nearby are explained (default 10). */
  readonly samples?: number;
  /** Default 0. */
  readonly seed?: number;
}

export interface Sensitivity {
  /** max ‖R(x + d) − R(x)‖ / ‖R(x)‖; Yeh et al. 2019 do not divide, captum does by this norm. */
  readonly maxSensitivity: number;
  /** max ‖R(x + d) − R(x)‖ / ‖d‖; Alvarez-Melis and Jaakkola 2018. */
  readonly localLipschitz: number;
  readonly radius: number;
  readonly samples: number;
  readonly seed: number;
  /** What is worth knowing, in sentences: that inputs nearby were explained for another target. */
  readonly notes: readonly string[];
}

const apart = (a: ArrayLike<number>, b: ArrayLike<number>) => norm(Float64Array.from(a, (v, i) => v - b[i]));

/** @throws LrpError "usage" for several samples, as the explanation says, or else the input's first axis */
function checkSample({ dims }: Tensor, explained: Attributed): void {
  const samples = targetsOf(explained)?.length ?? (dims.length < 2 ? 1 : dims[0]);
  if (samples === 1) return;
  const received = `${samples} samples, with dims ${shapeText(dims, "")}`;
  throw usage(
    "the input of sensitivity",
    "a single sample, with dims [1, …]",
    received,
    "sampleOf() takes one sample out of a batch.",
  );
}

/** Which classes are explained; their weights may depend on the input. */
const keyOf = (explained: Attributed) =>
  targetsOf(explained)?.[0]
    .map(({ index }) => index)
    .join();

/**
 * How much an explanation changes where the input hardly does; lower is better. d is uniform in [−r, r], ‖·‖ over all
 * numbers.
 *
 * @param input of one sample
 * @throws LrpError "usage" for options, several samples, or an r that is too small for float32; "undefined" where R(x)
 * is 0 everywhere
 * @example await sensitivity((x) => model.explain(x, { target: 3 }).relevance, image, { radius: 0.02 });
 */
export async function sensitivity(
  explain: Explainer,
  input: Tensor,
  options: SensitivityOptions,
): Promise<Sensitivity> {
  checkNames("sensitivity", options, ["radius", "samples", "seed", "signal", "onProgress"]);
  const { radius, samples = NEARBY, seed = 0 } = options;
  checkAbove("option 'radius'", radius, 0);
  checkWhole("option 'samples'", samples, 1);
  checkWhole("option 'seed'", seed, 0, 2 ** 32 - 1);
  if (typeof explain !== "function") throw usage("the first argument of sensitivity", "a function", shown(explain));
  if (!(input?.data instanceof Float32Array) || !Array.isArray(input.dims))
    throw usage("the input", "a tensor { data: Float32Array, dims }", shown(input?.data));
  const first = await explain(input);
  checkSample(input, first);
  const own = numbersOf("the attribution", first);
  checkRelevant("sensitivity", own);
  const length = norm(own);
  const { uniform } = random(seed);
  const moves = await doParts(
    samples,
    async () => {
      const near = { dims: input.dims, data: input.data.map((v) => v + radius * (2 * uniform() - 1)) };
      // Float32 has rounded what was added.
      const moved = apart(near.data, input.data);
      if (moved === 0)
        throw usage("option 'radius'", "a radius that changes float32 numbers as large as those of the input", radius);
      const found = await explain(near);
      const values = numbersOf("the attribution", found);
      if (values.length !== own.length)
        throw usage(
          "the attribution of a nearby input",
          `${own.length} numbers, as for the input itself`,
          values.length,
        );
      const change = apart(values, own);
      return { relative: change / length, slope: change / moved, other: keyOf(found) !== keyOf(first) };
    },
    options,
  );
  const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b));
  const others = moves.filter(({ other }) => other).length;
  return Object.freeze({
    maxSensitivity: most(moves.map((m) => m.relative)),
    localLipschitz: most(moves.map((m) => m.slope)),
    radius,
    samples,
    seed,
    notes: Object.freeze(
      others > 0 ? [`${others} of ${samples} nearby inputs were explained for another target than the input.`] : [],
    ),
  });
}
