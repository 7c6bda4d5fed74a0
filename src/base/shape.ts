/*
 * How a value must look that comes from a file or from another machine: checks that are put together as the value is.
 * Each says of the first thing that is wrong where it is, and what was expected there.
 */
import { shown, usage } from "./error.ts";

/** What of a value is not as it should be. */
interface Wrong {
  /** From the value on: ".methods[2].name". */
  readonly at: string;
  readonly expected: string;
  readonly value: unknown;
}

/** @param at where the value is, as `Wrong` says it */
export type Check = (value: unknown, at: string) => Wrong | undefined;

export const plain =
  (expected: string, fits: (value: unknown) => boolean): Check =>
  (value, at) =>
    fits(value) ? undefined : { at, expected, value };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const text = plain("a text", (v) => typeof v === "string");
export const truth = plain("true or false", (v) => typeof v === "boolean");
export const number = plain("a finite number", Number.isFinite);
export const whole = plain("a whole number from 0 on", (v) => Number.isSafeInteger(v) && (v as number) >= 0);
export const object = plain("an object", isObject);
export const SHA256 = plain("a SHA-256", (v) => typeof v === "string" && /^[\da-f]{64}$/.test(v));

export const one = (of: readonly string[]) => plain(`one of ${of.join(", ")}`, (v) => of.includes(v as string));
export const same = (wanted: unknown) => plain(`${wanted}`, (v) => v === wanted);

export const first = (wrongs: Iterable<Wrong | undefined>): Wrong | undefined => {
  for (const wrong of wrongs) if (wrong) return wrong;
  return undefined;
};

export const optional =
  (check: Check): Check =>
  (value, at) =>
    value === undefined ? undefined : check(value, at);

export const orNull =
  (check: Check): Check =>
  (value, at) =>
    value === null ? undefined : check(value, at);

export const list =
  (check: Check): Check =>
  (value, at) =>
    Array.isArray(value) ? first(value.map((one, i) => check(one, `${at}[${i}]`))) : { at, expected: "a list", value };

export const record =
  (check: Check): Check =>
  (value, at) =>
    object(value, at) ?? first(Object.entries(value as object).map(([key, one]) => check(one, `${at}.${key}`)));

/** An object with these fields, and possibly others. */
export const shape =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, at) =>
    object(value, at) ??
    first(Object.entries(checks).map(([key, check]) => check((value as Record<string, unknown>)[key], `${at}.${key}`)));

/** An object with these fields, and no others. */
export const exactly =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value, at) =>
    shape(checks)(value, at) ??
    first(Object.keys(value as object).map((key) => (Object.hasOwn(checks, key) ? undefined : stray(at, key, checks))));

const stray = (at: string, key: string, checks: object): Wrong => ({
  at,
  expected: `only ${Object.keys(checks).join(", ")}`,
  value: key,
});

/** The value, checked. @param where what it is @throws LrpError "usage" that says what of it is wrong */
export function checked<T>(value: unknown, check: Check, where: string, fix?: string): T {
  const wrong = check(value, "");
  if (!wrong) return value as T;
  const place = `${where}${wrong.at && `, ${wrong.at.replace(/^\./, "")}`}`;
  throw usage(place, wrong.expected, wrong.value === undefined ? "nothing" : shown(wrong.value), fix);
}
