import {
  composites,
  defaultComposite,
  type ExplainOptions,
  type Preparation,
  type PresetName,
  presets,
  type SumRule,
  sumRules,
} from "relprop";
import { byId, el, short } from "./dom.ts";
import type { Opened } from "./protocol.ts";

type Numbers = "epsilon" | "gamma" | "alpha" | "beta";

interface Slider {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** Where it stands at first: what relprop takes when nothing is given. */
  readonly start: number;
  /** The parameter, of the slider's place. */
  readonly value: (at: number) => number;
  readonly text: (value: number) => string;
}

const power = (at: number) => Number((10 ** at).toPrecision(2));
const sliders: Readonly<Record<Numbers, Slider>> = {
  epsilon: { label: "ε stabilizer", min: -9, max: 1, step: 0.5, start: -6, value: power, text: short },
  gamma: { label: "γ favours agreement", min: 0, max: 2, step: 0.05, start: 0.25, value: Number, text: short },
  alpha: { label: "α for, β against", min: 1, max: 4, step: 0.1, start: 2, value: Number, text: (a) => `${short(a)}, ${short(a - 1)}` },
  beta: { label: "β against", min: 0, max: 3, step: 0.1, start: 1, value: Number, text: short },
};
/** Where a composite starts elsewhere. */
const starts: Readonly<Record<string, Partial<Record<Numbers, number>>>> = { paperEpsilon: { epsilon: -2 } };

type Row = (typeof composites)[number];
const takes = (row: Row, name: string) => (row.parameters as readonly string[]).includes(name);

/** The sliders of a composite; β follows α where it takes both. */
const slidersOf = (row: Row) =>
  (Object.keys(sliders) as Numbers[]).filter((name) => takes(row, name) && !(name === "beta" && takes(row, "alpha")));

/** The smallest and largest number, channel by channel, that a picture can be for the network. */
export function bounds(preset: PresetName): { low: number[]; high: number[] } {
  const { scale = 1, mean = 0, std = 1 } = presets[preset] as Preparation;
  const each = (v: number | readonly number[], k: number) => (typeof v === "number" ? v : v[k]);
  const channels = Math.max(...[mean, std].map((v) => (typeof v === "number" ? 1 : v.length)));
  const at = (pixel: number) => Array.from({ length: channels }, (_, k) => (pixel * scale - each(mean, k)) / each(std, k));
  return { low: at(0), high: at(255) };
}

/** The controls for rules. `changed` is called after every change by hand. */
export function ruleControls(changed: () => void) {
  const composite = byId<HTMLSelectElement>("composite");
  const sum = byId<HTMLSelectElement>("sum");
  const unknown = byId<HTMLInputElement>("unknown");
  const parameters = byId("parameters");
  composite.append(...composites.map(({ name }) => el("option", { value: name, selected: name === defaultComposite }, name)));
  sum.append(...Object.keys(sumRules).map((name) => el("option", { value: name }, name)));

  const row = () => composites.find(({ name }) => name === composite.value)!;
  const input = (name: Numbers) => byId<HTMLInputElement>(`parameter-${name}`);

  const slider = (name: Numbers) => {
    const { label, min, max, step, start, value, text } = sliders[name];
    const at = starts[composite.value]?.[name] ?? start;
    const output = el("output", {}, text(value(at)));
    const range = el("input", { type: "range", id: `parameter-${name}`, min: `${min}`, max: `${max}`, step: `${step}`, value: `${at}` });
    const say = () => {
      output.value = text(value(Number(range.value)));
      range.setAttribute("aria-valuetext", output.value);
    };
    say();
    output.htmlFor.add(range.id);
    range.addEventListener("input", () => {
      say();
      changed();
    });
    return el("div", { className: "slider" }, el("label", { htmlFor: range.id }, label), output, range);
  };
  let hasSums = false;
  const fitSums = () => {
    byId("sum-field").hidden = !hasSums || !takes(row(), "sum");
  };
  const build = () => {
    fitSums();
    byId("composite-summary").textContent = row().summary;
    byId("bounds").hidden = !takes(row(), "low");
    parameters.replaceChildren(...slidersOf(row()).map(slider));
  };
  build();
  composite.addEventListener("change", () => {
    build();
    changed();
  });
  for (const control of [sum, unknown]) control.addEventListener("change", changed);

  return {
    fit({ sums, unruled }: Opened) {
      hasSums = sums;
      fitSums();
      byId("unknown-field").hidden = unruled === 0;
      sum.value = "norm";
      unknown.checked = false;
    },
    /** Whether the composite lets LRN be chosen: those that are gradients do not. */
    takesLrn: () => takes(row(), "lrn"),
    options(preset: PresetName): ExplainOptions {
      const numbers = slidersOf(row()).map((name) => [name, sliders[name].value(Number(input(name).value))] as const);
      return {
        composite: composite.value,
        ...Object.fromEntries(numbers),
        ...(takes(row(), "low") && bounds(preset)),
        ...(!byId("sum-field").hidden && { sum: sum.value as SumRule }),
        ...(unknown.checked && { unknown: "gradient" }),
      };
    },
  };
}
