import { distance } from "../base/distance.ts";
import { LrpError } from "../base/error.ts";
import { isFloat32 } from "../base/tensor.ts";

/** `"argmax"`, a class index, a class name, or a list with an index or name for each sample of the batch. */
export type Class = "argmax" | number | string | readonly (number | string)[];

/**
 * What speaks for one class rather than for others, as weights v of the logits f. C classes, t the class,
 * p = softmax(f):
 *
 *   against a class c    v_t = 1               v_c = −1             the score Σ v f is the log-odds f_t − f_c
 *   against "others"     v_t = 1               v_c = −1 / (C − 1)   f_t less the mean of all others; CLRP
 *   against "softmax"    v_t = p_t (1 − p_t)   v_c = −p_t p_c       ∂p_t / ∂f: others count by probability; SGLRP
 *
 * `start: "one"` starts from v itself: SGLRP as published, and CLRP divided by f_t. `start: "logit"` starts from v f,
 * class by class. A class that is named "others" or "softmax" is given by its index.
 * Source: Gu, Yang and Tresp 2018, CLRP1; Iwana, Kuroki and Uchida 2019.
 */
export interface Contrast {
  /** Default "argmax". */
  readonly class?: Class;
  readonly against: Class | "others" | "softmax";
}

/**
 * What is explained: a class; one class against others; weights by class index or name, e.g. `{ 130: 1, 95: -1 }`;
 * or a vector of weights, one for each class (and sample).
 */
export type Target = Class | Contrast | Readonly<Record<string, number>> | Float32Array;

/** One class that is explained, its weight in the score, and its logit. */
export interface Chosen {
  readonly index: number;
  readonly name?: string;
  readonly weight: number;
  readonly score: number;
}

const WHERE = "option 'target'";

function usage(expected: string, received: string, fix?: string): LrpError {
  return new LrpError("usage", { where: WHERE, expected, received, fix });
}

/** The class of a name; a class may have several names, separated by commas. */
function indexOfName(name: string, classes: readonly string[] | undefined): number {
  if (!classes)
    throw usage(
      "a class index",
      `the name '${name}'`,
      "Class names are known when they are given to load(…, { classes }).",
    );
  const wanted = name.trim().toLowerCase();
  const namesOf = (entry: string) => [entry, ...entry.split(",")].map((n) => n.trim().toLowerCase());
  const found = classes.flatMap((entry, i) => (namesOf(entry).includes(wanted) ? [i] : []));
  if (found.length === 1) return found[0];
  if (found.length > 1)
    throw usage("a name that one class has", `'${name}', the name of classes ${found.join(", ")}`, "Give the index.");
  const near = classes
    .map((entry, i) => ({
      text: `${i} '${entry}'`,
      far: Math.min(...namesOf(entry).map((n) => (n.includes(wanted) ? 0 : distance(n, wanted)))),
    }))
    .sort((a, b) => a.far - b.far)
    .slice(0, 3);
  throw usage("a class name", `'${name}'`, `Nearest: ${near.map((n) => n.text).join(", ")}.`);
}

function indexOf(target: number | string, count: number, classes: readonly string[] | undefined): number {
  const index = typeof target === "number" ? target : indexOfName(target, classes);
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw usage(`a class from 0 to ${count - 1}`, String(target));
  return index;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** One sample's logits, and how to read a class of it. */
interface Sample {
  readonly logits: Float32Array;
  readonly sample: number;
  readonly samples: number;
  readonly classes: readonly string[] | undefined;
}

type Weights = [index: number, weight: number][];

function classOf(target: Class, { logits, sample, samples, classes }: Sample): number {
  if (target === "argmax") return argmax(logits);
  if (typeof target === "number" || typeof target === "string") return indexOf(target, logits.length, classes);
  if (!Array.isArray(target)) throw usage("a class", String(target));
  if (target.length !== samples)
    throw usage(
      `a class for each of ${samples} samples`,
      `${target.length}`,
      "Weights for all classes are a Float32Array.",
    );
  return indexOf(target[sample], logits.length, classes);
}

/** The class comes first, then those that it is held against. */
function contrastOf({ class: target = "argmax", against, ...rest }: Contrast, of: Sample): Weights {
  const [stray] = Object.keys(rest);
  if (stray) throw usage("class and against", `'${stray}' beside them`);
  const { logits } = of;
  const t = classOf(target, of);
  if (against !== "others" && against !== "softmax") {
    const c = classOf(against, of);
    if (c === t) throw usage("two classes", `${t} against itself, in sample ${of.sample}`);
    return [
      [t, 1],
      [c, -1],
    ];
  }
  const others = Array.from(logits.keys()).filter((c) => c !== t);
  if (others.length === 0) throw usage("two classes or more, to hold one against others", "1");
  if (against === "others") return [[t, 1], ...others.map((c): [number, number] => [c, -1 / others.length])];
  const most = logits[argmax(logits)];
  const total = logits.reduce((sum, f) => sum + Math.exp(f - most), 0);
  const p = (c: number) => Math.exp(logits[c] - most) / total;
  // 1 − p_t as the sum of the others, which keeps its digits where p_t is nearly 1.
  const slope = p(t) * others.reduce((sum, c) => sum + p(c), 0);
  if (Math.fround(slope) === 0)
    throw usage(
      "a softmax with a slope",
      `probability ${p(t)} of class ${t}`,
      'Against "others", probabilities do not count.',
    );
  return [[t, slope], ...others.map((c): [number, number] => [c, -p(t) * p(c)])];
}

/** The weight of every class for one sample, as pairs. */
function weightsOf(target: Target, of: Sample): Weights {
  const { logits, sample, samples, classes } = of;
  const count = logits.length;
  if (isFloat32(target)) {
    if (target.length !== count && target.length !== count * samples)
      throw usage(`${count} weights, or ${count} for each of ${samples} samples`, `${target.length}`);
    const own = target.length === count ? target : target.subarray(sample * count, (sample + 1) * count);
    return Array.from(own, (w, i): [number, number] => [i, w]).filter(([, w]) => w !== 0);
  }
  if (typeof target !== "object" || Array.isArray(target)) return [[classOf(target as Class, of), 1]];
  if ("against" in target) return contrastOf(target as Contrast, of);
  return Object.entries(target as Record<string, number>).map(([key, w]) => [
    indexOf(/^\d+$/.test(key) ? Number(key) : key, count, classes),
    w,
  ]);
}

/**
 * Chooses what is explained, and with how much relevance it starts: its weight times its logit, or its weight.
 * @param logits f32[samples, classes]
 */
export function chooseTargets(
  target: Target,
  start: "logit" | "one",
  logits: Float32Array,
  samples: number,
  classes: readonly string[] | undefined,
): { targets: Chosen[][]; relevance: Float32Array } {
  const count = logits.length / samples;
  if (classes && classes.length !== count)
    throw new LrpError("usage", {
      where: "option 'classes' of load",
      expected: `a name for each of ${count} classes`,
      received: `${classes.length} names`,
    });
  if (target === null || !["string", "number", "object"].includes(typeof target))
    throw usage('a class, a list, weights or "argmax"', String(target));
  const relevance = new Float32Array(logits.length);
  const targets = Array.from({ length: samples }, (_, sample) => {
    const own = logits.subarray(sample * count, (sample + 1) * count);
    const weights = weightsOf(target, { logits: own, sample, samples, classes });
    if (weights.length === 0 || !weights.every(([, w]) => Number.isFinite(w)))
      throw usage("finite weights, not all of them 0", JSON.stringify(weights.map(([, w]) => w)));
    return weights.map(([index, weight]): Chosen => {
      const score = own[index];
      relevance[sample * count + index] = start === "logit" ? weight * score : weight;
      return { index, name: classes?.[index], weight, score };
    });
  });
  return { targets, relevance };
}
