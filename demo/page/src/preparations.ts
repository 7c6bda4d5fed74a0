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
    /** Says that the preparation is a guess, or may be wrong. @param share of the strongest class; undefined for a drawing */
    doubt(share: number | undefined, classes: readonly string[] | undefined) {
      const told = share !== undefined && !!tried?.length && (open || share < SURE);
      byId("doubt").hidden = !told;
      if (!told) return;
      byId("doubt-text").textContent = open
        ? `Nothing says how pictures are prepared for this network: ${choice.value} is a guess. With each preparation, the network says:`
        : `This answer is doubtful. Is ${choice.value} the right preparation for this network? With each preparation, the network says:`;
      const rows = tried!.map(({ preset, index, probability }) =>
        el("li", {}, `${preset}: ${nameOf(index, classes)}, ${percent(probability)}`),
      );
      byId("doubt-list").replaceChildren(...rows);
    },
  };
}
