import type { Progress } from "./calls.ts";
import { byId, percent } from "./dom.ts";

/** Shown only if something takes longer: milliseconds. */
const PATIENCE = 400;

/** What the worker is doing, for those who wait, with a way out. */
export function progressBar(cancel: () => void) {
  const bar = byId<HTMLProgressElement>("progress-bar");
  let timer: ReturnType<typeof setTimeout> | undefined;
  byId("cancel").addEventListener("click", cancel);
  return {
    tell({ doing, share }: Progress) {
      byId("progress-text").textContent = share === undefined ? doing : `${doing}, ${percent(share)}`;
      if (share === undefined) bar.removeAttribute("value");
      else bar.value = share;
      timer ??= setTimeout(() => {
        byId("progress").hidden = false;
      }, PATIENCE);
    },
    done() {
      clearTimeout(timer);
      timer = undefined;
      byId("progress").hidden = true;
    },
  };
}
