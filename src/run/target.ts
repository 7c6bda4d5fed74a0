import { distance } from "../distance.ts";
import { LrpError } from "../error.ts";

/**
 * What is explained:
 * `"argmax"`; a class index; a class name; a list with an index or name for each sample of the batch;
 * weights by class index or name, e.g. `{ 130: 1, 95: -1 }`; or a vector of weights, one for each class (and sample).
 */
export type Target = "argmax" | number | string | readonly (number | string)[] | Readonly<Record<string, number>> | Float32Array;

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
  if (!classes) throw usage("a class index", `the name '${name}'`, "Class names are known when they are given to load(…, { classes }).");
  const wanted = name.trim().toLowerCase();
  const namesOf = (entry: string) => [entry, ...entry.split(",")].map((n) => n.trim().toLowerCase());
  const found = classes.flatMap((entry, i) => (namesOf(entry).includes(wanted) ? [i] : []));
  if (found.length === 1) return found[0];
  if (found.length > 1) throw usage("a name that one class has", `'${name}', the name of classes ${found.join(", ")}`, "Give the index.");
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
  if (!Number.isInteger(index) || index < 0 || index >= count) throw usage(`a class from 0 to ${count - 1}`, String(target));
  return index;
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}

/** The weight of every class for one sample, as pairs. */
function weightsOf(
  target: Target,
  logits: Float32Array,
  sample: number,
  samples: number,
  classes: readonly string[] | undefined,
): [number, number][] {
  const count = logits.length;
  if (target === "argmax") return [[argmax(logits), 1]];
  if (typeof target === "number" || typeof target === "string") return [[indexOf(target, count, classes), 1]];
  if (target instanceof Float32Array) {
    if (target.length !== count && target.length !== count * samples)
      throw usage(`${count} weights, or ${count} for each of ${samples} samples`, `${target.length}`);
    const own = target.length === count ? target : target.subarray(sample * count, (sample + 1) * count);
    return Array.from(own, (w, i): [number, number] => [i, w]).filter(([, w]) => w !== 0);
  }
  if (Array.isArray(target)) {
    if (target.length !== samples)
      throw usage(`a class for each of ${samples} samples`, `${target.length}`, "Weights for all classes are a Float32Array.");
    return [[indexOf(target[sample], count, classes), 1]];
  }
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
    const weights = weightsOf(target, own, sample, samples, classes);
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
