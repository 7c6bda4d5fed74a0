import { noOption, shown, usage } from "../base/error.ts";

/** @internal @throws LrpError "usage" unless `value` is a whole number from `low` to `high` */
export function checkWhole(where: string, value: unknown, low: number, high = Number.MAX_SAFE_INTEGER): void {
  if (Number.isInteger(value) && (value as number) >= low && (value as number) <= high) return;
  const range = high === Number.MAX_SAFE_INTEGER ? `${low} or more` : `from ${low} to ${high}`;
  throw usage(where, `a whole number, ${range}`, value);
}

/** @internal @throws LrpError "usage" unless `value` is a finite number above `low` */
export function checkAbove(where: string, value: unknown, low: number): void {
  if (!(Number.isFinite(value) && (value as number) > low)) throw usage(where, `a finite number above ${low}`, value);
}

/** @internal @throws LrpError "usage" where `options` is no object, or has a name that is not among `known` */
export function checkNames(where: string, options: object, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw usage(`the options of ${where}`, `an object with options (${known.join(", ")})`, shown(options));
  const stray = Object.keys(options).find((name) => !known.includes(name));
  if (stray !== undefined) throw noOption(where, stray, known);
}

const isList = (values: unknown): values is ArrayLike<unknown> =>
  Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView));

/** @internal @throws LrpError "usage" unless `values` is a list of so many or more */
export function checkList(where: string, values: unknown, least: number): void {
  const what = least === 1 ? "at least one value" : `at least ${least} samples`;
  if (!isList(values)) throw usage(where, `a list of ${what}`, shown(values));
  if (values.length < least) throw usage(where, what, values.length || "none");
}

/** @internal @throws LrpError "usage" unless both are lists of finite numbers, as many of each, so many or more */
export function checkPairs(where: string, a: unknown, b: unknown, least: number): void {
  if (!isList(a) || !isList(b)) throw usage(where, "two lists of numbers", `${shown(a)} and ${shown(b)}`);
  if (a.length !== b.length || a.length < least)
    throw usage(where, `two lists of the same length, ${least} or more`, `${a.length} and ${b.length}`);
  const bad = [...Array.from(a), ...Array.from(b)].find((v) => !Number.isFinite(v));
  if (bad !== undefined) throw usage(where, "finite numbers", shown(bad));
}

/** @internal The row of that name. @throws LrpError "usage" */
export function chosen<T>(where: string, table: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(table, name)) return table[name];
  throw usage(where, `one of ${Object.keys(table).join(", ")}`, `'${name}'`);
}
