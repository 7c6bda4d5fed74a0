import { usage } from "../base/error.ts";
import {
  type Check,
  checked,
  exactly,
  first,
  list,
  number,
  object,
  one,
  optional,
  orNull,
  plain,
  record,
  SHA256,
  shape,
  text,
  truth,
  whole,
} from "../base/shape.ts";
import { size, type Tensor } from "../base/tensor.ts";
import type { Code, Issue } from "../base/error.ts";
import type { EvaluateOptions, Evaluation, MethodResult, SharedOptions } from "../evaluate/index.ts";
import type { LoadOptions } from "../model/options.ts";
import type { Preparation } from "../picture/image/preparation.ts";
import { MOST_FILE, MOST_ITEMS, MOST_MESSAGE } from "./limits.ts";

/** Bytes that are known by their hash. */
export interface File {
  readonly sha256: string;
  readonly bytes: number;
}

/** What all jobs of a queue have in common. */
export interface Study {
  /** Of everything else in it that changes a result: jobs and results name it. */
  readonly id: string;
  /** Version. */
  readonly relprop: string;
  /** `process.version` of whoever began it. */
  readonly node: string;
  /** Of what the items are: the same number is the same item only where this is the same. */
  readonly key: string;
  readonly model: File;
  /** Other files with weights, by the names that the model has for them. */
  readonly weights: readonly (File & { readonly location: string })[];
  readonly load: Omit<LoadOptions, "classes" | "externalData" | "createWorker">;
  readonly classes?: readonly string[];
  readonly options: SharedOptions;
  /** Items are files that workers have, and how pictures among them are prepared. */
  readonly files?: { readonly preparation?: Preparation };
}

/** A file that a worker has, in its folder of data. */
export interface FileOf {
  /** Relative to the folder, with "/" between names. */
  readonly path: string;
  readonly sha256: string;
  /** Which of the inputs in it; left out, the file is one input. */
  readonly index?: number;
}

/** One input, and options that hold for it alone. */
export interface Item
  extends Partial<Omit<SharedOptions, "methods" | "metrics">>,
    Pick<EvaluateOptions, "target" | "mask"> {
  readonly id: number;
  readonly input: Tensor | FileOf;
  /** Whether relevance is wanted, which is as large as the input for each method. */
  readonly relevance: boolean;
}

/** A text, or where it is kept in chunks. */
export type Message = { readonly text: string } | File;

/** What a job says. */
export interface Order {
  /** The study's id. */
  readonly study: string;
  /** The items' ids. */
  readonly ids: readonly number[];
  /** The items. */
  readonly items: Message;
}

/** An evaluation as it comes back: relevance is there where it was wanted. */
export interface QueuedEvaluation extends Omit<Evaluation, "results"> {
  readonly results: readonly (Omit<MethodResult, "relevance"> & Partial<Pick<MethodResult, "relevance">>)[];
}

/** What became of an item. */
export type Answer = { readonly id: number } & (
  | { readonly value: QueuedEvaluation }
  | { readonly error: { readonly code: Code; readonly issues: readonly Issue[] } }
);

/** What a job gives. */
export interface Done {
  readonly study: string;
  readonly answers: Message;
}

const within = (low: number, high: number) =>
  plain(
    `a whole number from ${low} to ${high}`,
    (v) => Number.isInteger(v) && (v as number) >= low && (v as number) <= high,
  );
const short = plain("a text of up to 1000 characters", (v) => typeof v === "string" && v.length <= 1000);
const anything: Check = () => undefined;
const nonEmpty =
  (check: Check, most: number): Check =>
  (value, at) =>
    list(anything)(value, at) ?? within(1, most)((value as unknown[]).length, `${at}.length`) ?? list(check)(value, at);
/** Numbers, words and what is made of them, few levels deep: what they mean is checked where they are used. */
const data =
  (deep: number): Check =>
  (value, at) => {
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return undefined;
    if (deep === 0) return { at, expected: "a value that nests less deep", value };
    return first(Object.entries(value).map(([key, part]) => data(deep - 1)(part, `${at}.${key}`)));
  };
const numbers = plain("a Float32Array", (v) => v instanceof Float32Array);
const axis = orNull(within(0, 16));

const tensor: Check = (value, at) =>
  shape({ data: numbers, dims: nonEmpty(whole, 16), batchAxis: optional(axis) })(value, at) ??
  exactly({
    ...{ data: anything, dims: anything, type: anything, batchAxis: anything, amplified: anything },
    channelAxis: optional(one(["first", "last"])),
  })(value, at) ??
  plain("as many numbers as its dims say", (v) => size((v as Tensor).dims) === (v as Tensor).data.length)(value, at);

const file = { sha256: SHA256, bytes: within(1, MOST_FILE) };
const COUNT = optional(within(1, 1e6));
const SEED = optional(within(0, 2 ** 32 - 1));

const perturbation = exactly({
  ...{ region: COUNT, step: COUNT, steps: COUNT, seed: SEED },
  score: optional(one(["logit", "probability"])),
  replacement: optional(data(2)),
});
const own = {
  classAxis: optional(within(-16, 16)),
  batch: COUNT,
  perturbation: optional(perturbation),
  sensitivity: optional(exactly({ radius: number, samples: COUNT, seed: SEED })),
  randomisation: optional(exactly({ draws: COUNT, seed: SEED })),
};
/** Names of options are checked where they are taken; these are functions' and cannot be data. */
const FORBIDDEN = ["signal", "onProgress", "network", "target"];
const method: Check = (value, at) =>
  object(value, at) ??
  short((value as { method: unknown }).method, `${at}.method`) ??
  optional(short)((value as { label?: unknown }).label, `${at}.label`) ??
  first(
    Object.entries(value as object).map(([key, part]) =>
      FORBIDDEN.includes(key) ? { at, expected: "options of a method", value: key } : data(6)(part, `${at}.${key}`),
    ),
  );
const shared = exactly({ ...own, methods: nonEmpty(method, 200), metrics: list(short) });

const study = exactly({
  ...{ id: SHA256, relprop: short, node: short, key: short },
  model: exactly(file),
  weights: list(exactly({ ...file, location: short })),
  load: exactly({
    batch: data(2),
    channelAxis: data(2),
    relaxed: optional(one(["auto", "never"])),
    winograd: optional(truth),
    weights: optional(one(["kept", "repacked"])),
    maxMemory: optional(number),
    maxWork: optional(number),
  }),
  classes: optional(list(short)),
  options: shared,
  files: optional(exactly({ preparation: optional(object) })),
});

const fileOf = exactly({ path: short, sha256: SHA256, index: optional(whole) });
const item = exactly({
  ...own,
  id: whole,
  input: (value, at) => object(value, at) ?? ("path" in (value as object) ? fileOf(value, at) : tensor(value, at)),
  relevance: truth,
  target: optional(data(4)),
  mask: optional(exactly({ data: data(1), dims: list(whole) })),
});

const message: Check = (value, at) =>
  object(value, at) ??
  ("text" in (value as object)
    ? exactly({ text: plain("a text", (v) => typeof v === "string" && v.length <= MOST_MESSAGE) })(value, at)
    : exactly({ sha256: SHA256, bytes: within(1, MOST_MESSAGE) })(value, at));

const order = exactly({ study: SHA256, ids: nonEmpty(whole, MOST_ITEMS), items: message });
const done = exactly({ study: SHA256, answers: message });

const chosen = shape({ index: whole, name: optional(text) });
const anyNumber = plain("a number", (v) => typeof v === "number");
const result = shape({
  method: text,
  values: record(orNull(anyNumber)),
  missing: record(text),
  curves: record(shape({ values: list(anyNumber), regions: list(whole), replaced: list(whole) })),
  stability: shape({ verdict: one(["stable", "amplified", "absorbed", "unjudged"]) }),
  relevance: optional(tensor),
});
const value = shape({
  targets: list(chosen),
  predicted: shape({ index: whole, name: optional(text), logit: anyNumber }),
  results: list(result),
});
const codes = ["not-onnx", "unsupported", "invalid-model", "shape", "rule", "memory", "usage", "undefined"];
const issue = shape({
  ...{ where: text, fix: optional(text), expected: optional(text), received: optional(text), problem: optional(text) },
  mentions: optional(list(shape({ text, option: text, value: optional(text) }))),
});
const answer: Check = (given, at) =>
  object(given, at) ??
  ("error" in (given as object)
    ? exactly({ id: whole, error: exactly({ code: one(codes), issues: nonEmpty(issue, 1000) }) })(given, at)
    : exactly({ id: whole, value })(given, at));

/** @throws LrpError "usage" that says what of it is wrong; so do the others */
export const checkedStudy = (given: unknown): Study => checked(given, study, "the queue's study");
export const checkedShared = (given: unknown): SharedOptions => checked(given, shared, "the options");
export const checkedItem = (given: unknown, where: string): Item => checked(given, item, where);
export const checkedOrder = (given: unknown): Order => checked(given, order, "the job");
export const checkedDone = (given: unknown): Done => checked(given, done, "the job's result");

/** The items of a job. @throws LrpError "usage" also where they are others than the job names */
export function checkedItems(given: unknown, { ids }: Order): readonly Item[] {
  const items = checked<readonly Item[]>(given, nonEmpty(item, MOST_ITEMS), "the items");
  const theirs = items.map(({ id }) => id);
  if (theirs.join() !== ids.join()) throw usage("the items", `those of the job: ${ids.join()}`, theirs.join());
  return items;
}

/** What became of items. @throws LrpError "usage" also where methods or metrics are others than were asked for */
export function checkedAnswers(given: unknown, { methods: asked, metrics }: SharedOptions): readonly Answer[] {
  const labels = asked.map(({ label, method }) => label ?? method).join();
  const names = [...metrics].sort().join();
  const answers = checked<readonly Answer[]>(given, nonEmpty(answer, MOST_ITEMS), "the answers");
  for (const { id, ...rest } of answers) {
    if (!("value" in rest)) continue;
    const where = `the answer for item ${id}`;
    const { results } = rest.value;
    const theirs = results.map(({ method }) => method).join();
    if (theirs !== labels) throw usage(where, `the methods ${labels}`, theirs);
    for (const { values, curves } of results) {
      const measured = Object.keys(values).sort().join();
      if (measured !== names) throw usage(where, `the metrics ${names}`, measured);
      for (const { values: points, regions, replaced } of Object.values(curves))
        if (points.length !== regions.length || points.length !== replaced.length)
          throw usage(where, "curves of as many points as steps", `${points.length} of ${regions.length}`);
    }
  }
  return answers;
}
