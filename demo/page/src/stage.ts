import type { Picture } from "relprop";
import { byId, short } from "./dom.ts";
import { inked, put } from "./paint.ts";
import type { Answer, RelevanceMap } from "./protocol.ts";
import { type Placement, SIDE } from "./strokes.ts";

/** A network's picture of so many pixels can be shown in place of the photo. */
const FINE = 100;

/** The picture with its relevance on it, in the same place. */
export function stage() {
  const [heat, seen] = [byId<HTMLCanvasElement>("heat"), byId<HTMLCanvasElement>("seen")];
  const [pad, photo] = [byId("pad"), byId<HTMLImageElement>("photo")];
  const opacity = byId<HTMLInputElement>("opacity");
  const gain = byId<HTMLInputElement>("gain");
  let drawn: Picture | undefined;

  const mix = () => {
    const share = Number(opacity.value) / 100;
    opacity.setAttribute("aria-valuetext", `${opacity.value} %`);
    byId("opacity-value").textContent = `${opacity.value} %`;
    heat.style.opacity = `${share}`;
    for (const below of [pad, photo, seen]) below.style.opacity = `${1 - 0.75 * share}`;
  };
  const amplify = () => {
    byId("gain-value").textContent = `${gain.value} ×`;
    gain.setAttribute("aria-valuetext", `${gain.value} times`);
    if (drawn) put(heat, inked(drawn, Number(gain.value)));
  };
  opacity.addEventListener("input", mix);
  gain.addEventListener("input", amplify);
  mix();
  amplify();

  /** Lays the heatmap over the part of the pad that the network sees: in shares of the pad. */
  const lay = (left: number, top: number, side: number) =>
    Object.assign(heat.style, {
      left: `${100 * left}%`,
      top: `${100 * top}%`,
      width: `${100 * side}%`,
      height: `${100 * side}%`,
    });

  const clear = () => {
    drawn = undefined;
    byId("facts").textContent = "";
    heat.width = 0;
    seen.hidden = true;
    photo.hidden = !photo.src;
  };

  return {
    /** Takes a photo in place of the one that was there; without one, one draws. */
    put(file: File | undefined) {
      if (photo.src) URL.revokeObjectURL(photo.src);
      photo.removeAttribute("src");
      if (file) Object.assign(photo, { src: URL.createObjectURL(file), alt: file.name });
      pad.hidden = !!file;
      byId("result").classList.toggle("drawing", !file);
      byId("photo-facts").textContent = "";
      byId("clear").textContent = file ? "Back to drawing" : "Clear";
      clear();
    },
    /** What is shown is of another picture: only the picture stays. */
    clear,
    /** @param place where the drawing lies in what the network sees; undefined for a photo */
    show({ seen: picture, map }: Answer, what: string, place: Placement | undefined) {
      drawn = map.picture;
      amplify();
      heat.setAttribute("aria-label", `Relevance for ${what}`);
      heat.classList.toggle("smooth", !place);
      byId("facts").textContent = `sum ${short(map.sum)}, largest ${short(map.largest)}`;
      if (place) {
        const { factor, shift } = place;
        return lay(-shift[0] / factor / SIDE, -shift[1] / factor / SIDE, 1 / factor);
      }
      lay(0, 0, 1);
      // A coarse picture is shown as the photo that it was made of, which presets for those do not cut.
      const isFine = Math.min(picture.width, picture.height) >= FINE;
      if (isFine) put(seen, picture);
      seen.hidden = !isFine;
      photo.hidden = isFine;
    },
  };
}

/** Σ |R_a − R_b| as a share of Σ |R_a|: two heatmaps may look alike although each is scaled by its own largest pixel. */
export function differenceOf(
  { relevance: { data: a } }: RelevanceMap,
  { relevance: { data: b } }: RelevanceMap,
): number {
  let [apart, size] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    apart += Math.abs(a[i] - b[i]);
    size += Math.abs(a[i]);
  }
  return size > 0 ? apart / size : 0;
}
