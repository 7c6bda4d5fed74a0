import { type Preparation, type PresetName, presets } from "relprop";
import type { TriedPreset } from "relprop/image";
import { byId, el, percent } from "./dom.ts";
import { nameOf } from "./prediction.ts";

/** The value of the choice that is no preset: what the network's file says. */
const STATED = "as the file says";

/** Less than this is a doubtful prediction. */
const SURE = 0.5;

/** How photos are prepared: the choice, and what is said of it beside a prediction that it may have spoilt. */
export function preparations(changed: () => void) {
  const choice = byId<HTMLSelectElement>("preset");
  let stated: Preparation | undefined;
  /** Whether nothing and nobody has said it, so that it is a guess. */
  let open = false;
  let tried: readonly TriedPreset[] | undefined;
  choice.addEventListener("change", () => {
    open = false;
    changed();
  });
  return {
    /** As is usual, until somebody knows better. @param known whether it is known */
    fit(preset: PresetName, own: Preparation | undefined, known: boolean) {
      stated = own;
      open = !known && !own;
      tried = undefined;
      choice.replaceChildren(
        ...[...(own ? [STATED] : []), ...Object.keys(presets)].map((name) => el("option", { value: name }, name)),
      );
      choice.value = own ? STATED : preset;
    },
    /** Another photo has other answers. */
    forget() {
      tried = undefined;
    },
    chosen: (): PresetName | Preparation => (choice.value === STATED ? stated! : (choice.value as PresetName)),
    name: () => choice.value,
    /** Whether it is worth to ask what each preset gives. */
    wanted: () => !stated && !tried,
    /** Takes the best as a guess, unless somebody has chosen. */
    take(answers: readonly TriedPreset[]) {
      tried = answers;
      if (open && answers.length > 0) choice.value = answers[0].preset;
    },
    /**
     * Says that the preparation is a guess, or that the answer is doubtful.
     *
     * @param share of the strongest class
     */
    doubt(share: number, isPhoto: boolean, classes: readonly string[] | undefined) {
      const others = isPhoto ? (tried ?? []) : [];
      const isGuess = open && others.length > 0;
      byId("doubt").hidden = !isGuess && share >= SURE;
      byId("doubt-title").textContent = isGuess ? "The preparation is a guess" : "The answer is doubtful";
      const asked = others.length > 0 ? ` Is ${choice.value} the right preparation for it?` : "";
      const what = isGuess
        ? `Nothing says how pictures are prepared for this network, and ${choice.value} is a guess.`
        : `The network is not sure: no class has more than ${percent(share)}.${asked}`;
      byId("doubt-text").textContent = `${what}${others.length > 0 ? " With each preparation, the network says:" : ""}`;
      const rows = others.map(({ preset, index, probability }) =>
        el("li", {}, `${preset}: ${nameOf(index, classes)}, ${percent(probability)}`),
      );
      byId("doubt-list").replaceChildren(...rows);
    },
  };
}
