import { type Issue, LrpError, shown } from "../base/error.ts";
import { checkedBy, expectedOf, isNumber, type ParameterName, parameters, wrongIn } from "./parameters.ts";
import { type Group, type LinearRule, type Pass, type Rule, ruleOf } from "./rule.ts";

/*
 * Entries of a composite, and rules that are written as objects, field by field. Checks and the guide's table read
 * this.
 */

export interface Field {
  /** What it may be, in words. */
  readonly expected: string;
  readonly optional?: true;
  readonly fits: (value: unknown) => boolean;
  /** The fields of the object that it is, or of each object in the list that it is. */
  readonly fields?: Fields;
  /** How messages call what is in the list. */
  readonly each?: string;
}
export type Fields = Readonly<Record<string, Field>>;

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
const isSlopes = (value: unknown) => Array.isArray(value) && value.length === 2 && Array.from(value).every(isNumber);
const isText = (value: unknown) => typeof value === "string" && value !== "";
const isTexts = (value: unknown) => Array.isArray(value) && Array.from(value).every(isText);
const isPattern = (value: unknown) => Object.prototype.toString.call(value) === "[object RegExp]";

const choice = (...choices: readonly string[]): Field => ({
  expected: choices
    .map(shown)
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1"),
  fits: (value) => choices.some((one) => one === value),
});
/** Slopes on both sides of 0, or what has a name. */
const map = (...names: readonly string[]): Field => {
  const { expected, fits } = choice(...names);
  return {
    expected: `[p, q]${names.length > 1 ? "," : " or"} ${expected}`,
    fits: (value) => isSlopes(value) || fits(value),
  };
};
const parameter = (name: ParameterName): Field => ({ expected: expectedOf(name), fits: checkedBy(name) });
const list = (each: string, expected: string, fields: Fields): Field => ({
  expected,
  fits: (value) => Array.isArray(value) && value.length > 0,
  fields,
  each,
});
const optional = (field: Field): Field => ({ ...field, optional: true });

const pass: Fields = { input: map("one", "low", "high"), weight: map("square", "one"), bias: optional(map("square")) };
const group: Fields = {
  coefficient: { expected: "a finite number", fits: isNumber },
  passes: list("pass", "a list of passes, one or more", pass),
  where: optional(choice("positive", "negative")),
  aboveOwn: optional(parameter("bias")),
};
const stabilizer: Fields = { epsilon: parameter("epsilon"), mode: choice(...parameters.stabilizer.choices, "terms") };
const any: Fields = {
  kind: choice("linear", "pass", "gradient", "own"),
  name: { expected: "a text", fits: isText },
};

/** The fields of a rule, by its kind. */
export const ruleFields: Readonly<Record<Rule["kind"], Fields>> = {
  linear: {
    ...any,
    groups: list("group", "a list of groups, one or more", group),
    stabilizer: { expected: "an object { epsilon, mode }", fits: isObject, fields: stabilizer },
    bias: parameter("bias"),
    low: optional(parameter("low")),
    high: optional(parameter("high")),
  },
  pass: any,
  gradient: any,
  own: { ...any, mode: { expected: "the name of one of the operator's own rules", fits: isText } },
};

const entryFields: Fields = {
  layer: optional({ expected: "a name, or a pattern (RegExp)", fits: (value) => isText(value) || isPattern(value) }),
  type: optional({ expected: "a name, or a list of names", fits: (value) => isText(value) || isTexts(value) }),
  position: optional(choice("first", "last")),
  rule: { expected: "a rule, made by ruleOf", fits: () => true },
};

const GUIDE = "The guide 'Choosing a rule' says what each field may be.";

function wrongFields(fields: Fields, value: unknown, where: string): Issue[] {
  const known = Object.keys(fields).join(", ");
  if (!isObject(value)) return [{ where, expected: `an object { ${known} }`, received: shown(value), fix: GUIDE }];
  // What is inherited is not of the rule: plans are told apart by what is its own.
  const given = new Map(Object.entries(value).filter(([, v]) => v !== undefined));
  const strays = [...given.keys()].filter((key) => !Object.hasOwn(fields, key));
  return [
    ...strays.map((key) => ({ where, problem: `there is no field ${shown(key)}`, fix: `The fields are ${known}.` })),
    ...Object.entries(fields).flatMap(([key, field]) => wrongField(key, field, given.get(key), where)),
  ];
}

function wrongField(
  key: string,
  { expected, optional, fits, fields, each }: Field,
  value: unknown,
  where: string,
): Issue[] {
  if (value === undefined && optional) return [];
  if (!fits(value)) return [{ where: `${where}, '${key}'`, expected, received: shown(value), fix: GUIDE }];
  if (!fields) return [];
  if (!each) return wrongFields(fields, value, `${where}, '${key}'`);
  return Array.from(value as unknown[], (one, i) => wrongFields(fields, one, `${where}, ${each} ${i + 1}`)).flat();
}

/** Σ f(x) f(w) ≥ x w and Σ f(b) ≥ b: it is enough to try both signs, since slopes are straight on each side of 0. */
function isAboveOwn({ passes }: Group, bias: boolean): boolean {
  const at = (map: unknown, v: number) => (Array.isArray(map) ? v * map[v > 0 ? 0 : 1] : Number.NaN);
  const total = (term: (pass: Pass) => number) => passes.reduce((sum, one) => sum + term(one), 0);
  return [1, -1].every(
    (v) =>
      [1, -1].every((w) => total((p) => at(p.input, v) * at(p.weight, w)) >= v * w) &&
      (!bias || total((p) => (p.bias ? at(p.bias, v) : 0)) >= v),
  );
}

/** What each field may be, and yet not all of them together. */
function wrongTogether(rule: LinearRule, where: string): Issue[] {
  const inputs = rule.groups.flatMap(({ passes }) => passes.map(({ input }) => input));
  const bounds = (["low", "high"] as const).filter((bound) => inputs.includes(bound) !== (rule[bound] !== undefined));
  const untrue = rule.groups.flatMap((one, i) => (one.aboveOwn && !isAboveOwn(one, rule.bias) ? [i + 1] : []));
  return [
    ...bounds.map((bound) => ({
      where: `${where}, '${bound}'`,
      problem:
        rule[bound] === undefined
          ? `a pass has '${bound}' as its input, but the rule does not say what it is`
          : `no pass has '${bound}' as its input, so that nothing reads it`,
      fix: GUIDE,
    })),
    ...wrongIn({ low: rule.low, high: rule.high }, `${where},`),
    ...untrue.map((i) => ({
      where: `${where}, group ${i}, 'aboveOwn'`,
      problem:
        `it promises Σ f(x) f(w) ≥ x w${rule.bias ? " and Σ f(b) ≥ b" : ""} for all signs, ` +
        "but the passes do not keep that promise",
      fix: "Take it out.",
    })),
  ];
}

function wrongRule(rule: unknown, where: string): Issue[] {
  if (!isObject(rule)) {
    const known = Object.hasOwn(ruleOf, rule as string) ? `ruleOf.${rule}() makes it.` : GUIDE;
    const fix = typeof rule === "function" ? "Call it." : known;
    return [{ where, expected: entryFields.rule.expected, received: shown(rule), fix }];
  }
  const { kind } = rule as Partial<Rule>;
  const unknown = wrongField("kind", any.kind, kind, where);
  if (unknown.length > 0) return unknown;
  const wrong = wrongFields(ruleFields[kind!], rule, where);
  return wrong.length > 0 || kind !== "linear" ? wrong : wrongTogether(rule as LinearRule, where);
}

/** @throws LrpError "usage" with all that is wrong in all entries, whatever they are */
export function checkComposite(composite: readonly unknown[]): void {
  const issues = Array.from(composite, (entry, i) => {
    const where = `entry ${i + 1} of the composite`;
    const wrong = wrongFields(entryFields, entry, where);
    return isObject(entry) ? [...wrong, ...wrongRule((entry as { rule?: unknown }).rule, where)] : wrong;
  }).flat();
  if (issues.length > 0) throw new LrpError("usage", issues);
}
