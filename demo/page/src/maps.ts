import { type LrnMode, lrnModes, type Picture } from "relprop";
import { byId, el, milliseconds, percent, short } from "./dom.ts";
import { inked, put } from "./paint.ts";
import type { Answer, RelevanceMap } from "./protocol.ts";

/**
 * Σ |R_a − R_b| as a share of Σ |R_a|: two heatmaps may look alike although each is scaled by its own largest pixel.
 */
function differenceOf(a: Float32Array, b: Float32Array): number {
  let [apart, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    apart += Math.abs(a[i] - b[i]);
    size += Math.abs(a[i]);
  }
  return size > 0 ? apart / size : 0;
}

interface Panel {
  readonly figure: HTMLElement;
  readonly below: HTMLCanvasElement;
  readonly above: HTMLCanvasElement;
  readonly mode: HTMLSelectElement;
  readonly caption: HTMLElement;
}

function panel(id: string, mode: LrnMode): Panel {
  const figure = byId(id);
  const select = figure.querySelector("select")!;
  select.append(...Object.keys(lrnModes).map((name) => el("option", { value: name, selected: name === mode }, name)));
  const [below, above] = figure.querySelectorAll("canvas");
  return { figure, below, above, mode: select, caption: figure.querySelector("figcaption")! };
}

/** The heatmaps: two, side by side, where the network has LRN. */
export function mapPanels(changed: () => void) {
  const panels = [panel("map-a", "taylor"), panel("map-b", "identity")];
  const opacity = byId<HTMLInputElement>("opacity");
  const gain = byId<HTMLInputElement>("gain");
  let lrn = true;
  let drawn: readonly RelevanceMap[] = [];

  const mix = () => {
    const share = Number(opacity.value) / 100;
    opacity.setAttribute("aria-valuetext", `${opacity.value} %`);
    byId("opacity-value").textContent = `${opacity.value} %`;
    for (const { below, above } of panels) {
      above.style.opacity = `${share}`;
      below.style.opacity = `${1 - 0.9 * share}`;
    }
  };
  const amplify = () => {
    byId("gain-value").textContent = `${gain.value} ×`;
    gain.setAttribute("aria-valuetext", `${gain.value} times`);
    drawn.forEach(({ picture }, i) => {
      put(panels[i].above, inked(picture, Number(gain.value)));
    });
  };
  opacity.addEventListener("input", mix);
  gain.addEventListener("input", amplify);
  mix();
  amplify();
  for (const { mode } of panels) mode.addEventListener("change", changed);

  const show = ({ figure, below, caption }: Panel, seen: Picture, map: RelevanceMap, what: string) => {
    put(below, seen);
    const rule = map.mode ? ` LRN: ${lrnModes[map.mode].summary}.` : "";
    figure.setAttribute("aria-label", `Relevance for ${what}.${rule}`);
    caption.textContent = `ΣR ${short(map.sum)}, largest ${short(map.largest)}, ${milliseconds(map.ms)}`;
  };
  return {
    /** Photos have a few pixels of great relevance and many of little: they start amplified, drawings do not. */
    start(photo: boolean) {
      gain.value = photo ? "3" : "1";
      amplify();
    },
    fit(hasLrn: boolean) {
      lrn = hasLrn;
      byId("maps").classList.toggle("alone", !lrn);
      panels[1].figure.hidden = !lrn;
      for (const { mode } of panels) mode.parentElement!.hidden = !lrn;
    },
    modes: (): (LrnMode | undefined)[] => (lrn ? panels.map(({ mode }) => mode.value as LrnMode) : [undefined]),
    /** @param inkOnly whether the picture is a drawing, white on black, which follows the page's theme */
    show({ seen, maps }: Answer, what: string, inkOnly: boolean) {
      drawn = maps;
      amplify();
      for (const { below } of panels) below.classList.toggle("ink", inkOnly);
      maps.forEach((map, i) => {
        show(panels[i], seen, map, what);
      });
      const [a, b] = maps;
      byId("difference").hidden = !b;
      if (b)
        byId("difference").textContent =
          `The two heatmaps differ by ${percent(differenceOf(a.relevance.data, b.relevance.data))} of Σ|R|.`;
    },
  };
}
