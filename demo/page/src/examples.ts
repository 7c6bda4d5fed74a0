import { type DemoName, demos } from "./demos.ts";
import { digits } from "./digits.ts";
import { byId, el } from "./dom.ts";
import { draw } from "./pad.ts";
import type { Stroke } from "./strokes.ts";

interface Choices {
  strokes(strokes: readonly Stroke[]): void;
  photo(url: string, name: string): void;
}

/** The networks to try, as tabs, and pictures for the one that is open. */
export function examples(choose: Choices) {
  const tabs = new Map<DemoName, HTMLButtonElement>();
  const labelled = (label: string, content: HTMLElement, onclick: () => void) => {
    const button = el("button", { type: "button", onclick }, content);
    button.setAttribute("aria-label", `Example ${label}`);
    return button;
  };
  const drawing = (strokes: readonly Stroke[], digit: number) => {
    const canvas = el("canvas", { width: 56, height: 56 });
    draw(canvas.getContext("2d")!, strokes);
    return labelled(demos.digits.classes[digit], canvas, () => choose.strokes(strokes));
  };
  const photo = ([name, url]: [string, string]) =>
    labelled(name, el("img", { src: url, alt: "", width: 160, height: 160 }), () => choose.photo(url, `${name}.jpg`));

  return {
    tab(label: string, demo: DemoName, onclick: () => void) {
      const button = el("button", { type: "button", onclick }, label);
      tabs.set(demo, button);
      byId("demos").append(button);
    },
    /** @param demo undefined for a network of somebody else @param like whose pictures fit */
    show(demo: DemoName | undefined, like: DemoName) {
      for (const [name, button] of tabs) button.ariaPressed = `${name === demo}`;
      const all = like === "photos" ? Object.entries(demos.photos.pictures).map(photo) : digits.map(drawing);
      byId("examples").replaceChildren(...all);
    },
  };
}
