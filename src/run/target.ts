import { LrpError, type Mention, shown } from "../base/error.ts";
import { isFloat32, size, type TensorData } from "../base/tensor.ts";
import { classIndex, misusedTarget as misused, wrongTarget as usage } from "./classes.ts";
import { type ScoreLayout, type Scores, scoreLayout } from "./scores.ts";
import { placeAt, placesOf, positionAt, type Where } from "./place.ts";

type Integers = Exclude<TensorData, Float32Array | Float64Array> | Uint8ClampedArray;

/**
 * `"argmax"`, a class index, a class name, or a list with an index or name for each sample of the batch. Typed arrays
 * of integers are such lists.
 */
export type Class = "argmax" | number | string | readonly (number | string)[] | Integers;

/** A class at a place. It is needed if an output has more axes than those of samples and classes. */
export interface ClassAt extends Where {
  /** Default "argmax": the class that is largest there. */
  readonly class?: Class;
}

/**
 * What speaks for one class rather than for others, as weights v of the logits f. C classes, t the class,
 * p = softmax(f):
 *
 *   against a class c    v_t = 1               v_c = −1             the score Σ v f is the log-odds f_t − f_c
 *   against "others"     v_t = 1               v_c = −1 / (C − 1)   f_t less the mean of all others; CLRP
 *   against "softmax"    v_t = p_t (1 − p_t)   v_c = −p_t p_c       ∂p_t / ∂f: others count by probability; SGLRP
 *
 * `start: "one"` starts from v itself: SGLRP as published, and CLRP divided by f_t. `start: "logit"` starts from v f,
 * class by class. If a class has the name "others" or "softmax", give its index. Over an area, the logits at its places
 * are summed; "softmax" needs a single place.
 * Source: Gu, Yang and Tresp 2018, CLRP1; Iwana, Kuroki and Uchida 2019.
 */
export interface Contrast extends ClassAt {
  readonly against: Class | "others" | "softmax";
}

/** A direction somewhere, such as that of an embedding of a token: a weight for each class there. */
export interface WeightsAt extends Where {
  readonly weights: Float32Array;
}

/** One number of the output, by its index along every axis but the samples': [c, y, x]. */
export interface ElementAt {
  readonly index: readonly number[];
}

/**
 * What is explained: a class; a class at a place; one class against others; one number; weights by class index or name,
 * e.g. `{ 130: 1, 95: -1 }`; or a vector of weights, one for each number of the output (or of one sample of it), or of
 * a place. If the output is an embedding and the vector is another embedding, the score is their product.
 */
export type Target =
  | Class
  | ClassAt
  | Contrast
  | WeightsAt
  | ElementAt
  | Readonly<Record<string, number>>
  | Float32Array;

/** One class that is explained, its weight in the score, and its logit. */
export interface Chosen {
  readonly index: number;
  readonly name?: string;
  readonly weight: number;
  /** Its logit; over an area, their sum. */
  readonly score: number;
  /** Of an output of integers: the name of the scores that have chosen them, of which this is a class. */
  readonly value?: string;
  /** Where, in an output of several axes. */
  readonly position?: readonly number[];
  /** Over how many places it is summed, if over several. */
  readonly area?: number;
}

/** One sample's scores. */
interface Sample {
  readonly data: Float32Array;
  readonly layout: ScoreLayout;
  readonly sample: number;
  readonly names: readonly string[] | undefined;
}

/** A class with its weight, at some places. */
interface Weighted {
  readonly index: number;
  readonly weight: number;
  readonly places: readonly number[];
}

/** The class's logit, summed over places. */
const scoreAt = ({ data, layout, sample }: Sample, index: number, places: readonly number[]) =>
  places.reduce((sum, place) => sum + data[layout.at(sample, index, place)], 0);

/** The first of the largest. */
function largest(count: number, value: (i: number) => number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (value(i) > value(best)) best = i;
  return best;
}

function listOf(target: Class, { layout: { samples } }: Sample): readonly (number | string)[] | undefined {
  const isIntegers = ArrayBuffer.isView(target) && /^(Big)?(Int|Uint)/.test(target.constructor.name);
  if (!Array.isArray(target) && !isIntegers) return undefined;
  const list = Array.isArray(target) ? target : Array.from(target as Int32Array, Number);
  if (list.length === samples) return list;
  const fix = "Weights for all classes come as a Float32Array.";
  throw usage(`a class for each of ${samples} samples`, `a list of ${list.length}`, fix);
}

function classOf(target: Class, places: readonly number[], of: Sample): number {
  const { layout, sample, names } = of;
  if (target === "argmax") return largest(layout.classes, (c) => scoreAt(of, c, places));
  const own = listOf(target, of)?.[sample] ?? target;
  const fix = ArrayBuffer.isView(own) ? "Weights are a Float32Array, classes are integers." : undefined;
  if (typeof own !== "number" && typeof own !== "string") throw usage("a class", shown(own), fix);
  return classIndex(own, layout.classes, names);
}

/** Names of the axes of places. */
const AXES = ["t", "y, x", "z, y, x"];

function waysFor({ places, inner, classAmong }: ScoreLayout): { fix: string; mentions: readonly Mention[] } {
  const axes = (AXES[places.length - 1] ?? places.map((_, i) => `i${i}`).join(", ")).split(", ");
  const left = [...axes];
  const index = inner.map((_, i) => (i === classAmong ? "c" : left.shift()));
  const [position, area, all] = [
    { text: `{ class, position: [${axes.join(", ")}] }`, option: "position", value: `${axes}` },
    { text: '{ class, area: "all" }', option: "area", value: "all" },
    { text: `{ index: [${index.join(", ")}] }`, option: "index", value: `${index}` },
  ];
  return {
    fix: `Say where: ${position.text}; ${area.text}, whose area may be a mask or a box too; or ${all.text}.`,
    mentions: [position, area, all],
  };
}

/** The places that are meant; left out, the only one that there is. */
function whereOf({ position, area }: Where, { layout }: Sample): readonly number[] {
  if (position !== undefined && area !== undefined) throw usage("a position or an area", "both");
  if (position !== undefined) return [placeAt(layout, position)];
  if (area !== undefined) return placesOf(layout, area);
  if (layout.plain) return [0];
  const { fix, mentions } = waysFor(layout);
  throw misused(`a class alone does not say which place of the output ${layout.text} is meant`, fix, mentions);
}

/** The class comes first, then those that it is held against. */
function contrast({ class: target = "argmax", against }: Contrast, places: readonly number[], of: Sample): Weighted[] {
  const { layout } = of;
  const t = classOf(target, places, of);
  const weighted = (index: number, weight: number): Weighted => ({ index, weight, places });
  if (against !== "others" && against !== "softmax") {
    const c = classOf(against, places, of);
    if (c === t) throw misused(`class ${t} is held against itself, in sample ${of.sample}`);
    return [weighted(t, 1), weighted(c, -1)];
  }
  const others = Array.from({ length: layout.classes }, (_, c) => c).filter((c) => c !== t);
  if (others.length === 0) throw misused("there is one class only, and no other to hold it against");
  if (against === "others") return [weighted(t, 1), ...others.map((c) => weighted(c, -1 / others.length))];
  if (places.length > 1) throw usage('a single position beside against: "softmax"', `${places.length} places`);
  const logit = (c: number) => scoreAt(of, c, places);
  const most = logit(largest(layout.classes, logit));
  const powers = Array.from({ length: layout.classes }, (_, c) => Math.exp(logit(c) - most));
  const total = powers.reduce((a, b) => a + b, 0);
  const p = (c: number) => powers[c] / total;
  // 1 − p_t as the sum of the others, which keeps its digits where p_t is nearly 1.
  const slope = p(t) * others.reduce((sum, c) => sum + p(c), 0);
  if (Math.fround(slope) === 0)
    throw misused(
      `the softmax is flat here: it gives class ${t} the probability ${p(t)}`,
      'Hold the class against "others", which does not depend on probabilities.',
    );
  return [weighted(t, slope), ...others.map((c) => weighted(c, -p(t) * p(c)))];
}

function element(index: ElementAt["index"], { layout }: Sample): Weighted {
  const { inner, classAmong } = layout;
  const fits = Array.isArray(index) && index.length === inner.length;
  if (!fits || !index.every((v, i) => Number.isInteger(v) && v >= 0 && v < inner[i]))
    throw usage(`an index within [${inner}] of the output ${layout.text}`, shown(index));
  const position = index.filter((_, i) => i !== classAmong);
  return { index: classAmong === undefined ? 0 : index[classAmong], weight: 1, places: [placeAt(layout, position)] };
}

/** A weight for every number of one sample, or of all. */
function vector(weights: Float32Array, { layout, sample }: Sample): Weighted[] {
  const { samples, classes, count, inner } = layout;
  const all = classes * count;
  if (weights.length !== all && weights.length !== all * samples)
    throw usage(`${all} weights, or ${all} for each of ${samples} samples`, `${weights.length}`);
  // Those of one sample lie as it would lie alone.
  const alone = scoreLayout({ data: weights, dims: inner, batchAxis: null, classAxis: layout.classAmong });
  const of = (c: number, place: number) =>
    weights[weights.length === all ? alone.at(0, c, place) : layout.at(sample, c, place)];
  const list: Weighted[] = [];
  for (let place = 0; place < count; place++)
    for (let index = 0; index < classes; index++) {
      const weight = of(index, place);
      if (weight !== 0) list.push({ index, weight, places: [place] });
    }
  return list;
}

/** A weight for every class, at some places. */
function direction({ weights, ...others }: WeightsAt, places: readonly number[], { layout }: Sample): Weighted[] {
  const [beside] = ["class", "against"].filter((name) => name in others);
  if (beside) throw usage("weights without a class", shown(["weights", beside]));
  if (!isFloat32(weights) || weights.length !== layout.classes)
    throw usage(
      `weights as a Float32Array of ${layout.classes}`,
      isFloat32(weights) ? `${weights.length}` : shown(weights),
    );
  return Array.from(weights, (weight, index) => ({ index, weight, places })).filter(({ weight }) => weight !== 0);
}

const FIELDS = ["class", "against", "weights", "position", "area"];

function weightsOf(target: Target, of: Sample): Weighted[] {
  const { layout, names } = of;
  if (isFloat32(target)) return vector(target, of);
  if (target === "argmax" && !layout.plain) {
    const { classes, count } = layout;
    const best = largest(classes * count, (i) => of.data[layout.at(of.sample, i % classes, Math.floor(i / classes))]);
    return [{ index: best % classes, weight: 1, places: [Math.floor(best / classes)] }];
  }
  if (typeof target !== "object" || Array.isArray(target) || ArrayBuffer.isView(target)) {
    const places = whereOf({}, of);
    return [{ index: classOf(target as Class, places, of), weight: 1, places }];
  }
  const known = Object.keys(target);
  if (known.includes("index")) {
    if (known.length > 1) throw usage("index without other fields", shown(known));
    return [element((target as ElementAt).index, of)];
  }
  if (known.some((name) => FIELDS.includes(name))) {
    const stray = known.find((name) => !FIELDS.includes(name));
    if (stray !== undefined) throw misused(`there is no field '${stray}'`, `The fields are ${FIELDS.join(", ")}.`);
    const places = whereOf(target as Where, of);
    if ("weights" in target) return direction(target as unknown as WeightsAt, places, of);
    if ("against" in target) return contrast(target as unknown as Contrast, places, of);
    return [{ index: classOf((target as ClassAt).class ?? "argmax", places, of), weight: 1, places }];
  }
  const prototype = Object.getPrototypeOf(target) as unknown;
  if (known.length === 0 || (prototype !== null && Object.getPrototypeOf(prototype) !== null))
    throw usage("a class, a list of them, weights by class, or a Float32Array of weights", shown(target));
  const places = whereOf({}, of);
  return Object.entries(target as Record<string, number>).map(([key, weight]) => ({
    index: classIndex(/^\d+$/.test(key) ? Number(key) : key, layout.classes, names),
    weight,
    places,
  }));
}

/**
 * Chooses what is explained, and the relevance from which it starts: the weight times the logit, or the weight.
 * @returns what was chosen for every sample, and relevance of the scores' dims
 */
export function chooseTargets(
  target: Target,
  start: "logit" | "one",
  scores: Scores,
  names: readonly string[] | undefined,
): { targets: Chosen[][]; relevance: Float32Array } {
  const layout = scoreLayout(scores);
  const { data } = scores;
  if (names && names.length !== layout.classes)
    throw new LrpError("usage", {
      where: "option 'classes' of load",
      expected: `a name for each of ${layout.classes} classes`,
      received: `${names.length} names`,
    });
  if (target === null || !["string", "number", "object"].includes(typeof target))
    throw usage('a class, a list of them, weights or "argmax"', String(target));
  const relevance = new Float32Array(size(scores.dims));
  const targets = Array.from({ length: layout.samples }, (_, sample) => {
    const of: Sample = { data, layout, sample, names };
    const weights = weightsOf(target, of);
    const values = weights.map(({ weight }) => weight);
    if (!values.some((v) => v !== 0) || !values.every(Number.isFinite))
      throw usage("finite weights, not all of them 0", JSON.stringify(values));
    return weights.map(({ index, weight, places }): Chosen => {
      for (const place of places) {
        const at = layout.at(sample, index, place);
        relevance[at] += start === "logit" ? weight * data[at] : weight;
      }
      return {
        index,
        name: names?.[index],
        weight,
        score: scoreAt(of, index, places),
        ...(!layout.plain && places.length === 1 && { position: positionAt(layout, places[0]) }),
        ...(places.length > 1 && { area: places.length }),
      };
    });
  });
  return { targets, relevance };
}
