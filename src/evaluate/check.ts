import { usage } from "../base/error.ts";

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

/** @internal @throws LrpError "usage" where `options` has a name that is not among `known` */
export function checkNames(where: string, options: object, known: readonly string[]): void {
  const stray = Object.keys(options).find((name) => !known.includes(name));
  if (stray !== undefined) throw usage(where, `options ${known.join(", ")}`, `'${stray}'`);
}

/** @internal The row of that name. @throws LrpError "usage" */
export function chosen<T>(where: string, table: Readonly<Record<string, T>>, name: string): T {
  if (Object.hasOwn(table, name)) return table[name];
  throw usage(where, Object.keys(table).join(", "), `'${name}'`);
}
