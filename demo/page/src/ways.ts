import { composites, type LrnMode, lrnModes } from "relprop";
import { byId, el, percent } from "./dom.ts";
import { Cancelled } from "./engine.ts";
import { inked, put } from "./paint.ts";
import type { Answer, Opened, RelevanceMap } from "./protocol.ts";
import { differenceOf } from "./stage.ts";

/** Other rules, as they are chosen. */
export interface Way {
  readonly composite: string;
  readonly lrn?: LrnMode;
}

const USUAL = ["epsilonPlusFlat", "epsilonPlus", "epsilonAlpha2Beta1", "epsilonGammaBox", "epsilon", "gradient"];
const FOR_ATTENTION = ["attnLrp", "cpLrp", "attnLrpGamma", "epsilonPlusFlat", "gradient"];
const LRN: readonly LrnMode[] = ["taylor", "identity", "gradient"];

/** What is compared for a network: how LRN is passed, if it has that, and composites. */
function waysFor({ attention, lrn, composite }: Opened): Way[] {
  const others = (attention ? FOR_ATTENTION : USUAL).filter((name) => name !== composite);
  const usual = lrn ? LRN.map((mode) => ({ composite, lrn: mode })) : [{ composite }];
  return [...usual, ...others.map((name) => ({ composite: name }))];
}

const summaryOf = ({ composite, lrn }: Way) =>
  lrn ? `LRN: ${lrnModes[lrn].summary}` : composites.find(({ name }) => name === composite)!.summary;

/** A name in camel case breaks between its words. */
const breakable = (name: string) => name.split(/(?=[A-Z])/).flatMap((word) => [word, el("wbr")]);

interface Card {
  readonly way: Way;
  readonly button: HTMLButtonElement;
  readonly below: HTMLCanvasElement;
  readonly above: HTMLCanvasElement;
  readonly said: HTMLElement;
}

function card(way: Way, choose: (way: Way) => void): Card {
  const [below, above] = [el("canvas"), el("canvas")];
  const said = el("span", { className: "small" });
  const button = el(
    "button",
    { type: "button", className: "way", title: summaryOf(way), onclick: () => choose(way) },
    el("span", { className: "stack" }, below, above),
    el("strong", {}, ...(way.lrn ? [`LRN ${way.lrn}`] : breakable(way.composite))),
    said,
  );
  return { way, button, below, above, said };
}

/**
 * One heatmap for each of several rules. They are computed one after the other, once they can be seen, and no longer
 * than the answer beside which they stand.
 */
export function waysSideBySide(choose: (way: Way) => void, map: (way: Way) => Promise<RelevanceMap>) {
  const place = byId("ways");
  let cards: readonly Card[] = [];
  let isSeen = false;
  let wanted: { readonly answer: Answer; readonly isDrawing: boolean } | undefined;

  const fill = async () => {
    const mine = wanted;
    if (!mine || !isSeen) return;
    for (const each of cards) {
      each.button.classList.add("stale");
      try {
        const made = await map(each.way);
        if (wanted !== mine) return;
        draw(each, made, mine.answer, mine.isDrawing);
      } catch (error) {
        if (wanted !== mine || error instanceof Cancelled) return;
        each.said.textContent = "does not fit this network";
      }
    }
  };
  new IntersectionObserver(
    ([{ isIntersecting }]) => {
      const appears = isIntersecting && !isSeen;
      isSeen = isIntersecting;
      if (appears) void fill();
    },
    { rootMargin: "200px" },
  ).observe(place);

  return {
    fit(network: Opened) {
      cards = waysFor(network).map((way) => card(way, choose));
      place.replaceChildren(...cards.map(({ button }) => button));
    },
    show(answer: Answer, isDrawing: boolean, chosen: Way) {
      wanted = { answer, isDrawing };
      for (const { way, button } of cards) {
        const isLrnChosen = way.lrn === undefined || way.lrn === chosen.lrn;
        button.ariaPressed = `${way.composite === chosen.composite && isLrnChosen}`;
      }
      void fill();
    },
    /** The next answer is on its way. */
    stop() {
      wanted = undefined;
    },
  };
}

function draw({ button, below, above, said }: Card, map: RelevanceMap, answer: Answer, isDrawing: boolean): void {
  put(below, answer.seen);
  below.classList.toggle("ink", isDrawing);
  put(above, inked(map.picture));
  above.classList.toggle("smooth", !isDrawing);
  button.classList.remove("stale");
  const difference = differenceOf(answer.map, map);
  const compared = difference < 5e-4 ? "as shown above" : `differs by ${percent(difference)}`;
  const apart = answer.map.exploded ? "has not exploded" : compared;
  said.textContent = map.exploded ? "exploded: says nothing" : apart;
  said.classList.toggle("alarm", map.exploded);
}
