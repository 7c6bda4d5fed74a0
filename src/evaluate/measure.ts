import { LrpError, misuse, shown, usage } from "../base/error.ts";
import { checkNames, chosen } from "./check.ts";
import type { Order } from "./order.ts";
import { type Curve, perturbation, type PerturbationOptions } from "./perturbation.ts";
import { checkOne } from "./predictor.ts";
import { parameterRandomisation, type RandomisationOptions } from "./randomisation.ts";
import type { Watch } from "./runs.ts";
import { sensitivity, type SensitivityOptions } from "./sensitivity.ts";
import { type Runs, type Row, rows, type Subject } from "./table.ts";
import { doParts } from "./work.ts";

/** How it is measured. */
export interface MeasureOptions extends Watch {
  readonly perturbation?: Omit<PerturbationOptions, "order" | keyof Watch>;
  readonly sensitivity?: Omit<SensitivityOptions, keyof Watch>;
  readonly randomisation?: Omit<RandomisationOptions, keyof Watch>;
  /** Called with what is worth knowing: the `notes` of curves and of `sensitivity`. */
  readonly onNote?: (note: string) => void;
}

/** @internal What came out, and the curves that were followed for it. */
export interface Measurement {
  /** By metric; an error "undefined" where these numbers have no value of it. */
  readonly values: Readonly<Record<string, number | LrpError>>;
  readonly curves: Readonly<Partial<Record<Order, Curve>>>;
}

/** @internal Curves by their order, that measurements share or keep. */
export type Curves = Map<Order, Promise<Curve>>;

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}

function runsOf(subject: Required<Subject>, options: MeasureOptions, curves: Curves): Runs {
  const { relevance, input, model, explainer, network } = subject;
  const { signal, onNote } = options;
  const noted = async <T extends { readonly notes: readonly string[] }>(made: Promise<T>): Promise<T> => {
    const result = await made;
    for (const note of result.notes) onNote?.(note);
    return result;
  };
  return {
    subject,
    curve(order) {
      const known =
        curves.get(order) ?? noted(perturbation(model, input, relevance, { ...options.perturbation, order, signal }));
      curves.set(order, known);
      return known;
    },
    nearby: once(() =>
      noted(sensitivity(explainer, input, { ...(options.sensitivity as SensitivityOptions), signal })),
    ),
    steps: once(() => parameterRandomisation(network.source, network.explain, { ...options.randomisation, signal })),
  };
}

/** @internal The rows of those names. @throws LrpError "usage" */
export function chosenRows(names: readonly string[]): Row[] {
  if (!Array.isArray(names)) throw usage("the metrics", "a list of names", shown(names));
  const byName = Object.fromEntries(rows.map((row) => [row.name, row]));
  return names.map((name) => chosen("metric", byName, name));
}

/** @internal As `measure`; `curves` holds those that are known, and gets the others. */
export async function measured(
  names: readonly string[],
  subject: Subject,
  options: MeasureOptions,
  curves: Curves,
): Promise<Measurement> {
  checkNames("measure", options, ["perturbation", "sensitivity", "randomisation", "onNote", "signal", "onProgress"]);
  const wanted = chosenRows(names);
  if (typeof subject !== "object" || subject === null)
    throw usage("the subject of measure", "an object { relevance, … }", shown(subject));
  if (subject.input !== undefined) checkOne("the input", subject.model, subject.input);
  const missing = wanted.flatMap((row) =>
    row.needs.filter((need) => subject[need] == null).map((need) => `${row.name} needs '${need}'`),
  );
  if (missing.length > 0) throw misuse("the subject of measure", missing.join(", "));
  const runs = runsOf(subject as Required<Subject>, options, curves);
  const valueOf = async (row: Row): Promise<number | LrpError> => {
    try {
      return await row.value(runs);
    } catch (error) {
      if (error instanceof LrpError && error.code === "undefined") return error;
      throw error;
    }
  };
  const values = await doParts(wanted.length, (i) => valueOf(wanted[i]), options);
  const settled = await Promise.allSettled([...curves].map(async ([order, curve]) => [order, await curve] as const));
  // A curve without a value is among the values, as an error.
  const followed = settled.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  return {
    values: Object.fromEntries(wanted.map((row, i) => [row.name, values[i]])),
    curves: Object.fromEntries(followed),
  };
}

/**
 * Several metrics of one attribution, by their names in `metrics`; runs that they share are made once.
 *
 * @returns the number of each
 * @throws LrpError "usage" for a name that is none, a need that is missing (all of them at once), and as the metrics
 * themselves; "undefined" where the attribution has no value of a metric
 * @example
 * await measure(["morf", "gini"], { relevance: model.explain(image).relevance, input: image, model });
 * // { morf: 3.1, gini: 0.62 }
 */
export async function measure(
  names: readonly string[],
  subject: Subject,
  options: MeasureOptions = {},
): Promise<Readonly<Record<string, number>>> {
  const { values } = await measured(names, subject, options, new Map());
  for (const value of Object.values(values)) if (value instanceof LrpError) throw value;
  return Object.freeze(values) as Readonly<Record<string, number>>;
}
