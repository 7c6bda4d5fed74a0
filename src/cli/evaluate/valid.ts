import { shown, usage } from "../../base/error.ts";
import { metrics } from "../../evaluate/index.ts";
import { parseJson } from "../files.ts";
import type { Part, Settings } from "./part.ts";

/** What of a value is not as it should be. */
interface Wrong {
  readonly at: string;
  readonly expected: string;
  readonly value: unknown;
}

type Check = (value: unknown, at: string) => Wrong | undefined;

const plain =
  (expected: string, fits: (value: unknown) => boolean): Check =>
  (value, at) =>
    fits(value) ? undefined : { at, expected, value };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const text = plain("a text", (v) => typeof v === "string");
const number = plain("a finite number", Number.isFinite);
const whole = plain("a whole number from 0 on", (v) => Number.isSafeInteger(v) && (v as number) >= 0);
const object = plain("an object", isObject);

const first = (wrongs: Iterable<Wrong | undefined>): Wrong | undefined => {
  for (const wrong of wrongs) if (wrong) return wrong;
  return undefined;
};

const optional =
  (check: Check): Check =>
  (value, at) =>
    value === undefined ? undefined : check(value, at);

const orNull =
  (check: Check): Check =>
  (value, at) =>
    value === null ? undefined : check(value, at);

const list =
  (check: Check): Check =>
  (value, at) =>
    Array.isArray(value) ? first(value.map((one, i) => check(one, `${at}[${i}]`))) : { at, expected: "a list", value };

const record =
  (check: Check): Check =>
  (value, at) =>
    object(value, at) ?? first(Object.entries(value as object).map(([key, one]) => check(one, `${at}.${key}`)));

const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, at) =>
    object(value, at) ??
    first(Object.entries(checks).map(([key, check]) => check((value as Record<string, unknown>)[key], `${at}.${key}`)));

const one = (of: readonly string[]) => plain(`one of ${of.join(", ")}`, (v) => of.includes(v as string));
const same = (wanted: unknown) => plain(`${wanted}`, (v) => v === wanted);
const SHA256 = plain("a SHA-256", (v) => typeof v === "string" && /^[\da-f]{64}$/.test(v));

const settingsShape = shape({
  relprop: text,
  command: text,
  node: text,
  model: shape({ file: text, sha256: SHA256 }),
  data: shape({
    path: text,
    kind: text,
    sha256: SHA256,
    images: plain("1 or more", (v) => Number.isInteger(v) && (v as number) > 0),
  }),
  target: text,
  methods: list(text),
  metrics: list(one(metrics.map(({ name }) => name))),
  perturbation: object,
  pictures: whole,
  seed: whole,
  options: object,
});

/** The part of an image under these settings. */
function partShape({ methods, metrics: names }: Settings, image: number): Check {
  const kind = shape({ index: whole, name: optional(text) });
  const measured = (method: string) =>
    shape({
      method: same(method),
      values: shape(Object.fromEntries(names.map((name) => [name, orNull(number)]))),
      missing: record(text),
      curves: record(list(number)),
    });
  return shape({
    image: same(image),
    name: text,
    label: optional(kind),
    predicted: shape({ index: whole, name: optional(text), logit: number }),
    replaced: optional(list(number)),
    methods: (value, at) =>
      list(object)(value, at) ??
      same(methods.length)((value as unknown[]).length, `${at}.length`) ??
      first(methods.map((method, i) => measured(method)((value as unknown[])[i], `${at}[${i}]`))),
    drawn: optional(same(true)),
  });
}

const FIX = "It is damaged: remove it, and run the same line again.";

function read<T>(content: string, path: string, check: Check): T {
  const value = parseJson(content, path, "JSON, as relprop evaluate writes it", FIX);
  const wrong = check(value, "");
  if (!wrong) return value as T;
  const where = `file '${path}'${wrong.at && `, ${wrong.at.slice(1)}`}`;
  throw usage(where, wrong.expected, wrong.value === undefined ? "nothing" : shown(wrong.value), FIX);
}

/** @throws LrpError code "usage" that names the file, and what of it is not as `relprop evaluate` writes it */
export const readSettingsText = (content: string, path: string): Settings => read(content, path, settingsShape);

/** @throws LrpError code "usage" that names the file, and what of it is not as `relprop evaluate` writes it */
export function readPartText(content: string, path: string, settings: Settings, image: number): Part {
  const part = read<Part>(content, path, partShape(settings, image));
  for (const { curves } of part.methods)
    for (const [order, points] of Object.entries(curves))
      if (points.length !== part.replaced?.length)
        throw usage(
          `file '${path}', curve '${order}'`,
          `${part.replaced?.length ?? 0} points`,
          `${points.length}`,
          FIX,
        );
  return part;
}
