import { byId, el } from "./dom.ts";
import { nameOf } from "./prediction.ts";

/** What the class is held against: another one, the mean of all others, or nothing. */
export type Against = number | "others" | undefined;

/** The choice "why this, and not that". */
export function againstChoice(changed: () => void) {
  const select = byId<HTMLSelectElement>("against");
  let order = "";
  const chosen = (): Against => {
    if (select.value === "" || select.value === "others") return select.value || undefined;
    return Number(select.value);
  };
  select.addEventListener("change", changed);

  const build = (count: number, classes: readonly string[] | undefined) => {
    const { value } = select;
    const names = Array.from({ length: count }, (_, index) => [`${index}`, nameOf(index, classes)] as const);
    const rows = [["", "no other class"], ["others", "the mean of all others"], ...names] as const;
    if (order === (order = JSON.stringify(rows))) return;
    select.replaceChildren(...rows.map(([value, name]) => el("option", { value }, name)));
    select.value = rows.some(([known]) => known === value) ? value : "";
  };

  return {
    chosen,
    /** Before the classes are known: a choice that the address makes. */
    set(value: string) {
      if (![...select.options].some((option) => option.value === value)) select.append(el("option", { value }, value));
      select.value = value;
    },
    /** @returns what the class is held against, in words */
    show(count: number, classes: readonly string[] | undefined, explained: number): string | undefined {
      build(count, classes);
      for (const option of select.options) option.disabled = option.value === `${explained}`;
      const against = chosen();
      const other = typeof against === "number" ? nameOf(against, classes) : against && "the others";
      byId("against-note").textContent = other
        ? `Red speaks for ${nameOf(explained, classes)} rather than for ${other}, blue the other way round.`
        : "";
      return other;
    },
  };
}
