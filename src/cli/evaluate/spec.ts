import { type MethodChoice, methods, type Replacement } from "../../evaluate/index.ts";
import { composites, type Issue, LrpError } from "../../entries/index.ts";
import { didYouMean } from "../nearest.ts";
import { kinds, readValue, wanted } from "../../base/written.ts";
import { type Option, undashed } from "../option.ts";
import { inGroup, type OptionName, options } from "../options.ts";

/** Commas are between the names. */
const SEVERAL = "a number, or several joined by /";

/** A name and what it takes: "NAME", or "NAME:key=value:key=value" with lists joined by "/". */
interface Spec {
  readonly name: string;
  readonly fields: readonly (readonly [key: string, value: string])[];
}

function specOf(text: string, where: string): Spec {
  const [name, ...rest] = text.split(":");
  const fields = rest.map((field) => {
    const [, key, value] = /^([^=]+)=(.+)$/.exec(field) ?? [];
    if (key === undefined)
      throw new LrpError("usage", {
        where,
        expected: "NAME, or NAME:option=value:option=value",
        received: `'${text}'`,
      });
    return [key, value] as const;
  });
  return { name, fields };
}

/** The options that a method may take, which are those of `explain`. */
const parameters: readonly OptionName[] = [...inGroup("rules"), ...inGroup("method")].filter(
  (name) => name !== "composite" && name !== "method",
);

/** A field's value, read as the option of that name is. */
function valueOf(key: string, text: string, where: string): unknown {
  if (!parameters.includes(key as OptionName))
    throw new LrpError("usage", {
      where,
      expected: `one of the options ${parameters.join(", ")}`,
      received: `'${key}'`,
      fix: didYouMean(key, parameters),
    });
  const option = options[key as OptionName] as Option;
  const { kind, choices } = option;
  const value =
    kind === "flag"
      ? text === "true" || undefined
      : readValue(option, kind === "numbers" ? text.replaceAll("/", ",") : text);
  if (value !== undefined) return value;
  const expected = kind === "flag" ? "true" : kind === "numbers" ? SEVERAL : wanted(option);
  const fix = choices && didYouMean(text, choices);
  throw new LrpError("usage", { where: `${where}, '${key}'`, expected, received: `'${text}'`, fix });
}

/** Every text of a list, read; all problems of it at once. */
function each<T>(list: string, read: (text: string) => T): T[] {
  const issues: Issue[] = [];
  const found = list.split(",").flatMap((text) => {
    try {
      return [read(text.trim())];
    } catch (error) {
      if (!(error instanceof LrpError)) throw error;
      issues.push(...error.issues);
      return [];
    }
  });
  if (issues.length > 0) throw new LrpError("usage", issues);
  return found;
}

/**
 * What `--methods` says, the text of each being its label.
 * @throws LrpError "usage" with every problem at once
 * @example
 * methodsOf("gradient,paperEpsilon:lrn=identity");
 * // [{ method: "gradient", … }, { method: "paperEpsilon", lrn: "identity", … }]
 */
export function methodsOf(list: string): MethodChoice[] {
  const known = [...composites, ...methods].map(({ name }) => name);
  return each(list, (text) => {
    const where = `option '--methods', '${text}'`;
    const { name, fields } = specOf(text, where);
    if (!known.includes(name)) {
      const fix = didYouMean(name, known) ?? "'relprop composites' and 'relprop methods' list them.";
      throw new LrpError("usage", { where, expected: "a composite or a method", received: `'${name}'`, fix });
    }
    return {
      ...Object.fromEntries(fields.map(([key, value]) => [undashed(key), valueOf(key, value, where)])),
      method: name,
      label: text,
    };
  });
}

/**
 * What `--replacement` says; its kind and fields are checked where they are used.
 * @example replacementOf("noise:low=-1:high=1"); // { kind: "noise", low: -1, high: 1 }
 */
export function replacementOf(text: string): Replacement {
  const where = "option '--replacement'";
  const { name, fields } = specOf(text, where);
  const numbers = fields.map(([key, value]) => {
    const number = kinds.numbers.parse(value.replaceAll("/", ","));
    if (number === undefined)
      throw new LrpError("usage", {
        where: `${where}, '${key}'`,
        expected: SEVERAL,
        received: `'${value}'`,
      });
    return [key, number];
  });
  return { kind: name, ...Object.fromEntries(numbers) } as Replacement;
}
