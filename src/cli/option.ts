/** What the text after an option means; `parse` gives undefined for what it is not. */
export const kinds = {
  flag: { expected: "no value", parse: () => true },
  text: { expected: "a text", parse: (text: string) => text || undefined },
  names: {
    expected: "names joined by commas",
    parse: (text: string) => (/^[^,]+(,[^,]+)*$/.test(text) ? text.split(",") : undefined),
  },
  number: { expected: "a number", parse: toNumber },
  numbers: { expected: "a number, or several joined by commas", parse: toNumbers },
  count: { expected: "a whole number from 1 on", parse: (text: string) => toInteger(text, 1) },
  amount: {
    expected: "a number from 1 on",
    parse: (text: string) => ((toNumber(text) ?? 0) >= 1 ? toNumber(text) : undefined),
  },
  index: { expected: "a whole number from 0 on", parse: (text: string) => toInteger(text, 0) },
  indices: { expected: "whole numbers from 0 on, joined by commas", parse: toIndices },
  axis: {
    expected: "an axis, a whole number; from the end if negative",
    parse: (text: string) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined),
  },
  axes: {
    expected: "'none', or INPUT:AXIS or INPUT:none, joined by commas",
    parse: (text: string) => (/^(none|[^,]+:(\d+|none)(,[^,]+:(\d+|none))*)$/.test(text) ? text : undefined),
  },
  orNone: {
    expected: "a number, or 'none'",
    parse: (text: string) => (text === "none" ? (false as const) : toNumber(text)),
  },
  side: {
    expected: "a number of pixels or 'exact'",
    parse: (text: string) => (text === "exact" ? text : toInteger(text, 1)),
  },
} as const;

export interface Option {
  readonly kind: keyof typeof kinds;
  /** How the value is called in the help; nothing for a flag. */
  readonly value?: string;
  readonly help: string;
  /** The only values. */
  readonly choices?: readonly string[];
  /** May be given several times. */
  readonly repeat?: true;
  readonly group: "rules" | "method" | "evaluate" | "explain" | "axes" | "picture" | "model" | "output" | "other";
}

function toNumber(text: string): number | undefined {
  const [, above, below = "1"] = /^([^/]+)(?:\/([^/]+))?$/.exec(text) ?? [];
  if (above === undefined || above.trim() === "" || below.trim() === "") return undefined;
  const value = Number(above) / Number(below);
  return Number.isFinite(value) ? value : undefined;
}

function toNumbers(text: string): number | number[] | undefined {
  const list = text.split(",").map(toNumber);
  if (list.includes(undefined)) return undefined;
  return list.length === 1 ? list[0] : (list as number[]);
}

function toIndices(text: string): readonly number[] | undefined {
  const list = text.split(",").map((part) => toInteger(part, 0));
  return list.includes(undefined) ? undefined : (list as number[]);
}

function toInteger(text: string, from: number): number | undefined {
  const value = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && Number.isSafeInteger(value) ? value : undefined;
}
