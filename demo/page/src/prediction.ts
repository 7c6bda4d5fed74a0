import { byId, el, percent } from "./dom.ts";

export type Chosen = "argmax" | number;

/** So many classes are shown in their own order; of more, the strongest. */
const FEW = 12;
const STRONGEST = 8;

const isDistribution = (scores: Float32Array) =>
  scores.every((p) => p >= 0 && p <= 1) && Math.abs(scores.reduce((sum, p) => sum + p, 0) - 1) < 1e-3;

function softmax(scores: Float32Array): number[] {
  const most = scores.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(scores, (score) => Math.exp(score - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
}

export const nameOf = (index: number, classes: readonly string[] | undefined) => classes?.[index] ?? `class ${index}`;

/** The scores as probabilities, and whether the network gave them so. */
export function probabilities(scores: Float32Array): { shares: readonly number[]; own: boolean } {
  const own = isDistribution(scores);
  return { shares: own ? [...scores] : softmax(scores), own };
}

function shown(shares: readonly number[], chosen: Chosen): number[] {
  const all = shares.map((_, index) => index);
  if (all.length <= FEW) return all;
  const strongest = all.sort((a, b) => shares[b] - shares[a]).slice(0, STRONGEST);
  return chosen === "argmax" || strongest.includes(chosen) ? strongest : [...strongest, chosen];
}

function choice(value: string, name: string, checked: boolean): HTMLLabelElement {
  const radio = el("input", { type: "radio", name: "target", value, checked });
  const bar = el("span", { className: "bar" }, el("span"));
  return el(
    "label",
    { className: "class" },
    radio,
    el("span", { className: "name" }, name),
    bar,
    el("span", { className: "share" }),
  );
}

/** Bars, of which each can be chosen as what is explained. */
export function predictionChart(changed: (target: Chosen) => void) {
  const list = byId("classes");
  let order = "";
  list.addEventListener("change", (event) => {
    const { value } = event.target as HTMLInputElement;
    changed(value === "argmax" ? value : Number(value));
  });
  return {
    show(scores: Float32Array, classes: readonly string[] | undefined, chosen: Chosen, explained: number) {
      const { shares, own } = probabilities(scores);
      const indices = shown(shares, chosen);
      const rows: [string, string][] = indices.map((index) => [`${index}`, nameOf(index, classes)]);
      // The same rows stay, so that the focus does.
      if (order !== (order = JSON.stringify(rows))) {
        list.replaceChildren(
          ...[["argmax", "the strongest"], ...rows].map(([value, name]) => choice(value, name, value === `${chosen}`)),
        );
      }
      for (const label of list.children) {
        const { value } = label.querySelector("input")!;
        label.classList.toggle("explained", value === `${explained}`);
        if (value === "argmax") continue;
        const share = shares[Number(value)];
        label.querySelector<HTMLElement>(".bar > span")!.style.width = `${100 * share}%`;
        label.querySelector(".share")!.textContent = percent(share);
      }
      byId("scale").textContent = own ? "Probabilities as the network gives them." : "Softmax of the network's scores.";
    },
  };
}
