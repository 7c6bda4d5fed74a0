interface Kind {
  readonly expected: string;
  /** Gives undefined for a text that is no value. */
  readonly parse: (text: string) => unknown;
  readonly example: string;
}

/** What the text of a value means, after an option of the command or in a query. */
export const kinds = {
  flag: { expected: "no value", parse: () => true, example: "" },
  text: { expected: "a text", parse: (text: string) => text || undefined, example: "TEXT" },
  names: {
    expected: "names joined by commas",
    parse: (text: string) => (/^[^,]+(,[^,]+)*$/.test(text) ? text.split(",") : undefined),
    example: "A,B",
  },
  number: { expected: "a number", parse: toNumber, example: "0.5" },
  numbers: { expected: "a number, or several joined by commas", parse: toNumbers, example: "1,2" },
  count: { expected: "a whole number from 1 on", parse: (text: string) => toInteger(text, 1), example: "4" },
  amount: {
    expected: "a number from 1 on",
    parse: (text: string) => ((toNumber(text) ?? 0) >= 1 ? toNumber(text) : undefined),
    example: "1e9",
  },
  bytes: { expected: "a number of bytes, also with a unit of kB, MB or GB", parse: toBytes, example: "512MB" },
  port: {
    expected: "a number from 0 to 65535",
    parse: (text: string) => ((toInteger(text, 0) ?? 65536) < 65536 ? toInteger(text, 0) : undefined),
    example: "8080",
  },
  seconds: {
    expected: "a number of seconds above 0, up to a day",
    parse: (text: string) => ((toNumber(text) ?? 0) > 0 && toNumber(text)! <= 86400 ? toNumber(text) : undefined),
    example: "30",
  },
  index: { expected: "a whole number from 0 on", parse: (text: string) => toInteger(text, 0), example: "1" },
  indices: { expected: "whole numbers from 0 on, joined by commas", parse: toIndices, example: "40,64" },
  places: {
    expected: "whole numbers joined by commas",
    parse: (text: string) => (/^[+-]?\d+(,[+-]?\d+)*$/.test(text) ? text.split(",").map(Number) : undefined),
    example: "40,64",
  },
  dims: { expected: "sizes joined by commas, or INPUT:SIZES", parse: toDims, example: "1,3,224,224" },
  axis: {
    expected: "the number of an axis, which counts from the end if it is negative",
    parse: (text: string) => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined),
    example: "-1",
  },
  axes: {
    expected: "'none', or INPUT:AXIS or INPUT:none, joined by commas",
    parse: (text: string) => (/^(none|[^,]+:(\d+|none)(,[^,]+:(\d+|none))*)$/.test(text) ? text : undefined),
    example: "x:1",
  },
  orNone: {
    expected: "a number, or 'none'",
    parse: (text: string) => (text === "none" ? (false as const) : toNumber(text)),
    example: "none",
  },
  side: {
    expected: "a number of pixels, 'imagenet' or 'exact'",
    parse: (text: string) => (text === "exact" || text === "imagenet" ? text : toInteger(text, 1)),
    example: "256",
  },
} as const satisfies Record<string, Kind>;

/** What is written as a value: of a kind, or one of a list. */
export interface Written {
  readonly kind: keyof typeof kinds;
  /** The only values. */
  readonly choices?: readonly string[];
}

/** What values are, in words. */
export const wanted = ({ kind, choices }: Written): string =>
  choices ? `one of ${choices.join(", ")}` : kinds[kind].expected;

/** What a text means as a value; undefined for a text that is none. */
export function readValue({ kind, choices }: Written, text: string): unknown {
  const value = kinds[kind].parse(text);
  return choices && !choices.includes(value as string) ? undefined : value;
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

function toDims(text: string): { readonly input?: string; readonly sizes: readonly number[] } | undefined {
  const at = text.lastIndexOf(":");
  const sizes = toIndices(text.slice(at + 1));
  return sizes && (at < 0 ? { sizes } : { input: text.slice(0, at), sizes });
}

function toInteger(text: string, from: number): number | undefined {
  const value = /^\+?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= from && Number.isSafeInteger(value) ? value : undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

function toBytes(text: string): number | undefined {
  const [, number, unit = ""] = /^([\d.e+]+?) ?([kmg]i?b)?$/i.exec(text) ?? [];
  const bytes = number === undefined ? Number.NaN : Number(number) * UNITS[unit.toLowerCase()];
  return bytes >= 1 && Number.isFinite(bytes) ? Math.floor(bytes) : undefined;
}
