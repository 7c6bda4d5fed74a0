import {
  composites,
  defaultComposite,
  type ExplainOptions,
  type LrnMode,
  lrnModes,
  type ParameterRow,
  type Preparation,
  type PresetName,
  parameters,
  presets,
} from "relprop";
import { byId, el, short } from "./dom.ts";
import type { View } from "./address.ts";
import type { Opened } from "./protocol.ts";
import type { Way } from "./ways.ts";

type Row = (typeof composites)[number];
const table: Readonly<Record<string, ParameterRow>> = parameters;

/** The parameter, of the slider's place. */
const valueOf = ({ name, value }: HTMLInputElement) =>
  table[name].slider!.power ? Number((10 ** Number(value)).toPrecision(2)) : Number(value);
/** Where it stands at first: what relprop takes when nothing is given. */
function startOf(name: string, row: Row): number {
  const value = row.defaults?.[name as keyof typeof row.defaults] ?? table[name].default;
  return table[name].slider!.power ? Math.log10(Number(value)) : Number(value);
}

const takes = (row: Row, name: string) => (row.parameters as readonly string[]).includes(name);
/** The sliders of a composite, without those that go with a choice; β follows α where it takes both. */
const slidersOf = (row: Row) =>
  row.parameters.filter(
    (name) => table[name].slider && !table[name].beside && !(name === "beta" && takes(row, "alpha")),
  );

/** The smallest and largest number that a picture can be for the network; channel by channel where they differ. */
export function bounds(preset: PresetName | Preparation): { low: number | number[]; high: number | number[] } {
  const { scale = 1, mean = 0, std = 1 } = (typeof preset === "string" ? presets[preset] : preset) as Preparation;
  const each = (v: number | readonly number[], k: number) => (typeof v === "number" ? v : v[k]);
  const channels = Math.max(...[mean, std].map((v) => (typeof v === "number" ? 1 : v.length)));
  const at = (pixel: number) => {
    const all = Array.from({ length: channels }, (_, k) => (pixel * scale - each(mean, k)) / each(std, k));
    return channels === 1 ? all[0] : all;
  };
  return { low: at(0), high: at(255) };
}

/** Choices of rules, the elements where they are made, and what a network must have for them. */
const CHOICES = [
  { option: "lrn", id: "lrn", asks: "lrn" },
  { option: "sum", id: "sum", asks: "sums" },
  { option: "product", id: "product", asks: "products" },
  { option: "layerNorm", id: "layer-norm", asks: "norms" },
  { option: "attention", id: "attention", asks: "attention" },
] as const;

/** The controls for rules. `changed` is called after every change by hand. */
export function ruleControls(changed: () => void) {
  const composite = byId<HTMLSelectElement>("composite");
  const sum = byId<HTMLSelectElement>("sum");
  const choices = CHOICES.map((choice) => ({ ...choice, select: byId<HTMLSelectElement>(choice.id) }));
  const unknown = byId<HTMLInputElement>("unknown");
  composite.append(
    ...composites.map(({ name }) => el("option", { value: name, selected: name === defaultComposite }, name)),
  );
  for (const { option, select } of choices)
    select.append(...parameters[option].choices.map((value) => el("option", { value }, value)));

  const row = () => composites.find(({ name }) => name === composite.value)!;

  const slider = (name: string) => {
    const { label, from, to, step } = table[name].slider!;
    const [min, max, value] = [from, to, startOf(name, row())].map(String);
    const output = el("output");
    const range = el("input", { type: "range", id: `parameter-${name}`, name, min, max, step: `${step}`, value });
    const say = () => {
      output.value = short(valueOf(range));
      range.setAttribute("aria-valuetext", output.value);
    };
    say();
    output.htmlFor.add(range.id);
    range.addEventListener("say", say);
    range.addEventListener("input", () => {
      say();
      changed();
    });
    return el("div", { className: "slider" }, el("label", { htmlFor: range.id }, label), output, range);
  };
  const starts = new Map<string, string>();
  let opened: Opened | undefined;
  /** The composite of the network, unless another is chosen. */
  let usual: string = defaultComposite;
  const fitSums = () => {
    const shown = !byId("sum-field").hidden;
    const besides = row().parameters.filter((name) => shown && table[name].beside?.value === sum.value);
    byId("sum-parameters").replaceChildren(...besides.map(slider));
  };
  const lrn = byId<HTMLSelectElement>("lrn");
  const sayLrn = () => {
    byId("lrn-summary").textContent = byId("lrn-field").hidden ? "" : lrnModes[lrn.value as LrnMode].summary;
  };
  const build = () => {
    for (const { option, id, asks, select } of choices) {
      byId(`${id}-field`).hidden = !(opened?.[asks] && takes(row(), option));
      // What was chosen by hand stays when the composite changes.
      const start = `${row().defaults?.[option] ?? parameters[option].default}`;
      if (select.value === (starts.get(option) ?? select.value)) select.value = start;
      starts.set(option, start);
    }
    fitSums();
    sayLrn();
    byId("composite-summary").textContent = row().summary;
    byId("bounds").hidden = !takes(row(), "low");
    byId("parameters").replaceChildren(...slidersOf(row()).map(slider));
  };
  build();
  composite.addEventListener("change", () => {
    build();
    changed();
  });
  sum.addEventListener("change", fitSums);
  lrn.addEventListener("change", sayLrn);
  for (const control of [...choices.map(({ select }) => select), unknown]) control.addEventListener("change", changed);

  return {
    fit(network: Opened) {
      opened = network;
      if (composite.value === usual) composite.value = network.composite;
      usual = network.composite;
      starts.clear();
      build();
      byId("unknown-field").hidden = network.unruled === 0;
      unknown.checked = false;
    },
    chosen: (): Way => ({
      composite: composite.value,
      ...(!byId("lrn-field").hidden && { lrn: lrn.value as LrnMode }),
    }),
    /** Chooses other rules, as a hand does. */
    choose(way: Way) {
      composite.value = way.composite;
      build();
      if (way.lrn) lrn.value = way.lrn;
      sayLrn();
      changed();
    },
    /** The options of other rules for the same network: its choices, and no numbers. */
    optionsOf(way: Way, preset: PresetName | Preparation): ExplainOptions {
      const other = composites.find(({ name }) => name === way.composite)!;
      return {
        ...way,
        ...(takes(other, "low") && bounds(preset)),
        ...(unknown.checked && { unknown: "gradient" }),
      };
    },
    /** What is chosen by hand, for the page's address. */
    view(): Record<string, string | undefined> {
      const sliders = [...document.querySelectorAll<HTMLInputElement>("#parameters input, #sum-parameters input")];
      const moved = sliders.filter(({ name, value }) => Number(value) !== startOf(name, row()));
      const turned = choices.filter(
        ({ option, id, select }) => !byId(`${id}-field`).hidden && select.value !== starts.get(option),
      );
      return {
        composite: composite.value === usual ? undefined : composite.value,
        ...Object.fromEntries(turned.map(({ option, select }) => [option, select.value])),
        ...Object.fromEntries(moved.map(({ name, value }) => [name, value])),
      };
    },
    /** Takes up what an address says; what it does not know it leaves. */
    restore(view: View) {
      const set = (control: HTMLSelectElement, value: string | undefined) => {
        if ([...control.options].some((option) => option.value === value)) control.value = value!;
      };
      set(composite, view.composite);
      build();
      for (const { option, select } of choices) set(select, view[option]);
      fitSums();
      sayLrn();
      for (const range of document.querySelectorAll<HTMLInputElement>("#parameters input, #sum-parameters input")) {
        if (!(range.name in view)) continue;
        range.value = view[range.name];
        range.dispatchEvent(new Event("say"));
      }
    },
    options(preset: PresetName | Preparation): ExplainOptions {
      const shown = [...document.querySelectorAll<HTMLInputElement>("#parameters input, #sum-parameters input")];
      const numbers = shown.map((range) => [range.name, valueOf(range)]);
      return {
        composite: composite.value,
        ...Object.fromEntries(numbers),
        ...(takes(row(), "low") && bounds(preset)),
        ...Object.fromEntries(
          choices.flatMap(({ option, id, select }) => (byId(`${id}-field`).hidden ? [] : [[option, select.value]])),
        ),
        ...(unknown.checked && { unknown: "gradient" }),
      };
    },
  };
}
