import { readValue, wanted, type Written } from "../base/written.ts";
import { checkOptions, type ExplainOptions } from "../model/options.ts";
import type { PictureLayout } from "../picture/explained/explain-image.ts";
import { colormaps } from "../picture/heatmap/colormap.ts";
import { type PresetName, presets } from "../picture/image/preparation.ts";
import { composites, defaultComposite } from "../rules/composite.ts";
import { optionNames, type ParameterRow, type Parameters, parameters } from "../rules/parameters.ts";
import type { Area } from "../run/place.ts";
import type { Target } from "../run/target.ts";
import { Refusal } from "./refusal.ts";

/** One name of a query: what it may be, and what it does. */
export interface QueryRow extends Written {
  readonly summary: string;
  /** May be given several times. */
  readonly repeat?: true;
}

const written = {
  number: "number",
  bound: "numbers",
  choice: "text",
  flag: "text",
} as const satisfies Record<ParameterRow["kind"], Written["kind"]>;

const ruleRows = Object.fromEntries(
  optionNames.map((name): [string, QueryRow] => {
    const { kind, summary, choices }: ParameterRow = parameters[name];
    return [name, { kind: written[kind], choices, summary }];
  }),
) as Readonly<Record<keyof Parameters, QueryRow>>;

const sharedRows = {
  preset: {
    kind: "text",
    choices: Object.keys(presets),
    summary: "how the picture is prepared; default: as the model's sidecar or metadata says",
  },
  output: { kind: "text", summary: "the output that is meant, where the network has several" },
  classAxis: { kind: "axis", summary: "the axis of that output that has the classes" },
  position: { kind: "places", summary: "the place of the target in an output of several axes: Y,X of a segmentation" },
} as const satisfies Record<string, QueryRow>;

/** What `/predict` takes. */
export const predictRows = {
  ...sharedRows,
  top: { kind: "count", summary: "how many classes are listed; default 5" },
} as const satisfies Record<string, QueryRow>;

/** What `/explain` takes. */
export const explainRows = {
  composite: {
    kind: "text",
    choices: composites.map(({ name }) => name),
    summary: `which rule each layer gets; default ${defaultComposite}, or what the network asks for`,
  },
  ...ruleRows,
  unknown: {
    kind: "text",
    choices: ["gradient"],
    summary: "gradient: where no rule is known, relevance passes by the gradient; without it, that is an error",
  },
  target: { kind: "text", summary: "the class that is explained: argmax (default), an index, or a name" },
  against: {
    kind: "text",
    summary: "explain what speaks for the target rather than for this class, for others, or for softmax",
  },
  area: { kind: "text", summary: "in place of position: the sum over all places, or over a box Y0,X0,Y1,X1" },
  index: { kind: "indices", summary: "in place of target: one number of the output, by its index along every axis" },
  start: { kind: "text", choices: ["logit", "one"], summary: "whether relevance starts from the logit, or from 1" },
  at: { kind: "text", repeat: true, summary: "a value of the graph whose relevance is wanted too; repeatable" },
  ...sharedRows,
  layout: {
    kind: "text",
    choices: ["beside", "over", "map"],
    summary: "how the picture is drawn: beside the input (default for pictures), over it, or the bare map",
  },
  colormap: { kind: "text", choices: colormaps, summary: "the colours; default bwr" },
  smooth: { kind: "orNone", summary: "spread each value by a Gaussian of so many pixels, or none" },
  cap: { kind: "orNone", summary: "the percentile of |R| that has full colour, or none" },
} as const satisfies Record<string, QueryRow>;

/** What a query asks for, by the library's names. */
export interface Query {
  readonly options: ExplainOptions;
  readonly preset?: PresetName;
  readonly top?: number;
  readonly drawing: Drawing;
}

interface Drawing {
  readonly layout?: PictureLayout;
  readonly colormap?: string;
  readonly smooth?: number | false;
  readonly cap?: number | false;
}

/** @internal @throws Refusal 400 for what there is not, what may not be, and what does not go together */
export function queryOf(search: URLSearchParams, rows: Readonly<Record<string, QueryRow>>): Query {
  const names = [...new Set(search.keys())];
  const stray = names.find((name) => !Object.hasOwn(rows, name));
  if (stray !== undefined) {
    const has = Object.keys(rows).length > 0 ? `There are ${Object.keys(rows).join(", ")}.` : "This path takes none.";
    throw refuse(`there is no '${stray}'. ${has}`);
  }
  const given = Object.fromEntries(names.map((name) => [name, valueOf(name, rows[name], search.getAll(name))]));
  const { preset, top, target, against, position, area, index, ...rest } = given as Given;
  const { layout, colormap, smooth, cap, ...others } = rest;
  const options = { ...others, ...targetOf({ target, against, position, area, index }) };
  // Which rules others take is known when the network's own composite is.
  if (options.composite !== undefined) checkOptions(options, defaultComposite);
  return { options, preset, top, drawing: { layout, colormap, smooth, cap } };
}

interface Given extends Omit<ExplainOptions, "target">, Drawing {
  readonly preset?: PresetName;
  readonly top?: number;
  readonly target?: string;
  readonly against?: string;
  readonly position?: readonly number[];
  readonly area?: string;
  readonly index?: readonly number[];
}

const refuse = (problem: string) => new Refusal(400, "query", `query: ${problem}`);

function valueOf(name: string, row: QueryRow, texts: readonly string[]): unknown {
  if (texts.length > 1 && !row.repeat) throw refuse(`${name} may be given once, but is given ${texts.length} times.`);
  const values = texts.map((text) => {
    const value = readValue(row, text);
    if (value === undefined) throw refuse(`${name}: expected ${wanted(row)}, got '${text}'.`);
    return value;
  });
  return row.repeat ? values : values[0];
}

const classOf = (text: string) => (/^\d+$/.test(text) ? Number(text) : text);

function targetOf({
  target = "argmax",
  against,
  position,
  area,
  index,
}: Pick<Given, "target" | "against" | "position" | "area" | "index">): { readonly target: Target } {
  if (index) {
    if (target !== "argmax" || against !== undefined || position || area !== undefined)
      throw refuse("index names one number by itself, and cannot be combined with target, against, position or area.");
    return { target: { index } };
  }
  if (position && area !== undefined) throw refuse("position cannot be combined with area.");
  const chosen = classOf(target);
  if (against === undefined && !position && area === undefined) return { target: chosen };
  return {
    target: {
      class: chosen,
      ...(against !== undefined && { against: classOf(against) }),
      ...(position && { position }),
      ...(area !== undefined && { area: areaOf(area) }),
    },
  };
}

function areaOf(text: string): Area {
  if (text === "all") return text;
  const box = text.split(",").map(Number);
  if (box.length === 4 && box.every((v) => Number.isInteger(v) && v >= 0)) return { box };
  throw refuse(`area: expected all, or the corners Y0,X0,Y1,X1 of a box, got '${text}'.`);
}
